"""A frame as the worker would describe it, with any number changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from astro_monitor.judge import Judge
from astro_monitor.metrics import KEYS
from astro_monitor.records import (
    CLASSES,
    FAULTS,
    Arrival,
    Examined,
    Failed,
    FieldCell,
    FrameMeta,
    Grade,
    Measurements,
    ReferenceStar,
)
from astro_monitor.settings import JudgeSettings, SiteSettings

START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)

PEDESTAL_ADU = 500.0

GOOD_VALUES: dict[str, float] = {
    "background_adu": 1500.0,
    "sky_above_pedestal_adu": 1000.0,
    "sky_adu_s": 16.7,
    "background_noise_adu": 30.0,
    "background_gradient_adu": 40.0,
    "background_gradient_fraction": 0.04,
    "background_patchiness_fraction": 0.01,
    "fwhm_px": 3.0,
    "fwhm_minor_px": 2.9,
    "fwhm_arcsec": 3.0,
    "elongation": 1.03,
    "angle_coherence": 0.2,
    "trail_length_px": 0.3,
    "rotation_coherence": 0.1,
    "radial_elongation": 0.01,
    "central_dip_fraction": 0.0,
    "star_count": 400.0,
    "star_count_measured": 200.0,
    "saturated_star_fraction": 0.02,
    "saturated_pixel_fraction": 0.0001,
    "transparency": 1.0,
    "extinction_mag": 0.0,
    "matched_star_count": 100.0,
    "offset_px": 2.0,
    "streak_count": 0.0,
    "dead_cell_fraction": 0.0,
    "bad_pixel_fraction": 0.0,
}


def _arrival(number: int) -> Arrival:
    moment = START + timedelta(seconds=60 * number)
    return Arrival(
        path=Path(f"/night/light_{number:04d}.fits"), root=Path("/night"), size_bytes=1000, mtime_ns=0,
        first_seen_utc=moment, settled_utc=moment, how="event",
    )  # fmt: skip


def _fill_trail(measured: dict[str, float | None]) -> None:
    """The trail as a vector, from its length and its angle (30 degrees unless given)."""
    length, angle = measured["trail_length_px"], measured.setdefault("elongation_angle_deg", None)
    if length is not None and abs(length) < 1e100 and measured["trail_plus_px2"] is None:
        double = math.radians(2 * (30.0 if angle is None else angle))
        measured["trail_plus_px2"] = length**2 * math.cos(double)
        measured["trail_cross_px2"] = length**2 * math.sin(double)


def _cells(measured: dict[str, float | None]) -> tuple[FieldCell, ...]:
    """A sky that brightens evenly from the left to the right."""
    level, slope = measured["background_adu"] or 0.0, measured["background_gradient_adu"] or 0.0
    return tuple(
        FieldCell(
            column=column, row=row, star_count=8, sky_adu=level + slope * (column / 7 - 0.5), fwhm_px=None,
            elongation=None, angle_deg=None,
        )
        for row in range(6)
        for column in range(8)
    )  # fmt: skip


def build(
    number: int,
    *,
    probabilities: dict[str, float] | None = None,
    faults: dict[str, float] | None = None,
    label: str | None = None,
    cause: str = "none",
    causes: dict[str, float] | None = None,
    in_domain: float = 0.9,
    meta: dict[str, Any] | None = None,
    **values: float | None,
) -> Examined:
    given = probabilities or {"good": 0.97}
    filled = {name: given.get(name, 0.0) for name in CLASSES}
    frame_id = f"{number:016x}"
    measured: dict[str, float | None] = {key: GOOD_VALUES.get(key) for key in KEYS}
    measured.update(values)
    sky = measured["sky_above_pedestal_adu"]
    if "background_adu" not in values and sky is not None and abs(sky) < 1e100:
        measured["background_adu"] = PEDESTAL_ADU + sky
    _fill_trail(measured)
    facts: dict[str, Any] = {"kind": "light", "target": "M 31", "filter": "L", "camera": "cam", "exposure_s": 60.0}
    facts["date_obs_utc"] = START + timedelta(seconds=60 * number)
    facts.update(meta or {})
    return Examined(
        arrival=_arrival(number), frame_id=frame_id, sha256=frame_id * 4, meta=FrameMeta(**facts),
        sensor_shape=(2000, 3000), sensor_px_per_px=1,
        measurements=Measurements(
            frame_id=frame_id, values=measured, why_missing={}, field_grid=_cells(measured), streaks=(),
            bright_stars=tuple(ReferenceStar(x_px=10.0 * i, y_px=7.0 * i, flux_adu_s=500.0 - i) for i in range(60)),
        ),
        grade=Grade(
            frame_id=frame_id, label=label or max(filled, key=filled.__getitem__), probabilities=filled,
            fault_scores={name: (faults or {}).get(name, 0.02) for name in FAULTS}, cause=cause,
            cause_probability=0.8, in_domain=in_domain,
            why_unknown="nothing like it was seen in training" if label == "unknown" else "", model="quality.1 abc",
            cause_probabilities=causes or {},
        ),
        models=("star-unet.1", "quality.1"), timings_s={},
    )  # fmt: skip


@pytest.fixture
def frame() -> Callable[..., Examined]:
    return build


@pytest.fixture
def failed() -> Callable[..., Failed]:
    def make(number: int, kind: str = "unreadable") -> Failed:
        return Failed(
            arrival=_arrival(number), frame_id=f"{number:016x}", stage="read", kind=kind, known=True,
            retryable=False, sentence="The file is cut short.", timings_s={},
        )  # fmt: skip

    return make


@pytest.fixture
def judge() -> Judge:
    return Judge(JudgeSettings(), SiteSettings())


@pytest.fixture
def settled(judge: Judge) -> Judge:
    """A judge that has seen ten good frames, numbers 0 to 9."""
    for number in range(10):
        verdict, alerts = judge.judge(build(number))
        assert (verdict.decision, alerts) == ("keep", ())
    return judge
