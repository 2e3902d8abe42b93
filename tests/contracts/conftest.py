"""A tiny random model, tasks and clocks that every backend is tested with."""

from __future__ import annotations

import functools
import importlib.util
import math
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import load_model  # noqa: E402

transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
tokenizers = pytest.importorskip("tokenizers")

from kit.arc.grid import Grid  # noqa: E402
from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.cells import (  # noqa: E402
    END,
    PAD,
    ROW_OUT,
    TOKEN_NAMES,
    VOCAB,
    CellEncoding,
    CellGrammar,
)

HEAD_DIM = 8 if importlib.util.find_spec("vllm") is None else 32
"""Of the tiny model. vLLM's attention for CPUs takes multiples of 32 only."""


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Many small products: threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model_path(tmp_path_factory) -> Path:
    """A random Llama of 2 layers, hidden size 32, grouped key-value heads and a tied head."""
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=HEAD_DIM,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
        initializer_range=0.25,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(config)
    folder = tmp_path_factory.mktemp("tiny_llama")
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path) -> None:
    """One word per token: the kit reads no tokenizer for this format, but other engines do."""
    words = {name: index for index, name in enumerate(TOKEN_NAMES)}
    pad, end = TOKEN_NAMES[PAD], TOKEN_NAMES[END]
    table = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token=pad))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=table, pad_token=pad, eos_token=end, unk_token=pad
    ).save_pretrained(folder)


class SmallGrammar(CellGrammar):
    """Answers of at most 4 by 4: a random model would rarely end before 30 by 30."""

    def legal(self, state):
        """Sorted ids allowed in `state`."""
        legal = super().legal(state)
        row, column, width = self._unpack(state)
        if width == 0 and column == 4:
            return legal[legal == ROW_OUT]
        if row == 4 and column == 0:
            return legal[legal == END]
        return legal


@pytest.fixture(params=["aligned", "contiguous"])
def encoding(request) -> CellEncoding:
    """The bundled model's encoding, with positions that jump and positions that do not."""
    cells = CellEncoding(request.param)
    cells.grammar = SmallGrammar()
    return cells


@pytest.fixture
def never() -> Deadline:
    """A deadline that does not come."""
    return Deadline(math.inf, SystemClock())


class CountingClock:
    """One second later at every look."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now_s(self) -> float:
        """Seconds, one more than last time."""
        self._now_s += 1.0
        return self._now_s


@pytest.fixture
def after_looks():
    """`after_looks(n)`: a deadline that has passed at the n-th look."""
    return lambda looks: Deadline(float(looks), CountingClock())


@pytest.fixture
def past(after_looks) -> Deadline:
    """A deadline that has come."""
    return after_looks(0)


@pytest.fixture(scope="session")
def make_views():
    """`make_views(seed, num_views, answered=True)`: views of one random task of small grids."""

    def grid(rng: random.Random) -> Grid:
        height, width = rng.randint(1, 3), rng.randint(1, 4)
        return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))

    def make(seed: int, num_views: int, answered: bool = True) -> list[View]:
        rng = random.Random(seed)
        pairs = [Pair(g, g[::-1]) for g in (grid(rng) for _ in range(num_views + 2))]
        views = []
        for index in range(num_views):
            held = pairs[index]
            shown = tuple(pair for pair in pairs if pair is not held)
            answer = held.output if answered else None
            views.append(View("t", None if answered else 0, shown, held.input, answer))
        return views

    return make


@pytest.fixture(scope="session")
def reference(model_path):
    """`reference(tokens, positions, adapter=None)`: (T, V) logits of one sequence in float32.

    One unpadded sequence, no cache, an all-ones mask, adapters by stock peft: nothing that a
    backend may get wrong.
    """

    @functools.lru_cache(maxsize=4)
    def load(adapter):
        model = transformers.LlamaForCausalLM.from_pretrained(model_path, dtype=torch.float32)
        if adapter is not None and adapter.method == "lora":
            model = peft.PeftModel.from_pretrained(model, adapter.path)
        elif adapter is not None:
            load_model(model, adapter.path / "model.safetensors", strict=False)
        return model.eval()

    def logits(tokens, positions, adapter=None):
        model = load(adapter)
        ids = torch.tensor(tokens)[None]
        with torch.inference_mode():
            output = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                position_ids=torch.tensor(positions)[None],
                use_cache=False,
            )
        return output.logits[0].numpy()

    return logits
