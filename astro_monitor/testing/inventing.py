"""Looks and grades of frames of which only the bytes are real."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np

from .. import metrics
from ..looks import NO_SOURCES
from ..records import (
    CLASSES,
    FAULTS,
    Arrival,
    Examined,
    FrameMeta,
    Grade,
    Look,
    Measurements,
    Raster,
    SkyMap,
    SourceFeatures,
)

BEGAN = datetime(2026, 3, 20, 20, tzinfo=UTC)
"""Earliest start of an invented exposure."""


def invented(arrival: Arrival, content: bytes, *, good: float) -> Examined:
    """Describe a frame of which only the bytes are real.

    Parameters:
        arrival: its file.
        content: all of its bytes; they decide on its identity and its time.
        good: probability of the class ``good``; below one half the rest goes to trailed stars.
    """
    return graded(invented_look(arrival, content), good=good)


def invented_look(arrival: Arrival, content: bytes) -> Look:
    """Return a look at a frame of which only the bytes are real.

    Parameters:
        arrival: its file.
        content: all of its bytes; they decide on its identity and its time.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    number = int(sha256[:6], 16)
    values = dict.fromkeys(metrics.KEYS) | {"star_count": 50.0, "fwhm_px": 3.0, "matched_star_count": 40.0}
    nothing, dark = np.zeros(0, np.float32), np.zeros((1, 1), np.uint16)
    return Look(
        arrival=arrival, frame_id=sha256[:16], sha256=sha256, sensor_shape=(40, 40), sensor_px_per_px=1,
        saturation_adu=65535.0,
        meta=FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0,
                       date_obs_utc=BEGAN + timedelta(seconds=number % 18_000)),
        measurements=Measurements(frame_id=sha256[:16], values=values, why_missing={}, field_grid=(),
                                  bright_stars=(), streaks=()),
        sources=NO_SOURCES,
        source_features=SourceFeatures(features=nothing, clusters=nothing, quantisation_error=0.0, source_count=0,
                                       stamp_bin=1, profile=(), mean_image=np.zeros((1, 1), np.float32),
                                       model="light"),
        sky=SkyMap(level_adu=np.zeros((1, 1), np.float32), noise_adu=1.0, cell_px=40), cutouts=(),
        picture=Raster(left_px=0, top_px=0, bin_px=40, zero_adu=0.0, step_adu=1.0, pixels=dark),
        models=("light",), timings_s={"total": 0.001},
    )  # fmt: skip


def graded(look: Look, *, good: float) -> Examined:
    """Grade a look.

    Parameters:
        look: from :func:`invented_look`.
        good: probability of the class ``good``; below one half the rest goes to trailed stars.
    """
    rest = (1.0 - good) / (len(CLASSES) - 1)
    probabilities = {**dict.fromkeys(CLASSES, rest), "good": good}
    if good < 0.5:
        probabilities = {**dict.fromkeys(CLASSES, 0.01), "bad_tracking": 0.96}
    return Examined(
        arrival=look.arrival, frame_id=look.frame_id, sha256=look.sha256, sensor_shape=look.sensor_shape,
        sensor_px_per_px=look.sensor_px_per_px, meta=look.meta, measurements=look.measurements,
        grade=Grade(frame_id=look.frame_id, label=max(probabilities, key=lambda name: probabilities[name]),
                    probabilities=probabilities, cause_probability=1.0,
                    fault_scores={**dict.fromkeys(FAULTS, 0.0), "tracking": 1.0 - good}, in_domain=1.0,
                    cause="none" if good > 0.5 else "drift", why_unknown="", model="light"),
        models=look.models, timings_s=look.timings_s,
    )  # fmt: skip
