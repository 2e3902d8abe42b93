"""The report in a real browser; skipped where no Chromium is installed (see `browser`)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.__main__ import main
from tests.validate.browser import Browser, find_chromium
from tests.validate.report_runs import REASON, MadeRun, make_run

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

NUM_TASKS = 400
# Of the page's own thread: a busy machine makes everything late, but needs no more work.
MOST_OPEN_S = 2.0
ENTER, RIGHT = 13, 39


POOR_CONTRAST = """(() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll(
      'h1, h2, .lead, .card *, .badge, .error, .facts, .chip span, .tag, th, td, dt, dd, '
      + 'pre, summary, label, figcaption')) {
    const a = light(numbers(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (node.textContent.trim() && ratio < 4.5) poor.push(`${node.className} ${ratio}`);
  }
  return [...new Set(poor)];
})()"""
"""Classes of elements whose text differs too little from what is behind it (WCAG AA: 4.5)."""


ARC_COLOURS = (
    (0, 0, 0), (0, 116, 217), (255, 65, 54), (46, 204, 64), (255, 220, 0),
    (170, 170, 170), (240, 18, 190), (255, 133, 27), (127, 219, 255), (135, 12, 37),
)  # fmt: skip
"""Red, green and blue of the digits 0 to 9 in the testing interface of fchollet/ARC-AGI."""

CANVASES = "[...document.querySelectorAll('details[open] figure canvas')]"

FIRST_CELLS = (
    f"{CANVASES}."
    + """flatMap((canvas, n) => {
  const rows = canvas.getAttribute('aria-label').split(': ').pop().split('; ')
    .map(row => row.split(' ').map(Number));
  const gap = 1, cell = (canvas.width - gap) / rows[0].length, found = new Map();
  rows.forEach((row, y) => row.forEach((digit, x) => found.has(digit) || found.set(digit, [x, y])));
  const pen = canvas.getContext('2d');
  // The corner of a cell: neither a cross nor a digit reaches it.
  return [...found].map(([digit, [x, y]]) =>
    [n, digit, [...pen.getImageData(x * cell + gap, y * cell + gap, 1, 1).data]]);
})"""
)
"""[canvas, digit, red green blue and alpha] of one cell for each digit that a screen reader is told
of, in every grid of the open tasks."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """A run of many tasks; one of them has a name that would like to be markup."""
    ids = [f"{(i * 2654435761) % 2**32:08x}" for i in range(NUM_TASKS)]
    ids[5] = "<img src=x onerror=alert(1)>"[:28]
    return make_run(tmp_path_factory.mktemp("run"), ids, side=12)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(run: MadeRun) -> str:
    """Of the report."""
    out = run.folder / "report.html"
    assert main(["report", *run.arguments()]) == 0
    assert out.stat().st_size < 15e6
    return out.as_uri()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Browser]:
    """The report, freshly opened at a usual size; it never complains or loads anything."""
    browser.events.clear()
    browser.resize(1280, 900)
    browser.open("about:blank")
    browser.open(url)
    yield browser
    assert browser.complaints() == []


def shown(page: Browser) -> int:
    """Tasks in the list that can be seen."""
    return page.value("document.querySelectorAll('#list > li:not([hidden])').length")


def wait_for(page: Browser, count: str, least: int) -> int:
    """What an expression counts, once that is `least` or more.

    A task is filled when the browser comes to it, which takes a while on a busy machine.
    """
    until_s = time.monotonic() + 20
    while (found := page.value(count)) < least and time.monotonic() < until_s:
        time.sleep(0.05)
    assert found >= least
    return found


def test_a_run_of_400_tasks_opens_fast(browser: Browser, url: str) -> None:
    browser.ask("Performance.enable", timeDomain="threadTicks")
    browser.open("about:blank")
    browser.open(url)
    metrics = browser.ask("Performance.getMetrics")["metrics"]
    browser.ask("Performance.disable")
    spent_s = next(m["value"] for m in metrics if m["name"] == "TaskDuration")
    assert spent_s < MOST_OPEN_S
    assert shown(browser) == NUM_TASKS
    assert browser.complaints() == []


def test_filters_count_what_they_show(page: Browser) -> None:
    for status in ("solved", "close", "failed", "untried"):
        page.value(f"document.querySelector('input[value={status}]').click()")
        said = page.value(f"document.querySelector('.chip.{status} .count').textContent")
        assert shown(page) == int(said) > 0
        assert page.value("document.getElementById('shown').textContent") == (
            f"{said} of {NUM_TASKS} tasks shown"
        )
    page.value("document.getElementById('clear').click()")
    assert shown(page) == NUM_TASKS
    for control, value in (("leg", "search"), ("size", "small")):
        change = f"e.value = '{value}', e.dispatchEvent(new Event('input', {{bubbles: true}}))"
        page.value(f"(e => ({change}))(document.getElementById('{control}'))")
        assert 0 < shown(page) < NUM_TASKS


def test_a_task_is_found_and_opened_by_keys_alone(page: Browser) -> None:
    page.press("/", text="/")
    assert page.value("document.activeElement.id") == "search"
    page.type("9e3779b1")
    assert shown(page) == 1
    page.value("document.querySelector('#list > li:not([hidden]) summary').focus()")
    page.press("Enter", ENTER, "\r")
    wait_for(page, "document.querySelectorAll('details[open] figure canvas[aria-label]').length", 6)
    assert page.value("location.hash").endswith("find=9e3779b1&task=9e3779b1")
    page.value("document.querySelector('input[name=status]').focus()")
    page.press("ArrowRight", RIGHT)
    assert page.value("document.querySelector('input[name=status]:checked').value") == "solved"


def test_grids_are_drawn_in_arcs_colours(page: Browser) -> None:
    opened = "document.querySelectorAll('details.task > summary')"
    for place in (1, 2, 3):
        page.value(f"{opened}[{place}].click()")
    wait_for(page, "document.querySelectorAll('details.task[open] > .body').length", 3)
    drawn = page.value(f"{CANVASES}.length")
    cells = page.value(FIRST_CELLS)
    assert {canvas for canvas, _, _ in cells} == set(range(drawn))
    assert {digit for _, digit, _ in cells} == set(range(10))
    assert [cell for cell in cells if cell[2] != [*ARC_COLOURS[cell[1]], 255]] == []


def test_a_proposal_says_which_views_voted_for_it(page: Browser) -> None:
    page.value("document.querySelectorAll('details.task > summary')[1].click()")
    wait_for(page, "document.querySelectorAll('details.task[open] > .body').length", 1)
    lists = "[...document.querySelectorAll('details.task[open] .candidates > li .views')]"
    said = page.value(f"{lists}.map(list => [...list.children].map(e => e.textContent))")
    lines = [line for lines in said for line in lines]
    assert sorted(int(line.split(":")[0].removeprefix("view ")) for line in lines) == [*range(8)]
    assert [line for line in lines if "untouched" in line] == ["view 0: untouched"]
    moved = re.compile(r"view [1-7]: ((rotate90|rotate180|flip_lr|transpose), )?colours 0\d{9}")
    assert all(moved.fullmatch(line) for line in lines if "untouched" not in line)


def test_an_address_brings_a_task_back(page: Browser, url: str) -> None:
    page.open("about:blank")
    page.open(f"{url}#status=close&order=id&task=3c6ef362")
    state = "[...document.querySelectorAll('details.task[open] .id')].map(e => e.textContent)"
    assert page.value(state) == ["3c6ef362"]
    assert page.value("document.querySelector('input[name=status]:checked').value") == "close"
    ids = "[...document.querySelectorAll('#list .id')].map(e => e.textContent)"
    found = page.value(ids)
    assert found == sorted(found)


def test_a_name_that_would_be_markup_is_text(page: Browser) -> None:
    page.value("document.querySelectorAll('#list > li')[5].querySelector('summary').click()")
    assert page.value("document.images.length") == 0
    assert "<img" in page.value("document.querySelectorAll('#list .id')[5].textContent")


def test_a_plan_says_why_it_was_made(page: Browser) -> None:
    page.value("document.querySelectorAll('#list summary')[1].click()")
    heads = "[...document.querySelectorAll('details[open] .steps thead th')]"
    column = page.value(f"{heads}.findIndex(e => e.textContent === 'why')")
    rows = "[...document.querySelectorAll('details[open] .steps tbody tr')]"
    said = page.value(f"{rows}.map(row => row.cells[{column}].textContent)")
    assert REASON in said and set(said) <= {REASON, "no reason in the journal"}


def test_everything_that_can_be_used_has_a_name(page: Browser) -> None:
    page.value("document.querySelectorAll('#list summary')[2].click()")
    page.ask("Accessibility.enable")
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    page.ask("Accessibility.disable")
    kinds = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "image"}
    used = [n for n in nodes if n.get("role", {}).get("value") in kinds and not n["ignored"]]
    assert len(used) > 20
    assert [n["role"] for n in used if not n.get("name", {}).get("value", "").strip()] == []


def test_it_fits_every_width(page: Browser) -> None:
    page.value("document.querySelectorAll('#list summary')[3].click()")
    for width in (320, 768, 1600):
        page.resize(width, 800)
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), width


def test_text_stands_out_in_both_schemes(page: Browser) -> None:
    page.value("document.querySelectorAll('#list summary')[3].click()")
    for scheme in ("light", "dark"):
        page.resize(1280, 900, scheme)
        assert page.value(POOR_CONTRAST) == []


def test_it_can_be_looked_at(page: Browser, tmp_path: Path) -> None:
    page.picture(tmp_path / "top.png")
    assert (tmp_path / "top.png").read_bytes().startswith(b"\x89PNG")
