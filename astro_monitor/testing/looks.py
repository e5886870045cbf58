"""A small look with every part filled, and the comparison of two looks to the last digit."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..records import (
    FIELD_PARTS,
    FIELD_STACK_PX,
    STACK_PX,
    Arrival,
    FieldCell,
    FrameMeta,
    Look,
    Measurements,
    Raster,
    ReferenceStar,
    SkyMap,
    SourceFeatures,
    SourceTable,
    Streak,
)

FRAME_ID, SHA256 = "ab" * 8, "ab" * 32
"""Identity of the invented frame, and the digest it begins with."""


def small_look(**changes: Any) -> Look:
    """Return a look at a frame of 600 × 400 pixels.

    Parameters:
        changes: fields of the look with other values.
    """
    now = datetime(2026, 11, 28, 22, 0, 0, 250000, tzinfo=UTC)
    rng = np.random.default_rng(1)
    parts: dict[str, Any] = {
        "arrival": Arrival(
            path=Path("/night/a frame.fits"), root=Path("/night"), size_bytes=480_000, mtime_ns=7, first_seen_utc=now,
            settled_utc=now, how="event",
        ),
        "frame_id": FRAME_ID,
        "sha256": SHA256,
        "meta": FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0, date_obs_utc=now),
        "sensor_shape": (400, 600),
        "sensor_px_per_px": 1,
        "saturation_adu": 65535.0,
        "measurements": _measurements(),
        "sources": _sources(rng),
        "source_features": SourceFeatures(
            features=rng.normal(size=256).astype(np.float32), clusters=np.full(20, 0.05, np.float32),
            quantisation_error=2.5, source_count=2, stamp_bin=1, profile=(0.25, None, 0.5),
            mean_image=rng.normal(size=(25, 25)).astype(np.float32), model="quality-sources.0+aa",
            stack=_stack(rng, STACK_PX, STACK_PX), stack_bin_px=2, stack_count=40,
            field_stacks=_stack(rng, FIELD_PARTS, FIELD_PARTS, FIELD_STACK_PX, FIELD_STACK_PX),
            field_stack_counts=np.arange(9, dtype=np.uint16).reshape(FIELD_PARTS, FIELD_PARTS),
        ),
        "sky": SkyMap(level_adu=rng.normal(500, 1, (6, 9)).astype(np.float32), noise_adu=12.5, cell_px=64),
        "cutouts": tuple(_raster(rng, 16, left, 1) for left in (0, 292, 584)),
        "picture": _raster(rng, 40, 0, 10),
        "models": ("star-unet.0+bb", "quality-sources.0+aa"),
        "timings_s": {"open": 0.01, "total": 0.25},
    }  # fmt: skip
    return Look(**{**parts, **changes})


def same(first: Any, second: Any) -> bool:
    """Return whether two values are equal to the last digit: arrays by their bytes, records field by field."""
    if isinstance(first, np.ndarray):
        alike = isinstance(second, np.ndarray) and (first.dtype, first.shape) == (second.dtype, second.shape)
        return alike and first.tobytes() == second.tobytes()
    if is_dataclass(first):
        return type(first) is type(second) and all(
            same(getattr(first, field.name), getattr(second, field.name)) for field in fields(first)
        )
    if isinstance(first, tuple):
        pairs_up = isinstance(second, tuple) and len(first) == len(second)
        return pairs_up and all(same(one, other) for one, other in zip(first, second, strict=True))
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(value, second[key]) for key, value in first.items())
    if isinstance(first, float):
        # By its text, as NaN is no number and -0.0 equals 0.0.
        return repr(first) == repr(second)
    return type(first) is type(second) and bool(first == second)


def _measurements() -> Measurements:
    """Return the measurements of the small look for tests."""
    values: dict[str, float | None] = dict.fromkeys(metrics.KEYS)
    values |= {"fwhm_px": 3.1, "star_count": 2.0, "star_count_measured": 2.0, "background_noise_adu": 12.5}
    return Measurements(
        frame_id=FRAME_ID,
        values=values,
        why_missing={key: "not measured here" for key, value in values.items() if value is None},
        field_grid=tuple(
            FieldCell(
                column=index % 8, row=index // 8, star_count=index, sky_adu=500.0 + index / 3,
                fwhm_px=3.0 if index % 2 else None, elongation=1.1, angle_deg=None,
            )
            for index in range(48)
        ),
        bright_stars=(ReferenceStar(x_px=1.5, y_px=2.25, flux_adu_s=1e4, fwhm_px=3.25, plus_px2=-1.5, cross_px2=0.75),),
        streaks=(
            Streak(x0_px=0.0, y0_px=1.0, x1_px=9.0, y1_px=9.5, angle_deg=45.0, length_px=12.0, width_px=3.0),
        ),
    )  # fmt: skip


def _stack(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Return a stack of random light for the small look of tests, in whole steps of 16-bit floats."""
    return rng.normal(scale=0.01, size=shape).astype(np.float16).astype(np.float32)


def _sources(rng: np.random.Generator) -> SourceTable:
    """Return the source table of the small look for tests, with three sources."""
    columns = (
        "x_px", "y_px", "ra_deg", "dec_deg", "flux_adu", "peak_adu", "snr", "fwhm_px", "hfr_px", "elongation",
        "angle_deg",
    )  # fmt: skip
    table: dict[str, Any] = {name: rng.normal(size=3).astype(np.float32).astype(np.float64) for name in columns}
    table["flux_adu"] = np.array([1 / 3, np.nan, 2.0])
    return SourceTable(
        **table, saturated=np.array([False, True, False]), kind=np.array([0, 1, 2], np.uint8),
        note=("", "blended", "not measured"),
    )  # fmt: skip


def _raster(rng: np.random.Generator, side_px: int, left_px: int, bin_px: int) -> Raster:
    """Return a square raster of random pixels for the small look of tests."""
    pixels = rng.integers(0, 1 << 16, (side_px, side_px)).astype(np.uint16)
    return Raster(left_px=left_px, top_px=0, bin_px=bin_px, zero_adu=480.0, step_adu=0.5, pixels=pixels)
