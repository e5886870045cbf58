"""Numbers from headers and measurements, brought within bounds in which sums, squares and calendars still work.

A header may say anything: an exposure of 1e308 s, a gain that is no number, a binning of more than 64 bits, the year
9999. Beyond the bounds a value is taken as unknown, with a note; the frame is judged by what is left.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from ..bounds import INT64_MAX
from .frames import FrameMeta
from .measurements import Measurements
from .noise import NOT_MEASURED, SkyNoise
from .verdicts import Failed, Outcome, Skipped

LARGEST = 1e60
"""No quantity here is larger in its unit, and its fourth power is still a finite 64-bit float."""
FIRST, LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""A year inside the limits of ``datetime``, so that a time zone or the noon of a night cannot leave them."""


def sane(outcome: Outcome) -> Outcome:
    """Return an outcome of the worker whose numbers are all within bounds.

    Parameters:
        outcome: as it came from the worker.

    Returns:
        the same one where nothing had to be changed.
    """
    timings_s = {key: value for key, value in outcome.timings_s.items() if _is_sane(value)}
    if isinstance(outcome, Failed):
        return replace(outcome, timings_s=timings_s)
    height, width = (side if 0 <= side <= INT64_MAX else 0 for side in outcome.sensor_shape)
    meta = _meta(outcome.meta)
    if isinstance(outcome, Skipped):
        noise = _sky_noise(outcome.sky_noise)
        return replace(outcome, meta=meta, sensor_shape=(height, width), timings_s=timings_s, sky_noise=noise)
    return replace(
        outcome, meta=meta, sensor_shape=(height, width), timings_s=timings_s,
        measurements=_measurements(outcome.measurements),
    )  # fmt: skip


def _meta(meta: FrameMeta) -> FrameMeta:
    """Return the metadata of a frame without numbers and times that are out of bounds; a note names each."""
    changes: dict[str, Any] = {}
    notes: list[str] = []
    for field in fields(meta):
        value = getattr(meta, field.name)
        if isinstance(value, float) and not _is_sane(value):
            changes[field.name] = None
        elif isinstance(value, datetime) and not _is_in_calendar(value):
            changes[field.name] = None
        elif isinstance(value, int) and not 0 < value <= INT64_MAX:
            changes[field.name] = 1
        else:
            continue
        notes.append(f"{field.name} has an impossible value in the header, so it is not used.")
    return replace(meta, **changes, notes=(*meta.notes, *notes)) if changes else meta


def _measurements(measured: Measurements) -> Measurements:
    """Return the measurements of a frame without numbers that are out of bounds."""
    values, why = dict(measured.values), dict(measured.why_missing)
    for key, value in measured.values.items():
        if value is not None and not _is_sane(value):
            values[key], why[key] = None, "the number is impossibly large"
    stars = tuple(star for star in measured.bright_stars if _all_sane(star))
    grid = measured.field_grid if all(_all_sane(cell) for cell in measured.field_grid) else ()
    streaks = tuple(streak for streak in measured.streaks if _all_sane(streak))
    return replace(
        measured, values=values, why_missing=why, field_grid=grid, bright_stars=stars, streaks=streaks,
        sky_noise=_sky_noise(measured.sky_noise),
    )  # fmt: skip


def _sky_noise(noise: SkyNoise) -> SkyNoise:
    """Return level and noise of the sky without what is out of bounds."""
    if not _all_sane(noise) or noise.unit_adu <= 0.0:
        return NOT_MEASURED
    return replace(noise, cells=tuple(cell for cell in noise.cells if _all_sane(cell) and cell.pairs <= INT64_MAX))


def _all_sane(record: Any) -> bool:
    """Return whether all floats of a record are within bounds."""
    return all(
        -LARGEST <= value <= LARGEST
        for value in [getattr(record, name) for name in _names(type(record))]
        if type(value) is float
    )


def _names(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a record; asked for each of hundreds of stars."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


_NAMES: dict[Any, tuple[str, ...]] = {}


def _is_sane(number: float) -> bool:
    """Return whether a number of a header or measurement is finite and within bounds."""
    return -LARGEST <= number <= LARGEST


def _is_in_calendar(moment: datetime) -> bool:
    """Return whether a time of a header has a zone and lies between ``FIRST`` and ``LAST``."""
    try:
        return moment.tzinfo is not None and FIRST <= moment <= LAST
    except OverflowError:
        return False
