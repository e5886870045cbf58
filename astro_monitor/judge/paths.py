"""What the path that the stars drew says about its cause: how light lies along the kernel of one frame.

A drift is an even bar, a periodic error a bar with bright ends, a jump two knots, wind a bright core in a cloud. When a
field turns, each star draws another path. The limits lie between medians of simulated paths (``benchmarks.kernels``,
and training rigs):

=========  =====  =====  ======  =======  ========
cause      L / F  gap    bright  core     scatter
                         ends    shorter  of stars
=========  =====  =====  ======  =======  ========
drift      3 - 6   0.07    0.69     0        0.5
periodic   3 - 6   0.29    0.90     0        0.4
jump       3 - 6   0.9     0.8      0.3 +    0.1
wind       1 - 3   0       0.5      0.37     0.2
wind       3 - 6   0       0.19     0.61     0.2
rotation   1 - 6   0       0.7      0.15     4.5
=========  =====  =====  ======  =======  ========

The core is what moments under a Gaussian weight see (``trail_length_px``); the scatter is that of the changes of
``12 (a² - b²)`` from star to star over the square of the path. The model has the kernel as a picture, so these numbers
only add what it may have missed.
"""

from __future__ import annotations

import math

from .evidence import Case

LEAST_PATH, LONG_PATH = 1.0, 2.5
"""Length of the kernel in widths from which its core tells wind, and from which one bar differs from two knots."""
GAP, GAP_RANGE = 0.5, 0.2
"""Depth between two knots that speaks neither for a jump nor against it, and distance from it at which it is clear."""
FAINT_ENDS, FAINT_RANGE = 0.5, 0.2
"""The same of faint ends and wind."""
BRIGHT_ENDS, BRIGHT_RANGE = 0.8, 0.15
"""The same of bright ends: a periodic error above, a drift below."""
SHORT_CORE, SHORT_RANGE = 0.22, 0.15
"""The same of the part by which the core is shorter than the path, and wind."""
UNLIKE, UNLIKE_RANGE = 0.5, 0.5
"""The same of the natural logarithm of the scatter from star to star, and a field that turns."""
KNOTS, TURNED, WIND, ENDS = 2.0, 2.0, 1.0, 0.7
"""Weights of clear answers, as natural logarithms of odds."""


def path_hints(case: Case) -> dict[str, float]:
    """Return natural logarithms of odds for the causes of trails; empty when the kernel tells nothing.

    Parameters:
        case: a frame and its baseline.
    """
    length_px, width_px = case.value("kernel_length_px"), case.value("fwhm_minor_px") or case.value("fwhm_px")
    if length_px is None or not width_px:
        return {}
    hints = {}
    scatter_px2 = case.value("matched_trail_scatter_px2")
    if scatter_px2 is not None and scatter_px2 > 0:
        unlike = math.log(scatter_px2 / max(length_px, width_px) ** 2)
        hints["rotation"] = TURNED * _lean(unlike - UNLIKE, UNLIKE_RANGE)
    ends, gap = case.value("kernel_end_brightness"), case.value("kernel_gap_fraction")
    if ends is None or gap is None or length_px < LEAST_PATH * width_px:
        return hints
    parted, long = _lean(gap - GAP, GAP_RANGE), length_px >= LONG_PATH * width_px
    if parted > 0:
        return {**hints, "jump": KNOTS * parted, "wind": -KNOTS * parted}
    core_px = case.value("trail_length_px")
    windy = WIND * _lean(FAINT_ENDS - ends, FAINT_RANGE) if long else 0.0
    windy += 0.0 if core_px is None else WIND * _lean(1.0 - core_px / length_px - SHORT_CORE, SHORT_RANGE)
    hints["wind"] = windy
    if long:
        bright = ENDS * _lean(ends - BRIGHT_ENDS, BRIGHT_RANGE)
        hints |= {"jump": KNOTS * parted, "periodic": bright, "drift": -bright}
    return hints


def _lean(distance: float, full: float) -> float:
    """Return how clear an answer is, from -1 (no) over 0 (undecided) to 1 (yes)."""
    return min(max(distance / full, -1.0), 1.0)
