"""Words and numbers as parts of a page: escaped, so that no id or file name can become markup."""

from __future__ import annotations

import html
from collections.abc import Sequence


def escape(text: object) -> str:
    """Text as HTML, in an attribute too; bytes of a file name that are no text are written out."""
    plain = str(text).encode("utf-8", "backslashreplace").decode()
    return html.escape("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in plain))


def duration(seconds: float) -> str:
    """A time for people: 0.4 s, 12 s, 3:20 min, 1:02:03 h."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.005 else "0 s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, last = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{last:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{last:02} h"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, css: str = "") -> str:
    """A table; cells are HTML already, the first one of each row names it, the others are numbers.

    Args:
        caption: what it is, for people.
    """
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return (
        f'<div class="scroll"><table class="{css}"><caption>{caption}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def card(name: str, value: str, note: str = "") -> str:
    """One figure of the summary; all of it is HTML already."""
    small = f'<dd class="note">{note}</dd>' if note else ""
    return f'<div class="card"><dt>{name}</dt><dd class="value">{value}</dd>{small}</div>'


def for_script(text: str) -> str:
    """JSON text that can stand in a script element: no tag or comment can begin or end in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
