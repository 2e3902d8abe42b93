"""`python -m kit rules`: names, tasks and programs in the terminal.

pytest tests/validate/test_show_rules.py
"""

from __future__ import annotations

import pytest

from kit.pretrain.rules.catalogue import all_rules, held_out_rules
from kit.validate.show_rules import main


def test_the_list_has_every_rule_and_says_what_is_held_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(all_rules()) + 1
    assert sum(line.endswith("(held out)") for line in lines) == len(held_out_rules())


def test_tasks_are_shown_with_their_answer_and_the_same_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = []
    for _ in range(2):
        assert main(["gravity", "--number", "2"]) == 2
        assert main(["fall", "--number", "2", "--colour", "never"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "fall" in shown[0] and "\x1b" not in shown[0]


def test_programs_are_shown_with_their_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programs", "--number", "2"]) == 0
    assert capsys.readouterr().out.count("output = ") == 2


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no such rule"]) == 2
    assert "no such rule: no rule has this in its name" in capsys.readouterr().err
