"""Names that stages, models and documents share."""

from __future__ import annotations

from typing import Literal

CLASSES = ("good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue")
"""The five classes, in the order of the model's output."""

FAULTS = ("tracking", "seeing", "background")
"""The three independent fault scores, in the order of the model's output."""

CAUSES = (
    "none", "drift", "periodic", "jump", "wind", "rotation", "seeing", "defocus",
    "cloud", "gradient", "leak", "twilight", "dew",
)  # fmt: skip
"""Causes, in the order of the model's output."""

FLAGS = ("streak", "saturated", "few_stars", "off_target", "optics", "obstructed", "small_cloud")
"""Flags that may stand beside a class."""

KIND_STAR, KIND_EXTENDED, KIND_ARTEFACT = 0, 1, 2
"""Kinds of a detection, in the order of the model's output."""

FrameKind = Literal[
    "light", "dark", "flat", "bias", "product", "guide", "focus", "snapshot", "defect_map", "unknown"
]  # fmt: skip
"""What a file holds. ``unknown`` frames are graded as lights are; all others are noted and left alone."""
