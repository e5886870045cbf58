"""The examples in the docstrings and on the page of the public API run, and print what they show."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import socket

import pytest

import astro_monitor
from astro_monitor import api
from astro_monitor.demo import Exposure, Rig, Sky, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.testing.running import RunningMonitor, private_settings

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
DEFAULT_ADDRESS = "tcp://127.0.0.1:5556"


def two_free_ports() -> int:
    """Return a port that is free, and so is the next one."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port
    raise OSError("no two free ports next to each other")


@pytest.fixture
def captures(tmp_path, monkeypatch):
    """A folder with three frames, the last of them trailed, in the current folder; and ports of our own."""
    rig = Rig(height_px=600, width_px=800)
    sky = Sky.seeded(rig)
    folder = tmp_path / "captures"
    folder.mkdir()
    for exposure in (
        Exposure(index=1, expected="good", what=""),
        Exposure(index=2, expected="good", what=""),
        Exposure(index=3, expected="very_bad_tracking", what="", drift_px=12.0),
    ):
        pixels = render_exposure(rig, sky, exposure)
        write_fits(folder / f"light_{exposure.index:04d}.fits", pixels, cards_of(rig, exposure))
    (tmp_path / "notes.fits").write_text("not a frame")
    port = two_free_ports()
    monkeypatch.setenv("ASTRO_MONITOR_PUBLISH__ADDRESS", f"tcp://127.0.0.1:{port}")
    monkeypatch.setenv("ASTRO_MONITOR_PUBLISH__CONTROL_ADDRESS", f"tcp://127.0.0.1:{port + 1}")
    monkeypatch.setenv("ASTRO_MONITOR_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("ASTRO_MONITOR_WATCH__QUIET_S", "0.5")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def follow(captures, tmp_path, monkeypatch):
    """Return a ``subscribe`` that finds a daemon of the test's own at the default address."""

    def subscribe(address=DEFAULT_ADDRESS, **options):
        assert address == DEFAULT_ADDRESS
        port = two_free_ports()
        publish = {"address": f"tcp://127.0.0.1:{port}", "control_address": f"tcp://127.0.0.1:{port + 1}"}
        settings = private_settings(tmp_path / "other", publish=publish)
        with RunningMonitor(captures, settings) as running:
            running.wait_for_outcomes(1)
            yield from real(publish["address"], **{"after_seq": 0, **options})

    real = api.subscribe
    return subscribe


def matches(shown: str, printed: str) -> bool:
    lines, got = shown.splitlines(), printed.splitlines()
    patterns = [re.escape(line.rstrip()).replace("…", ".*") for line in lines]
    return len(lines) == len(got) and all(
        re.fullmatch(pattern, line.rstrip()) for pattern, line in zip(patterns, got, strict=True)
    )


def test_the_examples_of_the_page(repository, captures, follow, monkeypatch) -> None:
    text = (repository / "docs" / "reference" / "api.md").read_text("utf-8")
    monkeypatch.setattr(astro_monitor, "subscribe", follow)
    names: dict[str, object] = {}
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python")
    for code, shown in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "api.md", "exec"), names)
        assert not shown or matches(shown, printed.getvalue()), f"{code}\n{printed.getvalue()}"


@pytest.mark.parametrize(
    "function", [api.grade_frames, api.watch_folder, api.subscribe, api.FramePipeline.look], ids=lambda f: f.__name__
)
def test_the_example_of_the_docstring(captures, follow, function) -> None:
    names = {**vars(api), "subscribe": follow}
    (example,) = doctest.DocTestFinder(recurse=False).find(function, function.__name__, globs=names)
    assert example.examples
    report = io.StringIO()
    assert doctest.DocTestRunner().run(example, out=report.write).failed == 0, report.getvalue()
