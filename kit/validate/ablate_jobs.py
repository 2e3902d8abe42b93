"""Which jobs an ablation still has to do, in which order, and doing them.

What it does: two waves per seed, so that what a job needs (the seconds of its partner, the adapter
that all tasks share) is there before it begins. What it does not: the work of a job
(`kit.validate.ablate_run`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kit.arc.task import Task
from kit.solve.wire import to_plain
from kit.validate.ablate_run import Job, Method, work_off
from kit.validate.ablate_store import Store, adapter_folder, made_with, read_fit

MIN_LIMIT_S = 0.5
"""A partner that took less gives its matched variant this long all the same."""


def method_digests(methods: Sequence[Method], tasks: Sequence[Task]) -> Mapping[str, str]:
    """What the entries of each variant depend on besides their task, as digests.

    Args:
        tasks: all of them, which a variant with one adapter for all depends on.
    """
    return {
        method.variant.name: made_with(
            to_plain(method.toolbox),
            to_plain(method.budget),
            method.toolbox.solve.model if method.uses_model else None,
            method.cpu_time,
            tasks if method.variant.work == "shared" else (),
        )
        for method in methods
    }


def undone(
    methods: Sequence[Method], tasks: Sequence[Task], seeds: Sequence[int], store: Store
) -> str:
    """What is still to do, as one sentence; "" when nothing is."""
    whole = len(tasks) * len(seeds)
    left = {
        method.variant.name: sum(len(_missing(method, tasks, seed, store)) for seed in seeds)
        for method in methods
    }
    if not any(left.values()):
        return ""
    parts = [f"{name} {number} of {whole}" for name, number in left.items() if number]
    return (
        f"NOT ALL IS DONE: {sum(left.values())} of {whole * len(left)} answers are missing "
        f"({', '.join(parts)}); the same command goes on"
    )


def run_all(
    methods: Sequence[Method],
    tasks: Sequence[Task],
    seeds: Sequence[int],
    store: Store,
    workers: int,
    scratch: Path,
    end_s: float,
) -> Iterator[str]:
    """Do what the store lacks; one line per finished job.

    Args:
        end_s: instant on `time.monotonic` after which nothing new is begun.
    Raises:
        OSError: the store cannot be written, or a worker process died.
    """
    for seed in seeds:
        for wave in (_first_wave, _second_wave):
            jobs = wave(methods, tasks, seed, store, scratch)
            results = work_off(jobs, workers, lambda: time.monotonic() < end_s)
            for number, (job, entry) in enumerate(results, 1):
                if entry is not None:
                    store.add(entry)
                spent = "" if entry is None else f" in {entry.seconds:.1f} s"
                what = "all tasks" if job.union else job.task.task_id
                name = job.method.variant.name
                yield f"{number} of {len(jobs)}: seed {seed}, {name}, {what}{spent}"


def _first_wave(
    methods: Sequence[Method], tasks: Sequence[Task], seed: int, store: Store, scratch: Path
) -> list[Job]:
    """Jobs that wait for nothing, and the training of shared adapters."""
    jobs: list[Job] = []
    for method in methods:
        if method.variant.work == "shared":
            folder = _shared_folder(method, tasks, seed, store)
            if _missing(method, tasks, seed, store) and read_fit(folder) is None:
                union = tuple(tasks)
                jobs.append(Job(method, seed, tasks[0], scratch, union=union, adapter_at=folder))
        elif not method.variant.matched:
            jobs += [
                Job(method, seed, task, scratch) for task in _missing(method, tasks, seed, store)
            ]
    return jobs


def _second_wave(
    methods: Sequence[Method], tasks: Sequence[Task], seed: int, store: Store, scratch: Path
) -> list[Job]:
    """Jobs that need what the first wave left."""
    jobs: list[Job] = []
    for method in methods:
        variant = method.variant
        for task in _missing(method, tasks, seed, store):
            if variant.work == "shared":
                folder = _shared_folder(method, tasks, seed, store)
                if read_fit(folder) is not None:
                    jobs.append(Job(method, seed, task, scratch, adapter_at=folder))
            elif variant.matched:
                partner = store.get((task.task_id, variant.against, seed))
                if partner is not None:
                    limit_s = max(MIN_LIMIT_S, partner.seconds)
                    jobs.append(Job(method, seed, task, scratch, limit_s))
    return jobs


def _missing(method: Method, tasks: Sequence[Task], seed: int, store: Store) -> list[Task]:
    """Tasks without an entry, the largest first, so that no worker is left alone with it."""
    name = method.variant.name
    return [task for task in reversed(tasks) if store.get((task.task_id, name, seed)) is None]


def _shared_folder(method: Method, tasks: Sequence[Task], seed: int, store: Store) -> Path:
    (digest,) = method_digests([method], tasks).values()
    return adapter_folder(store.out, digest, seed)
