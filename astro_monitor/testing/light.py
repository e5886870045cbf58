"""A daemon that is real but for the stages in its worker: for tests that start it a thousand times.

``python -m astro_monitor.testing.light FOLDER STATE`` watches until SIGTERM and prints ``ready`` when it does; formats
of lists may follow. Its verdicts follow from the bytes of the file: most frames are good, some in a row are trailed.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from .. import metrics
from ..errors import FrameError, Vanished
from ..monitor import Monitor
from ..records import CLASSES, FAULTS, Arrival, Baseline, Examined, Failed, FrameMeta, Grade, Measurements, Outcome
from ..settings import Settings, load

LIGHT_PIPELINE = "astro_monitor.testing.light:LightPipeline"
"""The name of this pipeline, as a lane takes it."""

BEGAN = datetime(2026, 3, 20, 20, tzinfo=UTC)


class LightPipeline:
    """Hashes the file and invents the rest."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """There is nothing to load."""
        return cls()

    def models(self) -> list[dict[str, str]]:
        """One invented model."""
        return [{"name": "light", "version": "1", "sha256": "00", "provider": "cpu"}]

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Read all bytes, as the real one does."""
        try:
            content = arrival.path.read_bytes()
        except FileNotFoundError:
            return _failed(arrival, Vanished("the file is not there any more; it was moved or deleted"))
        number = int(hashlib.sha256(content).hexdigest()[:6], 16)
        return invented(arrival, content, good=0.02 if number % 5 == 0 else 0.96)


def invented(arrival: Arrival, content: bytes, *, good: float) -> Examined:
    """Describe a frame of which only the bytes are real.

    Parameters:
        arrival: its file.
        content: all of its bytes; they decide on its identity and its time.
        good: probability of the class ``good``; below one half the rest goes to trailed stars.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    number = int(sha256[:6], 16)
    rest = (1.0 - good) / (len(CLASSES) - 1)
    probabilities = {**dict.fromkeys(CLASSES, rest), "good": good}
    if good < 0.5:
        probabilities = {**dict.fromkeys(CLASSES, 0.01), "bad_tracking": 0.96}
    label = max(probabilities, key=lambda name: probabilities[name])
    values = dict.fromkeys(metrics.KEYS) | {"star_count": 50.0, "fwhm_px": 3.0, "matched_star_count": 40.0}
    return Examined(
        arrival=arrival, frame_id=sha256[:16], sha256=sha256, sensor_shape=(40, 40), sensor_px_per_px=1,
        meta=FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0,
                       date_obs_utc=BEGAN + timedelta(seconds=number % 36_000)),
        measurements=Measurements(frame_id=sha256[:16], values=values, why_missing={}, field_grid=(),
                                  bright_stars=(), streaks=()),
        grade=Grade(frame_id=sha256[:16], label=label, probabilities=probabilities, cause_probability=1.0,
                    fault_scores={**dict.fromkeys(FAULTS, 0.0), "tracking": 1.0 - good}, in_domain=1.0,
                    cause="none" if good > 0.5 else "drift", why_unknown="", model="light"),
        models=("light",), timings_s={"total": 0.001},
    )  # fmt: skip


def _failed(arrival: Arrival, error: FrameError) -> Failed:
    return Failed(arrival=arrival, frame_id=None, stage="read", kind=error.kind, known=True,
                  retryable=error.retryable, sentence=str(error), timings_s={})  # fmt: skip


def light_settings(state: Path, formats: Sequence[str] = ("csv", "json")) -> Settings:
    """Settings of such a daemon: quick to see a file as whole, and few lists."""
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

    def tell() -> None:
        if ready.wait(60):
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    threading.Thread(target=tell, daemon=True).start()
    monitor.run(stop, ready)


if __name__ == "__main__":
    main()
