"""How much a frame looks like those the model was trained on: from the quantisation error of its sources, from whether
they stand apart as stars do, and from what the model learnt of pictures that are no night sky.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FEW_SOURCES = 20
"""The mean error of fewer sources scatters more; the limits are widened by the square root of the shortage."""

APART_FWHM = 0.4
"""What is taken for stars nearer to each other than this, in their own widths, is the structure of one large thing: the
Moon, a spectrum, a roof. Fields full of trails come down to 0.3."""


def in_domain(
    error: float, source_count: int, separation_fwhm: float | None, familiar: float, calibration: Mapping[str, Any]
) -> float:
    """Return how well a frame fits the quality model's training: 1 ordinary, 0.5 at the edge, towards 0 beyond.

    The score falls linearly from 1 at the typical error of the validation frames (``error_median``) to 0.5 at the
    error that only one in a thousand of them exceeds (``error_edge``), and on to 0 as far beyond. Sources that lie
    within each other lower it in proportion. It is at most what the model itself says.

    Parameters:
        error: mean quantisation error of the sources of the frame.
        source_count: how many sources; 0 gives 0, as nothing was seen.
        separation_fwhm: median distance to the nearest other source in star widths; ``None`` when not known.
        familiar: output of the model: 1 for a night sky, 0.5 where the rarest frames of validation rigs are, 0 for a
            picture of something else.
        calibration: of the model's card.
    """
    if source_count == 0:
        return 0.0
    median, edge = float(calibration["error_median"]), float(calibration["error_edge"])
    widened = (edge - median) * max(1.0, FEW_SOURCES / source_count) ** 0.5
    score: float = min(max(1.0 - 0.5 * max(error - median, 0.0) / max(widened, 1e-6), 0.0), 1.0, familiar)
    return score if separation_fwhm is None else score * min(1.0, separation_fwhm / APART_FWHM)
