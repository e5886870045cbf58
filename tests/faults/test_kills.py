"""The daemon is killed at any moment, again and again, while a capture program writes: nothing is lost or doubled.

Long form: ``pytest --long tests/faults/test_kills.py`` (1,000 kills, about 40 minutes).
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.folders import small_fits

PATIENCE_S = 120.0


class Capture:
    """A capture program: small frames, some written in pieces to their final names, some renamed when whole."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.written: set[str] = set()
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Capture:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.finish()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(self._chance.uniform(0.02, 0.25)):
            content = small_fits()[:-8] + (1 + number).to_bytes(8, "big")
            folder = self.folder / f"{number // 200:03d}"
            folder.mkdir(exist_ok=True)
            path = folder / f"frame_{number:06d}.fits"
            if number % 3:
                with path.open("wb") as file:
                    for begin in range(0, len(content), 3000):
                        file.write(content[begin : begin + 3000])
                        file.flush()
            else:
                path.with_suffix(".tmp").write_bytes(content)
                path.with_suffix(".tmp").rename(path)
            self.written.add(str(path))
            number += 1


class Daemon:
    """One run of the daemon with light stages."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.began_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "astro_monitor.testing.light", str(folder), str(state)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_until_ready(self) -> float:
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]
        return time.monotonic() - self.began_s

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE_S)[1]


def nightlog_of(state: Path) -> Path:
    (found,) = state.glob("*/nightlog.sqlite")
    return found


def listed(state: Path) -> list[str]:
    """Files in the JSON lists; a list that is not whole fails here."""
    lists = [json.loads(path.read_text("utf-8")) for path in state.glob("*/lists/**/*.json")]
    return [frame["file"] for one in lists for part in ("accepted", "review", "rejected")
            for frame in (one[part] if "target" in one else [])]  # fmt: skip


def outcomes(state: Path) -> Counter[str]:
    with NightLogReader.read(nightlog_of(state)) as log:
        return Counter(document.body["file"] for document in log.documents() if document.kind.startswith("frame."))


def children() -> list[str]:
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if "astro_monitor" in line]


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path, rounds, figures) -> None:
    captures, state = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    chance = random.Random(20261121)
    kills, back_s = rounds(12, 1000), []
    with Capture(captures, 3) as program:
        for kill in range(kills):
            daemon = Daemon(captures, state)
            if kill % 4 == 0:
                back_s.append(daemon.wait_until_ready())
            time.sleep(chance.uniform(0.0, 1.6))
            daemon.end(signal.SIGKILL)
            listed(state)
        program.finish()
        daemon = Daemon(captures, state)
        back_s.append(daemon.wait_until_ready())
        until = time.monotonic() + PATIENCE_S
        while len(outcomes(state)) < len(program.written) and time.monotonic() < until:
            time.sleep(0.2)
        errors = daemon.end(signal.SIGTERM)
    assert daemon.process.returncode == 0, errors
    assert "was damaged" not in errors
    found = outcomes(state)
    assert set(found) == program.written
    assert set(found.values()) == {1}
    assert not list(state.glob("*/*.corrupt.*"))
    with NightLogReader.read(nightlog_of(state)) as log:
        documents = list(log.documents())
        assert [document.seq for document in documents] == list(range(1, len(documents) + 1))
        assert documents[-1].kind == "session.stopped"
        judged = list(log.judged_frames())
        opened = {d.body["alert_id"] for d in documents if d.kind == "alert.opened"}
        assert len(opened) == sum(d.kind == "alert.opened" for d in documents), "no warning was opened twice"
    connection = sqlite3.connect(nightlog_of(state))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    in_lists = Counter(listed(state))
    assert set(in_lists.values()) == {1}
    assert set(in_lists) == {row.paths[0] for row in judged}
    assert not [line for line in children() if str(state) in line]
    figures(f"{kills} kills, {len(found)} frames: 0 lost, 0 doubled; watching again after at most {max(back_s):.1f} s")


@pytest.mark.slow
def test_an_orderly_stop_under_load_ends_soon_and_leaves_no_work_undone(tmp_path, rounds, figures) -> None:
    captures, state = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    chance = random.Random(5)
    stops, took_s = rounds(3, 100), []
    with Capture(captures, 4) as program:
        for _ in range(stops):
            daemon = Daemon(captures, state)
            daemon.wait_until_ready()
            time.sleep(chance.uniform(0.2, 1.0))
            began_s = time.monotonic()
            errors = daemon.end(signal.SIGTERM)
            took_s.append(time.monotonic() - began_s)
            assert daemon.process.returncode == 0, errors
            with NightLogReader.read(nightlog_of(state)) as log:
                last = list(log.documents())[-1]
                assert (last.kind, last.body["reason"]) == ("session.stopped", "stopped")
    assert set(outcomes(state)) <= program.written
    assert set(outcomes(state).values()) == {1}
    figures(f"{stops} orderly stops under load: at most {max(took_s):.1f} s each")
