"""One frame with all that was found on it, for the extractors of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .frames import Frame
from .stars import Detections, Stars


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What a metric is extracted from; nothing in it may be changed.

    Attributes:
        frame: the frame; its pixels are read-only.
        detections: sources, sky and trails.
        stars: the measured stars, brightest first; empty when none could be measured.
        values: numbers that were measured before; ``None`` where one is missing.
    """

    frame: Frame
    detections: Detections
    stars: Stars
    values: Mapping[str, float | None]

    def count(self, kind: int) -> int:
        """Return the number of detections of a kind, such as ``KIND_STAR``."""
        return int(np.count_nonzero(self.detections.kind == kind))

    @property
    def picture_px(self) -> int:
        """Number of pixels that belong to the picture; borders without data are left out."""
        border = self.frame.border
        return self.frame.pixels.size - (0 if border is None else int(np.count_nonzero(border)))
