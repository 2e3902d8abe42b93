"""Solver factories by name, so that a name is all a worker process needs to be sent."""

from __future__ import annotations

import importlib

from kit.solve.work import SolverFactory


def load_factory(name: str) -> SolverFactory:
    """The function behind "module:function".

    Raises:
        ValueError: the name has no such form, or the module no such function.
        ModuleNotFoundError: there is no such module.
    """
    module, separator, function = name.partition(":")
    if not separator:
        raise ValueError(f"a solver factory is named module:function, got {name!r}")
    factory = getattr(importlib.import_module(module), function, None)
    if not callable(factory):
        raise ValueError(f"module {module} has no function {function!r}")
    return factory
