"""One vector of numbers for a frame: its measurements, the same against the rig's baseline, and against the site.

The only copy, for training and serving. Every number may be missing; then it is 0 and its flag is 0. The rows are in
:mod:`.alone` and :mod:`.compared`; a new number is a new row there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .alone import ALONE, Row
from .compared import COMPARED
from .known import Known
from .skymaps import CHANGE_NUMBERS, SUMMARY_NUMBERS, SkyMaps

LARGEST = 12.0
"""Numbers are cut off here: beyond lies nothing to learn from."""

ALONE_LENGTH = 2 * len(ALONE) + len(SUMMARY_NUMBERS)
"""Numbers at the beginning of the vector that no baseline changes."""
STATISTICS_LENGTH = ALONE_LENGTH + 2 * len(COMPARED) + len(CHANGE_NUMBERS)
"""Numbers of the whole vector."""

NUMBERS: tuple[str, ...] = (
    *ALONE,
    *(f"knows_{name}" for name in ALONE),
    *(f"sky_{name}" for name in SUMMARY_NUMBERS),
    *COMPARED,
    *(f"knows_{name}" for name in COMPARED),
    *(f"sky_change_{name}" for name in CHANGE_NUMBERS),
)
"""Names of all numbers, in the order of the vector; ``knows_...`` is 1 where the number of that name is known."""


def statistics(known: Known, maps: SkyMaps) -> NDArray[np.float32]:
    """Return the vector of one frame for the quality model.

    Parameters:
        known: numbers of the frame and its baseline.
        maps: of its sky, for the numbers that sum them up.

    Returns:
        (``STATISTICS_LENGTH``,) float32, in the order of ``NUMBERS``.
    """
    vector = np.array(
        [*_flagged(ALONE, known), *maps.now_numbers, *_flagged(COMPARED, known), *maps.change_numbers], np.float64
    )
    return np.clip(np.nan_to_num(vector), -LARGEST, LARGEST).astype(np.float32)


def _flagged(rows: Mapping[str, Row], known: Known) -> list[float]:
    """Return the numbers of some rows, 0 where unknown, followed by a flag for each."""
    numbers = [row(known) for row in rows.values()]
    return [*(number or 0.0 for number in numbers), *(float(number is not None) for number in numbers)]
