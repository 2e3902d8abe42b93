"""Seeds: stable, and different for different purposes."""

from __future__ import annotations

from kit.arc.seeds import derive_seed, numpy_rng, python_rng


def test_seeds_are_the_same_on_every_machine() -> None:
    # Written down once: blake2b of the joined parts, no salt.
    assert derive_seed(7) == 8333924190356522945
    assert derive_seed(0, "a", 1) == 8593438616605400125
    assert derive_seed(0, "a", "1") == 5599820492691528734
    assert python_rng(3, "views").random() == 0.4643005622688935
    # Raw bits: numpy may change what its distributions make of them.
    assert numpy_rng(3, "views").bit_generator.random_raw() == 17029065345302605199


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
