"""A real daemon with simulated stages in its worker, for tests that start it a thousand times.

``python -m astro_monitor.testing.light FOLDER STATE`` watches until SIGTERM and prints ``ready`` when it has started;
formats of lists may follow. Its verdicts depend on the bytes of the file: most frames are good, some are trailed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ..errors import FrameError, Vanished
from ..monitor import Monitor
from ..records import Arrival, Baseline, Examined, Failed, Look, Outcome, Skipped, baseline_key
from ..settings import Settings, load
from .inventing import graded, invented, invented_look

__all__ = ["LIGHT_PIPELINE", "LightPipeline", "graded", "invented", "invented_look", "light_settings"]

LIGHT_PIPELINE = "astro_monitor.testing.light:LightPipeline"
"""Name of this pipeline for a lane."""


class LightPipeline:
    """Hashes the file and invents all measurements."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the pipeline; it has no models to load."""
        return cls()

    def models(self) -> list[dict[str, str]]:
        """Return one invented model."""
        return [{"name": "light", "version": "1", "sha256": "00", "provider": "cpu"}]

    def look(self, arrival: Arrival, *, on_picture: object = None) -> Look | Skipped | Failed:
        """Read all bytes, as the real one does."""
        try:
            content = arrival.path.read_bytes()
        except FileNotFoundError:
            return _failed(arrival, Vanished("the file is not there any more; it was moved or deleted"))
        return invented_look(arrival, content)

    def compare(self, look: Look, baseline: Baseline) -> Examined | Failed:
        """Return an invented grade."""
        return graded(look, good=0.02 if int(look.sha256[:6], 16) % 5 == 0 else 0.96)

    def examine(self, arrival: Arrival) -> Outcome:
        """Look at a frame and compare it with an empty baseline."""
        look = self.look(arrival)
        if not isinstance(look, Look):
            return look
        return self.compare(look, Baseline(key=baseline_key(look.meta, look.sensor_shape)))


def _failed(arrival: Arrival, error: FrameError) -> Failed:
    """Return the failed outcome of a test file that the simulated reader refused."""
    return Failed(arrival=arrival, frame_id=None, stage="read", kind=error.kind, known=True,
                  retryable=error.retryable, sentence=str(error), timings_s={})  # fmt: skip


def light_settings(state: Path, formats: Sequence[str] = ("csv", "json")) -> Settings:
    """Return settings of such a daemon, with short waits for complete files, and few lists."""
    return load(
        None,
        {
            "state_folder": state,
            "watch": {"quiet_s": 0.2, "rescan_s": 1.0},
            "publish": {"address": f"ipc://{state}/bus", "control_address": f"ipc://{state}/control"},
            "lists": {"formats": list(formats)},
        },
    )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("formats", nargs="*", default=["csv", "json"])
    options = parser.parse_args()
    stop, ready = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    options.state.mkdir(parents=True, exist_ok=True)
    monitor = Monitor(options.folder, light_settings(options.state, options.formats), pipeline=LIGHT_PIPELINE)

    def announce() -> None:
        if ready.wait(60):
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    threading.Thread(target=announce, daemon=True).start()
    monitor.run(stop, ready)


if __name__ == "__main__":
    main()
