"""The two ten-line subscribers print what a real publisher says."""

from __future__ import annotations

import json
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

from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import NightLog
from astro_monitor.publish import Publisher
from astro_monitor.settings import PublishSettings

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDENS = REPOSITORY / "tests" / "contract" / "goldens" / "v1"

EXPECTED = {
    "frame.judged": "frame.judged reject bad_tracking /data/capture/M 31/Light_L_120s_0001.fits",
    "alert.opened": "alert.opened Two of the last three frames have elongated stars in one direction.",
}


def body(kind: str) -> dict[str, object]:
    return json.loads((GOLDENS / f"{kind}.json").read_text("utf-8"))["body"]


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


def heard_by(command: list[str], folder: Path) -> None:
    """Say a frame and a warning until the program has printed both."""
    settings = PublishSettings(address="tcp://127.0.0.1:0", control_address="tcp://127.0.0.1:0")
    with (
        NightLog.open(":memory:", "s", SystemClock()) as log,
        Publisher(settings, log, SystemClock()) as publisher,
        running([*command, publisher.addresses[0]], folder) as lines,
    ):
        documents = [log.append(kind, body(kind)) for kind in EXPECTED]
        missing, patience = set(EXPECTED.values()), 300
        while missing and patience:
            for document in documents:
                publisher.announce(document)
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                patience -= 1
                continue
            assert line in EXPECTED.values()
            missing.discard(line)
        assert not missing


def test_the_python_example_prints_frames_and_warnings():
    heard_by([sys.executable, str(REPOSITORY / "examples" / "subscriber.py")], REPOSITORY)


@pytest.mark.external
def test_the_node_example_prints_frames_and_warnings(tmp_path, need_program):
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
    heard_by([node, "subscriber.mjs"], tmp_path)
