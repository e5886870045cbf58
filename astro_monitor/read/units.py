"""Header numbers in the unit of the pixels, for images stored as real numbers from 0 to 1 (PixInsight, Siril).

Such programs divide by the full scale of 16 bits and keep gain, offset and saturation of the camera in the previous
unit. Without conversion, the photon noise of every star would exceed its flux.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from astro_monitor.formats.contents import Pixels

from ..records import FrameMeta

FULL_SCALE = 65535.0
"""The value 1.0 in ADU of 16 bits."""
_ROW_STEP = 4
"""Every fourth row is searched for values above 1, for speed."""


def in_unit_of_pixels(meta: FrameMeta, pixels: Pixels) -> FrameMeta:
    """Return the header with gain, pedestal and saturation in the unit of the pixels.

    Parameters:
        meta: values of the header.
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
