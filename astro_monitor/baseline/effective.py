"""Numbers of a frame that depend on the pedestal and gain of its camera."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..records import Camera

FRAME_ERROR = 0.03
"""Error of the noise of one frame's pixels, squared, as a fraction: counting, and faint stars."""
MOST_ERROR = 3.0
"""Largest error that is named, in natural logarithms: a factor of 20."""
PEDESTAL_KEYS = (
    "pedestal_adu",
    "sky_above_pedestal_adu",
    "sky_adu_s",
    "effective_sky_adu",
    "effective_sky_error_fraction",
    "background_gradient_fraction",
    "background_patchiness_fraction",
)
"""Metrics that :func:`pedestal_values` returns, where they are known."""


def pedestal_values(values: Mapping[str, float | None], camera: Camera, exposure_s: float) -> dict[str, float]:
    """Return the numbers of a frame that depend on its camera.

    S is the level of a sky that would make the noise of the frame: variance × gain. The pedestal has no part in it.

    Parameters:
        values: of the frame: level, noise of a pixel and gradient; patchiness as a fraction of the S they contain.
        camera: what is known of it; nothing is returned when that is nothing.
        exposure_s: 0 when it is not known.
    """
    level, noise = values.get("background_adu"), values.get("pixel_noise_adu")
    if not camera.known or level is None or noise is None or noise <= 0.0:
        return {}
    effective = noise**2 * camera.e_per_adu
    above = level - camera.pedestal_adu
    found = {
        "pedestal_adu": camera.pedestal_adu,
        "sky_above_pedestal_adu": above,
        "effective_sky_adu": effective,
        "effective_sky_error_fraction": min(math.hypot(camera.e_per_adu_error_fraction, FRAME_ERROR), MOST_ERROR),
    }
    if exposure_s > 0.0:
        found["sky_adu_s"] = above / exposure_s
    gradient, patchiness, before = (
        values.get(key) for key in ("background_gradient_adu", "background_patchiness_fraction", "effective_sky_adu")
    )
    if gradient is not None:
        found["background_gradient_fraction"] = gradient / effective
    if patchiness is not None and before is not None:
        found["background_patchiness_fraction"] = patchiness * before / effective
    return found
