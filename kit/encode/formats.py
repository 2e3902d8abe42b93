"""The text formats of published ARC models, as data.

`numpy` is the layout of the test-time-training paper, `words` that of BARC, `chat` that of NVARC
(one character per cell, one turn per grid), `architects` that of the ARChitects 2024. The layout
(separators, turns, colour words) is theirs; instructions are in our own words. A checkpoint that
wants others names them under "texts" in its `arc_format.json`, field by field of `TextFormat`.
Role markers are chosen by the tokenizer's special tokens; chat templates are not run.

Sources: Akyurek et al. 2024 (arXiv 2411.07279), Li et al. 2024 (2411.02272), the ARChitects'
technical report 2024, NVARC's write-up 2025.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping
from dataclasses import replace

from kit.arc.names import did_you_mean
from kit.encode.prompt import STRING_FIELDS, TextFormat, fill

WORDS = ("Black", "Blue", "Red", "Green", "Yellow", "Gray", "Pink", "Orange", "Purple", "Brown")

_NUMPY = TextFormat(
    name="numpy",
    cell_sep=" ",
    row_sep="]\n [",
    grid_open="[[",
    grid_close="]]",
    head=(
        "{system}One hidden rule turns each input grid into its output grid. Work out the rule "
        "from the examples and write the output of the last input in the same notation.\n"
        "Grids are Python arrays of colours 0 to 9:\n"
    ),
    demo_middle=" -> ",
    demo_end="#",
    demo_sep="\n",
    query_open="{end}{next}{user}",
    # Chat templates trim messages, so no space follows the arrow here.
    query_middle=" ->{end}{next}{assistant}",
    answer_close="#",
)

_WORDS = TextFormat(
    name="words",
    cells=WORDS,
    cell_sep=" ",
    head=(
        "{system}You find the rule behind pairs of grids and apply it.{end}{next}"
        "{user}In every example the same rule turns the input grid into the output grid. A grid "
        "is one line per row, its cells named by colour with spaces between them.\n"
    ),
    demo_open="Example {index}\nInput:\n",
    demo_middle="\n\nOutput:\n",
    demo_end="\n",
    demo_close="\n\n",
    query_open="Now the test input:\nInput:\n",
    query_middle="\n\n\nWrite only its output grid.{end}{next}{assistant}",
    answer_open="```\n",
    answer_close="\n```",
)

_CHAT = TextFormat(
    name="chat",
    demo_open="{user}",
    demo_middle="{end}{assistant}",
    demo_end="{end}",
    query_open="{user}",
    query_middle="{end}{assistant}",
)

_ARCHITECTS = TextFormat(
    name="architects",
    terminated=True,
    # Letters that the model can learn to compute on; those that mark grids are left out.
    head="".join(c for c in string.ascii_uppercase + string.ascii_lowercase if c not in "IOio"),
    demo_open="I",
    demo_middle="+/-=O",
    demo_end="{eos}",
    query_open="I",
    query_middle="+/-=O",
    answer_end="{eos}",
)

TEXT_FORMATS = {form.name: form for form in (_NUMPY, _WORDS, _CHAT, _ARCHITECTS)}

CHATS: dict[str, dict[str, str]] = {
    "chatml": {
        "system": "<|im_start|>system\n",
        "user": "<|im_start|>user\n",
        "assistant": "<|im_start|>assistant\n",
        "end": "<|im_end|>",
        "next": "\n",
    },
    "llama3": {
        "system": "<|start_header_id|>system<|end_header_id|>\n\n",
        "user": "<|start_header_id|>user<|end_header_id|>\n\n",
        "assistant": "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "end": "<|eot_id|>",
        "next": "",
    },
    "plain": {
        "system": "",
        "user": "\nUser:\n",
        "assistant": "\nAssistant:\n",
        "end": "{eos}",
        "next": "",
    },
}
"""Role markers of chat models. "plain" is for tokenizers that have none."""

# Models from 3.1 on were trained with dates at the start of the system message.
CHATS["llama3.1"] = {
    **CHATS["llama3"],
    "system": CHATS["llama3"]["system"]
    + "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
}


def choose_chat(tokens: Collection[str]) -> str:
    """Name of the chat whose special tokens a tokenizer has."""
    if "<|im_start|>" in tokens and "<|im_end|>" in tokens:
        return "chatml"
    if "<|start_header_id|>" in tokens and "<|eot_id|>" in tokens:
        return "llama3.1" if "<|eom_id|>" in tokens else "llama3"
    return "plain"


def text_format(name: str, texts: Mapping[str, str] | None = None) -> TextFormat:
    """A format by name, some of its strings replaced.

    Raises:
        ValueError: unknown format, or unknown or non-text field in `texts`.
    """
    if name not in TEXT_FORMATS:
        raise ValueError(_unknown("text format", name, TEXT_FORMATS))
    for field, text in (texts or {}).items():
        if field not in STRING_FIELDS:
            raise ValueError(_unknown(f"text of format {name}", field, STRING_FIELDS))
        if not isinstance(text, str):
            raise ValueError(f"text {field} of format {name} must be a string, got {text!r}")
    return replace(TEXT_FORMATS[name], **(texts or {}))


def chat_slots(name: str, eos: str) -> dict[str, str]:
    """Values of all slots but `{index}` for a chat by name; ValueError if there is none such."""
    if name not in CHATS:
        raise ValueError(_unknown("chat", name, CHATS))
    return {**{k: fill(v, {"eos": eos}) for k, v in CHATS[name].items()}, "eos": eos}


def _unknown(what: str, got: str, known: Collection[str]) -> str:
    return f"unknown {what} {got!r}{did_you_mean(str(got), known)}, known: {', '.join(known)}"
