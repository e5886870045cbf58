"""What a history keeps of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from ..records import Examined
from .relative import sky_pattern

LARGEST = 1e15
"""No measured number of any unit comes near this, and its square is still a finite 64-bit float."""
PATTERN_DIGITS = 2
"""Decimal places in ADU of the sky pattern that are kept: a cell is the mean of thousands of pixels."""
DIFFERENCES = (
    "extinction_mag", "matched_trail_plus_px2", "matched_trail_cross_px2", "offset_x_px", "offset_y_px",
)  # fmt: skip
"""Numbers of a frame minus those of the reference frame."""
RATIOS = ("transparency", "matched_width_ratio")
"""Numbers of a frame divided by those of the reference frame."""
OF_THE_REFERENCE = (
    *DIFFERENCES, *RATIOS, "offset_px", "field_turn_deg", "kernel_length_px", "kernel_angle_deg",
    "kernel_halo_fraction", "kernel_peaks",
)  # fmt: skip
"""Numbers that say nothing against another reference frame, unless they can be converted."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where the field of a frame is, and how much of its light arrives, on scales that outlive a reference frame.

    Attributes:
        field: number of the field; light and places of different fields do not compare.
        angle_deg: how the field lies on the sensor, from 0 to 360, against the first reference frame.
        light_mag: loss of light of matched stars against the first reference frame of the field, clear air at this
            airmass allowed for; ``None``: too few stars were matched.
    """

    field: int = 0
    angle_deg: float = 0.0
    light_mag: float | None = None

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [self.field, self.angle_deg, self.light_mag]

    @classmethod
    def restore(cls, stored: list[Any]) -> Sighting:
        """Undo :meth:`state`."""
        field, angle_deg, light_mag = stored
        return cls(int(field), float(angle_deg), None if light_mag is None else float(light_mag))


@dataclass(frozen=True, slots=True)
class NotedFrame:
    """One frame of a history.

    Attributes:
        frame_id: of the frame.
        values: its finite measurements, by metric.
        pattern_adu: sky of each cell of the field grid above their median, ADU; empty where it is not known.
        sighting: its field, orientation and light.
    """

    frame_id: str
    values: dict[str, float]
    pattern_adu: tuple[float, ...] = ()
    sighting: Sighting = Sighting()

    @classmethod
    def of(cls, examined: Examined, sighting: Sighting) -> NotedFrame:
        """Return what is kept of a frame."""
        measured = examined.measurements
        cells_adu = [cell.sky_adu for cell in measured.field_grid]
        pattern = sky_pattern(cells_adu) if cells_adu and all(map(is_sane, cells_adu)) else ()
        rounded = tuple(round(level, PATTERN_DIGITS) for level in pattern)
        return cls(examined.frame_id, finite_values(measured.values), rounded, sighting)

    @property
    def width_px(self) -> float:
        """Width of the stars across any trail; 0 where it is not known."""
        return self.values.get("fwhm_minor_px") or self.values.get("fwhm_px") or 0.0

    def against(self, reference: NotedFrame) -> NotedFrame:
        """Return the frame with its numbers relative to another reference frame.

        Parameters:
            reference: the new reference frame, with its numbers relative to the present one.
        """
        values: dict[str, float | None] = {
            key: value for key, value in self.values.items() if key not in OF_THE_REFERENCE
        }
        for key in DIFFERENCES:
            if key in self.values and key in reference.values:
                values[key] = self.values[key] - reference.values[key]
        for key in RATIOS:
            if key in self.values and reference.values.get(key, 0.0) > 0.0:
                values[key] = self.values[key] / reference.values[key]
        return replace(self, values=finite_values(values))

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [self.frame_id, self.values, list(self.pattern_adu), self.sighting.state()]

    @classmethod
    def restore(cls, stored: list[Any]) -> NotedFrame:
        """Undo :meth:`state`."""
        frame_id, values, pattern_adu, sighting = stored
        return cls(str(frame_id), finite_values(values), tuple(map(float, pattern_adu)), Sighting.restore(sighting))


def is_sane(value: float | None) -> TypeGuard[float]:
    """Return whether a metric can be used in a baseline's sums and squares: known, finite and not absurdly large."""
    return value is not None and abs(value) <= LARGEST


def finite_values(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the known metrics of a frame, to six digits: more would only make the stored state longer."""
    return {key: float(f"{value:.6g}") for key, value in values.items() if is_sane(value)}
