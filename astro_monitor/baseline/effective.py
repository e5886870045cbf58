"""Numbers of a frame that depend on the pedestal and gain of its camera."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ..plain import counted
from ..records import Baseline, Camera, FrameMeta, Spread
from .camera import OVERSCAN

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


IN_WORDS = {
    "header": "header", "overscan": "overscan", "bias": "bias frames", "dark": "dark frames",
    "photon_transfer": "photon transfer", "prior": "what cameras are like",
}  # fmt: skip
"""Sources of a gain or pedestal, for people."""


def source_in_words(camera: Camera) -> str:
    """Return what a camera's numbers rest on most, such as ``photon transfer (12 frames)``.

    Parameters:
        camera: one of which something is known.
    """
    return f"{IN_WORDS[camera.source]} ({counted(camera.frames, 'frame')})"


def with_own_overscan(camera: Camera, meta: FrameMeta) -> Camera:
    """Return what is known of a camera with the pedestal of a frame's own overscan, where it has one.

    Parameters:
        camera: from all frames.
        meta: of the frame.
    """
    measured = meta.pedestal_adu if meta.sources.get("pedestal_adu") == OVERSCAN else None
    return camera if measured is None or not camera.known else replace(camera, pedestal_adu=measured)


def with_camera(baseline: Baseline, camera: Camera) -> Baseline:
    """Return a baseline whose numbers that depend on pedestal and gain are those of a camera, as it is known now.

    They were measured when less was known; a frame and its baseline must be compared with the same gain and pedestal.

    Parameters:
        baseline: with the levels, noises and gradients of its frames.
        camera: what is known of it; the baseline is returned as it is when that is nothing.
    """
    if not camera.known:
        return baseline
    spreads, medians = dict(baseline.spreads), {key: spread.median for key, spread in baseline.spreads.items()}
    for key, value in pedestal_values(medians, camera, baseline.key.exposure_s).items():
        spreads[key] = Spread(
            median=value, mad=_mad(key, value, baseline.spreads, medians["background_adu"] - camera.pedestal_adu)
        )
    return replace(baseline, spreads=spreads, camera=camera)


def _mad(key: str, value: float, spreads: Mapping[str, Spread], above_adu: float) -> float:
    """Return the scatter of a number that depends on the camera, from the scatter of what it is made of."""
    level, noise = spreads["background_adu"], spreads["pixel_noise_adu"]
    if key == "sky_above_pedestal_adu":
        return level.mad
    if key == "sky_adu_s":
        return abs(level.mad * value / above_adu) if above_adu else 0.0
    if key == "effective_sky_adu":
        return 2.0 * noise.mad / noise.median * value if noise.median > 0.0 else 0.0
    before = spreads.get(key)
    if key in ("background_gradient_fraction", "background_patchiness_fraction") and before and before.median:
        return abs(before.mad * value / before.median)
    return 0.0
