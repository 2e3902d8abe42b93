"""Prompts of every format, written out by hand, and reading answers back."""

from __future__ import annotations

import pytest

from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.encode.encoding import DecodeError
from kit.encode.formats import TEXT_FORMATS, chat_slots, choose_chat, text_format
from kit.encode.prompt import write_prompt

FIRST = Pair(((0, 0, 5), (0, 5, 0)), ((1, 2, 3), (4, 6, 7)))
SECOND = Pair(((8, 9, 0), (1, 1, 1)), ((2, 2, 2), (3, 3, 3)))
QUERY = ((5, 5, 5), (6, 0, 6))
ANSWER = ((7, 0, 8), (9, 0, 1))

NUMPY_LLAMA3 = """\
<|start_header_id|>system<|end_header_id|>

One hidden rule turns each input grid into its output grid. Work out the rule from the examples \
and write the output of the last input in the same notation.
Grids are Python arrays of colours 0 to 9:
[[0 0 5]
 [0 5 0]] -> [[1 2 3]
 [4 6 7]]#
[[8 9 0]
 [1 1 1]] -> [[2 2 2]
 [3 3 3]]#<|eot_id|><|start_header_id|>user<|end_header_id|>

[[5 5 5]
 [6 0 6]] -><|eot_id|><|start_header_id|>assistant<|end_header_id|>

"""

WORDS_CHATML = """\
<|im_start|>system
You find the rule behind pairs of grids and apply it.<|im_end|>
<|im_start|>user
In every example the same rule turns the input grid into the output grid. A grid is one line per \
row, its cells named by colour with spaces between them.
Example 1
Input:
Black Black Gray
Black Gray Black

Output:
Blue Red Green
Yellow Pink Orange


Example 2
Input:
Purple Brown Black
Blue Blue Blue

Output:
Red Red Red
Green Green Green


Now the test input:
Input:
Gray Gray Gray
Pink Black Pink


Write only its output grid.<|im_end|>
<|im_start|>assistant
"""

CHAT_CHATML = """\
<|im_start|>user
005
050<|im_end|><|im_start|>assistant
123
467<|im_end|><|im_start|>user
890
111<|im_end|><|im_start|>assistant
222
333<|im_end|><|im_start|>user
555
606<|im_end|><|im_start|>assistant
"""

ARCHITECTS = """\
ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjklmnpqrstuvwxyzI005
050
+/-=O123
467
</s>I890
111
+/-=O222
333
</s>I555
606
+/-=O"""

CHAT_PLAIN = """\

User:
005
050</s>
Assistant:
123
467</s>
User:
890
111</s>
Assistant:
222
333</s>
User:
555
606</s>
Assistant:
"""

GOLDEN = [
    ("numpy", "llama3", NUMPY_LLAMA3, "[[1 2 3]\n [4 6 7]]#", "[[7 0 8]\n [9 0 1]]#"),
    (
        "words",
        "chatml",
        WORDS_CHATML,
        "Blue Red Green\nYellow Pink Orange\n",
        "```\nOrange Black Purple\nBrown Black Blue\n```",
    ),
    ("chat", "chatml", CHAT_CHATML, "123\n467<|im_end|>", "708\n901"),
    ("chat", "plain", CHAT_PLAIN, "123\n467</s>", "708\n901"),
    ("architects", "plain", ARCHITECTS, "123\n467\n</s>", "708\n901\n"),
]


@pytest.mark.parametrize(("name", "chat", "text", "output", "answer"), GOLDEN)
def test_golden_prompts(name, chat, text, output, answer):
    form = text_format(name).filled(chat_slots(chat, "</s>"))
    prompt = write_prompt(form, [FIRST, SECOND], QUERY)
    assert prompt.text == text
    begin, end = prompt.output_spans[0]
    assert text[begin:end] == output
    assert len(prompt.output_spans) == 2
    assert form.answer_text(ANSWER) == answer
    assert "{" not in text


def test_the_end_token_of_each_format():
    slots = chat_slots("chatml", "</s>")
    ends = {name: text_format(name).filled(slots).answer_end for name in TEXT_FORMATS}
    assert ends == {
        "numpy": "<|im_end|>",
        "words": "<|im_end|>",
        "chat": "<|im_end|>",
        "architects": "</s>",
    }


def test_llama31_has_dates_in_its_system_message():
    form = text_format("words").filled(chat_slots("llama3.1", "<|eot_id|>"))
    assert form.head.startswith(
        "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
        "Today Date: 26 Jul 2024\n\nYou find"
    )


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_query_start_is_shared_by_all_queries(name):
    form = text_format(name).filled(chat_slots("chatml", "</s>"))
    a = write_prompt(form, [FIRST, SECOND], QUERY)
    b = write_prompt(form, [FIRST, SECOND], ANSWER)
    assert a.query_start == b.query_start > max(end for _, end in a.output_spans) - 1
    assert a.text[: a.query_start] == b.text[: b.query_start]


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_reading_inverts_writing(name):
    form = text_format(name)
    rng = python_rng(3, "formats", name)
    sizes = [(1, 1), (30, 30), (1, 30), (30, 1)]
    sizes += [(rng.randint(1, 30), rng.randint(1, 30)) for _ in range(60)]
    for height, width in sizes:
        grid = tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))
        assert form.read_answer(form.answer_text(grid)) == grid


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("numpy", "[[0 1]\n [2]]#", "ragged"),
        ("numpy", "[[0 1]\n [2 3]", "truncated"),
        ("numpy", "[[0 1]\n [2 3]]", "truncated"),
        ("numpy", "0 1", "garbage"),
        ("numpy", "[[0 10]]#", "out_of_range"),
        ("numpy", "[[0 -1]]#", "out_of_range"),
        ("numpy", "[[0  1]]#", "garbage"),
        ("numpy", "[[]]#", "garbage"),
        ("numpy", "[[0 1 2]\n[3 4 5]]#", "garbage"),
        ("words", "```\nBlack Teal\n```", "garbage"),
        ("words", "```\nBlack Blue\nRed\n```", "ragged"),
        ("words", "```\nBlack Blue\nRed", "truncated"),
        ("words", "```\nBlack 5\n```", "out_of_range"),
        ("chat", "", "garbage"),
        ("chat", "12\n3", "ragged"),
        ("chat", "12\n", "garbage"),
        ("chat", "1" * 31, "too_long"),
        ("chat", "\n".join("1" * 31), "too_long"),
        ("chat", "1a", "garbage"),
        ("architects", "12\n34", "truncated"),
        ("architects", "12\n345\n", "ragged"),
    ],
)
def test_what_is_no_grid_is_refused_with_a_reason(name, text, reason):
    with pytest.raises(DecodeError) as caught:
        text_format(name).read_answer(text)
    assert caught.value.reason == reason


def test_texts_of_a_checkpoint_replace_ours():
    form = text_format("architects", {"head": ""})
    assert write_prompt(form.filled({"eos": "</s>"}), [], QUERY).text == "I555\n606\n+/-=O"


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown text format 'chatt'.*did you mean 'chat'\?"):
        text_format("chatt")
    with pytest.raises(ValueError, match=r"unknown text of format chat 'heads'.*mean 'head'\?"):
        text_format("chat", {"heads": ""})
    with pytest.raises(ValueError, match="must be a string, got 3"):
        text_format("chat", {"head": 3})
    with pytest.raises(ValueError, match=r"unknown chat 'lama3'.*mean 'llama3'\?"):
        chat_slots("lama3", "</s>")


def test_the_chat_is_chosen_by_special_tokens():
    assert choose_chat(["<|im_start|>", "<|im_end|>"]) == "chatml"
    llama = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    assert choose_chat(llama) == "llama3"
    assert choose_chat([*llama, "<|eom_id|>"]) == "llama3.1"
    assert choose_chat(["</s>"]) == "plain"
