"""Nonsense is refused in one line, with exit code 2 and no traceback, whatever the command.

pytest tests/test_refusals.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.__main__ import main
from kit.arc.exits import EXIT_REFUSED

# Arguments, and what the refusal has to name. {bad}: a file of no use to anybody; {dir}: a folder
# with nothing in it; {gone}: no such thing.
REFUSED = [
    ("few-shot", "--make"),
    ("few-shot {gone} --model {dir}", "{gone}"),
    ("few-shot {bad} --model {dir}", "line 1"),
    ("few-shot {bad} --model {dir} --steps 0", "--steps"),
    ("few-shot {bad} --model {dir} --lr nan", "--lr"),
    ("experiment rules --steps 0", "--steps"),
    ("experiment rules --threads 0", "--threads"),
    ("experiment rules --model kit/weights", "--model"),
    ("experiment tuning", "--model"),
    ("experiment tuning --model kit/weights --size 4m", "--size"),
    ("experiment tuning --model {gone}", "{gone}"),
    ("experiment tuning --model kit/weights --max-tokens 9", "--max-tokens 9"),
    ("experiment rules --re-arc {gone}", "{gone}"),
    ("pretrain --resume {gone}", "{gone}"),
    ("pretrain --resume {dir}", "{dir}"),
    ("pretrain --minutes nan --out {gone}", "--minutes"),
    ("pretrain --minutes inf --out {gone}", "--minutes"),
    ("pretrain --minutes -3 --out {gone}", "--minutes"),
    ("pretrain --steps 1 --minutes 1 --out {gone}", "--minutes"),
    ("pretrain --threads 0 --out {gone}", "--threads"),
    ("pretrain --re-arc {dir} --out {gone}", "{dir}"),
    ("pretrain --base {gone} --out {dir}", "{gone}"),
    ("pretrain --base kit/weights --out {gone} --device moon", "--device"),
    ("pretrain --base kit/weights --out {gone} --rank 0", "rank"),
    ("pretrain --base kit/weights --out {gone} --tasks 0", "num_tasks"),
    ("pretrain --base kit/weights --out {gone} --method 4bit --engine torch", "--method"),
    ("pretrain --method lora --out {gone}", "--method"),
    ("pretrain --lr 0 --out {gone}", "--lr"),
    ("pretrain --held-out 0 --out {gone}", "--held-out"),
    ("pretrain --without-geometry --out {gone}", "--without-geometry"),
    ("pretrain --dtype float32 --out {gone}", "--dtype"),
    ("pretrain --base kit/weights --out {gone} --size 4m", "--size"),
    ("pretrain --base kit/weights --out {gone} --no-decay", "--no-decay"),
    ("pretrain --resume {dir} --out {gone}", "--out"),
    ("trace {bad} --limit 1", "{bad}"),
    ("trace {gone} --tasks nope", "nope"),
    ("trace {gone} --steps -3", "--steps"),
    ("trace {gone} --views 0", "--views"),
    ("trace {gone} --slices 0", "--slices"),
    ("trace {gone} --workers 0", "--workers"),
    ("trace {gone} --time-limit soon", "--time-limit"),
    ("trace {gone} --tasks arc1-eval", "--evaluation"),
    ("trace {gone} nonsense.key=3", "nonsense.key"),
    ("trace {gone} --pack {gone}.xz", "{gone}"),
    ("replay {gone}", "{gone}"),
    ("replay {bad}", "{bad}"),
    ("replay {dir}", "{dir}"),
    ("replay {bad} --budget soon", "--budget"),
    ("rows 12 --ours {dir}", "47.1"),
    ("rows 47.1", "--ours"),
    ("rows --ours {dir}", "row"),
    ("rehearse --like nope", "kaggle-l4x4"),
    ("rehearse --like kaggle-p100", "P100"),
    ("rehearse --hours nan", "--hours"),
    ("rehearse --tasks 0", "--tasks"),
    ("rehearse --seeds 0", "--seeds"),
    ("rehearse --real 0", "--real"),
    ("rehearse --real 1 --like kaggle-l4x4", "--like"),
    ("rehearse --real 1 --hours 12", "--hours"),
    ("rehearse --real 1 --tasks 4", "--tasks"),
    ("rehearse --real 1 --seeds 1", "--seeds"),
    ("rehearse --real 1 --model qwen3-4b", "--model"),
    ("rehearse --real 1 --accuracy 0,0,0", "--accuracy"),
    ("rehearse --real 1 --costs {bad}", "--costs"),
    ("rehearse --costs {bad}", "{bad}"),
    ("rehearse --costs {gone}", "{gone}"),
    ("rehearse --costs {dir}", "{dir}"),
    ("rehearse --real 1 --speedup 0", "--speedup"),
    ("rehearse --speedup -1", "--speedup"),
    ("rehearse --model nope", "qwen3-4b"),
    ("rehearse --accuracy 2,3,4", "--accuracy"),
    ("rehearse --set x=1", "x: no such option"),
    ("pools show {bad}", "line 1"),
    ("pools choose {gone} --tasks arc1-train", "{gone}"),
    ("pools export {dir} --out {gone}", "{dir}"),
    ("pools choose {bad} --tasks arc1-train --rule flat --selector {gone}", "--rule"),
    ("pools nope", "nope"),
    ("ablate --tasks nope", "nope"),
    ("ablate --variants nope", "no variant 'nope'"),
    ("ablate --seeds 0", "--seeds"),
    ("ablate --limit 0", "--limit"),
    ("ablate --ids-file {gone}", "{gone}"),
    ("ablate --ids-file {bad}", "{bad}"),
    ("ablate --budget soon", "--budget"),
    ("ablate --base x", "NAME=DIR"),
    ("ablate foo=1", "foo: no such option"),
    ("upload {dir} --user me --wheels {dir}", "--wheels"),
    ("upload {dir} --user me --model {gone}", "--model"),
    ("upload {dir} --user ../me", "--user"),
    ("bench faults --runs 0", "--runs"),
    ("bench search --limit -1", "--limit"),
    ("bench search --limit 0", "--limit"),
    ("bench join --limit 0", "--limit"),
    ("bench join --limit -1", "--limit"),
    ("bench join --run {dir} --limit 3", "--limit"),
    ("bench join --run {dir} --time-budget 1m", "--time-budget"),
    ("bench nope", "nope"),
    ("doctor --bogus", "--bogus"),
    ("doctor --pre cpu", "--preset"),
    ("experiment nope", "nope"),
    ("upload {dir}", "--user"),
    ("cut-vocabulary --form x", "--format"),
    ("cut-vocabulary {gone} {dir}/cut --format chat", "{gone}"),
    ("cut-vocabulary kit/weights {dir}/cut --format chat", "kit/weights"),
    ("report {dir}", "{dir}"),
    ("score {bad}", "{bad}"),
    ("show nope", "nope"),
    ("rules nope", "nope"),
    ("rules --number 0", "--number"),
    ("solve --time-budget soon", "--time-budget"),
    ("nope", "nope"),
]


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No benchmark measures the machine before it looks at its options: that takes seconds."""
    monkeypatch.setattr("kit.validate.bench_report.measure_machine", lambda threads: None)


@pytest.mark.parametrize(("words", "named"), REFUSED, ids=[words for words, _ in REFUSED])
def test_nonsense_is_refused_in_one_line(
    words: str,
    named: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"bad": tmp_path / "bad.txt", "dir": tmp_path / "dir", "gone": tmp_path / "gone"}
    names["bad"].write_text("nobody can read this\n", encoding="utf-8")
    names["dir"].mkdir()
    monkeypatch.chdir(Path(__file__).parents[1])

    code = main([word.format(**names) for word in words.split()])

    said = capsys.readouterr()
    assert code == EXIT_REFUSED, said
    assert named.format(**names) in said.err
    assert len(said.err.splitlines()) == 1, said.err
    assert "Traceback" not in said.err + said.out
    assert not names["gone"].exists(), "something was begun"
    assert os.listdir(names["dir"]) == []
