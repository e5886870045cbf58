"""The part of a look that is written as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Arrival, FrameMeta, SkyNoise


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything in a look that is no array.

    Attributes:
        values, why_missing, sky_noise: of the measurements.
        notes: the different notes of the source table; its rows refer to them by number.
        source_count, stamp_bin, source_model, stack_bin_px, stack_count: of the source features.
        cell_px: of the sky mesh.
    """

    arrival: Arrival
    frame_id: str
    sha256: str
    meta: FrameMeta
    sensor_shape: tuple[int, int]
    sensor_px_per_px: int
    values: dict[str, float | None]
    why_missing: dict[str, str]
    sky_noise: SkyNoise
    notes: tuple[str, ...]
    source_count: int
    stamp_bin: int
    source_model: str
    stack_bin_px: int
    stack_count: int
    cell_px: int
    models: tuple[str, ...]
    timings_s: dict[str, float]
