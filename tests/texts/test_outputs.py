"""Every output that a model writes exactly is read back as it is, whatever lines it holds.

pytest tests/texts/test_outputs.py
"""

from __future__ import annotations

import json
import math
import string
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

tokenizers = pytest.importorskip("tokenizers")

from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.generate.sampler import Completion, SampleRequest  # noqa: E402
from kit.texts.encoding import (  # noqa: E402
    ANSWER_ROOM,
    REASONING_ROOM,
    STOP,
    STOP_GAPPED,
    STOP_REASONING,
    TextPairEncoding,
)
from kit.texts.made import KINDS, make_task  # noqa: E402
from kit.texts.solve import MODES, Asking, Mode, TextTools, answer_task, can_match  # noqa: E402
from kit.texts.task import TextPair, TextTask  # noqa: E402
from kit.validate.few_shot import num_right  # noqa: E402

NEVER = Deadline(math.inf, SystemClock())
AT_ONCE: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "chain-of-thought")
LINES = (
    "a\nb", "Output: x", "a\nOutput: b\nOutput:", "Input: q", "a\nInput: b", "a\u2028b",
    "Reasoning: a\nOutput: b", "1.\t x\n2.\t y",
)  # fmt: skip
GAPPED = ("a\n\nb", "a\n\n\nb\n\nc", "a\n\nOutput: b\n\nOutput:", "a\n\nthe Input: b")
"""Outputs without and with empty lines."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with one token per character."""
    path = tmp_path_factory.mktemp("characters")
    vocab = {c: i for i, c in enumerate(["<end>", *string.printable, "\u2028"])}
    table = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token="?"))
    table.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    table.add_special_tokens(["<end>"])
    table.save(str(path / "tokenizer.json"))
    (path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<end>"}))
    return path


class ExactSampler:
    """Writes exactly the expected outputs and then another pair, until it is stopped.

    Args:
        outputs: by the number of the test input.
    """

    def __init__(self, encoding: TextPairEncoding, outputs: Sequence[str], before: str) -> None:
        self.encoding = encoding
        self.texts = [f"{before} {o}\n\nInput: other\nOutput: wrong\n\n" for o in outputs]

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        for request in requests:
            state, tokens = self.encoding.grammar.start, []
            for token in self.encoding._ids(self.texts[request.key[0]]):
                if self.encoding.grammar.is_final(state) or len(tokens) == request.max_tokens:
                    break
                state = self.encoding.grammar.step(state, token)
                tokens.append(token)
            yield Completion(request.key, np.array(tokens), -1.0, True)


class NoTrainer:
    """Trains nothing."""

    def fit(self, *_: object) -> tuple[None, None]:
        return None, None


def exact_tools(folder: Path, outputs: Sequence[str]) -> TextTools:
    """A model that knows every answer."""
    askings = []
    for stop, before in ((STOP, ""), (STOP_GAPPED, ""), (STOP_REASONING, " so\n\nOutput:")):
        encoding = TextPairEncoding(folder, 8192, stop)
        sampler = ExactSampler(encoding, outputs, before)
        askings.append(Asking(encoding, sampler))  # type: ignore[arg-type]
    return TextTools(NoTrainer(), *askings, 1, 1, folder)  # type: ignore[arg-type]


def right(folder: Path, mode: Mode, shown: Sequence[str], wanted: Sequence[str]) -> int:
    """Outputs out of those wanted that count as right, where these are shown."""
    train = tuple(TextPair(str(i), output) for i, output in enumerate(shown))
    task = TextTask("t", "", train, tuple(map(str, range(len(wanted)))))
    tools = exact_tools(folder, wanted)
    found = num_right(answer_task(task, mode, tools, 0, NEVER).texts, wanted)
    assert found == sum(can_match(output, task, mode, tools) for output in wanted)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_made_outputs_come_back(folder: Path, kind: str, mode: Mode) -> None:
    outputs = [output for _, output in make_task(kind, 0, 30, 0).items]
    assert right(folder, mode, outputs[:5], outputs[5:]) == 25


@pytest.mark.parametrize("mode", AT_ONCE)
@pytest.mark.parametrize(
    ("shown", "wanted"), [(("yes", "no"), LINES), (LINES, LINES), (GAPPED[:2], LINES + GAPPED)]
)
def test_outputs_of_many_lines_come_back(
    folder: Path, shown: Sequence[str], wanted: Sequence[str], mode: Mode
) -> None:
    assert right(folder, mode, shown, wanted) == len(wanted)


@pytest.mark.parametrize("mode", MODES)
def test_there_is_room_for_outputs_as_long_as_those_shown(folder: Path, mode: Mode) -> None:
    for longest in (ANSWER_ROOM, REASONING_ROOM, 3 * REASONING_ROOM):
        shown, wanted = ["x" * longest, "y"], ["z" * longest, "w" * (longest + ANSWER_ROOM // 2)]
        assert right(folder, mode, shown, wanted) == 2


def test_room_is_never_less_than_it_was(folder: Path) -> None:
    encoding = TextPairEncoding(folder)
    assert encoding.answer_room([]) == encoding.answer_room(["x"]) == ANSWER_ROOM


@pytest.mark.parametrize(
    ("mode", "shown", "output"),
    [
        ("in-context", "no", "a\n\nb"),
        ("in-context", "n\n\no", "a\n\n Input: b"),
        ("in-context", "no", "x" * 100),
        ("chain-of-thought", "no", "a\nb"),
        ("chain-of-thought", "no", "Output: x"),
    ],
)
def test_what_no_answer_can_match_is_known_before(
    folder: Path, mode: Mode, shown: str, output: str
) -> None:
    assert right(folder, mode, ["yes", shown], [output, "yes"]) == 1
