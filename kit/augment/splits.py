"""Which demonstrations a training view shows and which one it asks for, by index."""

from __future__ import annotations

from dataclasses import dataclass

from kit.augment.settings import AugmentConfig


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into a task's demonstrations.

    Attributes:
        examples: shown, in order; `held_out` is never among them.
        held_out: asked for.
    """

    examples: tuple[int, ...]
    held_out: int


def leave_one_out(num_pairs: int, allow_empty: bool = False) -> tuple[Split, ...]:
    """K splits that show all pairs but the one held out; none of a single pair.

    Args:
        allow_empty: also of a single pair, without examples.
    """
    if num_pairs == 1 and not allow_empty:
        return ()
    return tuple(Split(_without(num_pairs, target), target) for target in range(num_pairs))


def leave_two_out(num_pairs: int, allow_empty: bool = False) -> tuple[Split, ...]:
    """K(K-1) splits that also drop one more pair; none of two pairs.

    Args:
        allow_empty: also of two pairs, without examples.
    """
    if num_pairs == 2 and not allow_empty:
        return ()
    return tuple(
        Split(_without(num_pairs, target, dropped), target)
        for target in range(num_pairs)
        for dropped in _without(num_pairs, target)
    )


def end_to_end(num_pairs: int) -> tuple[Split, ...]:
    """K splits of a question each and no examples."""
    return tuple(Split((), target) for target in range(num_pairs))


def base_splits(num_pairs: int, config: AugmentConfig) -> tuple[Split, ...]:
    """The splits that `config` asks for; leave-one-out where leave-two-out has none.

    Empty only for a single pair that may neither be asked without examples.
    """
    if config.end_to_end:
        return end_to_end(num_pairs)
    two = leave_two_out(num_pairs, config.allow_no_examples) if config.leave_out == 2 else ()
    return two or leave_one_out(num_pairs, config.allow_no_examples)


def _without(num_pairs: int, *left_out: int) -> tuple[int, ...]:
    return tuple(index for index in range(num_pairs) if index not in left_out)
