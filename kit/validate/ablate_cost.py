"""What an ablation will cost, said before it begins.

What it does: counts the work of every job that is still to be done with `kit.budget.cost`, and
turns it into seconds by rates that were measured here: by earlier entries of the same folder, else
by one small job. What it does not: know how variants differ in speed (transformers and peft train
more slowly than the kit's own loop, full fine-tuning writes larger adapters).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kit.arc.task import Task
from kit.budget.cost import Rates, measure_task, plan_units, unmeasured_rates
from kit.budget.plan import Plan
from kit.rank.pool_file import PoolEntry
from kit.validate.ablate_run import Job, Method, do_job, full_plan
from kit.validate.ablate_store import Store
from kit.validate.ablate_variants import TTT

_PROBE_STEPS, _PROBE_VIEWS = 4, 2

_KEPT_ENTRIES = 200
"""Earlier entries that rates are taken from, the last ones."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one variant is going to take.

    Attributes:
        jobs: (task, seed) pairs still to be done, of `whole`.
        seconds: of one worker.
    """

    name: str
    jobs: int
    whole: int
    seconds: float


def predict(
    methods: Sequence[Method],
    tasks: Sequence[Task],
    seeds: Sequence[int],
    store: Store,
    rates: Rates,
) -> list[Cost]:
    """One line per method; seconds of work that is already in the store are not counted."""
    by_name = {method.variant.name: method for method in methods}
    found = []
    for method in methods:
        variant = method.variant
        # What is matched, or not the model's work, may take what its partner took.
        timed = by_name.get(variant.against, method) if variant.matched else method
        missing = [
            task
            for task in tasks
            for seed in seeds
            if store.get((task.task_id, variant.name, seed)) is None
        ]
        seconds = sum(rates.p50_s(_units(task, timed)) for task in missing)
        found.append(Cost(variant.name, len(missing), len(tasks) * len(seeds), seconds))
    return found


def _units(task: Task, method: Method) -> dict[str, float]:
    """Work of one task by stage; of a shared adapter its part of the training."""
    return _plan_units(task, method_plan(task, method), method)


def method_plan(task: Task, method: Method, seed: int = 0) -> Plan:
    """The full plan of a task by a method, training of a shared adapter included."""
    return full_plan(task, method.budget, method.toolbox.generate.samples_per_view, seed)


def _plan_units(task: Task, plan: Plan, method: Method) -> dict[str, float]:
    return plan_units(measure_task(task), plan, method.toolbox.finetune.batch_views)


def measured_rates(
    methods: Sequence[Method], tasks: Sequence[Task], store: Store, scratch: Path
) -> Rates:
    """Seconds per unit of work on this machine: from the store where it has any entry of "ttt",
    else from one small job on the task of middle size."""
    method = next((m for m in methods if m.variant.name == TTT), methods[0])
    model = method.toolbox.solve.model
    size = sum(path.stat().st_size for path in model.glob("*.safetensors"))
    rates = unmeasured_rates(size, 1)
    by_id = {task.task_id: task for task in tasks}
    held = [e for e in store.entries() if e.run == method.variant.name and e.task_id in by_id]
    for entry in held[-_KEPT_ENTRIES:]:
        plan = method_plan(by_id[entry.task_id], method)
        # Training may have ended before its planned steps, see `FinetuneConfig.epochs`.
        done = replace(plan, num_steps=entry.counts.get("steps", plan.num_steps))
        units = _plan_units(by_id[entry.task_id], done, method)
        rates = _observed(rates, units, entry)
    if held or not method.uses_model:
        return rates
    task = sorted(tasks, key=lambda t: measure_task(t).train_view_tokens)[len(tasks) // 2]
    budget = replace(
        method.budget,
        num_steps=min(_PROBE_STEPS, method.budget.num_steps),
        num_train_views=min(2 * _PROBE_STEPS, method.budget.num_train_views),
        num_test_views=_PROBE_VIEWS,
        num_score_views=min(_PROBE_VIEWS, method.budget.num_score_views),
    )
    small = replace(method, budget=budget)
    # The first time pays for opening the model, the second is what it costs.
    entries = [do_job(Job(small, seed, task, scratch)) for seed in (0, 1)]
    assert entries[1] is not None
    return _observed(rates, _units(task, small), entries[1])


def _observed(rates: Rates, units: Mapping[str, float], entry: PoolEntry) -> Rates:
    """Rates after one entry."""
    for stage, amount in units.items():
        rates = rates.observe(stage, amount, entry.stage_s.get(stage, 0.0))
    return rates
