"""The page of a report: one HTML file that needs nothing else, from what `report_tasks` gathered.

What it does: writes summary, charts and one entry per task; style and script lie beside this file
(`report.html`, `report.css`, `report.js`) and are put in. Everything from a run goes through
`escape` or into one block of JSON; the page's own policy lets no other script run and nothing be
loaded. What it does not: count, or decide what a task's fate is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from kit.validate.report_charts import bar, thinned, time_chart
from kit.validate.report_html import card, duration, escape, for_script, table
from kit.validate.report_list import LEG_NAMES, filters, task_entries
from kit.validate.report_tasks import RunView
from kit.validate.report_totals import (
    fates,
    leg_results,
    peak_bytes,
    scores,
    stage_costs,
    time_points,
    total_counts,
)

_ENDS = {"done": "all done", "time": "time used up", "lost": "no worker left"}


def page(view: RunView) -> str:
    """The whole file."""
    folder = Path(__file__).parent
    read = {name: (folder / f"report.{name}").read_text("utf-8") for name in ("html", "css", "js")}
    name = escape(view.subject.name)
    parts = {
        "policy": _policy(read["css"], read["js"]),
        "title": f"Report of {name}",
        "css": read["css"],
        "js": read["js"],
        "name": name,
        "lead": _lead(view),
        "problems": _problems(view),
        "cards": _cards(view),
        "curve": _curve(view),
        "stages": _stages(view),
        "fates": _fates(view),
        "legs": _legs(view),
        "options": _options(view),
        "filters": filters(view.tasks),
        "tasks": task_entries(view.tasks),
        "data": for_script(view.data),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], read["html"])


def _policy(css: str, js: str) -> str:
    """What the browser may run and load: this style, this script, nothing else."""
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js)
    ]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _lead(view: RunView) -> str:
    """One sentence on what this is."""
    story, tasks = view.subject.story, view.subject.tasks
    source = escape(tasks.source) if tasks else "a task set that is not known here"
    if story.end is not None:
        stopped = str(story.end.get("stopped"))
        ended = f"ended: {escape(_ENDS.get(stopped, f'stopped by {stopped}'))}"
    else:
        ended = "no end in its journal: still going on, or it died" if story.starts else "empty"
    again = f", {len(story.starts)} starts" if len(story.starts) > 1 else ""
    return f"{source}; {ended}{again}"


def _problems(view: RunView) -> str:
    if not view.problems:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in view.problems)
    return f'<section class="problems" aria-label="Problems"><ul>{lines}</ul></section>'


def _cards(view: RunView) -> str:
    """The figures at the top."""
    story = view.subject.story
    tried = [task for task in view.tasks if task.tried]
    work_s = sum(cost.seconds for cost in stage_costs(view))
    cards = [*_score_cards(view)]
    cards.append(card("tasks tried", f"{len(tried)}", f"of {len(view.tasks)}"))
    if story.wall_s:
        cards.append(card("wall time", duration(story.wall_s)))
    cards.append(card("work", duration(work_s), "all stages, all workers"))
    solved = sum(task.status == "solved" for task in tried)
    if solved:
        cards.append(card("work per task solved", duration(work_s / solved)))
    if peak := peak_bytes(story):
        cards.append(card("peak memory", f"{peak / 2**20:,.0f} MiB", "in one worker"))
    errors = sum(bool(task.errors) for task in view.tasks)
    cards.append(card("tasks with errors", f"{errors}"))
    return "".join(cards)


def _score_cards(view: RunView) -> list[str]:
    """Scores over the tasks that were tried, and over all, where solutions are known."""
    tried, whole = scores([t for t in view.tasks if t.tried]), scores(view.tasks)
    if whole is None:
        return [card("score", "not known", "made without solutions")]
    cards = []
    if tried is not None:
        cards.append(
            card(
                "score of tasks tried",
                f"{tried.points / tried.tasks:.1%}",
                f"{tried.points:.2f} of {tried.tasks} (partial credit)",
            )
        )
    note = f"{whole.points:.2f} of {whole.tasks}"
    if any(a.legs == ("guess",) for t in view.tasks if not t.tried for a in t.answers):
        note += ", cheap guesses where not tried"
    cards.append(card("score of all tasks", f"{whole.points / whole.tasks:.1%}", note))
    outputs = f"{whole.outputs_right} of {whole.outputs} outputs"
    cards.append(card("solved whole", f"{whole.whole}", outputs))
    return cards


def _curve(view: RunView) -> str:
    """Chart and table of what was reached over time."""
    points = time_points(view)
    scored = any(task.is_known for task in view.tasks)
    by_clock = view.subject.story.has_clock()
    clock = "time of the run" if by_clock else "work, all workers (this journal has no times)"
    end_s = view.subject.story.wall_s if by_clock else 0.0
    if not points:
        return '<p class="empty">Nothing was answered yet.</p>'
    head = ["after", "tasks answered", *(["tasks solved"] if scored else [])]
    rows = [
        [duration(p.time_s), str(p.tried), *([f"{p.points:.2f}"] if scored else [])]
        for p in thinned(points, 20)
    ]
    return (
        time_chart(points, end_s, scored, clock)
        + "<details><summary>As a table</summary>"
        + table(head, rows, "Reached over time")
        + "</details>"
    )


def _stages(view: RunView) -> str:
    """Where the time went."""
    costs = stage_costs(view)
    total = sum(cost.seconds for cost in costs) or 1.0
    scored = any(task.is_known for task in view.tasks)
    head = ["stage", "seconds", "share", "tasks"] + (["on solved tasks"] if scored else []) + [""]
    rows = []
    for cost in costs:
        row = [
            escape(cost.stage),
            f"{cost.seconds:,.1f}",
            f"{cost.seconds / total:.0%}",
            str(cost.tasks),
        ]
        row += [f"{cost.solved_s:,.1f} s"] if scored else []
        rows.append([*row, bar(cost.seconds / total, cost.solved_s / total)])
    if not rows:
        return '<p class="empty">No work was done yet.</p>'
    note = " (first part of each bar: on tasks that were solved)" if scored else ""
    return table(head, rows, f"Seconds of work by stage{note}", "bars")


def _fates(view: RunView) -> str:
    """Where points are lost; nothing without solutions."""
    counted = fates(view.tasks)
    total = sum(counted.values()) or 1
    rows = [
        [escape(fate), str(n), f"{n / total:.0%}", bar(n / total)] for fate, n in counted.items()
    ]
    head = ("test inputs", "count", "share", "")
    return table(head, rows, "Where points are won and lost", "bars") if rows else ""


def _legs(view: RunView) -> str:
    """What each way of proposing grids did."""
    scored = any(task.is_known for task in view.tasks)
    rows = [
        [LEG_NAMES[leg.leg], str(leg.outputs), *([str(leg.right)] if scored else [])]
        for leg in leg_results(view.tasks)
    ]
    head = ("proposed by", "answers", *(["right"] if scored else []))
    return table(head, rows, "Answers by what proposed them (some by several)") if rows else ""


def _options(view: RunView) -> str:
    """Options of the newest start, and what was counted."""
    story = view.subject.story
    counts = total_counts(story)
    shown = ""
    if counts:
        rows = [[escape(name), f"{n:,}"] for name, n in counts.items()]
        head = ("counted", "in all")
        counted = table(head, rows, "Everything that the stages counted")
        shown += f"<details><summary>Counts of all stages</summary>{counted}</details>"
    if story.starts:
        text = escape(json.dumps(story.starts[-1], indent=1))
        shown += (
            "<details><summary>Options of the run</summary>"
            f'<pre tabindex="0" aria-label="Options as JSON">{text}</pre></details>'
        )
    return shown
