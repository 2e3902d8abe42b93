"""Steps that stay finite: what is taken back, what is tried again, when a fit is given up."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from kit.engine.memory_needs import TRAINED_BYTES  # noqa: E402
from kit.finetune.stepping import FIRST_SCALE, MAX_REFUSALS, GuardedSteps  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402

CONFIG = FinetuneConfig(weight_decay=0.01, max_grad_norm=1.0)


def vector(*values: float):
    return torch.nn.Parameter(torch.tensor(values))


def step(steps: GuardedSteps, parameter, loss, rate: float = 0.1) -> str:
    """One pass and one step; `loss` maps the parameter to a scalar."""
    steps.zero()
    value = loss(parameter)
    steps.backward(value)
    return steps.take(float(value.detach()), rate)


def square(parameter):
    return (parameter**2).sum()


def broken(parameter):
    return square(parameter) * math.nan


def test_good_steps_are_those_of_adamw() -> None:
    mine, theirs = vector(1.0, -2.0), vector(1.0, -2.0)
    steps = GuardedSteps([mine], CONFIG)
    optimizer = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.01)
    for _ in range(5):
        assert step(steps, mine, square) == "taken"
        optimizer.zero_grad()
        square(theirs).backward()
        torch.nn.utils.clip_grad_norm_([theirs], 1.0)
        optimizer.step()
    assert torch.equal(mine, theirs)


def test_what_a_step_holds_is_what_memory_plans_count() -> None:
    parameter = torch.nn.Parameter(torch.ones(1000))
    steps = GuardedSteps([parameter], CONFIG)
    step(steps, parameter, square)
    moments = [t for t in steps._optimizer.state[parameter].values() if t.numel() == 1000]
    held = [parameter, parameter.grad, *steps._good, *moments]
    assert sum(tensor.nbytes for tensor in held) == 1000 * TRAINED_BYTES
    assert steps._optimizer.param_groups[0]["foreach"] is False, "else another 4 for a moment"


def test_a_loss_that_is_no_number_takes_the_step_before_it_back() -> None:
    parameter = vector(1.0, 2.0)
    steps = GuardedSteps([parameter], CONFIG)
    step(steps, parameter, square)
    good = parameter.detach().clone()
    assert step(steps, parameter, square, rate=1e30) == "taken"  # the loss before it was sound
    assert float(parameter.detach().abs().max()) > 1e29
    assert step(steps, parameter, square) == "refused"  # infinite: 1e30 squared
    assert torch.equal(parameter, good)


def test_a_loss_that_is_no_number_at_first_leaves_the_start() -> None:
    parameter = vector(1.0, 2.0)
    steps = GuardedSteps([parameter], CONFIG)
    assert step(steps, parameter, broken) == "refused"
    assert parameter.tolist() == [1.0, 2.0]
    assert not steps.is_hopeless


def test_a_broken_gradient_with_a_sound_loss_is_refused() -> None:
    parameter = vector(0.0)
    steps = GuardedSteps([parameter], CONFIG)
    assert step(steps, parameter, lambda p: p.abs().sqrt().sum()) == "refused"  # slope inf at 0
    assert parameter.tolist() == [0.0]


def test_weights_that_overflow_in_the_step_are_taken_back() -> None:
    parameter = vector(3e38)
    steps = GuardedSteps([parameter], CONFIG)
    outcome = step(steps, parameter, lambda p: -(p / 1e38).sum(), rate=1e36)
    assert outcome == "refused"
    assert parameter.tolist() == [pytest.approx(3e38)]


def test_one_broken_batch_costs_one_step() -> None:
    parameter = vector(1.0)
    steps = GuardedSteps([parameter], CONFIG)
    outcomes = [step(steps, parameter, broken if n == 3 else square) for n in range(10)]
    assert outcomes == ["taken"] * 3 + ["refused"] + ["taken"] * 6
    assert not steps.is_hopeless


def test_repeated_failure_is_hopeless() -> None:
    parameter = vector(1.0)
    steps = GuardedSteps([parameter], CONFIG)
    for count in range(1, MAX_REFUSALS + 1):
        assert not steps.is_hopeless
        assert step(steps, parameter, broken) == "refused"
        assert steps.is_hopeless == (count == MAX_REFUSALS)


def test_a_rate_that_breaks_every_second_step_is_hopeless_too() -> None:
    parameter = vector(1.0)
    steps = GuardedSteps([parameter], CONFIG)
    outcomes = []
    while not steps.is_hopeless and len(outcomes) < 50:
        outcomes.append(step(steps, parameter, square, rate=1e30))
    assert outcomes == ["taken", "refused"] * MAX_REFUSALS
    assert parameter.tolist() == [1.0]


def test_refusals_that_are_far_apart_do_not_add_up() -> None:
    parameter = vector(1.0)
    steps = GuardedSteps([parameter], CONFIG)
    for _ in range(3 * MAX_REFUSALS):
        for loss in (broken, square, square):
            step(steps, parameter, loss, rate=1e-3)
        assert not steps.is_hopeless


def test_scaled_steps_are_plain_ones_when_nothing_overflows() -> None:
    plain, scaled = vector(0.5, -0.25), vector(0.5, -0.25)
    two = GuardedSteps([plain], CONFIG), GuardedSteps([scaled], CONFIG, scaled=True)
    for _ in range(4):
        assert step(two[0], plain, square) == step(two[1], scaled, square) == "taken"
    assert scaled.tolist() == pytest.approx(plain.tolist(), rel=1e-6)


def test_a_gradient_that_overflows_at_a_scale_is_tried_again_at_half() -> None:
    """What happens in float16: 65504 is its largest number."""
    parameter = vector(1.0)
    steps = GuardedSteps([parameter], CONFIG, scaled=True)
    tried = 0

    class HalfPrecision(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient.half().float()

    outcome = "again"
    while outcome == "again":
        assert parameter.tolist() == [1.0]
        outcome = step(steps, parameter, lambda p: 100.0 * HalfPrecision.apply(p).sum())
        tried += 1
    assert outcome == "taken"
    assert tried == 1 + math.ceil(math.log2(FIRST_SCALE * 100.0 / 65504.0))
    assert not steps.is_hopeless


def test_a_gradient_that_overflows_at_any_scale_is_refused() -> None:
    parameter = vector(0.0)
    steps = GuardedSteps([parameter], CONFIG, scaled=True)
    outcomes = []
    while not steps.is_hopeless:
        outcomes.append(step(steps, parameter, lambda p: p.abs().sqrt().sum()))
        assert len(outcomes) < 50
    assert outcomes.count("refused") == MAX_REFUSALS
    assert outcomes.count("again") == math.log2(FIRST_SCALE)
    assert parameter.tolist() == [0.0]
