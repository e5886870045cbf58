"""All that one frame shows by itself: what can be said of it from its pixels and its header, and nothing relative."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .frames import Arrival, FrameMeta
from .measurements import Measurements
from .sources import SourceTable
from .stacks import no_field_counts, no_field_stacks, no_stack
from .stars import SkyMap

LOOK_VERSION = 2
"""Changed whenever a look of the same frame would hold other numbers, or hold them in another way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """A part of the frame in 16 bits: the level of a pixel is ``zero_adu + step_adu * pixels``.

    Attributes:
        left_px, top_px: column and row in frame pixels of its first pixel's upper left frame pixel.
        bin_px: side in frame pixels of one pixel of the raster, which is their mean.
        zero_adu, step_adu: level of a pixel that holds 0, and of one unit more.
        pixels: (h, w) uint16, read-only.
    """

    left_px: int
    top_px: int
    bin_px: int
    zero_adu: float
    step_adu: float
    pixels: NDArray[np.uint16]

    def level_adu(self) -> NDArray[np.float32]:
        """Return the levels of the pixels, (h, w)."""
        return (self.zero_adu + self.step_adu * self.pixels).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFeatures:
    """What the quality model sees of the sources of a frame, whatever the frame is compared with.

    Attributes:
        features: (F,) float32, output of the model's source part, input of its head.
        clusters: (C,) float32, share of the sources in each cluster of the map.
        quantisation_error: mean distance of the sources from the units of the map.
        source_count: how many sources were used.
        stamp_bin: binning of their cut-outs, frame pixels.
        profile: one number for each of ``grade.profile.PROFILE_NUMBERS``; ``None`` is unknown.
        mean_image: (25, 25) float32, mean of the scaled cut-outs; zero without sources.
        model: ``name.version+hash`` of the source part.
        stack, stack_bin_px, stack_count, field_stacks, field_stack_counts: mean images of the stars; see
            :class:`~.stacks.StarStacks`.
    """

    features: NDArray[np.float32]
    clusters: NDArray[np.float32]
    quantisation_error: float
    source_count: int
    stamp_bin: int
    profile: tuple[float | None, ...]
    mean_image: NDArray[np.float32]
    model: str
    stack: NDArray[np.float32] = field(default_factory=no_stack)
    stack_bin_px: int = 1
    stack_count: int = 0
    field_stacks: NDArray[np.float32] = field(default_factory=no_field_stacks)
    field_stack_counts: NDArray[np.uint16] = field(default_factory=no_field_counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """All that depends on the pixels and the header of one frame alone. Immutable; made once for each content.

    Attributes:
        version: of the record, ``LOOK_VERSION`` when it was made.
        frame_id, sha256, meta, sensor_shape, sensor_px_per_px: as in ``Frame``.
        saturation_adu: level above which a pixel is taken as saturated.
        measurements: the absolute ones, with all streaks; what is relative to a baseline is missing, with a reason.
        sources: all detections in the pixels of the file; shapes of those that were measured.
        source_features: what the head of the quality model needs of the sources.
        sky: the mesh that was subtracted.
        cutouts: nine parts of the field at full resolution, row by row; fewer where the frame is too small.
        picture: the whole frame, binned.
        models: identity of each model that looked.
        timings_s: wall time of each stage.
    """

    version: int = LOOK_VERSION
    arrival: Arrival
    frame_id: str
    sha256: str
    meta: FrameMeta
    sensor_shape: tuple[int, int]
    sensor_px_per_px: int
    saturation_adu: float
    measurements: Measurements
    sources: SourceTable
    source_features: SourceFeatures
    sky: SkyMap
    cutouts: tuple[Raster, ...]
    picture: Raster
    models: tuple[str, ...]
    timings_s: dict[str, float]
