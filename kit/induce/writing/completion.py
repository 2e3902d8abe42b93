"""From the text that a language model wrote to the program in it.

Texts are untrusted, and Python's parser can be brought down by what it parses: programs are cut
out by lines and compared by Python's tokenizer, which needs no recursion. Whether one parses is
found out in the sandbox.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

MAX_TEXT_CHARS = 256 * 2**10
"""Longer texts are cut; 1,536 tokens have some 6,000 characters."""

MAX_PROGRAM_BYTES = 32 * 2**10
"""A longer program is not read: transformations of grids have a few thousand characters."""

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([^\s`]*)[^\n`]*$", re.MULTILINE)
_DEFINES = re.compile(r"^(?:async[ \t]+)?def[ \t]+transform[ \t]*\(", re.MULTILINE)
_CODE_BEGINS = re.compile(
    r"^(?:import|from|def|class)\b|^@\w|^[A-Za-z_]\w*[ \t]*=[^=]", re.MULTILINE
)
_CODE_GOES_ON = re.compile(
    r"[ \t]|#|[)\]}]|@|(?:import|from|def|class|if|elif|else|for|while|try|except|finally|with"
    r"|return|assert|print)\b|[A-Za-z_][\w.]*[ \t]*(?:\[.*\][ \t]*)?[-+*/|&^]?=[^=]"
)
_NOT_MEANT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER})


def read_program(text: str) -> str | None:
    """The program in a text: the first fenced block that defines `transform`, else what looks
    like code around such a definition; a block that is not closed ends with the text. None when
    there is none, or when it is too long.
    """
    # What a reasoning model thought before it answered holds drafts.
    text = text[:MAX_TEXT_CHARS].rpartition("</think>")[2].replace("\r\n", "\n")
    blocks = [block for block in _fenced(text) if _DEFINES.search(block)]
    source = blocks[0] if blocks else _bare(text)
    if source is None:
        return None
    source = source.strip("\n") + "\n"
    return source if len(source.encode("utf-8", "replace")) <= MAX_PROGRAM_BYTES else None


def _fenced(text: str) -> Iterator[str]:
    """Contents of fenced blocks in order, with the indentation of the fence taken off."""
    begin = mark = None
    for fence in _FENCE.finditer(text):
        if begin is None:
            begin, mark = fence.end() + 1, fence[1]
        elif fence[1][0] == mark[0] and len(fence[1]) >= len(mark):
            block = text[begin : fence.start()]
            # A named fence opens a block: the one before it was never closed.
            begin, mark = (fence.end() + 1, fence[1]) if fence[2] else (None, None)
            yield _undented(block)
    if begin is not None:
        yield _undented(text[begin:])


def _undented(block: str) -> str:
    """A block that is indented as a whole, e.g. inside a list, moved to the margin."""
    lines = block.split("\n")
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] for line in lines) if margin else block


def _bare(text: str) -> str | None:
    """Code without a fence: from its first line to the last one that still looks like code."""
    defined = _DEFINES.search(text)
    if defined is None:
        return None
    begun = _CODE_BEGINS.search(text)
    begin = min(defined.start(), begun.start() if begun else defined.start())
    lines: list[str] = []
    for line in text[begin:].split("\n"):
        if _FENCE.match(line) or (line and not _CODE_GOES_ON.match(line)):
            # Prose before the definition: code begins again behind it.
            if any(_DEFINES.match(held) for held in lines):
                break
            lines = []
        else:
            lines.append(line)
    return "\n".join(lines)


def normalised(source: str) -> str:
    """A key that is equal for programs that differ in comments, blank lines, layout inside of
    lines or documentation only; the text itself where it is not even made of Python's tokens."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source.strip()
    kept: list[tuple[int, str]] = []
    for token in tokens:
        if token.type in _NOT_MEANT:
            continue
        text = token.string
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            text = tokenize.tok_name[token.type]
            if token.type == tokenize.NEWLINE and _is_remark(kept):
                kept.pop()
                continue
        kept.append((token.type, text))
    return "\x1f".join(text for _, text in kept)


def _is_remark(kept: list[tuple[int, str]]) -> bool:
    """Whether the last statement is nothing but a string."""
    starts = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    if not kept or kept[-1][0] != tokenize.STRING:
        return False
    return len(kept) == 1 or kept[-2][0] in starts


def program_bits(source: str) -> float:
    """Description length: about five bits for each of Python's tokens, comments aside."""
    return 5.0 * (normalised(source).count("\x1f") + 1)
