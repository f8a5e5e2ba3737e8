"""`python -m dashboards build | check | push | preview`: boards and rules, from code to where they are used."""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from dashboards.boards import BOARDS
from dashboards.grafana_json import JSON, board_files
from dashboards.preview import picture
from dashboards.prometheus_api import NoAnswer, Prometheus, Span
from dashboards.push import NotPushed, push
from dashboards.recorded import last_change_s, serving
from dashboards.rules import RULES, rule_files
from dashboards.slo import read_promises

_EXIT_DRIFT, _EXIT_UNAVAILABLE = 1, 69
_LAST_S = 900.0


def generated() -> Mapping[Path, str]:
    """Return every generated file and its text."""
    return {**board_files(BOARDS), **rule_files(read_promises())}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    parsed = _parser().parse_args(argv)
    try:
        status: int = parsed.verb(parsed)
    except (NoAnswer, NotPushed) as problem:
        print(f"dashboards: {problem}", file=sys.stderr)  # noqa: T201 - the command line's own output.
        return _EXIT_UNAVAILABLE
    return status


def _build(_: argparse.Namespace) -> int:
    files = generated()
    for path in _committed() - set(files):
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _check(_: argparse.Namespace) -> int:
    drifted = drift()
    for path in drifted:
        print(f"{path} is not what the code makes; run: python -m dashboards build")  # noqa: T201 - as above.
    return _EXIT_DRIFT if drifted else 0


def drift() -> list[Path]:
    """Return the files that differ from what the code makes, or that it does not make at all."""
    files = generated()
    present = _committed()
    differing = {path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text}
    return sorted(differing | (present - set(files)))


def _committed() -> set[Path]:
    return {*JSON.glob("*.json"), *RULES.glob("*.yaml")}


def _push(parsed: argparse.Namespace) -> int:
    address = urlsplit(parsed.grafana)
    count = push(address.netloc + address.path.rstrip("/"), address.scheme, parsed.login, sorted(JSON.glob("*.json")))
    print(f"{count} boards are in the folder Bench of {parsed.grafana}")  # noqa: T201 - as above.
    return 0


def _preview(parsed: argparse.Namespace) -> int:
    with ExitStack() as stack:
        source, now_s = parsed.prometheus, time.time()
        if "://" not in source:
            now_s = last_change_s(Path(source))
            source = stack.enter_context(serving(Path(source)))
        prometheus = Prometheus(source)
        span = _span(parsed, now_s) or prometheus.loaded_span(now_s) or Span(start_s=now_s - _LAST_S, end_s=now_s)
        parsed.out.mkdir(parents=True, exist_ok=True)
        chosen = [board for board in BOARDS if not parsed.board or board.name in parsed.board]
        for board in chosen:
            drawn = picture(board, prometheus, span)
            path = parsed.out / f"{board.name}.png"
            path.write_bytes(drawn.png)
            print(f"{path}: {drawn.told}")  # noqa: T201 - as above.
    return 0


def _span(parsed: argparse.Namespace, now_s: float) -> Span | None:
    if parsed.start is None and parsed.end is None:
        return None
    end_s = now_s if parsed.end is None else parsed.end
    return Span(start_s=end_s - _LAST_S if parsed.start is None else parsed.start, end_s=end_s)


def _instant(text: str) -> float:
    """Return an instant, given in seconds since the epoch or as ISO 8601."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).astimezone().timestamp()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    build = verbs.add_parser("build", help="write the boards' JSON and the rules")
    build.set_defaults(verb=_build)
    check = verbs.add_parser("check", help="fail when what is written is not what the code makes")
    check.set_defaults(verb=_check)
    pushing = verbs.add_parser("push", help="send the boards to a Grafana that does not read them from files")
    pushing.add_argument("--grafana", default=os.environ.get("RULEZERO_GRAFANA", "http://127.0.0.1:3000"))
    pushing.add_argument("--login", default=os.environ.get("RULEZERO_GRAFANA_TOKEN", "admin:admin"))
    pushing.set_defaults(verb=_push)
    preview = verbs.add_parser("preview", help="draw every board without Grafana")
    preview.add_argument("--prometheus", default="http://127.0.0.1:9090", help="URL, or a folder of samples")
    preview.add_argument("--start", type=_instant, help="of the range: ISO 8601, or seconds since the epoch")
    preview.add_argument("--end", type=_instant, help="of the range; without both, all load of the last two days")
    preview.add_argument("--board", action="append", help="only this one, such as overview; may be repeated")
    preview.add_argument("--out", type=Path, default=Path("docs/boards"))
    preview.set_defaults(verb=_preview)
    return parser


if __name__ == "__main__":
    sys.exit(main())
