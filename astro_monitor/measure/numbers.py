"""The numbers of a frame while they are collected."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .. import metrics

OUT_OF_RANGE = "it is out of range on this frame"


@dataclass
class Numbers:
    """Collects values; what is never set stays missing, with the reason that was given first."""

    values: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(metrics.KEYS))
    why_missing: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: float | None) -> None:
        """Set a value, unless it is not finite."""
        if value is not None and np.isfinite(value):
            self.values[key] = float(value)

    def explain(self, reason: str, *keys: str) -> None:
        """Say why those of ``keys`` that have neither value nor reason are missing; an empty reason says nothing."""
        for key in keys:
            if reason and self.values[key] is None:
                self.why_missing.setdefault(key, reason)
