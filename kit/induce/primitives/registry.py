"""The names that programs may use: every public function of the modules beside this one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kit.induce.values import Image

PACKAGE = "kit.induce.primitives"


@cache
def primitives() -> Mapping[str, Callable[..., Any]]:
    """Name -> primitive, of all modules.

    Raises:
        ValueError: two modules define the same name.
    """
    found: dict[str, Callable[..., Any]] = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if info.name == "registry":
            continue
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(value):
                continue
            if value.__module__ != module.__name__:
                continue
            if name in found:
                raise ValueError(f"two primitives are called {name}")
            found[name] = value
    return found


@cache
def takes_image(name: str) -> bool:
    """Whether a primitive's first argument is one image (so that it can work on each of many)."""
    first = next(iter(inspect.signature(primitives()[name]).parameters.values()), None)
    return first is not None and first.annotation in ("Image", Image)
