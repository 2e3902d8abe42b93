"""Text tasks through real training and sampling with a tiny model that learns to copy.

pytest tests/texts/test_solve.py
"""

from __future__ import annotations

import json
import math
from pathlib import Path

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
from kit.generate.torch_sampler import TorchSampler  # noqa: E402
from kit.texts.encoding import TextPairEncoding  # noqa: E402
from kit.texts.solve import TextTools, answer_task, last_output  # noqa: E402
from kit.texts.task import TextPair, TextTask, TextView  # noqa: E402

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
    tools = TextTools(
        encoding, TorchTrainer(model, encoding, config), TorchSampler(model, encoding), 30, 2,
        tmp_path,
    )  # fmt: skip
    assert answer_task(TASK, "in-context", tools, 0, NEVER) != ["yes", "yes"]
    assert answer_task(TASK, "ttt", tools, 0, NEVER) == ["yes", "yes"]


def test_the_answer_is_what_stands_behind_the_last_output() -> None:
    assert last_output("first 3 plus 4\nOutput: 7\nmore") == "7"
    assert last_output(" 7 ") == "7" and last_output("") == "" and last_output("Output:") == ""


def test_the_command_prints_a_table_and_refuses_what_it_cannot_use(
    folder, tmp_path, capsys
) -> None:
    path = tmp_path / "t.jsonl"
    pairs = [{"input": p.input, "output": p.output} for p in PAIRS]
    path.write_text(json.dumps({"id": "t", "train": pairs, "test": pairs[:2]}) + "\n")
    words = ["few-shot", str(path), "--model", str(folder), "--modes", "in-context", "ttt"]
    assert main([*words, "--steps", "2", "--threads", "1", "--rank", "4"]) == 0
    out = capsys.readouterr().out
    assert "| t | 2 |" in out and "| all | 2 |" in out
    assert main(["few-shot", str(path)]) == 2
    assert "needs a file of tasks and --model" in capsys.readouterr().err
    assert main(["few-shot", str(path), "--model", str(tmp_path)]) == 2
    assert "error:" in capsys.readouterr().err
    assert main(["few-shot", str(path), "--model", str(folder), "--limit", "0"]) == 2
    assert "--limit must be 1 or more, got 0" in capsys.readouterr().err
