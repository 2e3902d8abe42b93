"""Batches drawn ahead of the steps that train on them.

On CPU cores a thread draws the next one, which takes 1 to 3% of a step. A GPU takes a million
tokens a second, one process draws 0.4 million at most: there several processes draw.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from kit.encode.encoding import Encoded
from kit.pretrain.corpus import Corpus
from kit.pretrain.sequences import draw_batch
from kit.pretrain.settings import PretrainConfig

MOST_PROCESSES = 12


def drawing_processes(device: str) -> int:
    """How many processes draw for training on a device; 0 for a thread of this one."""
    cores = os.cpu_count() or 1
    return 0 if device == "cpu" else max(1, min(MOST_PROCESSES, cores - 1))


def drawn_batches(
    corpus: Corpus, config: PretrainConfig, first_step: int, processes: int = 0
) -> Iterator[list[Encoded]]:
    """The batches of `first_step` and all later ones, the same however many processes draw.

    Args:
        processes: that draw; 0 for a thread of this process.
    """
    pool = _open_pool(corpus, config, processes)
    try:
        coming = deque(pool.submit(_draw, first_step + ahead) for ahead in range(processes + 1))
        step = first_step + len(coming)
        while True:
            batch = coming.popleft().result()
            coming.append(pool.submit(_draw, step))
            step += 1
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _open_pool(corpus: Corpus, config: PretrainConfig, processes: int) -> Executor:
    if not processes:
        return ThreadPoolExecutor(1, initializer=_take, initargs=(corpus, config))
    return ProcessPoolExecutor(
        processes,
        # A forked child of a process that uses CUDA must not touch it; a fresh one cannot.
        multiprocessing.get_context("spawn"),
        initializer=_take,
        initargs=(corpus, config),
    )


_TAKEN = threading.local()
"""What the thread or process draws from."""


def _take(corpus: Corpus, config: PretrainConfig) -> None:
    _TAKEN.corpus, _TAKEN.config = corpus, config


def _draw(step: int) -> list[Encoded]:
    return draw_batch(_TAKEN.corpus, _TAKEN.config, step)
