"""Collection of the measurements of a frame, with the reasons for missing ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .. import metrics

OUT_OF_RANGE = "it is out of range on this frame"
"""Reason for a value that is not finite."""


@dataclass
class Numbers:
    """Collects values; values that are never set are missing, with the first reason."""

    values: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(metrics.KEYS))
    why_missing: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: float | None) -> None:
        """Set a value, unless it is not finite."""
        if value is not None and np.isfinite(value):
            self.values[key] = float(value)

    def explain(self, reason: str, *keys: str) -> None:
        """Set the reason for those of ``keys`` that have neither value nor reason; an empty reason is ignored."""
        for key in keys:
            if reason and self.values[key] is None:
                self.why_missing.setdefault(key, reason)
