"""The words with a meaning for programs: classes, faults, causes, decisions. Each has its one home here.

Stages, models, documents and the simulator take them from here. A test ties the types, the tuples, the simulator and
``docs/explanations/classes.md`` to each other.
"""

from __future__ import annotations

from typing import Literal

ClassName = Literal["good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue"]
"""The five classes of light frames (Teimoorinia et al. 2020, AJ 159, 170)."""

Label = ClassName | Literal["unknown"]
"""The class of a verdict; ``unknown`` when no class is probable enough."""

CLASSES: tuple[str, ...] = ("good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue")
"""The five classes, in the order of the model's output."""

WORST_CLASS_FIRST: tuple[str, ...] = (
    "very_bad_tracking", "bad_tracking", "background_issue", "bad_seeing", "good",
)  # fmt: skip
"""A frame with several faults has the first of these classes that applies."""

Fault = Literal["tracking", "seeing", "background"]
"""The independent faults of a light frame."""

FAULTS: tuple[str, ...] = ("tracking", "seeing", "background")
"""The three fault scores, in the order of the model's output."""

WORST_FAULT_FIRST: tuple[str, ...] = ("tracking", "background", "seeing")
"""A frame with several faults has the class of the first of these."""

CLASSES_OF_FAULT: dict[str, tuple[str, ...]] = {
    "tracking": ("bad_tracking", "very_bad_tracking"),
    "seeing": ("bad_seeing",),
    "background": ("background_issue",),
}
"""The classes that each of ``FAULTS`` leads to."""

CauseName = Literal[
    "none", "drift", "periodic", "jump", "wind", "rotation", "seeing", "defocus",
    "cloud", "gradient", "leak", "twilight", "dew", "moon",
]  # fmt: skip
"""Likely cause of a fault; ``none`` for a good frame."""

CAUSES: tuple[str, ...] = (
    "none", "drift", "periodic", "jump", "wind", "rotation", "seeing", "defocus",
    "cloud", "gradient", "leak", "twilight", "dew", "moon",
)  # fmt: skip
"""Causes, in the order of the model's output. A model names those that it knows in its card."""

CAUSES_OF_FAULT: dict[str, tuple[str, ...]] = {
    "tracking": ("drift", "periodic", "jump", "wind", "rotation"),
    "seeing": ("seeing", "defocus"),
    "background": ("cloud", "gradient", "leak", "twilight", "dew", "moon"),
}
"""The causes that each of ``FAULTS`` can have."""

CAUSES_OF_CLASS: dict[str, tuple[str, ...]] = {
    "good": ("none",),
    **{name: CAUSES_OF_FAULT[fault] for fault, names in CLASSES_OF_FAULT.items() for name in names},
}
"""The causes that a frame of each class can have."""

Flag = Literal["streak", "saturated", "few_stars", "off_target", "optics", "obstructed", "small_cloud"]
"""A property of a frame that never rejects it by itself."""

FLAGS: tuple[str, ...] = ("streak", "saturated", "few_stars", "off_target", "optics", "obstructed", "small_cloud")
"""All flags."""

Decision = Literal["keep", "review", "reject"]
"""What becomes of a frame."""

DECISIONS: tuple[Decision, ...] = ("keep", "review", "reject")
"""All decisions, the best first."""

AlertKind = Literal["tracking", "seeing", "background", "obstruction", "pointing", "failures"]
"""What an alert is about: a fault, something in front of a part of the field, another field than that of the frames
before, or files that cannot be read."""

AlertChange = Literal["opened", "updated", "closed"]
"""What an alert document reports."""

Severity = Literal["info", "warning", "severe"]
"""How bad the trouble of an alert is; ``info``: worth knowing, as that the moon is up, and nothing to repair."""

FrameKind = Literal[
    "light", "dark", "flat", "bias", "product", "guide", "focus", "snapshot", "defect_map", "unknown"
]  # fmt: skip
"""What a file holds. ``unknown`` frames are graded as lights are; all others are skipped."""

Subject = Literal["guider", "mount", "focuser", "weather", "sequence"]
"""What an observation of another program is about."""

Role = Literal["viewer", "editor", "plugin"]
"""What a client may do: a viewer asks; an editor also decides on frames; a plugin also reports observations."""

SessionMode = Literal["watch", "grade"]
"""What a session does: follow a folder, or grade files that are already there."""

StopReason = Literal["completed", "stopped", "failed", "lost"]
"""How a session ended; ``lost`` when it did not report its end."""

Better = Literal["lower", "higher", "near", "none"]
"""Which values of a measured number are better; ``near``: those near the baseline."""
