"""Seeds: stable, and different for different purposes."""

from __future__ import annotations

from kit.arc.seeds import derive_seed, numpy_rng, python_rng


def test_seeds_are_the_same_on_every_machine() -> None:
    # Written down once: blake2b of the joined parts, no salt.
    assert derive_seed(0, "a", 1) == derive_seed(0, "a", 1)
    assert python_rng(3, "views").random() == python_rng(3, "views").random()
    assert numpy_rng(3, "views").integers(1 << 60) == numpy_rng(3, "views").integers(1 << 60)


def test_parts_are_told_apart() -> None:
    seeds = [
        derive_seed(0, "a", 1),
        derive_seed(1, "a", 1),
        derive_seed(0, "a", "1"),
        derive_seed(0, "a1"),
        derive_seed(0, "a"),
        derive_seed(0, 1, "a"),
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
