"""No more open files, no more threads: the daemon says so, goes on by itself as soon as it can, and loses nothing.

Long form: ``pytest --long tests/faults/test_exhaustion.py`` (twenty times each, about ten minutes).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from astro_monitor.monitor.mover import Mover
from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.folders import ScriptedClock, small_fits
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings
from astro_monitor.watch import scan
from astro_monitor.watch.events import EventWatcher, Hints

PATIENCE_S = 90.0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a process that runs are set on Linux only")


def frame(folder: Path, number: int) -> Path:
    path = folder / f"{number:04d}.fits"
    path.write_bytes(small_fits()[:-8] + number.to_bytes(8, "big"))
    return path


def open_files(process: str = "self") -> set[str]:
    """Numbers of what a process has open; of the own one, that of the list itself is among them."""
    return {path.name for path in Path(f"/proc/{process}/fd").iterdir()}


class Ear:
    """Hears the heartbeats of a daemon over one connection, made before there is trouble."""

    def __init__(self, state: Path) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.connect(f"ipc://{state}/bus")
        self._socket.subscribe(b"am1/session/heartbeat/")
        self.silent_s = 0.0

    def wait_for(self, wanted: Callable[[dict], bool], what: str) -> dict:
        """Wait for a heartbeat of which this holds, and note the longest silence meanwhile."""
        until, heard = time.monotonic() + PATIENCE_S, time.monotonic()
        while time.monotonic() < until:
            if self._socket.poll(200):
                body = json.loads(self._socket.recv_multipart()[-1])["body"]
                now = time.monotonic()
                self.silent_s, heard = max(self.silent_s, now - heard), now
                if wanted(body):
                    return body
        raise TimeoutError(f"waited in vain for a heartbeat: {what}")

    def close(self) -> None:
        self._socket.close(0)
        self._context.term()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, Ear]]:
    captures, state = tmp_path / "captures", tmp_path / "state"
    captures.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "astro_monitor.testing.light", str(captures), str(state)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    ear = Ear(state)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process, captures, ear
    finally:
        ear.close()
        process.terminate()
        process.communicate(timeout=60)


def judged(state: Path) -> int:
    with NightLogReader.read(next(state.glob("*/nightlog.sqlite"))) as log:
        return sum(1 for _ in log.judged_frames())


@contextmanager
def no_more_files(process: int) -> Iterator[None]:
    """Let a process open nothing more; what it has open stays."""
    import resource

    limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
    held = {int(name) for name in open_files(str(process))}
    lowest_free = next(number for number in range(len(held) + 1) if number not in held)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, limits)


@pytest.mark.slow
def test_without_open_files_the_daemon_says_so_and_goes_on_by_itself(daemon, tmp_path, rounds, figures) -> None:
    """The folder is replaced meanwhile, so that a new watcher is needed while none can be started."""
    process, captures, ear = daemon
    cycles, number, waits_s = rounds(1, 20), 0, []
    ear.wait_for(lambda beat: not beat["trouble"], "without trouble")
    for _ in range(cycles):
        with no_more_files(process.pid):
            captures.rename(tmp_path / f"old {number}")
            captures.mkdir()
            frame(captures, number)
            beat = ear.wait_for(lambda beat: bool(beat["trouble"]), "trouble")
            assert "too many files are open" in beat["trouble"] or "night log" in beat["trouble"]
        again = time.monotonic()
        number += 1
        ear.wait_for(lambda beat, number=number: not beat["trouble"] and beat["frames_judged"] >= number, "well again")
        waits_s.append(time.monotonic() - again)
        ear.wait_for(lambda beat: beat["watcher"] == "watching by events", "watching by events")
    assert process.poll() is None
    assert judged(tmp_path / "state") == cycles
    figures(
        f"{cycles} times without open files: reported each time, silent for {ear.silent_s:.1f} s at most; the frame "
        f"written meanwhile was judged at most {max(waits_s):.1f} s after they could be opened again"
    )


@pytest.fixture
def no_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Return a function that blocks or allows new threads, as when a limit is reached."""
    real, refused = threading.Thread.start, threading.Event()

    def start(self: threading.Thread) -> None:
        if refused.is_set():
            raise RuntimeError("can't start new thread")
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    yield lambda refuse: refused.set() if refuse else refused.clear()
    refused.clear()


def page(running: RunningMonitor, path: str = "/healthz") -> tuple[int, str]:
    """Return the status and text of a health page; status 0 without an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.monitor.health_port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_until(wanted: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.05)


@pytest.mark.slow
def test_without_threads_no_frame_is_missed_and_no_page_says_well(tmp_path, no_thread, rounds, figures) -> None:
    """More requests than there are places come meanwhile: a page that found no thread does not hold one for ever."""
    captures = tmp_path / "captures"
    captures.mkdir()
    settings = private_settings(tmp_path / "state", health={"address": "127.0.0.1:0"}, watch={"poll_s": 0.3})
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        number = 0
        for cycle in range(rounds(1, 20)):
            wait_until(lambda: page(running) == (200, "ok\n"), "all is well")
            no_thread(True)
            captures.rename(tmp_path / f"old {cycle}")
            captures.mkdir()
            frame(captures, number)
            number += 1
            running.wait_for_outcomes(number)
            # It was judged by polling; the health page must not report a healthy daemon meanwhile.
            assert {page(running)[0] for _ in range(20)} == {0}
            wait_until(lambda: "cannot be started" in heartbeat(running).trouble, "trouble in the heartbeat")
            assert "looking each" in heartbeat(running).watcher
            no_thread(False)
            wait_until(lambda: page(running) == (200, "ok\n"), "all is well again")
            assert heartbeat(running).watcher == "watching by events"
        frame(captures, number)
        running.wait_for_outcomes(number + 1)
    figures(f"{number} times without threads: each frame judged meanwhile, health never well, events again afterwards")


def heartbeat(running: RunningMonitor):
    state = running.monitor.state
    assert state is not None
    return state.heartbeat()


@pytest.mark.slow
def test_a_watching_thread_that_ends_by_an_error_is_reported_and_started_again(tmp_path, monkeypatch) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    settings = private_settings(tmp_path / "state", health={"address": "127.0.0.1:0"})
    real, broken = scan.Tree.scan, threading.Event()

    def scanned(self, folder, stopped):
        if broken.is_set():
            raise RuntimeError("an unforeseen error")
        return real(self, folder, stopped)

    monkeypatch.setattr(scan.Tree, "scan", scanned)
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        frame(captures, 0)
        running.wait_for_outcomes(1)
        broken.set()
        wait_until(lambda: page(running)[0] == 503, "health is not well")
        assert "an unforeseen error" in heartbeat(running).trouble
        frame(captures, 1)
        broken.clear()
        running.wait_for_outcomes(2)
        wait_until(lambda: page(running) == (200, "ok\n"), "all is well again")


def test_a_thread_is_started_again_with_growing_pauses(no_thread) -> None:
    clock, stop, runs = ScriptedClock(), threading.Event(), []
    mover = Mover(clock, lambda stop: runs.append(clock.monotonic()), stop)
    no_thread(True)
    mover.keep()
    assert "can't start new thread" in mover.trouble
    no_thread(False)
    for _ in range(40):
        mover.keep()
        mover.join(10)
        clock.wait(stop, 0.5)
    assert runs[:3] == [1.0, 3.5, 9.0]
    assert "it has ended" in mover.trouble
    stop.set()
    before = len(runs)
    mover.keep()
    assert len(runs) == before


@pytest.mark.parametrize("what", ["threads", "files"])
def test_a_watcher_that_finds_no_room_leaves_nothing_open(tmp_path, monkeypatch, no_thread, what) -> None:
    """It is tried again and again: a file that stays open each time would use up what is left."""
    if what == "threads":
        no_thread(True)
    else:
        real = os.pipe

        def pipe() -> tuple[int, int]:
            if len(open_files()) > limit:
                raise OSError(24, "Too many open files")
            return real()

        limit = len(open_files()) + 1
        monkeypatch.setattr(os, "pipe", pipe)
    before = (open_files(), threading.active_count())
    for _ in range(5):
        with pytest.raises(RuntimeError):
            EventWatcher(str(tmp_path), Hints())
    assert (open_files(), threading.active_count()) == before
    no_thread(False)
    monkeypatch.undo()
    watcher = EventWatcher(str(tmp_path), Hints())
    try:
        assert watcher.healthy()
    finally:
        watcher.stop()
