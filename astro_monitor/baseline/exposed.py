"""What is kept of a light, bias or dark frame for the pedestal and gain of its camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from ..records import FrameMeta, SkyNoise
from .spreads import median

ExposedKind = Literal["light", "bias", "dark"]
Cell = tuple[int, float, float, int]
"""Place, level in ADU, variance in ADU² and number of pairs of one part of the field."""
NO_LEVEL_BELOW = 1000.0
"""Levels below minus this many ADU have another zero: numbers of a camera that were read without their offset."""
COARSE_STEPS, COARSE_ERROR = 0.5, 0.7
"""Noise in steps between stored values below which it cannot be measured, and its error then."""
SMOOTH = 0.85
"""Independence of neighbouring pixels below which the noise has structure."""
DIGITS = 7
"""Significant digits of a level that are kept: a hundredth of an ADU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """One frame.

    Attributes:
        cells: parts of its field, from ``SkyNoise``; empty when its noise was not measured.
        e_per_adu: gain by its header, electrons per unit of the pixels; 0 when it names none.
        pedestal_adu, pedestal_source: pedestal by its header, and the keyword; an empty keyword when it names none.
        camera, binning: by its header.
        independence, unit_adu, step_adu, whole_numbers, negative_fraction: as in ``SkyNoise``.
    """

    frame_id: str
    kind: ExposedKind = "light"
    cells: tuple[Cell, ...] = ()
    e_per_adu: float = 0.0
    pedestal_adu: float = 0.0
    pedestal_source: str = ""
    camera: str = ""
    binning: int = 1
    independence: float = 1.0
    unit_adu: float = 1.0
    step_adu: float = 1.0
    whole_numbers: bool = True
    negative_fraction: float = 0.0

    @classmethod
    def of(cls, frame_id: str, meta: FrameMeta, noise: SkyNoise) -> Exposed:
        """Return what is kept of a frame.

        Parameters:
            frame_id: of the frame.
            meta: facts of its header; its kind is light unless it says bias or dark.
            noise: of its sky.
        """
        known = meta.pedestal_adu is not None
        cells = [(c.place, _short(c.level_adu), _short(c.variance_adu2), c.pairs) for c in noise.cells]
        return cls(
            frame_id=frame_id,
            kind="bias" if meta.kind == "bias" else "dark" if meta.kind == "dark" else "light",
            cells=tuple(cell for cell in cells if cell[2] > 0.0),
            e_per_adu=meta.e_per_adu or 0.0,
            pedestal_adu=meta.pedestal_adu or 0.0,
            pedestal_source=meta.sources.get("pedestal_adu", "header") if known else "",
            camera=meta.camera or "",
            binning=meta.binning,
            independence=noise.independence,
            unit_adu=noise.unit_adu,
            step_adu=noise.step_adu,
            whole_numbers=noise.whole_numbers,
            negative_fraction=noise.negative_fraction,
        )

    @property
    def level_adu(self) -> float:
        """Median level of its parts; 0 without any."""
        return median([cell[1] for cell in self.cells]) if self.cells else 0.0

    @property
    def variance_adu2(self) -> float:
        """Median variance of its parts; 0 without any."""
        return median([cell[2] for cell in self.cells]) if self.cells else 0.0

    @property
    def is_calibrated(self) -> bool:
        """Whether bias or dark were subtracted already: raw bias and dark frames then say nothing of its levels."""
        return bool(self.pedestal_source) and self.pedestal_adu == 0.0

    @property
    def is_coarse(self) -> bool:
        """Whether the noise is lost in the rounding of stored values."""
        return self.variance_adu2 < (COARSE_STEPS * self.step_adu) ** 2

    @property
    def noise_error(self) -> float:
        """Error of the variance, in natural logarithms: counting, rounding, and structure that is no noise.

        Differences of next neighbours and of distant pixels disagree where faint stars crowd or pixels were smoothed.
        """
        pairs = median([cell[3] for cell in self.cells]) if self.cells else 1.0
        structure = -math.log(min(max(self.independence, 0.05), 1.0)) if self.independence < SMOOTH else 0.0
        return math.hypot(math.sqrt(2.0 / max(pairs, 1.0)), structure, COARSE_ERROR if self.is_coarse else 0.0)

    def compares(self, other: Exposed) -> bool:
        """Return whether levels of both frames have the same unit and zero, as far as their pixels show.

        Parameters:
            other: a frame of the same camera.
        """
        below, other_below = self.level_adu < -NO_LEVEL_BELOW, other.level_adu < -NO_LEVEL_BELOW
        return (self.unit_adu, self.whole_numbers, below) == (other.unit_adu, other.whole_numbers, other_below)

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        facts = [self.e_per_adu, self.pedestal_adu, self.pedestal_source, self.camera, self.binning, self.independence,
                 self.unit_adu, self.step_adu, self.whole_numbers, self.negative_fraction]  # fmt: skip
        return [self.frame_id, self.kind, [list(cell) for cell in self.cells], facts]

    @classmethod
    def restore(cls, stored: list[Any]) -> Exposed:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        frame_id, kind, cells, facts = stored
        if kind not in ("light", "bias", "dark"):
            raise ValueError(f"kind {kind!r}")
        gain, pedestal, source, camera, binning, independence, unit, step, whole, negative = facts
        return cls(
            frame_id=str(frame_id), kind=kind, e_per_adu=float(gain), pedestal_adu=float(pedestal),
            cells=tuple((int(place), float(level), float(variance), int(pairs))
                        for place, level, variance, pairs in cells),
            pedestal_source=str(source), camera=str(camera), binning=int(binning), independence=float(independence),
            unit_adu=float(unit), step_adu=float(step), whole_numbers=bool(whole), negative_fraction=float(negative),
        )  # fmt: skip


def _short(number: float) -> float:
    """Return a number with ``DIGITS`` significant digits."""
    return float(f"{number:.{DIGITS}g}")
