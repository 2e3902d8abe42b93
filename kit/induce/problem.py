"""One task as arrays, as the search sees it; it has no place for a test output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kit.arc.grid import as_array
from kit.arc.task import Task


@dataclass(frozen=True)
class Problem:
    """A task's grids as uint8 arrays.

    Attributes:
        inputs, outputs: of the demonstrations, in order.
        tests: test inputs.
    """

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    tests: tuple[np.ndarray, ...]

    @staticmethod
    def of(task: Task) -> Problem:
        """The problem that a task poses."""
        return Problem(
            tuple(as_array(pair.input) for pair in task.train),
            tuple(as_array(pair.output) for pair in task.train),
            tuple(as_array(grid) for grid in task.test),
        )

    @cached_property
    def grids(self) -> tuple[np.ndarray, ...]:
        """All inputs: those of the demonstrations, then those of the tests."""
        return self.inputs + self.tests

    @cached_property
    def same_size(self) -> bool:
        """Whether every output has the size of its input."""
        return all(i.shape == o.shape for i, o in zip(self.inputs, self.outputs, strict=True))

    @cached_property
    def output_colours(self) -> frozenset[int]:
        """Colours of any output."""
        return frozenset(int(c) for output in self.outputs for c in np.unique(output))

    def without(self, index: int) -> Problem:
        """The problem that is left when demonstration `index` becomes the only test."""
        keep = [i for i in range(len(self.inputs)) if i != index]
        return Problem(
            tuple(self.inputs[i] for i in keep),
            tuple(self.outputs[i] for i in keep),
            (self.inputs[index],),
        )

    def with_outputs(self, outputs: tuple[np.ndarray, ...]) -> Problem:
        """The same inputs with other wanted outputs, for a step that is undone behind them."""
        return Problem(self.inputs, outputs, self.tests)
