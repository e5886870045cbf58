"""The night log under a full disk, a kill at any moment, flipped bytes and a program that holds it.

Long form: ``pytest --long tests/faults/test_nightlog_faults.py`` (about three minutes).
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.errors import NightLogError
from astro_monitor.nightlog import Draft, LogBlocked, LogFull, NightLog, NightLogReader, Sighting
from astro_monitor.testing.bodies import body_of

GOLDENS = Path(__file__).parents[1] / "contract" / "goldens" / "v1.3"

WRITER = """
import copy, hashlib, json, sys
from pathlib import Path
from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import Draft, NightLog, Sighting
from astro_monitor.testing.bodies import body_of
golden = json.loads(Path(sys.argv[2]).read_text())["body"]
alert = json.loads(Path(sys.argv[2]).with_name("alert.opened.json").read_text())["body"]
log = NightLog.open(sys.argv[1], sys.argv[3], SystemClock())
number = 0
while True:
    sha256 = hashlib.sha256(f"{sys.argv[3]} {number}".encode()).hexdigest()
    body = golden | {"sha256": sha256, "frame_id": sha256[:16]}
    drafts = [
        Draft("frame.judged", body_of("frame.judged", body)),
        Draft("alert.updated", body_of("alert.updated", alert), cause_index=0),
    ]
    documents = log.commit(drafts, states={"judge": {"last": sha256}}, sighting=Sighting(sha256.encode(), 1, number))
    sys.stdout.write(f"{documents[-1].seq} {sha256}\\n")
    sys.stdout.flush()
    number += 1
"""


def frame(content: str) -> dict[str, object]:
    body = copy.deepcopy(json.loads((GOLDENS / "frame.judged.json").read_text("utf-8"))["body"])
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return body | {"sha256": sha256, "frame_id": sha256[:16]}


def open_log(place: Path, session: str = "s") -> NightLog:
    return NightLog.open(place, session, SystemClock())


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged_and_leaves_nothing_half(tmp_path):
    place = tmp_path / "night.sqlite"
    chance = random.Random(7)
    acknowledged: list[tuple[int, str]] = []
    for run in range(6):
        command = [sys.executable, "-c", WRITER, str(place), str(GOLDENS / "frame.judged.json"), f"run-{run}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(chance.randint(1, 40)):
                seq, sha256 = writer.stdout.readline().split()
                acknowledged.append((int(seq), sha256))
            writer.send_signal(signal.SIGKILL)
            acknowledged += [
                (int(line.split()[0]), line.split()[1]) for line in writer.stdout if line.endswith("\n") and " " in line
            ]
        with open_log(place, f"check-{run}") as log:
            assert log.set_aside is None
            documents = list(log.documents())
            assert [document.seq for document in documents] == list(range(1, len(documents) + 1))
            assert len(documents) % 2 == 0, "a frame and its alert stand or fall together"
            by_seq = {document.seq: document for document in documents}
            for seq, sha256 in acknowledged:
                assert by_seq[seq - 1].body["sha256"] == sha256
                assert log.has_content(sha256)
            assert log.state("judge") == {"last": documents[-2].body["sha256"]}
            connection = log._database._connection
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM frames").fetchone()[0] == len(documents) // 2


def test_a_full_disk_writes_nothing_and_the_same_commit_succeeds_with_space(tmp_path):
    with open_log(tmp_path / "night.sqlite") as log:
        connection = log._database._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 8}")
        written, failures = 0, 0
        for number in range(60):
            drafts = [Draft("frame.judged", body_of("frame.judged", frame(str(number))))]
            try:
                log.commit(drafts, states={"judge": {"n": number}}, sighting=Sighting(b"%d" % number, 1, 1))
            except LogFull:
                assert log.last_seq() == written
                assert not log.has_content(frame(str(number))["sha256"])
                assert log.state("judge") == ({"n": number - 1} if written else None)
                failures += 1
                connection.execute(f"PRAGMA max_page_count={pages + 8 * (failures + 1)}")
                log.commit(drafts, states={"judge": {"n": number}}, sighting=Sighting(b"%d" % number, 1, 1))
            written += 1
        assert failures > 3
        assert [document.seq for document in log.documents()] == list(range(1, 61))


def test_another_program_that_holds_the_log_blocks_for_a_while_only(tmp_path):
    place = tmp_path / "night.sqlite"
    with open_log(place) as log:
        log._database._connection.execute("PRAGMA busy_timeout=1")
        other = sqlite3.connect(place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogBlocked, match="may be tried again"):
            log.append("frame.judged", body_of("frame.judged", frame("one")))
        other.execute("ROLLBACK")
        other.close()
        assert log.append("frame.judged", body_of("frame.judged", frame("one"))).seq == 1


def test_a_second_process_is_refused_while_the_first_lives_and_not_after_its_kill(tmp_path):
    place = tmp_path / "night.sqlite"
    command = [sys.executable, "-c", WRITER, str(place), str(GOLDENS / "frame.judged.json"), "other"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        with pytest.raises(NightLogError, match=rf"another astro-monitor \(process {writer.pid}\)"):
            open_log(place)
        with NightLogReader.read(place) as reader:
            assert reader.last_seq() >= 2
        os.kill(writer.pid, signal.SIGKILL)
    with open_log(place) as log:
        assert log.last_seq() >= 2


def starts_over(place: Path) -> bool:
    """Tell whether a damaged log is out of the way at the next start, or refused as somebody else's, untouched."""
    before = place.read_bytes()
    try:
        with open_log(place, "next start") as log:
            return log.set_aside is not None
    except NightLogError:
        return place.read_bytes() == before


@pytest.mark.slow
def test_damaged_bytes_never_change_a_document_silently(tmp_path, rounds, figures):
    """Every mutant opens with the documents as they were, or is refused, or set aside; never a different verdict.

    Beside its document trail, what was set aside comes back to the last letter.
    """
    place = tmp_path / "night.sqlite"
    with open_log(place) as log:
        for number in range(12):
            log.commit(
                [Draft("frame.judged", body_of("frame.judged", frame(str(number))))],
                sighting=Sighting(b"%d" % number, 1, 1),
            )
        whole = [(document.doc_id, document.body) for document in log.documents()]
    sound = place.read_bytes()
    chance = random.Random(11)
    trail = place.with_name("night.trail")
    seen = {"intact": 0, "refused": 0, "set aside": 0, "rebuilt": 0}
    mutants = rounds(120, 1000)
    for mutant in range(mutants):
        data = bytearray(sound)
        match mutant % 4:
            case 0:
                for _ in range(4):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case 1:
                page = chance.randrange(len(data) // 4096) * 4096
                data[page : page + 4096] = bytes(4096)
            case 2:
                del data[chance.randrange(len(data)) :]
            case _:
                first, second = (chance.randrange(len(data) // 4096) * 4096 for _ in range(2))
                data[first : first + 4096], data[second : second + 4096] = (
                    data[second : second + 4096], data[first : first + 4096],
                )  # fmt: skip
        folder = tmp_path / f"mutant-{mutant}"
        folder.mkdir()
        (folder / "night.sqlite").write_bytes(data)
        if mutant % 8 < 4:
            shutil.copytree(trail, folder / "night.trail")
        if mutant % 5 == 0:
            (folder / "night.sqlite-journal").write_bytes(chance.randbytes(600))
        try:
            with open_log(folder / "night.sqlite", "again") as log:
                found = [(document.doc_id, document.body) for document in log.documents()]
                if mutant % 8 < 4:
                    assert found == whole, f"mutant {mutant}"
                if list(folder.glob("*.corrupt.*")):
                    seen["rebuilt" if found else "set aside"] += 1
                    assert found in ([], whole), f"mutant {mutant}"
                    continue
                assert found == whole, f"mutant {mutant}"
                seen["intact"] += 1
        except NightLogError:
            seen["refused"] += 1
            assert starts_over(folder / "night.sqlite"), f"mutant {mutant}"
        shutil.rmtree(folder)
    assert sum(seen.values()) == mutants
    assert min(seen.values()) > 0, seen
    figures(f"{mutants} damaged night logs: {seen}, 0 documents different")
