r"""Writes vllm_signatures.json: what vLLM calls the things that the kit uses, read from its source.

python tests/generate/record_vllm_signatures.py vllm-0.19.1-*.whl vllm-0.26.0-*.whl \
    vllm-0.27.1-*.whl FOLDER...

A FOLDER is a site-packages with vLLM in it. Wheels come from
`pip download --no-deps --only-binary=:all: vllm==0.26.0`. Nothing of vLLM is imported or run.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

CLASSES = {
    "vllm/engine/arg_utils.py": ("EngineArgs",),
    "vllm/v1/engine/llm_engine.py": ("LLMEngine",),
    "vllm/v1/engine/core_client.py": ("InprocClient",),
    "vllm/sampling_params.py": ("SamplingParams", "RequestOutputKind"),
    "vllm/lora/request.py": ("LoRARequest",),
    "vllm/v1/sample/logits_processor/interface.py": ("LogitsProcessor", "BatchUpdate"),
    "vllm/outputs.py": ("RequestOutput", "CompletionOutput"),
    "vllm/logprobs.py": ("FlatLogprobs",),
    "vllm/config/speculative.py": ("SpeculativeConfig",),
    "vllm/v1/attention/backends/registry.py": ("AttentionBackendEnum",),
    "vllm/inputs/llm.py": ("TokensPrompt",),
}
"""File -> classes whose fields and methods are recorded."""

FUNCTIONS = {"vllm/v1/sample/logits_processor/builtin.py": ("process_dict_updates",)}
LITERALS = {
    "vllm/config/model.py": ("LogprobsMode",),
    "vllm/config/lora.py": ("MaxLoRARanks",),
}
MODULES = {
    "vllm": "vllm/__init__.py",
    "vllm.v1.engine.llm_engine": "vllm/v1/engine/llm_engine.py",
    "vllm.lora.request": "vllm/lora/request.py",
    "vllm.sampling_params": "vllm/sampling_params.py",
    "vllm.v1.sample.logits_processor": "vllm/v1/sample/logits_processor/__init__.py",
}
ENVIRONMENT = "vllm/envs.py"
VARIABLES = (
    "VLLM_CPU_OMP_THREADS_BIND",
    "VLLM_DO_NOT_TRACK",
    "VLLM_ENABLE_V1_MULTIPROCESSING",
    "VLLM_LOGGING_LEVEL",
    "VLLM_NO_USAGE_STATS",
    "VLLM_USE_FLASHINFER_SAMPLER",
    "VLLM_USE_V2_MODEL_RUNNER",
)
"""Recorded where a version reads them."""
METHODS = ("from_engine_args", "add_request", "step", "abort_request", "shutdown")
"""Of engines; of other classes all methods are recorded."""

Read = Callable[[str], str]


def main(sources: list[str]) -> None:
    """Record every source under its version."""
    table = {}
    for source in sources:
        version, came_from, read = open_source(Path(source))
        table[version] = {"source": came_from, **signatures(read)}
    out = Path(__file__).with_name("vllm_signatures.json")
    # One line for each list of names, so that a new version is a readable difference.
    versions = [f"{json.dumps(name)}: {block(entry)}" for name, entry in sorted(table.items())]
    out.write_text("{" + ",\n".join(versions) + "}\n", encoding="utf-8")


def block(entry: object) -> str:
    """JSON with one line per list or string."""
    if not isinstance(entry, dict):
        return json.dumps(entry)
    inner = [f"{json.dumps(key)}: {block(value)}" for key, value in sorted(entry.items())]
    return "{\n" + ",\n".join(inner) + "}"


def open_source(path: Path) -> tuple[str, str, Read]:
    """(version, where it came from, how to read a file of it)."""
    if path.is_dir():
        (info,) = path.glob("vllm*.dist-info")
        version = info.name.removesuffix(".dist-info").split("-")[1]
        return version, info.name, lambda name: (path / name).read_text(encoding="utf-8")
    wheel = zipfile.ZipFile(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    version = path.name.split("-")[1]
    return version, f"{path.name} sha256 {digest}", lambda name: wheel.read(name).decode()


def signatures(read: Read) -> dict[str, object]:
    """All that is recorded of one version."""
    trees = {name: ast.parse(read(name)) for name in [*CLASSES, *FUNCTIONS, *LITERALS]}
    return {
        "classes": {
            name: class_table(find(trees[file], name))
            for file, names in CLASSES.items()
            for name in names
        },
        "functions": {
            name: arguments(find(trees[file], name))
            for file, names in FUNCTIONS.items()
            for name in names
        },
        "literals": {
            name: literal(trees[file], name) for file, names in LITERALS.items() for name in names
        },
        "modules": {module: exported(ast.parse(read(file))) for module, file in MODULES.items()},
        "environment": [
            name for name in VARIABLES if name in environment(ast.parse(read(ENVIRONMENT)))
        ],
    }


def find(tree: ast.Module, name: str) -> ast.AST:
    """The class or function of that name."""
    return next(node for node in tree.body if getattr(node, "name", None) == name)


def class_table(node: ast.ClassDef) -> dict[str, object]:
    """Fields (members of an enumeration too) and the arguments of methods."""
    fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
    fields += [n.targets[0].id for n in node.body if isinstance(n, ast.Assign)]
    methods = {
        n.name: arguments(n)
        for n in node.body
        if isinstance(n, ast.FunctionDef)
        and (n.name == "__init__" or not n.name.startswith("_"))
        and (n.name in METHODS or not node.name.endswith(("Engine", "Client")))
    }
    return {"fields": sorted(fields), "methods": methods}


def arguments(node: ast.FunctionDef) -> list[str]:
    """Names of a function's arguments in order."""
    return [a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]


def literal(tree: ast.Module, name: str) -> list[object]:
    """Values of `name = Literal[...]`."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == name:
            return [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
    raise KeyError(name)


def exported(tree: ast.Module) -> list[str]:
    """Names that a module defines, imports or lists for lazy imports."""
    names = {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Dict):
            names |= {k.value for k in node.value.keys if isinstance(k, ast.Constant)}
    return sorted(name for name in names if isinstance(name, str))


def environment(tree: ast.Module) -> set[str]:
    """Environment variables that vLLM reads."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("VLLM_")
        and node.value.isupper()
        and " " not in node.value
    }


if __name__ == "__main__":
    main(sys.argv[1:])
