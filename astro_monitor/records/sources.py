"""All sources of one frame as a table: what the star finder is asked for when no verdict is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KIND_NAMES = ("star", "extended", "artefact")
"""Names of ``KIND_STAR``, ``KIND_EXTENDED`` and ``KIND_ARTEFACT``, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceTable:
    """Sources of one frame, highest signal to noise first, unmeasured ones last. (N,) arrays; NaN: see ``note``.

    Attributes:
        x_px, y_px: centre in sensor pixels; the centre of the first pixel of the file is (0, 0).
        ra_deg, dec_deg: ICRS or the frame of the plate solution, in degrees; NaN without a plate solution.
        flux_adu: flux above the local sky in an aperture.
        peak_adu: height above the local sky.
        snr: flux over its noise.
        fwhm_px: full width at half maximum before pixel integration, in sensor pixels.
        hfr_px: half-flux radius in sensor pixels.
        elongation: major over minor axis, 1 for round.
        angle_deg: direction of the major axis from +x towards +y, -90 < angle ≤ 90.
        saturated: whether the source touches saturation.
        kind: (N,) uint8, an index into ``KIND_NAMES``.
        note: why a source has no shape or one that is not its own; empty for sound measurements.
    """

    x_px: NDArray[np.float64]
    y_px: NDArray[np.float64]
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    flux_adu: NDArray[np.float64]
    peak_adu: NDArray[np.float64]
    snr: NDArray[np.float64]
    fwhm_px: NDArray[np.float64]
    hfr_px: NDArray[np.float64]
    elongation: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    saturated: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    note: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of sources."""
        return len(self.x_px)

    @property
    def has_sky_positions(self) -> bool:
        """Whether the header of the frame had a plate solution."""
        return bool(np.isfinite(self.ra_deg).any())

    def count(self, kind: int) -> int:
        """Return the number of sources of one kind."""
        return int(np.count_nonzero(self.kind == kind))

    def chosen(self, wanted: NDArray[np.bool_]) -> SourceTable:
        """Return the rows for which ``wanted`` (N,) holds, in the same order."""
        arrays = {name: getattr(self, name)[wanted] for name in self.__slots__ if name != "note"}
        return SourceTable(note=tuple(np.asarray(self.note, dtype=object)[wanted]), **arrays)
