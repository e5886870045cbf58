"""What a baseline keeps of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ..records import Examined
from .relative import sky_pattern

LARGEST = 1e15
"""No measured number of any unit comes near this, and its square is still a finite 64-bit float."""
PATTERN_DIGITS = 5
"""Decimal places of the sky pattern that are kept: its scatter is a few thousandths of the sky level."""


@dataclass(frozen=True, slots=True)
class AcceptedFrame:
    """One frame of the window.

    Attributes:
        frame_id: of the frame.
        values: its finite measurements, by metric.
        sky_pattern: sky of each cell of the field grid relative to their median; empty where it is not known.
    """

    frame_id: str
    values: dict[str, float]
    sky_pattern: tuple[float, ...]

    @classmethod
    def of(cls, examined: Examined) -> AcceptedFrame:
        """Return what is kept of a frame."""
        measured = examined.measurements
        cells_adu = [cell.sky_adu for cell in measured.field_grid]
        pattern = sky_pattern(cells_adu, measured.values) if cells_adu and all(map(is_sane, cells_adu)) else ()
        rounded = tuple(round(share, PATTERN_DIGITS) for share in pattern)
        return cls(examined.frame_id, finite_values(measured.values), rounded)

    def without_pattern(self) -> AcceptedFrame:
        """Return the frame without its sky pattern."""
        return AcceptedFrame(self.frame_id, self.values, ())

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [self.frame_id, self.values, list(self.sky_pattern)]

    @classmethod
    def restore(cls, stored: list[Any]) -> AcceptedFrame:
        """Undo :meth:`state`; a state from before the pattern was kept lacks it."""
        frame_id, values, *pattern = stored
        return cls(str(frame_id), finite_values(values), tuple(map(float, pattern[0])) if pattern else ())


def is_sane(value: float | None) -> TypeGuard[float]:
    """Return whether a metric can be used in a baseline's sums and squares: known, finite and not absurdly large."""
    return value is not None and abs(value) <= LARGEST


def finite_values(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the known metrics of an accepted frame, to six digits: more would only make the stored state longer."""
    return {key: float(f"{value:.6g}") for key, value in values.items() if is_sane(value)}
