"""Measurement of all detections of a frame, not only of the few hundred that a verdict needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, NO_HOT_PIXELS, Detections, Frame, Measured, SourceTable, Stars
from .moments import APERTURE_WIDTHS
from .stamps import inside, select
from .stars import MIN_SNR, measure_chosen

TOGETHER = 256
"""Cut-outs per batch: in a frame that is binned by 8 each of them reads 80 kB of pixels."""
MOST_MOVED_PX = 2.0
"""Largest distance of a centroid from its detection, in binned pixels: beyond it, it is that of a neighbour."""
AT_THE_BORDER = "too close to the border to be measured"
BLENDED = "blended: its flux and width hold light of a brighter source"
ARTEFACT = "an artefact, such as a hot pixel: not measured"
TOO_FAINT = f"signal to noise below {MIN_SNR:g}, or no single source: not measured"
NOT_MEASURED = "not measured: other sources were enough for the verdict"


class _Shapes:
    """Shapes of the detections of a frame, filled step by step; NaN where they are not measured."""

    NAMES = ("fwhm_px", "a_px", "b_px", "theta_deg", "hfr_px", "flux_adu")

    def __init__(self, detections: Detections) -> None:
        count = detections.x_px.size
        self._detections = detections
        self.of = {name: np.full(count, np.nan) for name in self.NAMES}
        self.x_px, self.y_px = (np.array(values, np.float64) for values in (detections.x_px, detections.y_px))
        # The signal to noise of the star finder is measured in a fixed square, and cannot be compared with this one.
        self.snr = np.full(count, np.nan)
        self.saturated = np.zeros(count, np.bool_)

    def add(self, stars: Stars, which: NDArray[np.intp]) -> None:
        """Add measured stars to the source table; a shape whose centre moved away is that of a neighbour."""
        moved = np.hypot(stars.x_px - self.x_px[which], stars.y_px - self.y_px[which])
        own = moved <= MOST_MOVED_PX * self._detections.bin_factor
        for name, values in self.of.items():
            values[which[own]] = getattr(stars, name)[own]
        self.x_px[which[own]], self.y_px[which[own]] = stars.x_px[own], stars.y_px[own]
        self.snr[which[own]], self.saturated[which[own]] = stars.snr[own], stars.saturated[own]

    def table(self, sensor_px_per_px: int, why_unmeasured: NDArray[np.str_]) -> SourceTable:
        """Return the table in sensor pixels, without sky positions."""
        measured = np.isfinite(self.snr)
        blended = _blended(self.x_px, self.y_px, self.of["flux_adu"], APERTURE_WIDTHS * self.of["fwhm_px"])
        peak_adu = self._detections.peak_adu
        # Sources without a signal to noise come last, brightest first.
        order = np.lexsort((-peak_adu, -self.snr))
        px = float(sensor_px_per_px)
        notes = np.where(measured, np.where(blended, BLENDED, ""), why_unmeasured)[order]
        nowhere = np.full(len(order), np.nan)
        return SourceTable(
            x_px=_frozen((self.x_px * px + (px - 1) / 2)[order]),
            y_px=_frozen((self.y_px * px + (px - 1) / 2)[order]),
            ra_deg=_frozen(nowhere),
            dec_deg=_frozen(nowhere.copy()),
            flux_adu=_frozen((self.of["flux_adu"] * px**2)[order]),
            peak_adu=_frozen(peak_adu.astype(np.float64)[order]),
            snr=_frozen(self.snr[order]),
            fwhm_px=_frozen((self.of["fwhm_px"] * px)[order]),
            hfr_px=_frozen((self.of["hfr_px"] * px)[order]),
            elongation=_frozen((self.of["a_px"] / self.of["b_px"])[order]),
            angle_deg=_frozen(self.of["theta_deg"][order]),
            saturated=self.saturated[order],
            kind=self._detections.kind[order],
            note=tuple(notes.tolist()),
        )


def measure_sources(frame: Frame, detections: Detections) -> SourceTable:
    """Return all detections as a table, with the shapes of those that can be measured.

    Parameters:
        frame: the frame.
        detections: detections of the same frame.

    Returns:
        the table in sensor pixels, without sky positions.
    """
    # Cleaned once for all cut-outs: a copy of the frame for each of them would take longer than measuring it.
    frame = replace(frame, pixels=detections.hot.cleaned(frame.pixels))
    detections = replace(detections, hot=NO_HOT_PIXELS)
    shapes = _Shapes(detections)
    # The profile, which converts moments to widths at half maximum, is common to the stars of a frame.
    _, _, ratio = measure_chosen(frame, detections, select(frame, detections))
    fits = inside(frame, detections)
    index = np.flatnonzero(fits)
    for first in range(0, index.size, TOGETHER):
        stars, which, _ = measure_chosen(frame, detections, index[first : first + TOGETHER], ratio)
        shapes.add(stars, which)
    artefact = detections.kind == KIND_ARTEFACT
    unmeasured = np.where(fits, np.where(artefact, ARTEFACT, TOO_FAINT), AT_THE_BORDER)
    return shapes.table(frame.sensor_px_per_px, unmeasured)


def source_table(frame: Frame, detections: Detections, measured: Measured) -> SourceTable:
    """Return all detections as a table, with the shapes of those that were measured for the verdict.

    Parameters:
        frame: the frame.
        detections, measured: of the same frame.

    Returns:
        the table in sensor pixels, without sky positions.
    """
    shapes = _Shapes(detections)
    shapes.add(measured.stars, measured.which)
    unmeasured = np.where(detections.kind == KIND_ARTEFACT, ARTEFACT, NOT_MEASURED)
    return shapes.table(frame.sensor_px_per_px, unmeasured)


def _blended(
    x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return for each source (N,) whether the centre of a brighter one lies within its aperture."""
    blended = np.zeros(x.size, np.bool_)
    order = np.argsort(x, kind="stable")
    xs, ys, fluxes = x[order], y[order], flux[order]
    reach = np.nan_to_num(radius[order])
    first, last = np.searchsorted(xs, xs - reach), np.searchsorted(xs, xs + reach, side="right")
    for i in np.flatnonzero(reach > 0):
        near = slice(first[i], last[i])
        close = np.hypot(xs[near] - xs[i], ys[near] - ys[i]) < reach[i]
        blended[order[i]] = bool((close & (fluxes[near] > fluxes[i])).any())
    return blended


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an array of source values, made read-only."""
    values.flags.writeable = False
    return values
