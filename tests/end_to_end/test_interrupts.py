"""Ctrl-C ends the program without a traceback, once, twice or thrice, and while it is still being loaded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")

RIG = Rig(height_px=240, width_px=320)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    folder = tmp_path / "capture"
    folder.mkdir()
    exposure = next(demo_night(10))
    write_fits(folder / "a.fits", render_exposure(RIG, Sky.seeded(RIG, stars=60), exposure), cards_of(RIG, exposure))
    return folder


def started(capture: Path, *flags: str) -> subprocess.Popen[str]:
    addresses = ("--address", "tcp://127.0.0.1:0", "--control", "tcp://127.0.0.1:0")
    command = [sys.executable, "-m", "astro_monitor", "watch", str(capture), "--state", str(capture.parent / "state")]
    return subprocess.Popen(
        [*command, *addresses, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


@pytest.mark.parametrize(("times", "codes"), [(1, {0}), (2, {0, 130}), (3, {0, 130, -signal.SIGINT})])
def test_a_running_watch_ends_quietly(capture, times, codes) -> None:
    """More than one Ctrl-C may find it on its way out already."""
    with started(capture, "--json") as daemon:
        assert json.loads(daemon.stdout.readline())["kind"] == "session.started"
        for _ in range(times):
            daemon.send_signal(signal.SIGINT)
        _, errors = daemon.communicate(timeout=60)
    assert daemon.returncode in codes
    assert "Traceback" not in errors
    assert "KeyboardInterrupt" not in errors
    assert "because of an error" not in errors


def test_a_program_that_is_still_being_loaded_ends_quietly(capture) -> None:
    code = (
        "import sys, signal, os\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pydantic': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from astro_monitor.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_writer_of_the_demo_ends_quietly(tmp_path) -> None:
    command = [
        sys.executable,
        "-m",
        "astro_monitor.demo.writer",
        str(tmp_path),
        "--frames",
        "500",
        "--seconds-per-frame",
        "0.2",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        writer.send_signal(signal.SIGINT)
        _, errors = writer.communicate(timeout=60)
    assert (writer.returncode, errors) == (0, "")
