"""Lines with a checksum: what was written comes back, what is damaged does not.

pytest tests/arc/test_checked_lines.py
"""

from __future__ import annotations

import pytest

from kit.arc.checked_lines import decode_line, encode_line

VALUE = {"v": 1, "text": 'a "crc":"b"} é\n', "list": [1, None, {"crc": "x"}]}


def test_a_line_is_the_same_on_every_machine() -> None:
    assert encode_line({"v": 1, "kind": "end"}) == b'{"v":1,"kind":"end","crc":"d4b5dcef"}\n'


def test_a_line_gives_back_its_object() -> None:
    line = encode_line(VALUE)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode_line(line[:-1]) == VALUE


def test_no_damage_goes_unseen() -> None:
    line = encode_line(VALUE)[:-1]
    for place in range(len(line)):
        assert decode_line(line[:place]) is None
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert decode_line(changed) is None


def test_what_json_has_no_form_for_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_line({"x": float("nan")})
    with pytest.raises(TypeError, match="not JSON serializable"):
        encode_line({"x": b""})
