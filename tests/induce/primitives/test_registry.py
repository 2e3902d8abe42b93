"""The rules that every primitive follows, and the test that each has one."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from kit.induce import primitives as package
from kit.induce.primitives import registry
from kit.induce.primitives.registry import PACKAGE, primitives, takes_image
from kit.induce.values import Image

HERE = Path(__file__).parent
NAMES = sorted(primitives())
LITERALS = ("int", "str", "bool", "tuple", "dict", "Mapping", "Hashable")
MADE = {
    str(inspect.signature(function).return_annotation).removesuffix(" | None")
    for function in primitives().values()
}
"""Types of values that programs can hold between two lines."""


def names_tested(source: str) -> set[str]:
    """X of all functions `test_X` and `test_X__detail`."""
    return {
        node.name.removeprefix("test_").partition("__")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_primitive_has_a_test_and_every_test_a_primitive() -> None:
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)} - {"registry"}
    files = {path.stem.removeprefix("test_"): path for path in HERE.glob("test_*.py")}
    del files["registry"]
    found: set[str] = set()
    for name in sorted(files):
        assert name in modules, f"{files[name].name} tests no module"
        found |= names_tested(files[name].read_text(encoding="utf-8"))
    assert sorted(primitives().keys() - found) == [], "primitives without a test"
    assert sorted(found - primitives().keys()) == [], "tests of no primitive"


def test_names_of_tests_are_read_from_the_source() -> None:
    source = "def test_lay(): ...\ndef test_lay__dot(): ...\nclass A:\n def test_trim(self): ..."
    assert names_tested(source) == {"lay", "trim"}
    assert names_tested("def helper(): ...\ntest_no = 1") == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_is_documented_and_annotated(name: str) -> None:
    function = primitives()[name]
    assert function.__doc__ and function.__doc__.strip(), "no docstring"
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, f"{parameter.name} has no annotation"
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD, "arguments go by position"


@pytest.mark.parametrize("name", NAMES)
def test_the_first_argument_is_an_image_images_a_literal_or_made_by_a_primitive(name: str) -> None:
    parameters = list(inspect.signature(primitives()[name]).parameters.values())
    assert parameters, "a primitive takes something"
    first = str(parameters[0].annotation)
    literal = first.partition("[")[0] in LITERALS
    assert first in ("Image", "Images") or literal or first in MADE, f"nothing makes a {first}"
    assert takes_image(name) == (first == "Image")


def test_the_registry_holds_what_modules_define_publicly() -> None:
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        public = {
            node.name
            for node in ast.parse(inspect.getsource(module)).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        }
        own = {n for n in NAMES if primitives()[n].__module__ == module.__name__}
        assert own == (set() if info.name == "registry" else public), info.name


def test_imported_and_private_names_are_no_primitives() -> None:
    assert not {"make_image", "label_components", "cache", "primitives", "Image"} & set(NAMES)
    assert not [name for name in NAMES if name.startswith("_")]


def test_two_primitives_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("one", "two"):
        (tmp_path / f"{module}.py").write_text("def twin(image): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path.parent))
    (tmp_path / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(registry, "PACKAGE", tmp_path.name)
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    with pytest.raises(ValueError, match="two primitives are called twin"):
        primitives.__wrapped__()


def test_an_annotation_that_is_no_text_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def direct(image: Image) -> Image:
        return image

    def nothing() -> None:
        return None

    direct.__annotations__["image"] = Image
    known = {"direct": direct, "nothing": nothing}
    monkeypatch.setattr(registry, "primitives", lambda: known)
    assert takes_image.__wrapped__("direct")
    assert not takes_image.__wrapped__("nothing")
