"""Text tasks through real training and sampling with a tiny model that learns to copy.

pytest tests/texts/test_solve.py
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

from kit.__main__ import main  # noqa: E402
from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.encoding import ContextError  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.finetune.loss_mask import loss_mask  # noqa: E402
from kit.finetune.torch_trainer import TorchTrainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.generate.sampler import Completion  # noqa: E402
from kit.generate.torch_sampler import TorchSampler  # noqa: E402
from kit.texts.encoding import (  # noqa: E402
    ANSWER_ROOM,
    REASONING_ROOM,
    STOP_GAPPED,
    STOP_REASONING,
    TextPairEncoding,
)
from kit.texts.solve import (  # noqa: E402
    THINK,
    Asking,
    TextTools,
    answer_task,
    concluded_output,
)
from kit.texts.task import TextPair, TextTask, TextView  # noqa: E402
from kit.texts.views import training_views  # noqa: E402

NEVER = Deadline(math.inf, SystemClock())
PAIRS = tuple(TextPair(c, "yes") for c in "abcdef")
TASK = TextTask("always-yes", "", PAIRS, ("g", "h"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A random Llama with one token per character."""
    path = tmp_path_factory.mktemp("characters")
    letters = sorted(set("abcdefghijklmnopqrstuvwxyzIO: \n'.,0123456789ST"))
    vocab = {c: i for i, c in enumerate(["<end>", *letters])}
    table = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token="a"))
    table.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    table.add_special_tokens(["<end>"])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=table, eos_token="<end>", pad_token="<end>"
    ).save_pretrained(path)
    config = transformers.LlamaConfig(
        vocab_size=len(vocab), hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=1024,
        eos_token_id=0, initializer_range=0.1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


def test_outputs_from_the_second_on_carry_loss_and_nothing_else(folder) -> None:
    encoding = TextPairEncoding(folder)
    encoded = encoding.encode(TextView("", PAIRS[:3], "g", "yes"))
    mask = loss_mask(encoded, "outputs")
    spelled = [encoding.text(encoded.tokens[a:b]) for a, b in encoded.output_spans]
    assert spelled == ["yes"] * 4
    assert mask.sum() == sum(b - a for a, b in encoded.output_spans[1:])
    assert (
        encoded.tokens[mask].tolist()[:2]
        == encoded.tokens[slice(*encoded.output_spans[1])].tolist()[:2]
    )


def test_a_prompt_is_the_beginning_of_its_training_view(folder) -> None:
    encoding = TextPairEncoding(folder)
    whole = encoding.encode(TextView("", PAIRS, "g", "yes")).tokens
    prompt = encoding.encode(TextView("", PAIRS, "g")).tokens
    assert whole[: len(prompt)].tolist() == prompt.tolist()


def test_a_view_that_does_not_fit_is_refused(folder) -> None:
    with pytest.raises(ContextError, match="do not fit 100"):
        TextPairEncoding(folder, 100).encode(TextView("", PAIRS, "g"))


def test_training_on_the_demonstrations_changes_the_answers(folder, tmp_path) -> None:
    model, encoding = open_model(folder, "float32"), TextPairEncoding(folder)
    config = FinetuneConfig(method="full", lr=3e-3, batch_views=2)
    plain = Asking(encoding, TorchSampler(model, encoding))
    tools = TextTools(TorchTrainer(model, encoding, config), plain, plain, plain, 30, 2, tmp_path)
    assert answer_task(TASK, "in-context", tools, 0, NEVER).texts != ["yes", "yes"]
    assert answer_task(TASK, "ttt", tools, 0, NEVER).texts == ["yes", "yes"]


@pytest.mark.parametrize(
    ("output", "end"), [("yes", "\n\n"), ("y\nes", "\n\n"), ("y\n\nes", "\n\nInput:")]
)
def test_training_teaches_what_ends_an_answer(folder, output, end) -> None:
    encoding = TextPairEncoding(folder)
    task = replace(TASK, train=tuple(TextPair(c, output) for c in "abcdef"))
    for view in training_views(task, 12, 0):
        encoded = encoding.encode(view)
        spelled = encoding._tokenizer.spell(encoded.tokens[loss_mask(encoded, "target")].tolist())
        assert spelled == f" {output}{end}"


def test_blanks_before_the_next_input_are_not_part_of_an_answer(folder) -> None:
    for stop, said in ((STOP_GAPPED, " a\n\nb"), (STOP_REASONING, " a\n\nb\n")):
        encoding = TextPairEncoding(folder, stop=stop)
        tokens = np.array(encoding._ids(f"{said}\n\n  Input: c\nOutput: d"))
        assert encoding.text(tokens) == "a\n\nb"


class ScriptedSampler:
    """Notes what it is asked, and always answers one text."""

    def __init__(self, encoding: TextPairEncoding, text: str) -> None:
        self.asked: list = []
        self._answer = np.array(encoding._ids(text))

    def sample(self, requests, deadline):
        self.asked += requests
        return iter([Completion(r.key, self._answer, -1.0, True) for r in requests])


class NoTrainer:
    """Trains nothing."""

    def fit(self, *_):
        return None, None


@pytest.fixture
def scripted(folder, tmp_path) -> TextTools:
    """Answers "yes" at once, or "no" after some lines of reasoning."""
    plain, longer = TextPairEncoding(folder), TextPairEncoding(folder, stop=STOP_REASONING)
    at_once = Asking(plain, ScriptedSampler(plain, " yes\n\nInput: x\nOutput: no"))
    thought = " first\n\nOutput: yes\n\nbut then\nOutput: no\n\nInput: x\nOutput: never"
    return TextTools(
        NoTrainer(),
        at_once,
        at_once,
        Asking(longer, ScriptedSampler(longer, thought)),
        1, 1, tmp_path,
    )  # fmt: skip


SHOWN = "".join(f"Input: {c}\nOutput: yes\n\n" for c in "abcdef")


@pytest.mark.parametrize(
    ("mode", "shown"), [("zero-shot", ""), ("in-context", SHOWN), ("ttt", SHOWN)]
)
def test_an_answer_at_once_is_asked_for_behind_output(scripted, mode, shown) -> None:
    task = replace(TASK, instruction="say so")
    assert answer_task(task, mode, scripted, 0, NEVER).texts == ["yes", "yes"]
    assert scripted.reasoning.sampler.asked == []
    for request, query in zip(scripted.plain.sampler.asked, "gh", strict=True):
        spelled = f"say so\n\n{shown}Input: {query}\nOutput:"
        assert request.prompt.tokens.tolist() == scripted.plain.encoding._ids(spelled)
        assert request.max_tokens == ANSWER_ROOM


def test_a_chain_of_thought_is_asked_for_behind_reasoning(scripted) -> None:
    task = replace(TASK, instruction="say so")
    assert answer_task(task, "chain-of-thought", scripted, 0, NEVER).texts == ["no", "no"]
    assert scripted.plain.sampler.asked == []
    for request, query in zip(scripted.reasoning.sampler.asked, "gh", strict=True):
        spelled = f"say so\n{THINK}\n\n{SHOWN}Input: {query}\nReasoning:"
        assert request.prompt.tokens.tolist() == scripted.reasoning.encoding._ids(spelled)
        assert request.max_tokens == REASONING_ROOM


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ({}, "one\nInput: a\n\n"),
        ({"stop": STOP_GAPPED}, "two\n\n\nInput:"),
        ({"stop": STOP_REASONING}, "one\nInput:"),
    ],
)
def test_an_answer_ends_where_the_next_pair_would_begin(folder, options, ends) -> None:
    encoding = TextPairEncoding(folder, **options)
    state, said = encoding.grammar.start, ""
    for character in " one\nInput: a\n\ntwo\n\n\nInput: c":
        if encoding.grammar.is_final(state):
            break
        (token,) = encoding._ids(character)
        state, said = encoding.grammar.step(state, token), said + character
    assert said.endswith(ends) and encoding.grammar.is_final(state)


def test_reasoning_needs_its_own_room(folder) -> None:
    view = TextView("", (), "g", reasons=True)
    tokens = len(TextPairEncoding(folder).encode(view).tokens)
    assert TextPairEncoding(folder, tokens + REASONING_ROOM).encode(view)
    with pytest.raises(ContextError, match=f"{REASONING_ROOM} for the answer"):
        TextPairEncoding(folder, tokens + REASONING_ROOM - 1).encode(view)


def test_reasoning_without_an_answer_is_none() -> None:
    assert concluded_output("so it is 7") == "" and concluded_output("so\nOutput:") == ""
    assert concluded_output("3 + 4\n\nOutput: 7\nas I said") == "7"
    assert concluded_output("Output: 3\nno:\nOutput: a\u2028b \n") == "a\u2028b"


def test_the_command_prints_a_table_and_refuses_what_it_cannot_use(
    folder, tmp_path, capsys
) -> None:
    path = tmp_path / "t.jsonl"
    pairs = [{"input": p.input, "output": p.output} for p in PAIRS]
    path.write_text(json.dumps({"id": "t", "train": pairs, "test": pairs[:2]}) + "\n")
    words = [
        "few-shot",
        str(path),
        "--model",
        str(folder),
        "--modes",
        "in-context",
        "chain-of-thought",
        "ttt",
    ]
    assert main([*words, "--steps", "2", "--threads", "1", "--rank", "4"]) == 0
    out = capsys.readouterr().out
    assert "| t | 2 |" in out and "| all | 2 |" in out
    assert main(["few-shot", str(path)]) == 2
    assert "needs a file of tasks and --model" in capsys.readouterr().err
    assert main(["few-shot", str(path), "--model", str(tmp_path)]) == 2
    assert "error:" in capsys.readouterr().err
    assert main(["few-shot", str(path), "--model", str(folder), "--limit", "0"]) == 2
    assert "--limit must be 1 or more, got 0" in capsys.readouterr().err


def test_an_item_that_does_not_fit_costs_nothing_but_itself(folder, tmp_path, capsys) -> None:
    short = [{"input": p.input, "output": p.output} for p in PAIRS]
    long = [{"input": "a" * 700, "output": "yes"}] * 2
    one_long = {"input": "b" * 900, "output": "yes"}
    tasks = [
        {"id": "first", "train": short, "test": short[:2]},
        {"id": "second", "train": long, "test": short[:2]},
        {"id": "third", "train": short, "test": [*short[:2], one_long]},
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    modes = ["zero-shot", "in-context", "chain-of-thought", "ttt"]
    words = ["few-shot", str(path), "--model", str(folder), "--modes", *modes]
    assert main([*words, "--steps", "2", "--threads", "1", "--rank", "4"]) == 0
    said = capsys.readouterr()
    rows = [line.split(" | ") for line in said.out.splitlines()]
    assert [row[:2] for row in rows[2:6]] == [
        ["| first", "2"], ["| second", "2"], ["| third", "3"], ["| all", "7"],
    ]  # fmt: skip
    assert rows[3][3:] == ["0 (0%)", "0 (0%)", "0 (0%) |"]
    assert [cell.strip(" |") for cell in rows[6]] == ["did not fit", "0", "3", "3", "3"]
    notes = [line for line in said.err.splitlines() if line.startswith("note:")]
    assert len(notes) == 6
    assert notes[0].startswith("note: second, in-context: 2 of 2 items did not fit and count as")
    assert "tokens and 64 for the answer do not fit 1024" in notes[0]
    assert notes[-1].startswith("note: third, ttt: 1 of 3 items did not fit")


def test_nothing_is_trained_for_a_task_none_of_whose_items_fits(folder, tmp_path) -> None:
    plain = TextPairEncoding(folder, 100)
    asking = Asking(plain, ScriptedSampler(plain, " yes\n\n"))
    # No trainer: it would be called only to train for nothing.
    tools = TextTools(None, asking, asking, asking, 1, 1, tmp_path)  # type: ignore[arg-type]
    answers = answer_task(TASK, "ttt", tools, 0, NEVER)
    assert answers.texts == ["", ""] and len(answers.unfit) == 2
    assert asking.sampler.asked == []


def test_outputs_that_no_answer_can_match_are_noted_before_the_work(
    folder, tmp_path, capsys
) -> None:
    pairs = [{"input": p.input, "output": p.output} for p in PAIRS]
    tested = [{"input": "g", "output": output} for output in ("yes", "no\nno", "y" * 100)]
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"id": "t", "train": pairs, "test": tested}))
    words = ["few-shot", str(path), "--model", str(folder), "--threads", "1"]
    modes = ["--modes", "in-context", "chain-of-thought"]
    assert main([*words, *modes]) == 0
    said = "note: t: outputs that no answer can match: 1 of 3 in in-context, 1 of 3 in chain-of-th"
    assert capsys.readouterr().err.startswith(said)
    assert main([*words, *modes, "--limit", "1"]) == 0
    assert capsys.readouterr().err == ""
