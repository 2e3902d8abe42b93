"""Muon for the matrices of a small model, in float32.

torch ships Muon too, but orthogonalises in bfloat16, which costs a third of a training step on
CPUs without bfloat16 arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Quintic Newton-Schulz iteration. Source: Jordan et al. 2024, "Muon"."""


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """A matrix with the same singular vectors and singular values near 1, (m, n) float32."""
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, b * gram + c * gram @ gram, x, beta=a)
    return x.T if tall else x


class Muon:
    """Momentum, Nesterov look-ahead, orthogonalised update, decoupled weight decay."""

    def __init__(
        self, matrices: Sequence[Tensor], momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        self._matrices = list(matrices)
        self.buffers = [torch.zeros_like(m) for m in matrices]
        self._momentum = momentum
        self._weight_decay = weight_decay

    def step(self, grads: Sequence[Tensor], lr: float, pool: ThreadPoolExecutor) -> None:
        """One update, the matrices shared out to the threads of `pool`.

        `lr` is scaled by sqrt(max(1, rows / columns)) per matrix.
        """

        @torch.no_grad()
        def update(matrix: Tensor, grad: Tensor, buffer: Tensor) -> None:
            buffer.lerp_(grad, 1 - self._momentum)
            change = orthogonalise(grad.lerp(buffer, self._momentum))
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            matrix.mul_(1 - lr * self._weight_decay).add_(change, alpha=-lr * scale)

        for _ in pool.map(update, self._matrices, grads, self.buffers):
            continue
