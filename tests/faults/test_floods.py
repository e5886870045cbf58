"""Floods of files, folders that go away and come back, disks that fill up: the daemon goes on, and nothing is lost.

Long form: ``pytest --long tests/faults/test_floods.py`` (about ten minutes).
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import Draft, NightLog, reserve
from astro_monitor.records import Arrival
from astro_monitor.session import Session
from astro_monitor.settings import ListSettings, Settings, WatchSettings
from astro_monitor.sinks import ListSink
from astro_monitor.testing.bodies import body_of
from astro_monitor.testing.folders import ScriptedClock, put, small_fits, watch_until
from astro_monitor.testing.light import LightPipeline
from astro_monitor.watch import FolderSource

WHOLE = small_fits()
PATIENCE_S = 120.0

FOLLOWER = """
import sys, threading
from pathlib import Path
from astro_monitor.clock import SystemClock
from astro_monitor.settings import WatchSettings
from astro_monitor.watch import FolderSource
source = FolderSource(Path(sys.argv[1]), WatchSettings(), SystemClock())
for item in source.items(threading.Event()):
    sys.stdout.write(f"{item.path}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_files_that_come_while_the_watcher_is_stopped_are_all_found(tmp_path, rounds, figures):
    """More than the system's queue of events holds; in deep new folders, and in a tree that is moved in."""
    night = tmp_path / "night"
    night.mkdir()
    (night / "first.fits").write_bytes(WHOLE)
    count = rounds(3_000, 50_000)
    follower = subprocess.Popen([sys.executable, "-c", FOLLOWER, str(night)], stdout=subprocess.PIPE, text=True)
    try:
        assert follower.stdout.readline() == f"{night / 'first.fits'}\n"
        follower.send_signal(signal.SIGSTOP)
        head, data = WHOLE[:2880].replace(b"40", b" 1"), b"\x07\x07" + bytes(2878)
        deep = night.joinpath(*(f"level_{level}" for level in range(20)))
        deep.mkdir(parents=True)
        outside = tmp_path / "outside"
        outside.mkdir()
        expected = set()
        for number in range(count):
            folder = (night, deep, outside)[number % 3]
            (folder / f"{number:06d}.fits").write_bytes(head + data)
            expected.add(str((night / "moved" if folder is outside else folder) / f"{number:06d}.fits"))
        outside.rename(night / "moved")
        began = time.monotonic()
        follower.send_signal(signal.SIGCONT)
        found = {follower.stdout.readline().strip() for _ in range(count)}
        took_s = time.monotonic() - began
    finally:
        follower.kill()
        follower.communicate()
    assert found == expected
    figures(f"{count} files while the watcher was stopped: all found {took_s:.1f} s after it went on")


@pytest.mark.slow
def test_a_folder_that_is_removed_renamed_or_replaced_is_watched_again(tmp_path, rounds, figures):
    """Real folders, links and events; time passes on a scripted clock, as the checks come each five seconds."""
    clock, chance = ScriptedClock(), random.Random(11)
    root, cycles = tmp_path / "night", rounds(40, 500)
    root.mkdir()
    source = FolderSource(root, WatchSettings(), clock, jitter=random.Random(1))
    expected: list[str] = []
    came_s: list[float] = []

    def lose(cycle: int) -> None:
        if root.is_symlink():
            root.unlink()
        elif cycle % 2:
            shutil.rmtree(root)
        else:
            root.rename(tmp_path / f"old_{cycle}")

    def bring(cycle: int) -> None:
        place = root
        if cycle % 3 == 2:
            place = tmp_path / f"real_{cycle}"
            root.symlink_to(place)
        place.mkdir()
        put(clock, place / f"frame_{cycle}.fits", WHOLE)
        came_s.append(clock.monotonic())
        expected.append(f"frame_{cycle}.fits")

    for cycle in range(cycles):
        at_s = 20.0 + 40.0 * cycle
        clock.at(at_s, lambda cycle=cycle: lose(cycle))
        # At once, as when a capture program makes the night's folder anew, or after a while.
        clock.at(at_s + chance.choice((0.0, 0.0, 3.0, 12.0)), lambda cycle=cycle: bring(cycle))
    items = watch_until(source, clock, 20.0 + 40.0 * cycles)
    assert all(isinstance(item, Arrival) and item.path.parent == root for _, item in items)
    assert [item.path.name for _, item in items] == expected
    waits_s = [at_s - back_s for (at_s, _), back_s in zip(items, came_s, strict=True)]
    figures(f"{cycles} times the folder went: each frame seen at most {max(waits_s):.1f} s after it came back")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB of our own; making one needs a privilege that CI has."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no disk of 3 MB can be made here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is made with Linux's tmpfs")
def test_a_disk_that_is_full_again_and_again_costs_no_verdict_and_no_list(small_disk, tmp_path, rounds, figures):
    """The disk of log and lists is filled to the last byte at random moments, and has room again after a while."""
    chance, cycles = random.Random(17), rounds(15, 200)
    captures = tmp_path / "captures"
    captures.mkdir()
    clock, stop = SystemClock(), threading.Event()
    settings = Settings(state_folder=small_disk, lists=ListSettings(formats=("csv", "json")))
    filler = small_disk / "filler"
    pipeline, judged, troubles = LightPipeline(), 0, 0

    class Waiting:
        """Makes room when the session has waited a few times."""

        def __init__(self) -> None:
            self.waits = 0

        def __call__(self) -> None:
            nonlocal troubles
            self.waits += 1
            troubles += 1
            if self.waits >= 2:
                filler.unlink(missing_ok=True)
                self.waits = 0

    class QuickClock(SystemClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            return event.is_set()

    kept_lists = 0
    place, number = small_disk / "nightlog.sqlite", 0
    for cycle in range(cycles):
        with NightLog.open(place, f"session-{cycle}", clock) as log:
            session = Session(
                settings, log, QuickClock(), announce=lambda document: None, stop=stop, on_wait=Waiting(),
            )  # fmt: skip
            lists = ListSink(log, small_disk / "lists", settings.lists, report=partial(session.record, "list.written"))
            session.start("watch", captures, [])
            for step in range(4):
                if step == chance.randrange(4):
                    fill(filler)
                path = captures / f"{number:05d}.fits"
                path.write_bytes(WHOLE[:-8] + number.to_bytes(8, "big"))
                status = path.stat()
                arrival = Arrival(path=path, root=captures, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns,
                                  first_seen_utc=clock.utc(), settled_utc=clock.utc(), how="scan")  # fmt: skip
                session.take(pipeline.examine(arrival))
                judged += 1
                number += 1
                lists.flush()
                for one in (small_disk / "lists").rglob("*.json"):
                    json.loads(one.read_text("utf-8"))
                    kept_lists += 1
            filler.unlink(missing_ok=True)
            session.stop("stopped", "The cycle is over.")
        if place.stat().st_size > 1_500_000:
            # The disk is small: what was checked makes room for what comes.
            check(place, judged)
            for old in small_disk.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            judged = 0
    check(place, judged)
    assert troubles > cycles / 4, "the disk was full indeed"
    assert kept_lists
    figures(f"{cycles} times a full disk: {number} verdicts, 0 lost, every list whole; {troubles} tries had to wait")


def fill(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    if file.write(b"\xa5" * size) != size:
                        break
            except OSError:
                continue


def check(place: Path, judged: int) -> None:
    with NightLog.open(place, "check", SystemClock()) as log:
        assert log.set_aside is None
        assert sum(1 for _ in log.judged_frames()) == judged
        documents = [document.seq for document in log.documents()]
        assert documents == list(range(1, len(documents) + 1))


def test_the_reserve_lets_a_night_be_written_on_a_full_disk(small_disk, monkeypatch):
    monkeypatch.setattr(reserve, "RESERVE_BYTES", 300_000)
    body = {"folder": "/", "files": ["x" * 5000], "kept": 0, "review": 0, "rejected": 0, "generation": 1}
    with NightLog.open(small_disk / "nightlog.sqlite", "s", SystemClock()) as log:
        assert (small_disk / "nightlog.reserve").exists()
        fill(small_disk / "filler")
        for _ in range(10):
            log.commit([Draft("list.written", body_of("list.written", body))])
        assert log.last_seq() == 10
        assert not (small_disk / "nightlog.reserve").exists()
