"""Views through tokenizers of every kind: spans, fitting, round trips, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.encoding import ContextError, DecodeError
from kit.encode.text import TextEncoding

ROOT = Path(__file__).parents[2]


def random_grid(rng, largest: int):
    height, width = rng.randint(1, largest), rng.randint(1, largest)
    return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))


def random_view(rng, num_examples: int, largest: int = 6, answered: bool = True) -> View:
    pairs = [
        Pair(random_grid(rng, largest), random_grid(rng, largest)) for _ in range(num_examples)
    ]
    answer = random_grid(rng, largest) if answered else None
    return View("t", None, tuple(pairs), random_grid(rng, largest), answer)


def without_answer(view: View) -> View:
    return View(view.task_id, 0, view.examples, view.query, None)


def test_spans_spell_the_outputs_in_order(folders, kind, form):
    encoding = TextEncoding(folders[kind], form)
    rng = python_rng(1, "spans")
    for _ in range(12):
        view = random_view(rng, rng.randint(1, 5))
        encoded = encoding.encode(view)
        outputs = [pair.output for pair in view.examples]
        assert len(encoded.output_spans) == len(outputs) + 1
        for (begin, end), grid in zip(encoded.output_spans, outputs, strict=False):
            spelt = encoding._tokenizer.spell(encoded.tokens[begin:end].tolist())
            wanted = encoding.form.grid_text(grid) + encoding.form.demo_end
            # A token may also hold the space before or the line break after an output.
            assert spelt.strip() == wanted.strip()
        begin, end = encoded.output_spans[-1]
        assert encoding.decode(encoded.tokens[begin:end]) == view.answer
        assert end == len(encoded)


def test_an_answer_alone_has_the_tokens_it_has_in_context(folders, kind, form):
    encoding = TextEncoding(folders[kind], form)
    rng = python_rng(2, "context")
    for _ in range(12):
        view = random_view(rng, rng.randint(0, 4))
        encoded = encoding.encode(view)
        prompt = encoding.encode(without_answer(view))
        answer = encoding.answer_tokens(view.answer)
        assert np.array_equal(encoded.tokens, np.concatenate([prompt.tokens, answer]))
        text = encoding._tokenizer.spell(encoded.tokens.tolist())
        whole, _ = encoding._tokenizer.encode(_whole_text(encoding, view))
        bos = len(encoding._tokenizer.bos)
        assert encoded.tokens[bos:].tolist() == whole, text


def _whole_text(encoding: TextEncoding, view: View) -> str:
    from kit.encode.prompt import write_prompt

    form = encoding.form
    prompt = write_prompt(form, view.examples, view.query).text
    return prompt + form.answer_text(view.answer) + form.answer_end


def test_every_size_and_colour_comes_back(folders, kind, form):
    encoding = TextEncoding(folders[kind], form)
    rng = python_rng(3, "round trip")
    sizes = [(1, 1), (30, 30), (1, 30), (30, 1)]
    sizes += [(rng.randint(1, 30), rng.randint(1, 30)) for _ in range(25)]
    for height, width in sizes:
        grid = tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))
        assert encoding.decode(encoding.answer_tokens(grid)) == grid
    for colour in range(10):
        assert encoding.decode(encoding.answer_tokens(((colour,),))) == ((colour,),)


def test_the_grammar_reads_answers_and_writes_only_grids(folders, kind, form):
    encoding = TextEncoding(folders[kind], form)
    grammar = encoding.grammar
    rng = python_rng(4, "grammar")
    for largest in (1, 5, 30):
        answer = encoding.answer_tokens(random_grid(rng, largest))
        state = grammar.start
        for token in answer.tolist():
            assert token in grammar.legal(state)
            state = grammar.step(state, token)
        assert grammar.is_final(state)
    for _ in range(3):
        state, tokens = grammar.start, []
        while not grammar.is_final(state):
            legal = grammar.legal(state)
            assert len(legal), "a dead end"
            tokens.append(int(rng.choice(legal)))
            state = grammar.step(state, tokens[-1])
        encoding.decode(np.array(tokens))


def test_the_prefix_is_shared_by_queries_and_positions_are_contiguous(folders, kind, form):
    encoding = TextEncoding(folders[kind], form)
    rng = python_rng(5, "prefix")
    view = random_view(rng, 3, answered=False)
    other = View("t", 1, view.examples, random_grid(rng, 6), None)
    a, b = encoding.encode(view), encoding.encode(other)
    assert a.prefix_len == b.prefix_len > 0
    assert np.array_equal(a.tokens[: a.prefix_len], b.tokens[: b.prefix_len])
    assert a.positions.tolist() == list(range(len(a)))
    answer = encoding.answer_tokens(((1, 2), (3, 4)))
    follow = encoding.answer_positions(a, answer)
    assert follow.tolist() == list(range(len(a), len(a) + len(answer)))


def test_fitting_drops_whole_demonstrations_from_the_front(folders, kind, form):
    rng = python_rng(6, "fit")
    view = random_view(rng, 5)
    whole = TextEncoding(folders[kind], form).encode(view)
    last = View(view.task_id, None, view.examples[-1:], view.query, view.answer)
    shortest = len(TextEncoding(folders[kind], form).encode(last))
    seen = set()
    for room in range(shortest, len(whole) + 1, 7):
        encoding = TextEncoding(folders[kind], form, max_tokens=room)
        encoded = encoding.encode(view)
        assert len(encoded) <= room
        kept = View("t", None, view.examples[encoded.num_dropped :], view.query, view.answer)
        wanted = TextEncoding(folders[kind], form).encode(kept)
        assert np.array_equal(encoded.tokens, wanted.tokens)
        seen.add(encoded.num_dropped)
    assert 4 in seen
    assert TextEncoding(folders[kind], form, max_tokens=len(whole)).encode(view).num_dropped == 0
    with pytest.raises(ContextError, match=f"one demonstration.*fit {shortest - 1} tokens"):
        TextEncoding(folders[kind], form, max_tokens=shortest - 1).encode(view)


def test_a_prompt_keeps_room_for_the_largest_demonstrated_output(folders):
    large, small = ((1,) * 20,) * 20, ((1,),)
    view = View("t", 0, (Pair(small, large), Pair(small, small)), small, None)
    encoding = TextEncoding(folders["nvarc"], "chat", max_tokens=440)
    encoded = encoding.encode(view)
    assert encoded.num_dropped == 1
    assert len(encoded) + len(encoding.answer_tokens(large)) <= 440


def test_bos_stands_in_front_where_the_tokenizer_wants_it(folders):
    view = random_view(python_rng(7), 1)
    for kind, form, bos in [("llama3", "numpy", 1), ("characters", "architects", 1)]:
        encoding = TextEncoding(folders[kind], form)
        assert len(encoding._tokenizer.bos) == bos
        tokens = encoding.encode(view).tokens
        assert tokens[0] == encoding._tokenizer.bos[0]
        assert encoding._tokenizer.bos[0] not in tokens[1:]
    assert TextEncoding(folders["nvarc"], "chat")._tokenizer.bos == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12\n34", "truncated"),
        ("12\n3<|im_end|>", "ragged"),
        ("1<|im_start|><|im_end|>", "garbage"),
    ],
)
def test_broken_answers_are_refused(folders, text, reason):
    encoding = TextEncoding(folders["nvarc"], "chat")
    ids, _ = encoding._tokenizer.encode(text)
    with pytest.raises(DecodeError) as caught:
        encoding.decode(np.array(ids))
    assert caught.value.reason == reason


def test_what_follows_the_end_token_is_ignored(folders):
    encoding = TextEncoding(folders["nvarc"], "chat")
    padded = np.append(encoding.answer_tokens(((1, 2),)), [13, 13])
    assert encoding.decode(padded) == ((1, 2),)


def test_settings_of_a_checkpoint(folders):
    settings = {"texts": {"head": "<|im_start|>"}, "chat": "chatml"}
    encoding = TextEncoding(folders["nvarc"], "chat", settings=settings)
    assert encoding.encode(random_view(python_rng(8), 1)).tokens[0] == 14
    with pytest.raises(ValueError, match="unknown chat"):
        TextEncoding(folders["nvarc"], "chat", settings={"chat": "chatmk"})


def test_a_tokenizer_that_loses_characters_is_refused(folders):
    with pytest.raises(ValueError, match="cannot spell format numpy"):
        TextEncoding(folders["nvarc"], "numpy")


def test_missing_and_broken_folders(tmp_path, folders):
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json.*holds: nothing"):
        TextEncoding(tmp_path, "chat")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="not readable as a tokenizer"):
        TextEncoding(tmp_path, "chat")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="not readable as JSON"):
        TextEncoding(tmp_path, "chat")
    source = (folders["nvarc"] / "tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(source)
    with pytest.raises(ValueError, match="no end-of-text token"):
        TextEncoding(tmp_path, "chat")
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": [15], "vocab_size": 64}))
    assert TextEncoding(tmp_path, "chat").vocab_size == 64


def test_importing_needs_no_tokenizer_package_and_no_torch():
    code = (
        "import sys, kit.encode.text, kit.encode.vocabulary\n"
        "print(sorted(m for m in ('tokenizers', 'torch', 'transformers') if m in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
