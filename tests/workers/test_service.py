"""Which results end the process that they come from.

pytest tests/workers/test_service.py
"""

from __future__ import annotations

import pytest

from kit.budget.plan import Plan
from kit.solve.work import WorkResult
from kit.workers.service import spoils_process

PLAN = Plan("t")


@pytest.mark.parametrize(
    ("failure", "spoils"),
    [
        (None, False),
        ("train: ValueError: no such thing", False),
        ("sample: MemoryError: cannot allocate 12 GiB", True),
        ("train: RuntimeError: DefaultCPUAllocator: can't allocate memory", True),
        ("OSError: [Errno 12] Cannot allocate memory", True),
        ("train: OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("train: AcceleratorError: CUDA error: an illegal memory access was encountered", True),
        ("score: RuntimeError: CUDA error: device-side assert triggered", True),
        ("sample: RuntimeError: CUBLAS_STATUS_EXECUTION_FAILED when calling", True),
        ("sample: RuntimeError: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", True),
        ("sample: RuntimeError: Triton Error [CUDA]: an illegal memory access was met", True),
    ],
)
def test_a_process_ends_behind_what_it_does_not_get_over(failure: str | None, spoils: bool) -> None:
    alone = WorkResult("t", PLAN, failure=failure)
    assert spoils_process(alone) == spoils
    fine = WorkResult("u", PLAN)
    assert spoils_process(WorkResult("t", PLAN, batch=(fine, alone, fine))) == spoils
