"""``astro-monitor demo``: a writer process plays the capture program, the real daemon watches it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...documents import AlertView, Document, FrameFailedView, FrameJudgedView, FrameSkippedView, view
from ...errors import ConfigError
from ...monitor import Monitor
from ...plain import because, counted
from ...settings import Settings
from ..options import NIGHT, JsonOption, LogOption, UtcOption, out, settings_of
from ..page import Page, Piece, Row
from ..printing import document_printer
from ..stopping import stop_on_signals

SECTION = NIGHT


def command(
    folder: Annotated[Path | None, typer.Option(help="Where the demonstration is kept; default: a new folder.")] = None,
    frames: Annotated[int, typer.Option(min=10, max=500, help="Number of frames in the night.")] = 30,
    seconds_per_frame: Annotated[float, typer.Option(min=0.1, max=60.0, help="Pace of the camera.")] = 2.0,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Show a simulated night through the real daemon: a drift, a cloud, a satellite and a focus loss.

    A second process writes frames as a capture program does; they are watched, graded with the shipped models and
    listed for stacking. With the defaults it ends by itself within two minutes. It says where everything is.
    """
    settings = settings_of(None, None, log_level, utc=utc)
    run_demo(
        settings,
        folder,
        stop_on_signals(),
        frames=frames,
        seconds_per_frame=seconds_per_frame,
        as_json=as_json,
        out=out,
    )


FINISH_TIMEOUT_S = 60.0
"""How long the last frames may take after the writer has ended."""


OutcomeView = FrameJudgedView | FrameSkippedView | FrameFailedView
"""A file ends in one of these."""


class _Night:
    """What the writer said and what the daemon answered."""

    def __init__(self) -> None:
        self.expected: dict[str, dict[str, str]] = {}
        self.answers: dict[str, OutcomeView] = {}
        self.alerts: list[AlertView] = []
        self.changed = threading.Condition()

    def hear(self, document: Document) -> None:
        """Record the document of a judged, skipped or failed frame, or of an alert, and wake the waiting thread."""
        with self.changed:
            match view(document):
                case FrameJudgedView() | FrameSkippedView() | FrameFailedView() as outcome:
                    self.answers[outcome.file] = outcome
                case AlertView() as alert:
                    self.alerts.append(alert)
            self.changed.notify_all()

    def announce(self, planned: dict[str, str]) -> None:
        """Record that the writer is about to write a frame, with what it simulates and the class expected."""
        with self.changed:
            self.expected[planned["file"]] = planned

    def wait_until_answered(self, stop: threading.Event) -> None:
        """Wait until each announced frame has an outcome, until ``stop`` is set, or until the time limit."""
        with self.changed:
            self.changed.wait_for(
                lambda: stop.is_set() or self.expected.keys() <= self.answers.keys(), FINISH_TIMEOUT_S
            )


def run_demo(
    settings: Settings,
    folder: Path | None,
    stop: threading.Event,
    *,
    frames: int,
    seconds_per_frame: float,
    as_json: bool,
    out: Console,
) -> None:
    """Run the demonstration night and print what was expected next to what was found.

    Raises:
        ConfigError: the folder holds something already.
        ModelError, PublishError: nothing was started.
    """
    demo_folder = _demo_folder(folder)
    capture = demo_folder / "capture"
    capture.mkdir()
    settings = settings.model_copy(
        update={
            "state_folder": demo_folder / "state",
            # Ports of the system's choice: a demonstration must not disturb a daemon that runs.
            "publish": settings.publish.model_copy(
                update={"address": "tcp://127.0.0.1:0", "control_address": "tcp://127.0.0.1:0"}
            ),
        }
    )
    night = _Night()
    printer = document_printer(as_json, out, settings)

    def on_document(document: Document) -> None:
        printer(document)
        night.hear(document)

    monitor = Monitor(capture, settings, on_document=on_document)
    ready = threading.Event()
    conductor = threading.Thread(
        target=_conduct, args=(capture, frames, seconds_per_frame, night, ready, stop), name="demo", daemon=True
    )
    conductor.start()
    if not as_json:
        Page.on(out).line(
            f"A simulated night of {frames} frames, about {frames * seconds_per_frame:.0f} s.", style="bold"
        )
    try:
        monitor.run(stop, ready)
    finally:
        stop.set()
        ready.set()
        conductor.join(timeout=10.0)
    if not as_json:
        _print_summary(night, monitor, capture, out)


def _demo_folder(folder: Path | None) -> Path:
    """Return the folder of the demonstration as an absolute path: a new temporary one, or the user's if it is empty."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="astro-monitor-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty; choose a new folder for the demonstration")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be used: {because(error)}; choose another folder") from error
    return folder.absolute()


def _conduct(
    capture: Path, frames: int, seconds_per_frame: float, night: _Night, ready: threading.Event, stop: threading.Event
) -> None:
    """Start the writer once the daemon watches, follow it, and end the watch when every frame has its answer."""
    ready.wait()
    if stop.is_set():
        return
    command = [sys.executable, "-m", "astro_monitor.demo.writer", str(capture)]
    command += ["--frames", str(frames), "--seconds-per-frame", str(seconds_per_frame)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603  our own module
            for line in writer.stdout or ():
                night.announce(json.loads(line))
                if stop.is_set():
                    writer.terminate()
        night.wait_until_answered(stop)
    finally:
        stop.set()


def _print_summary(night: _Night, monitor: Monitor, capture: Path, out: Console) -> None:
    """Print what was simulated and the classes found, and where the frames, lists and night log of the demo are."""
    page, rows = Page.on(out), []
    groups: dict[tuple[str, str], list[OutcomeView]] = {}
    for file, planned in night.expected.items():
        group = groups.setdefault((planned["what"], planned["expected"]), [])
        if file in night.answers:
            group.append(night.answers[file])
    right = total = 0
    for (what, expected), outcomes in groups.items():
        judged = [outcome if isinstance(outcome, FrameJudgedView) else None for outcome in outcomes]
        classes = Counter(frame.class_ if frame else "failed" for frame in judged)
        decisions = Counter(frame.decision if frame else "failed" for frame in judged)
        right += classes[expected]
        total += len(outcomes)
        tail = Piece(_counts_text(classes), flows=True), Piece(f"({_counts_text(decisions)})", flows=True)
        rows.append(Row((what, str(len(outcomes)), expected), tail))
    page.line("What was simulated, and what was found:", style="bold")
    page.table(("what happened", "frames", "expected", "classes found (decisions)"), rows, right=("frames",))
    alerts = counted(len(night.alerts), "alert message")
    page.line(f"{right} of {counted(total, 'frame')} got the class that was simulated; {alerts}.")
    page.line(f"Frames:         {capture}")
    page.line(f"Stacking lists: {monitor.lists_folder}")
    page.line(f"Night log:      {monitor.night_log_path}")
    page.line("Next: astro-monitor watch YOUR_CAPTURE_FOLDER")


def _counts_text(counter: Counter[str]) -> str:
    """Return counts of classes or decisions as text, most frequent first; a single one is shown without its number."""
    return ", ".join(f"{name} {count}" if len(counter) > 1 else name for name, count in counter.most_common())
