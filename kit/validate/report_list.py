"""The list of tasks of a report: a closed entry each, and the controls that filter and order it.

What it does: writes what can be read and filtered before a task is opened. What it does not: show
grids; the page's script draws them when a task is opened or comes into view.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.validate.report_html import duration, escape
from kit.validate.report_tasks import TaskView

STATUSES = {
    "solved": ("\u2713", "solved"),
    "part": ("\u25d0", "partly solved"),
    "close": ("\u2248", "close"),
    "failed": ("\u2717", "failed"),
    "answered": ("\u25cb", "answered"),
    "untried": ("\u2013", "not tried"),
}
"""Sign and words of each status, in the order of the filters."""

LEG_NAMES = {
    "model": "model",
    "search": "program search",
    "written": "written programs",
    "guess": "cheap guess",
}

SIZES = {
    "small": "small: up to 100 cells",
    "medium": "medium: up to 300",
    "large": "large: more than 300",
    "unknown": "not known",
}


def filters(tasks: Sequence[TaskView]) -> str:
    """The controls above the list of tasks."""
    statuses = [s for s in STATUSES if any(t.status == s for t in tasks)]
    radios = [_radio("all", "", "all", len(tasks))]
    for key in statuses:
        sign, words = STATUSES[key]
        count = sum(t.status == key for t in tasks)
        radios.append(_radio(key, sign, words, count))
    sizes = [s for s in SIZES if any(size_name(t.cells) == s for t in tasks)]
    legs = [leg for leg in LEG_NAMES if any(leg in t.legs for t in tasks)]
    return (
        '<fieldset class="chips"><legend>Show</legend>' + "".join(radios) + "</fieldset>"
        '<div class="fields">'
        '<label>Id<input id="search" type="search" autocomplete="off" spellcheck="false" '
        'placeholder="part of an id" aria-keyshortcuts="/"></label>'
        + _select("leg", "Proposed by", {leg: LEG_NAMES[leg] for leg in legs})
        + _select("size", "Largest grid", {size: SIZES[size] for size in sizes})
        + '<label>Order<select id="order"><option value="run">as in the run</option>'
        '<option value="id">by id</option><option value="cells">by size</option>'
        '<option value="seconds">by time, most first</option>'
        '<option value="margin">by margin, least certain first</option></select></label>'
        '<label class="check"><input id="errors" type="checkbox"> only with errors</label>'
        '<label class="check"><input id="digits" type="checkbox"> digits in cells</label></div>'
    )


def _radio(key: str, sign: str, words: str, count: int) -> str:
    checked = " checked" if key == "all" else ""
    mark = f'<span class="sign" aria-hidden="true">{sign}</span> ' if sign else ""
    return (
        f'<label class="chip {key}"><input type="radio" name="status" value="{key}"{checked}>'
        f'<span>{mark}{words} <b class="count">{count}</b></span></label>'
    )


def _select(name: str, label: str, options: dict[str, str]) -> str:
    rows = "".join(f'<option value="{key}">{words}</option>' for key, words in options.items())
    return f'<label>{label}<select id="{name}"><option value="">any</option>{rows}</select></label>'


def task_entries(tasks: Sequence[TaskView]) -> str:
    """All tasks, closed, in their order."""
    return "".join(_entry(index, task) for index, task in enumerate(tasks))


def _entry(index: int, task: TaskView) -> str:
    """A closed task; the script fills it when it is opened."""
    sign, words = STATUSES[task.status]
    facts = [LEG_NAMES[leg] for leg in task.legs]
    if task.cells:
        facts.append(f"{task.cells} cells")
    if task.seconds:
        facts.append(duration(task.seconds))
    if task.margin is not None:
        facts.append(f"margin {task.margin:.2f}")
    if len(task.answers) > 1:
        facts.append(f"{len(task.answers)} test inputs")
    error = '<span class="error">error</span>' if task.errors else ""
    margin = 2.0 if task.margin is None else task.margin
    return (
        f'<li data-i="{index}" data-status="{task.status}" data-size="{size_name(task.cells)}" '
        f'data-legs="{" ".join(task.legs)}" data-cells="{task.cells}" '
        f'data-seconds="{task.seconds:.3f}" data-margin="{margin:.4f}" '
        f'data-errors="{int(bool(task.errors))}"><details class="task"><summary>'
        f'<span class="badge {task.status}"><span aria-hidden="true">{sign}</span> {words}</span>'
        f'<span class="id">{escape(task.task_id)}</span>{error}'
        f'<span class="facts">{escape(", ".join(facts))}</span>'
        f'<span class="thumbs" aria-hidden="true"></span></summary></details></li>'
    )


def size_name(cells: int) -> str:
    """The key in SIZES of a task whose largest grid has so many cells."""
    if not cells:
        return "unknown"
    return "small" if cells <= 100 else "medium" if cells <= 300 else "large"
