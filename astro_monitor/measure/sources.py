"""All detections of a frame measured, not only the few hundred that a verdict needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, NO_HOT_PIXELS, Detections, Frame, SourceTable
from .moments import APERTURE_WIDTHS
from .stamps import inside, select
from .stars import MIN_SNR, measure_chosen

TOGETHER = 256
"""Number of cut-outs at a time: in a frame that is binned by 8 each of them reads 80 kB of pixels."""
MOST_MOVED_PX = 2.0
"""A centre that moves further than this from the detection, in binned pixels, has moved to a brighter neighbour."""
AT_THE_BORDER = "too close to the border to be measured"
BLENDED = "blended: its flux and width hold light of a brighter source"
ARTEFACT = "an artefact, such as a hot pixel: not measured"
TOO_FAINT = f"signal to noise below {MIN_SNR:g}, or no single source: not measured"


def measure_sources(frame: Frame, detections: Detections) -> SourceTable:
    """Return all detections as a table, with the shapes of those that can be measured.

    Parameters:
        frame: the frame.
        detections: of the same frame.

    Returns:
        the table in sensor pixels, without sky positions.
    """
    # Cleaned once for all cut-outs: a copy of the frame for each of them would cost more than measuring it.
    frame = replace(frame, pixels=detections.hot.cleaned(frame.pixels))
    detections = replace(detections, hot=NO_HOT_PIXELS)
    count = detections.x_px.size
    shape = {name: np.full(count, np.nan) for name in ("fwhm_px", "a_px", "b_px", "theta_deg", "hfr_px", "flux_adu")}
    x, y = (np.array(values, np.float64) for values in (detections.x_px, detections.y_px))
    # The star finder's own signal to noise is a first look in a fixed square; the two would not compare.
    snr = np.full(count, np.nan)
    saturated = np.zeros(count, np.bool_)
    # The profile, which turns moments into widths at half maximum, is common to the stars of a frame.
    _, _, ratio = measure_chosen(frame, detections, select(frame, detections))
    fits = inside(frame, detections)
    index = np.flatnonzero(fits)
    for first in range(0, index.size, TOGETHER):
        stars, which, _ = measure_chosen(frame, detections, index[first : first + TOGETHER], ratio)
        moved = np.hypot(stars.x_px - x[which], stars.y_px - y[which])
        own = moved <= MOST_MOVED_PX * detections.bin_factor
        for name, values in shape.items():
            values[which[own]] = getattr(stars, name)[own]
        x[which[own]], y[which[own]] = stars.x_px[own], stars.y_px[own]
        snr[which[own]], saturated[which[own]] = stars.snr[own], stars.saturated[own]
    measured = np.isfinite(snr)
    blended = _blended(x, y, shape["flux_adu"], APERTURE_WIDTHS * shape["fwhm_px"])
    # Sources without a signal to noise come last, brightest first.
    order = np.lexsort((-detections.peak_adu, -snr))
    px = float(frame.sensor_px_per_px)
    artefact = detections.kind == KIND_ARTEFACT
    unmeasured = np.where(fits, np.where(artefact, ARTEFACT, TOO_FAINT), AT_THE_BORDER)
    notes = np.where(measured, np.where(blended, BLENDED, ""), unmeasured)[order]
    return SourceTable(
        x_px=_frozen((x * px + (px - 1) / 2)[order]),
        y_px=_frozen((y * px + (px - 1) / 2)[order]),
        ra_deg=_frozen(np.full(count, np.nan)),
        dec_deg=_frozen(np.full(count, np.nan)),
        flux_adu=_frozen((shape["flux_adu"] * px**2)[order]),
        peak_adu=_frozen(detections.peak_adu.astype(np.float64)[order]),
        snr=_frozen(snr[order]),
        fwhm_px=_frozen((shape["fwhm_px"] * px)[order]),
        hfr_px=_frozen((shape["hfr_px"] * px)[order]),
        elongation=_frozen((shape["a_px"] / shape["b_px"])[order]),
        angle_deg=_frozen(shape["theta_deg"][order]),
        saturated=saturated[order],
        kind=detections.kind[order],
        note=tuple(str(note) for note in notes),
    )


def _blended(
    x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return for each source (N,) whether the centre of a brighter one lies within its aperture."""
    found = np.zeros(x.size, np.bool_)
    order = np.argsort(x, kind="stable")
    xs, ys, fluxes = x[order], y[order], flux[order]
    reach = np.nan_to_num(radius[order])
    first, last = np.searchsorted(xs, xs - reach), np.searchsorted(xs, xs + reach, side="right")
    for i in np.flatnonzero(reach > 0):
        near = slice(first[i], last[i])
        close = np.hypot(xs[near] - xs[i], ys[near] - ys[i]) < reach[i]
        found[order[i]] = bool((close & (fluxes[near] > fluxes[i])).any())
    return found


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.flags.writeable = False
    return values
