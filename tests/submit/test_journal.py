"""The journal: every cut of the file replays to a prefix, and no write error stops a run.

pytest tests/submit/test_journal.py
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.submit import journal as journal_module
from kit.submit.journal import Journal, JournalError, Record, encode_record, replay

ROOT = Path(__file__).parents[2]

RECORDS = (
    Record("run", "", {"seed": 0, "text": 'quotes " and ,"crc":" inside'}),
    Record("plan", "k1", {"num_steps": 3}),
    Record("result", "k1", {"grid": [[1, 2], [3, 4]], "nested": {"a": None, "b": 1.5}}),
    Record("prediction", "t1", {"é": "\n"}),
    Record("end", "", {}),
)


def written(path: Path, records: tuple[Record, ...] = RECORDS) -> bytes:
    """A journal with the records, and its bytes."""
    journal = Journal(path)
    for record in records:
        assert journal.append(record)
    journal.close()
    return path.read_bytes()


def test_records_come_back_in_order(tmp_path: Path) -> None:
    written(tmp_path / "j")
    assert replay(tmp_path / "j").records == RECORDS
    assert replay(tmp_path / "j").torn_bytes == 0


def test_a_missing_file_holds_nothing(tmp_path: Path) -> None:
    assert replay(tmp_path / "absent").records == ()


def test_every_cut_replays_to_whole_records_and_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "j"
    content = written(path)
    ends = [sum(len(encode_record(r)) for r in RECORDS[:n]) for n in range(len(RECORDS) + 1)]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        found = replay(path)
        whole = sum(end <= cut for end in ends) - 1
        assert found.records == RECORDS[:whole], cut
        assert (found.good_bytes, found.torn_bytes) == (ends[whole], cut - ends[whole])
        journal = Journal(path, found.good_bytes)
        journal.append(RECORDS[-1])
        journal.close()
        assert replay(path).records == (*RECORDS[:whole], RECORDS[-1])


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    content = written(path)
    for index in range(len(content)):
        damaged = bytearray(content)
        damaged[index] ^= 0x01
        path.write_bytes(bytes(damaged))
        records = replay(path).records
        assert records == RECORDS[: len(records)]
        assert len(records) < len(RECORDS)


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "VERSION", 99)
    written(tmp_path / "j")
    monkeypatch.undo()
    with pytest.raises(JournalError, match="version 99"):
        replay(tmp_path / "j")


def test_nan_cannot_be_journaled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_record(Record("result", "k", {"x": float("nan")}))


def test_a_failed_write_is_reported_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    assert journal.append(RECORDS[0])
    real_write = journal_module._write_at

    def half_write(stream, content, offset):
        real_write(stream, content[: len(content) // 2], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal_module, "_write_at", half_write)
    assert not journal.append(RECORDS[1])
    assert "No space left" in str(journal.failure)
    assert journal.lost == 1
    monkeypatch.undo()
    assert journal.append(RECORDS[2])
    assert journal.failure is None
    journal.close()
    assert replay(path).records == (RECORDS[0], RECORDS[2])


def test_an_interrupted_write_is_cut_off_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    journal.append(RECORDS[0])
    real_write = journal_module._write_at

    def interrupted(stream, content, offset):
        real_write(stream, content[:5], offset)
        raise KeyboardInterrupt

    monkeypatch.setattr(journal_module, "_write_at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        journal.append(RECORDS[1])
    journal.close()
    assert path.read_bytes() == encode_record(RECORDS[0])


def test_an_unwritable_path_is_a_failure_not_an_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "no" / "such" / "folder")
    assert "No such file" in str(journal.failure)
    assert not journal.append(RECORDS[0])
    journal.close()


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "j"
    code = f"""
import resource, signal
from pathlib import Path
from kit.submit.journal import Journal, Record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
journal = Journal(Path({str(path)!r}))
kept = sum(journal.append(Record("plan", str(n), {{"n": n}})) for n in range(100))
journal.close()
print(kept, journal.lost, journal.failure)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kept, lost, failure = ran.stdout.split(maxsplit=2)
    assert 0 < int(kept) < 100 and int(kept) + int(lost) == 100
    assert "too large" in failure
    found = replay(path)
    assert [r.key for r in found.records] == [str(n) for n in range(int(kept))]
    assert found.torn_bytes == 0


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.03])
def test_kill_minus_nine_leaves_whole_records(tmp_path: Path, delay_s: float) -> None:
    path = tmp_path / "j"
    code = f"""
from pathlib import Path
from kit.submit.journal import Journal, Record
journal = Journal(Path({str(path)!r}))
n = 0
while True:
    journal.append(Record("plan", str(n), {{"n": n, "pad": "x" * 1000}}))
    n += 1
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    while not path.exists() or path.stat().st_size == 0:
        time.sleep(0.005)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    keys = [record.key for record in replay(path).records]
    assert keys == [str(n) for n in range(len(keys))]
