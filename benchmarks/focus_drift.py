"""Whether a focus that drifts is reported before frames are lost: seeded numbers of frames through the real judge.

No pixels: each night has 120 frames of one rig whose FWHM scatters by 5 to 8 % from frame to frame (log-normal), as on
real nights, while the seeing wanders by up to 15 % over hours. On every other night the focus drifts from some frame
on, by 2 % of the sharp width an exposure. A drift counts as warned of in time when a seeing warning opens, or is open,
before the width without its scatter has reached 1.4 times what it was; on a night without drift any is false. Run it as
``python -m benchmarks.focus_drift``; 200 nights take a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor import metrics
from astro_monitor.judge import Judge
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, FrameMeta, Grade, Measurements
from astro_monitor.settings import Settings
from benchmarks.shares import share, shown

FRAMES = 120
CADENCES_S = (60.0, 120.0, 180.0, 300.0)
SCATTER = (0.05, 0.08)
WANDERS = (0.06, 0.15)
"""Largest distance of the seeing from its median over the night, drawn between these."""
PERIODS_H = (1.5, 6.0)
DRIFT = 0.02
LATEST_START = 60
LOST = 1.4
"""Width over the usual by which the warning must be there."""
SHARP_PX = (1.8, 4.0)
BEGAN = datetime(2026, 3, 1, 19, tzinfo=UTC)

STEADY = {
    "background_adu": 1500.0, "sky_above_pedestal_adu": 1000.0, "background_noise_adu": 30.0, "sky_adu_s": 8.0,
    "background_gradient_adu": 40.0, "background_gradient_fraction": 0.04, "background_patchiness_fraction": 0.01,
    "elongation": 1.03, "angle_coherence": 0.2, "trail_length_px": 0.3, "trail_plus_px2": 0.05,
    "trail_cross_px2": 0.08, "rotation_coherence": 0.1, "radial_elongation": 0.01, "central_dip_fraction": 0.0,
    "star_count": 400.0, "star_count_measured": 200.0, "saturated_star_fraction": 0.02,
    "saturated_pixel_fraction": 0.0001, "transparency": 1.0, "extinction_mag": 0.0, "matched_star_count": 100.0,
    "offset_px": 2.0, "streak_count": 0.0, "dead_cell_fraction": 0.0, "bad_pixel_fraction": 0.0,
}  # fmt: skip
"""Numbers of a good frame, all but its width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night.

    Attributes:
        cadence_s: seconds from frame to frame.
        start: first frame that is wider than the one before by the drift.
        true_px, measured_px: width of each frame without and with its scatter.
    """

    cadence_s: float
    start: int
    true_px: NDArray[np.float64]
    measured_px: NDArray[np.float64]

    @property
    def lost_at(self) -> int:
        """First frame whose true width is ``LOST`` times that before the drift; ``FRAMES`` if there is none."""
        usual_px = float(np.median(self.true_px[: max(self.start, 5)][-20:]))
        wide = np.flatnonzero(self.true_px >= LOST * usual_px)
        return int(wide[0]) if wide.size else FRAMES


def night(seed: int, drift: float) -> Night:
    """Draw one night.

    Parameters:
        seed: of everything that happens.
        drift: growth of the width in one exposure, over the sharp width.
    """
    rng = np.random.default_rng([seed, 0xF0C5])
    cadence_s, start = float(rng.choice(CADENCES_S)), int(rng.integers(0, LATEST_START))
    hours = np.arange(FRAMES) * cadence_s / 3600.0
    wander = np.zeros(FRAMES)
    for _ in range(3):
        wander += rng.normal() * np.sin(2 * np.pi * (hours / rng.uniform(*PERIODS_H) + rng.uniform()))
    wander -= np.median(wander)
    wander *= rng.uniform(*WANDERS) / max(float(np.abs(wander).max()), 1e-9)
    grown = 1.0 + drift * np.maximum(np.arange(FRAMES) - start, 0)
    true_px = float(rng.uniform(*SHARP_PX)) * (1.0 + wander) * grown
    scatter = np.exp(rng.uniform(*SCATTER) * rng.standard_normal(FRAMES))
    return Night(cadence_s=cadence_s, start=start, true_px=true_px, measured_px=true_px * scatter)


def examined(number: int, width_px: float, cadence_s: float) -> Examined:
    """Return a good frame of the given width, as the worker would describe it."""
    moment = BEGAN + timedelta(seconds=number * cadence_s)
    arrival = Arrival(
        path=Path(f"/night/light_{number:04d}.fits"), root=Path("/night"), size_bytes=1, mtime_ns=0,
        first_seen_utc=moment, settled_utc=moment, how="event",
    )  # fmt: skip
    frame_id = f"{number:016x}"
    values = dict.fromkeys(metrics.KEYS) | STEADY
    values |= {"fwhm_px": width_px, "fwhm_minor_px": 0.98 * width_px, "fwhm_arcsec": 1.2 * width_px}
    return Examined(
        arrival=arrival, frame_id=frame_id, sha256=frame_id * 4, sensor_shape=(2000, 3000), sensor_px_per_px=1,
        meta=FrameMeta(kind="light", target="Field", filter="L", camera="camera", exposure_s=cadence_s - 2.0,
                       date_obs_utc=moment),
        measurements=Measurements(frame_id=frame_id, values=values, why_missing={}, field_grid=(), bright_stars=(),
                                  streaks=()),
        grade=Grade(frame_id=frame_id, label="good", probabilities={**dict.fromkeys(CLASSES, 0.01), "good": 0.96},
                    fault_scores=dict.fromkeys(FAULTS, 0.05), cause="none", cause_probability=0.9, in_domain=0.95,
                    why_unknown="", model="none"),
        models=(), timings_s={},
    )  # fmt: skip


def warned_at(drawn: Night) -> list[tuple[int, int]]:
    """Judge a night; return the spans of frames with an open seeing warning: first frame, and first one without it."""
    settings = Settings()
    judge, spans, opened = Judge(settings.judge, settings.site), [], -1
    for number, width_px in enumerate(drawn.measured_px):
        for alert in judge.judge(examined(number, float(width_px), drawn.cadence_s))[1]:
            if alert.kind == "seeing" and alert.change == "opened":
                opened = number
            if alert.kind == "seeing" and alert.change == "closed":
                spans.append((opened, number))
                opened = -1
    return spans if opened < 0 else [*spans, (opened, FRAMES)]


def in_time(drawn: Night) -> bool:
    """Return whether a warning was open at some time between the start of the drift and the first lost frame."""
    return any(first <= drawn.lost_at and last > drawn.start for first, last in warned_at(drawn))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.focus_drift", description=__doc__)
    parser.add_argument("--nights", type=int, default=100, help="of each kind")
    parser.add_argument("--drift", type=float, default=DRIFT, help="growth in one exposure, over the sharp width")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(argv)
    warned = share([[in_time(night(seed, options.drift))] for seed in range(options.nights)])
    false = share([[bool(warned_at(night(10_000 + seed, 0.0)))] for seed in range(options.nights)])
    print(f"| figure | bar | reached |\n|---|---|---|\n| drift of {100 * options.drift:g} % an exposure warned of "
          f"before {LOST} × | ≥ 0.95 | {shown(warned)} of {warned['of']} nights |\n| nights without drift with a "
          f"warning | ≤ 0.05 | {shown(false)} of {false['of']} nights |")  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps({"warned_in_time": warned, "false": false}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
