"""The development set: training tasks nothing is trained on, so that they can be tuned on.

The 40 ARC-AGI-1 training tasks with the smallest blake2b digests of their ids. Their re-arc
generators, ConceptARC and Mini-ARC are kept out of all training as well.
"""

from __future__ import annotations

DEVELOPMENT = "dev"
"""Names the development tasks where a command takes sets of tasks."""

CONTAMINATED = ("40853293", "caa06a1f")
"""Training tasks equal or nearly equal to public evaluation tasks (070dd51e, 50a16a69)."""

DEV_TASKS = (
    "017c7c7b",
    "045e512c",
    "06df4c85",
    "0962bcdd",
    "1cf80156",
    "22168020",
    "25ff71a9",
    "264363fd",
    "29623171",
    "2bee17df",
    "36fdfd69",
    "3bd67248",
    "444801d8",
    "484b58aa",
    "5168d44c",
    "543a7ed5",
    "5c2c9af4",
    "673ef223",
    "7b6016b9",
    "8f2ea7aa",
    "9172f3a0",
    "99b1bc43",
    "9dfd6313",
    "a61ba2ce",
    "a8c38be5",
    "b27ca6d3",
    "c9f8e694",
    "cdecee7f",
    "d037b0a7",
    "d4a91cb9",
    "d5d6de2d",
    "db93a21d",
    "e26a3af2",
    "e9614598",
    "e98196ab",
    "ea786f4a",
    "f2829549",
    "f76d97a5",
    "f8a8fe49",
    "f8ff0b80",
)
"""Sorted; a test recomputes them from the digests of the 400 training ids."""


def may_train_on(task_id: str) -> bool:
    """Whether a training-set rule may enter a corpus."""
    return task_id not in DEV_TASKS and task_id not in CONTAMINATED
