"""Black pixels: a camera whose black level (offset) is set too low cuts off the faint half of the noise."""

from __future__ import annotations

from astro_monitor.judge import Case, Finding, RuleRow
from astro_monitor.metrics import Metric
from astro_monitor.records import Scene

KEY = "black_pixel_fraction"
STRIDE = 4
"""Every fourth row and column is counted: 1.5 million pixels of 24, enough for a thousandth."""
NOTED, REVIEWED = 0.001, 0.01
"""Part of black pixels from which the weight is lowered, and from which a person should look."""
LOWERED_WEIGHT = 0.8
"""Factor of the stacking weight of a frame with some black pixels."""


def black_pixels(scene: Scene) -> float:
    """Return the part of the pixels with the value 0."""
    return float((scene.frame.pixels[::STRIDE, ::STRIDE] == 0).mean())


def clipped_blacks(case: Case) -> Finding | None:
    """Object to frames with black pixels."""
    part = case.value(KEY)
    if part is None or part < NOTED:
        return None
    many = part >= REVIEWED
    return Finding(
        rule="clipped_blacks",
        strength="review" if many else "note",
        metric=KEY,
        value=part,
        limit=REVIEWED if many else NOTED,
        unit="1",
        sentence=f"{100 * part:.1f} % of the pixels are black: raise the offset of the camera.",
        weight_factor=LOWERED_WEIGHT,
    )


BLACKS = Metric(KEY, "1", "lower", "Part of the frame at the value 0", black_pixels)
CLIPPED_BLACKS = RuleRow("clipped_blacks", clipped_blacks)
