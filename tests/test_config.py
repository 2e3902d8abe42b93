"""Options: overrides by type, messages with the nearest name, durations.

pytest tests/test_config.py
"""

from __future__ import annotations

import json
import re

import pytest

from kit.config import (
    PRESETS,
    Config,
    ConfigError,
    apply_overrides,
    format_duration,
    make_config,
    option_types,
    parse_duration,
    to_json,
)
from kit.finetune.trainer import FinetuneConfig


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_and_json(preset: str) -> None:
    config = make_config(preset)
    assert set(json.loads(json.dumps(to_json(config), allow_nan=False))) >= {"seed", "finetune"}


def test_the_paper_preset_has_the_papers_values() -> None:
    finetune = make_config("paper").finetune
    assert (finetune.rank, finetune.alpha, finetune.lr, finetune.batch_views) == (128, 16, 5e-5, 2)
    assert make_config("paper").rank.method == "vote"


@pytest.mark.parametrize(
    ("override", "section", "name", "value"),
    [
        ("finetune.lr=1e-4", "finetune", "lr", 1e-4),
        ("finetune.rank=8", "finetune", "rank", 8),
        ("augment.order=False", "augment", "order", False),
        ("augment.leave_out=2", "augment", "leave_out", 2),
        ("rank.method=flat", "rank", "method", "flat"),
        ("finetune.targets=q_proj, v_proj", "finetune", "targets", ("q_proj", "v_proj")),
    ],
)
def test_overrides_are_read_by_type(override: str, section: str, name: str, value: object) -> None:
    got = getattr(getattr(apply_overrides(Config(), [override]), section), name)
    assert got == value and type(got) is type(value)


def test_a_later_override_wins_and_the_rest_stays() -> None:
    config = make_config("full", ["seed=1", "finetune.rank=4", "seed=2"])
    assert (config.seed, config.finetune.rank) == (2, 4)
    assert config.augment == Config().augment


@pytest.mark.parametrize(
    "overrides",
    [
        ("budget.time_s=1000", "budget.reserve_s=700"),
        ("generate.vllm_legality=reject", "generate.vllm_guessed_tokens=4"),
    ],
)
def test_the_order_of_overrides_that_belong_together_does_not_matter(
    overrides: tuple[str, ...],
) -> None:
    assert make_config("cpu", overrides) == make_config("cpu", overrides[::-1])


def test_overrides_that_do_not_go_together_are_refused_in_any_order() -> None:
    overrides = ["budget.time_s=600", "budget.reserve_s=700"]
    for words in (overrides, overrides[::-1]):
        with pytest.raises(ConfigError, match="reserve_s must be 0 to less than the 600 s"):
            make_config("cpu", words)


def test_an_error_that_names_no_option_stands_behind_those_that_were_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object) -> None:
        raise ValueError("too much")

    config = Config()
    monkeypatch.setattr(FinetuneConfig, "__post_init__", refuse)
    with pytest.raises(ConfigError, match=r"^finetune\.rank=8 finetune\.alpha=4: too much$"):
        apply_overrides(config, ["finetune.rank=8", "seed=1", "finetune.alpha=4"])


def test_every_option_can_be_set_to_its_default() -> None:
    for key in option_types(Config):
        section, _, name = key.rpartition(".")
        value = getattr(getattr(Config(), section) if section else Config(), name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert apply_overrides(Config(), [f"{key}={text}"]) == Config(), key


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("finetune.lr", "written key=value"),
        ("finetune.lrr=1", "no such option (did you mean 'finetune.lr'?)"),
        ("lr=1", "did you mean 'finetune.lr'?"),
        ("fintune.rank=1", "did you mean 'finetune.rank'?"),
        ("zzz=1", "zzz: no such option; sections are seed"),
        ("seed=1.5", "seed=1.5: must be a whole number"),
        ("seed=", "must be a whole number"),
        ("finetune.lr=nan", "must be finite"),
        ("finetune.lr=inf", "must be finite"),
        ("augment.order=yes", "allowed are true, false"),
        ("rank.method=experst", "did you mean 'experts'?"),
        ("augment.leave_out=3", "allowed are 1, 2"),
        ("budget.time_s=0", "must be above zero"),
        ("budget.time_s=1e300", "at most a year"),
        ("workers.count=1000000", "workers.count must be 256 at most, got 1000000"),
        ("finetune.lr=-1", "finetune.lr must be above zero, got -1.0"),
        ("finetune.rank=0", "finetune.rank must be 1 or more, got 0"),
        ("finetune.dropout=1", "finetune.dropout must be 0 to less than 1, got 1.0"),
        ("finetune.targets=", "finetune.targets must be one layer or more"),
        ("finetune.warmup_fraction=2", "finetune.warmup_fraction must be 0 to 1, got 2.0"),
        ("solve.legs=serch", "did you mean 'search'?"),
    ],
)
def test_a_bad_override_says_what_is_allowed(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)) as raised:
        apply_overrides(Config(), [override])
    assert "\n" not in str(raised.value)


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'smoke'"):
        make_config("smok")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("90", 90),
        ("10m", 600),
        ("12h", 43200),
        ("1h30m", 5400),
        ("1H30M5S", 5405),
        ("1.5h", 5400),
        ("0h1m", 60),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "0", "0s", "0h0m", "-5m", "5 m", "m", "1h30", "30m1h", "1e3", "nan", "inf", "٣s", "10x"],
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="--time-budget"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45s"), (60, "1m"), (570, "9m 30s"), (41400, "11h 30m"), (43200, "12h")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
