"""The page in a real browser: all charts drawn, no complaint, narrow and wide, light, dark and on paper."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rulezero.report.html import render_html
from tests.report import browser
from tests.report.synthetic_record import synthetic_record

pytestmark = [
    pytest.mark.wall_clock,
    pytest.mark.skipif(
        browser.find() is None, reason="no Chromium on PATH, so no page was looked at; install chromium"
    ),
]

ARMS = ("none", "naive", "timeout", "circuit_breaker", "bulkhead", "deadline", "all")
DRAWN_S_MAX = 30.0
DRAWN = "[...document.querySelectorAll('[data-figure]')].every((place) => place.querySelector('svg'))"
# Axes and legends are marks as well; those of the data have the role "mark".
MARKS = """Object.fromEntries([...document.querySelectorAll('[data-figure]')].map((place) => [
  place.dataset.figure,
  [...place.querySelectorAll('g.role-mark path')].filter((path) => path.getAttribute('d')).length,
]))"""
TOO_WIDE = """[...document.querySelectorAll('body *')].filter((each) => !each.closest('.scroll') &&
  each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))"""
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
COLOURS = """[getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector('[data-figure] .role-axis-label text')).fill]"""
LIGHT, DARK = ["rgb(255, 255, 255)", "rgb(27, 31, 36)"], ["rgb(20, 23, 26)", "rgb(230, 233, 236)"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a record of seven arms."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(synthetic_record(path.parent, arms=ARMS)), encoding="utf-8")
    return path


@asynccontextmanager
async def shown(
    report: Path, *, width: int, scheme: str = "light", media: str = "screen"
) -> AsyncIterator[browser.Page]:
    program = browser.find()
    assert program is not None
    async with browser.open_page(program) as page:
        await page.open(report, width=width, height=800, scheme=scheme, media=media)
        async with asyncio.timeout(DRAWN_S_MAX):
            while not await page.evaluate(DRAWN):  # noqa: ASYNC110 - the page is another program and cannot set an event.
                await asyncio.sleep(0.1)
        yield page


@pytest.mark.parametrize(
    ("width", "scheme", "colours"), [(1280, "light", LIGHT), (1280, "dark", DARK), (400, "light", LIGHT)]
)
async def test_every_chart_is_drawn_and_nothing_is_wrong(
    report: Path, width: int, scheme: str, colours: list[str]
) -> None:
    """Marks in every chart, no error in the console, no request, nothing wider than the window but what scrolls."""
    async with shown(report, width=width, scheme=scheme) as page:
        marks = await page.evaluate(MARKS)
        assert {f"{kind}-{arm}" for kind in ("outcomes", "latency", "attempts") for arm in range(7)} <= set(marks)
        assert {key: count for key, count in marks.items() if not count} == {}
        assert await page.evaluate(OVERFLOW) == 0
        assert await page.evaluate(TOO_WIDE) == []
        assert await page.evaluate(COLOURS) == colours
        assert page.errors == []
        assert {address.partition(":")[0] for address in page.requested} == {"file"}


async def test_the_first_screen_has_question_verdict_and_chart(report: Path) -> None:
    """On a small laptop, without scrolling."""
    async with shown(report, width=1280) as page:
        bottom = "document.querySelector('[data-figure=comparison] svg').getBoundingClientRect().bottom"
        assert 0 < await page.evaluate(bottom) <= 800


async def test_on_paper_it_is_light(report: Path) -> None:
    """Whatever the screen is set to; nothing is cut at the edge, and there is a first sheet."""
    async with shown(report, width=794, scheme="dark", media="print") as page:
        assert await page.evaluate(COLOURS) == LIGHT
        assert await page.evaluate(OVERFLOW) == 0
        assert len(await page.print()) > 10_000


async def test_an_error_of_the_page_is_noticed(tmp_path: Path) -> None:
    """Or the other tests would prove nothing."""
    broken = tmp_path / "broken.html"
    broken.write_text(
        "<script>console.error('no'); missing()</script><img src='http://127.0.0.1:9/'>", encoding="utf-8"
    )
    program = browser.find()
    assert program is not None
    async with browser.open_page(program) as page:
        await page.open(broken, width=400, height=800)
        assert len(page.errors) >= 2
        assert "http://127.0.0.1:9/" in page.requested
