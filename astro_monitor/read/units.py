"""Header numbers in the unit of the pixels, where a program has stored real numbers from 0 to 1 (PixInsight, Siril).

Such programs divide by the full scale of 16 bits and keep the camera's gain, offset and saturation as they were, which
are of the unit before. Taken as they stand, the photon noise of every star would be larger than its light.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..records import FrameMeta
from .pixels import Pixels

FULL_SCALE = 65535.0
"""What 1.0 stands for, in ADU of 16 bits."""
_ROW_STEP = 4


def in_unit_of_pixels(meta: FrameMeta, pixels: Pixels) -> FrameMeta:
    """Return the header with gain, pedestal and saturation in the unit of the pixels.

    Parameters:
        meta: as the header has it.
        pixels: (H, W), as stored.
    """
    if pixels.dtype == np.uint16 or float(pixels[::_ROW_STEP].max()) > 1.0:
        return meta
    sources = dict(meta.sources)

    def noted(key: str) -> None:
        if key in sources:
            sources[key] += ", of 16 bits"

    gain, pedestal, saturation = meta.e_per_adu, meta.pedestal_adu, meta.saturation_adu
    if gain is not None:
        gain *= FULL_SCALE
        noted("e_per_adu")
    if pedestal is not None and pedestal > 1.0:
        pedestal /= FULL_SCALE
        noted("pedestal_adu")
    if saturation is not None and saturation > 1.0:
        saturation /= FULL_SCALE
        noted("saturation_adu")
        if saturation > 1.0:
            saturation = None
    return replace(meta, e_per_adu=gain, pedestal_adu=pedestal, saturation_adu=saturation, sources=sources)
