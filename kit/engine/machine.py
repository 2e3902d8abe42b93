"""Settings of the process that decide a CPU engine's speed: dtype, threads, allocator."""

from __future__ import annotations

import ctypes
import platform
import time
from pathlib import Path

import torch

from kit.engine.memory import available_bytes

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEEP_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Tell glibc to keep large freed blocks instead of returning them to the kernel.

    Otherwise every temporary of a few MB is mapped, zeroed page by page and unmapped again, which
    costs a fifth of a training step of a small model. False where there is no glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL("libc.so.6")
    options = (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD)
    return all(libc.mallopt(option, _KEEP_BYTES) for option in options)


def choose_device(name: str) -> str:
    """The device called `name`; "auto" takes the first GPU that this process sees, if any."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def free_device_bytes(device: str = "cpu") -> int:
    """Memory on a device that new tensors may take; gives cached blocks of a GPU back first."""
    if torch.device(device).type != "cuda":
        return available_bytes()
    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info(device)[0]


def matmul_rate(dtype: torch.dtype, size: int = 512, seconds: float = 0.02) -> float:
    """Measured multiply-add rate in FLOP/s of a (size, size) product with the current threads."""
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    torch.mm(a, b)
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        torch.mm(a, b)
        count += 1
    return 2 * size**3 * count / (time.perf_counter() - begin)


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16, AMX or Arm BF16).

    Without it, bfloat16 products run about eight times slower than float32 ones. Read from the
    kernel's flags, so that all processes of a run agree; False where they are not to be had.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return not BFLOAT16_FLAGS.isdisjoint(flags)


def choose_dtype(name: str, device: str = "cpu") -> torch.dtype:
    """The dtype called `name`; "auto" takes bfloat16 where the hardware has it.

    Raises:
        ValueError: unknown name.
    """
    if name == "auto":
        if device != "cpu":
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return torch.bfloat16 if has_fast_bfloat16() else torch.float32
    if name not in DTYPES:
        raise ValueError(f"dtype must be one of auto, {', '.join(DTYPES)}, got {name!r}")
    return DTYPES[name]
