"""The dark sky of a rig and target: S stays that of the dark sky while the moon is up.

The darkest frames of the usual group are remembered longer than its window. While the sky of the window is about as
dark, the window itself is the baseline; where it is much brighter, the dark frames are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records import Spread
from .noted import NotedFrame, finite_values
from .spreads import spreads

SKY_KEYS = (
    "background_adu", "sky_above_pedestal_adu", "effective_sky_adu", "sky_adu_s", "background_noise_adu",
    "pixel_noise_adu", "sky_saturation_fraction",
)  # fmt: skip
"""Metrics of the level of the sky, which are those of the dark frames while the moon is up."""
DARKEST_FRAMES = 10
"""Frames that are remembered as the darkest."""
LEAST_FRAMES = 5
"""Fewer dark frames are no level of the sky: one of them may be wrong."""
BRIGHTER = 1.5
"""Sky of the window over that of the dark frames from which the dark frames are the baseline."""


@dataclass(slots=True)
class DarkSky:
    """The darkest frames so far, darkest first: identity and metrics of the sky."""

    frames: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def note(self, frame: NotedFrame) -> None:
        """Take note of a usual frame."""
        values = {key: frame.values[key] for key in SKY_KEYS if key in frame.values}
        if "background_adu" not in values or any(frame_id == frame.frame_id for frame_id, _ in self.frames):
            return
        self.frames.append((frame.frame_id, values))
        self.frames.sort(key=lambda one: one[1]["background_adu"])
        del self.frames[DARKEST_FRAMES:]

    def remove(self, frame_id: str) -> None:
        """Forget a frame."""
        self.frames = [one for one in self.frames if one[0] != frame_id]

    def clear(self) -> None:
        """Forget all frames: others are usual now."""
        self.frames.clear()

    @property
    def level_adu(self) -> float:
        """Dark sky above the level of no light, in ADU; 0 while it is not known."""
        return _level(spreads([values for _, values in self.frames])) if len(self.frames) >= LEAST_FRAMES else 0.0

    def usual(self, window: Mapping[str, Spread]) -> dict[str, Spread]:
        """Return the spreads of a window of frames, with a dark sky.

        Parameters:
            window: spreads of the window itself.
        """
        level = window.get("background_adu")
        if level is None or len(self.frames) < LEAST_FRAMES:
            return dict(window)
        dark = spreads([values for _, values in self.frames])
        unit = _level(dark)
        if level.median - dark["background_adu"].median < (BRIGHTER - 1.0) * unit:
            return dict(window)
        return {**window, **dark}

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [[frame_id, values] for frame_id, values in self.frames]

    @classmethod
    def restore(cls, state: Iterable[Any]) -> DarkSky:
        """Undo :meth:`state`.

        Raises:
            TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        return cls([(str(frame_id), finite_values(values)) for frame_id, values in state])


def _level(dark: Mapping[str, Spread]) -> float:
    """Return the sky of dark frames above the level of no light, in ADU; at least twice the noise of a pixel."""
    noise, sky = dark.get("background_noise_adu"), dark.get("sky_above_pedestal_adu")
    return max(sky.median if sky else 0.0, 2.0 * noise.median if noise else 0.0)
