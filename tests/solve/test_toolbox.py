"""Settings that travel to the workers, and the bundled choices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.augment.settings import AugmentConfig
from kit.finetune.trainer import FinetuneConfig
from kit.generate.decode import GenerateConfig
from kit.solve.toolbox import (
    SolveConfig,
    ToolboxSettings,
    open_toolbox,
    read_settings,
    solver_spec,
)


def test_settings_reach_the_worker_unchanged() -> None:
    settings = ToolboxSettings(
        SolveConfig(model=Path("/some/model"), format="chat"),
        AugmentConfig(mode="paper", cap=7),
        FinetuneConfig(rank=4, targets=("q_proj", "v_proj")),
        GenerateConfig(temperature=0.5, samples_per_view=2),
    )
    spec = solver_spec(settings)
    assert read_settings(json.loads(json.dumps(spec.settings))) == settings
    assert spec.factory == "kit.solve.solver:open_solver"


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    settings = ToolboxSettings(SolveConfig(model=tmp_path / "nowhere"))
    with pytest.raises((FileNotFoundError, ValueError), match="nowhere"):
        open_toolbox(settings, 1, tmp_path)


@pytest.mark.parametrize(("given", "passed"), [(0, None), (3 * 2**30, 3 * 2**30)])
def test_the_planned_cache_reaches_vllm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: int, passed: int | None
) -> None:
    opened = []
    (tmp_path / "arc_format.json").write_text('{"format": "cells", "positions": "contiguous"}')
    monkeypatch.setattr(
        "kit.generate.vllm_sampler.open_vllm_sampler",
        lambda model, encoding, options, scorer: opened.append(options),
    )
    settings = ToolboxSettings(
        SolveConfig(model=tmp_path, sampler="vllm", device="cpu"),
        generate=GenerateConfig(vllm_cache_bytes=given),
        role="serve",
    )
    open_toolbox(settings, 1, tmp_path)
    assert [options.cache_bytes for options in opened] == [passed]
