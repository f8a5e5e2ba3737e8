"""The boards, in the order in which one reads them."""

from dashboards.boards import cascade, compare, herd, loadgen, overload, overview, queue, service, slo
from dashboards.model import Board

BOARDS: tuple[Board, ...] = (
    overview.BOARD, slo.BOARD, compare.BOARD, cascade.BOARD, herd.BOARD, overload.BOARD, queue.BOARD, service.BOARD,
    loadgen.BOARD,
)  # fmt: skip
