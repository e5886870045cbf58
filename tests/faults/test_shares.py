"""A share that does not answer: a file system in user space whose server is stopped, as when a NAS hangs.

Long form: ``pytest --long tests/faults/test_shares.py`` (twenty times, about ten minutes). Needs bindfs and FUSE.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from astro_monitor.documents import SessionHeartbeat
from astro_monitor.nightlog import NightLogReader
from astro_monitor.publish import how_it_is
from astro_monitor.testing.folders import small_fits
from astro_monitor.testing.light import light_settings

PATIENCE_S = 120.0


class Share:
    """A folder on a server, and where it is mounted."""

    def __init__(self, place: Path) -> None:
        self.server, self.mounted = place / "server", place / "mounted"
        self.server.mkdir()
        self.mounted.mkdir()
        self.process = subprocess.Popen(["bindfs", "-f", str(self.server), str(self.mounted)])
        until = time.monotonic() + 20.0
        while not os.path.ismount(self.mounted) and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)

    def write(self, number: int) -> None:
        """Write a frame on the server itself, so that no event tells of it."""
        content = small_fits()[:-8] + (1 + number).to_bytes(8, "big")
        (self.server / f"frame_{number:04d}.fits").write_bytes(content)


@pytest.fixture
def share(tmp_path) -> Iterator[Share]:
    if sys.platform != "linux" or shutil.which("bindfs") is None or not Path("/dev/fuse").exists():
        pytest.skip("bindfs or FUSE is not here (Debian package bindfs)")
    made = Share(tmp_path)
    try:
        if not os.path.ismount(made.mounted):
            pytest.skip("a file system in user space cannot be mounted here")
        yield made
    finally:
        made.process.send_signal(signal.SIGCONT)
        subprocess.run(["fusermount", "-uz", str(made.mounted)], check=False)
        made.process.kill()
        made.process.wait()


@pytest.fixture
def daemon(share, tmp_path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "astro_monitor.testing.light", str(share.mounted), str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def judged(state: Path) -> int:
    (place,) = state.glob("*/nightlog.sqlite")
    with NightLogReader.read(place) as log:
        return sum(1 for _ in log.judged_frames())


def wait_until_judged(state: Path, count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while judged(state) < count:
        assert time.monotonic() < until, "the frame on the share was not found"
        time.sleep(0.2)


def beat_with(state: Path, trouble: bool) -> SessionHeartbeat:
    """Ask until the daemon is, or is not, in trouble; it must answer each time."""
    until = time.monotonic() + PATIENCE_S
    while True:
        beat = how_it_is(light_settings(state).publish)
        if bool(beat.trouble) == trouble:
            return beat
        assert time.monotonic() < until, beat


@pytest.mark.slow
@pytest.mark.external
def test_a_share_that_hangs_is_reported_and_nothing_is_lost_when_it_is_back(share, daemon, tmp_path, rounds, figures):
    state, told_s, back_s = tmp_path / "s", [], []
    share.write(0)
    wait_until_judged(state, 1)
    cycles = rounds(1, 20)
    for cycle in range(1, cycles + 1):
        share.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        share.write(cycle)
        beat = beat_with(state, trouble=True)
        told_s.append(time.monotonic() - began)
        assert "has not answered" in beat.trouble
        share.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        wait_until_judged(state, cycle + 1)
        back_s.append(time.monotonic() - began)
        assert beat_with(state, trouble=False).trouble == ""
    assert daemon.poll() is None
    figures(
        f"{cycles} times a share hung: told after at most {max(told_s):.0f} s, heartbeats all the time; the frame of "
        f"meanwhile was judged at most {max(back_s):.0f} s after it was back"
    )


@pytest.mark.slow
@pytest.mark.external
def test_the_daemon_ends_while_its_share_hangs(share, daemon, tmp_path, figures):
    share.write(0)
    wait_until_judged(tmp_path / "s", 1)
    share.process.send_signal(signal.SIGSTOP)
    beat_with(tmp_path / "s", trouble=True)
    began = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(PATIENCE_S)
    figures(f"with a share that hangs the daemon ended {time.monotonic() - began:.0f} s after SIGTERM")
    with NightLogReader.read(next((tmp_path / "s").glob("*/nightlog.sqlite"))) as log:
        assert list(log.documents())[-1].kind == "session.stopped"
