"""Every name of vLLM that the kit uses, against the source of the versions shipped for GPUs.

The table is vllm_signatures.json: read from the wheels of 0.19.1, 0.26.0 and 0.27.1 and from the
CPU build 0.32.0 by record_vllm_signatures.py, which says how to read another version.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.generate.automaton import Automaton
from kit.generate.sampler import SampleRequest
from kit.generate.vllm_answers import ChosenAnswer, RejectedAnswer
from kit.generate.vllm_arguments import engine_arguments, engine_environment
from kit.generate.vllm_engine import Ask, Piece
from kit.generate.vllm_plan import RANKS, Card, EnginePlan
from kit.generate.vllm_scoring import ScoredAnswer
from kit.upload.wheel_lock import SETS, read_lock

TABLE = json.loads(Path(__file__).with_name("vllm_signatures.json").read_text(encoding="utf-8"))
SHIPPED = {
    name: next(pin for pin in read_lock(wheels.lock) if pin.name == "vllm")
    for name, wheels in SETS.items()
}
GENERATE = Path(__file__).parents[2] / "kit" / "generate"
ENGINE = ast.parse((GENERATE / "vllm_engine.py").read_text(encoding="utf-8"))
CHOICE = ast.parse((GENERATE / "vllm_choice.py").read_text(encoding="utf-8"))

CARDS = {
    "cpu": Card("CPU", 0, 1 << 34),
    "t4": Card("T4", 75, 1 << 34),
    "h200": Card("H200", 90, 1 << 37),
}


@pytest.fixture(params=sorted(TABLE))
def version(request):
    return TABLE[request.param]


def plan(card: str, **changes) -> EnginePlan:
    settings = {
        "model": Path("model"),
        "card": CARDS[card],
        "dtype": "float16",
        "base": "nf4",
        "max_rank": 8,
        "max_loras": 2,
        "kept_loras": 4,
        "max_tokens": 100,
        "max_requests": 8,
        "step_tokens": 64,
        "vocab": 32,
        "cache_bytes": None,
        "memory_share": 0.9,
        "attention": "TRITON_ATTN",
    }
    return EnginePlan(**(settings | changes))


PLANS = [
    plan("cpu"),
    plan("t4", legality="reject", guessed_tokens=4),
    plan("h200", attention="", base="16-bit"),
]


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_wheels_of_every_set_are_in_the_table(name):
    pin = SHIPPED[name]
    assert pin.version in TABLE
    assert TABLE[pin.version]["source"] == f"{pin.file} sha256 {pin.sha256}"


@pytest.mark.parametrize("asked", PLANS, ids=lambda p: p.card.name)
def test_engine_arguments_exist(version, asked):
    arguments = engine_arguments(asked)
    fields = set(version["classes"]["EngineArgs"]["fields"])
    assert set(arguments) | {"logits_processors"} <= fields
    assert arguments["logprobs_mode"] in version["literals"]["LogprobsMode"]
    speculation = arguments.get("speculative_config", {})
    assert set(speculation) <= set(version["classes"]["SpeculativeConfig"]["fields"])
    backend = arguments.get("attention_backend", "TRITON_ATTN")
    assert backend in version["classes"]["AttentionBackendEnum"]["fields"]


def test_ranks_are_allowed(version):
    assert set(RANKS) <= set(version["literals"]["MaxLoRARanks"])


@pytest.mark.parametrize("card", CARDS)
def test_environment_variables_are_read(version, card):
    ours = [name for name in engine_environment(CARDS[card]) if name.startswith("VLLM_")]
    assert set(ours) <= set(version["environment"])


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("name", ["SamplingParams", "LoRARequest"])
def test_keywords_of_constructors_exist(version, name):
    found = [c for c in calls(ENGINE) if isinstance(c.func, ast.Name) and c.func.id == name]
    assert len(found) == 1
    keywords = {k.arg for k in found[0].keywords if k.arg}
    assert keywords
    assert not found[0].args
    assert keywords <= set(version["classes"][name]["fields"])


def test_methods_of_the_engine_take_what_is_passed(version):
    known = version["classes"]["LLMEngine"]["methods"]
    used = {}
    for call in calls(ENGINE):
        target = call.func
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) in (
            "self._engine",
            "LLMEngine",
        ):
            used[target.attr] = call
    assert set(used) == {"from_engine_args", "add_request", "step", "abort_request"}
    for name, call in used.items():
        names = known[name]
        assert len(call.args) < len(names), name
        assert {k.arg for k in call.keywords} <= set(names[len(call.args) + 1 :]), name
    # The first three are passed by place.
    assert known["add_request"][1:4] == ["request_id", "prompt", "params"]
    assert "shutdown" in version["classes"]["InprocClient"]["methods"]


def imports(tree: ast.AST) -> list[tuple[str, str]]:
    return [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "vllm"
        for alias in node.names
    ]


@pytest.mark.parametrize("tree", [ENGINE, CHOICE], ids=["engine", "choice"])
def test_imports_exist(version, tree):
    assert imports(tree)
    for module, name in imports(tree):
        assert name in version["modules"][module], f"from {module} import {name}"


def test_nothing_else_imports_vllm():
    for path in sorted(GENERATE.glob("*.py")):
        if path.stem not in ("vllm_engine", "vllm_choice"):
            assert not imports(ast.parse(path.read_text(encoding="utf-8"))), path.name


def attributes(function: str, variable: str) -> set[str]:
    (node,) = [n for n in ENGINE.body if getattr(n, "name", "") == function]
    return {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and ast.unparse(n.value) == variable
    }


def test_fields_of_outputs_exist(version):
    classes = version["classes"]
    for function, variable, name in (
        ("_piece", "output", "RequestOutput"),
        ("_piece", "answer", "CompletionOutput"),
        ("_rows", "flat", "FlatLogprobs"),
    ):
        known = {*classes[name]["fields"], *classes[name]["methods"].get("__init__", ())}
        used = attributes(function, variable)
        assert used
        assert used <= known, name
    assert "DELTA" in classes["RequestOutputKind"]["fields"]
    assert "prompt_token_ids" in classes["TokensPrompt"]["fields"]


def test_the_processor_has_the_methods_that_vllm_calls(version):
    (node,) = [n for n in CHOICE.body if isinstance(n, ast.ClassDef)]
    ours = {
        n.name: [a.arg for a in n.args.args] for n in node.body if isinstance(n, ast.FunctionDef)
    }
    theirs = version["classes"]["LogitsProcessor"]["methods"]
    for name in ("__init__", "apply", "is_argmax_invariant", "update_state"):
        assert ours[name] == theirs[name], name
    assert version["functions"]["process_dict_updates"][1:] == ["batch_update", "new_state"]


def all_settings() -> list[dict]:
    """Settings of every kind of request that is made."""
    encoding = CellEncoding("contiguous")
    automaton = Automaton(encoding.grammar)
    prompt = Encoded(np.array([22, 11]), np.arange(2), ())
    asks: list[Ask] = []
    for way in (ChosenAnswer, RejectedAnswer):
        for temperature in (0.0, 0.5):
            request = SampleRequest((0,), prompt, None, temperature)
            asks.append(way(request, None, automaton, 9, 24).ask())
    answer = encoding.answer_tokens(((1,),))
    for legality in ("choose", "reject"):
        job = ScoredAnswer([22], answer, None, automaton, legality, {}, 4)
        for _ in range(3):
            asks.append(job.ask())
            if job._passes < 2:
                job.take(Piece("0", [1]))
    return [dict(ask.settings) for ask in asks]


def test_settings_of_requests_exist(version):
    settings = all_settings()
    names = {name for entry in settings for name in entry}
    assert {"extra_args", "allowed_token_ids", "prompt_logprobs", "stop_token_ids"} <= names
    assert names <= set(version["classes"]["SamplingParams"]["fields"])


def test_reading_source_finds_fields_arguments_and_names(tmp_path):
    path = Path(__file__).with_name("record_vllm_signatures.py")
    spec = importlib.util.spec_from_file_location("record_vllm_signatures", path)
    record = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(record)
    tree = ast.parse(
        "from a import b as c\nMode = Literal['x', 2]\nnames = {'Lazy': '.lazy'}\n"
        "class Thing:\n    one: int = 1\n    TWO = 2\n    def act(self, x, *, y=0): ...\n"
    )
    assert record.class_table(record.find(tree, "Thing")) == {
        "fields": ["TWO", "one"],
        "methods": {"act": ["self", "x", "y"]},
    }
    assert record.literal(tree, "Mode") == ["x", 2]
    assert record.exported(tree) == ["Lazy", "Thing", "c"]
