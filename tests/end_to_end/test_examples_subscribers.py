"""The two ten-line subscribers hear the real daemon."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from astro_monitor.demo import Exposure, Rig, Sky, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.testing.running import RunningMonitor, private_settings

REPOSITORY = Path(__file__).resolve().parents[2]
RIG = Rig(height_px=480, width_px=640)
MOST_FRAMES = 60

pytestmark = pytest.mark.slow


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[queue.Queue[str]]:
    """Run a program and hand over the lines it prints; end it afterwards."""
    lines: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, encoding="utf-8") as program:

        def read() -> None:
            for line in program.stdout:
                lines.put(line.rstrip("\n"))
            lines.put("the program has ended")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield lines
        finally:
            program.kill()
            reader.join()


def heard_by(command: list[str], folder: Path, tmp_path: Path) -> None:
    """Capture good frames until the program has printed one, then trailed ones until it has printed the warning."""
    capture = tmp_path / "capture"
    capture.mkdir()
    sky = Sky.seeded(RIG, stars=300)
    heard: list[str] = []
    with (
        RunningMonitor(capture, private_settings(tmp_path / "state")) as daemon,
        running([*command, daemon.monitor.addresses[0]], folder) as lines,
    ):
        for index in range(1, MOST_FRAMES):
            trailed = any(line.startswith("frame.judged") for line in heard)
            exposure = Exposure(index=index, expected="", what="", drift_px=12.0 if trailed else 0.0)
            write_fits(capture / f"{index:03d}.fits", render_exposure(RIG, sky, exposure), cards_of(RIG, exposure))
            daemon.wait_for_outcomes(index)
            try:
                while True:
                    heard.append(lines.get(timeout=0.3))
            except queue.Empty:
                assert "the program has ended" not in heard
            if any(line.startswith("alert.opened") for line in heard):
                break
        said = {f"frame.judged {d.body['decision']} {d.body['class']} {d.body['file']}" for d in daemon.outcomes()}
        warned = {f"alert.opened {d.body['sentence']}" for d in daemon.documents if d.kind == "alert.opened"}
    judged = [line for line in heard if line.startswith("frame.judged")]
    assert judged
    assert set(judged) <= said
    assert warned & set(heard)


def test_the_python_example_hears_frames_and_warnings(tmp_path):
    heard_by([sys.executable, str(REPOSITORY / "examples" / "subscriber.py")], REPOSITORY, tmp_path)


@pytest.mark.external
def test_the_node_example_hears_frames_and_warnings(tmp_path, need_program):
    node, npm = need_program("node", "nodejs"), need_program("npm", "npm")
    for name in ("package.json", "subscriber.mjs"):
        shutil.copy(REPOSITORY / "examples" / name, tmp_path)
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    if installed.returncode and not os.environ.get("CI"):
        pytest.skip(f"npm could not install the package zeromq: {installed.stderr.strip()[-200:]}")
    assert installed.returncode == 0, installed.stderr
    heard_by([node, "subscriber.mjs"], tmp_path, tmp_path)
