"""What was found in the pixels: sky, stars, trails."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint16] | NDArray[np.float32]

KIND_STAR, KIND_EXTENDED, KIND_ARTEFACT = 0, 1, 2
"""Kinds of a detection, in the order of the model's output."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkyMap:
    """Sky level on a mesh, and one noise for the frame.

    Attributes:
        level_adu: (GH, GW) float32, sky level at the centre of each mesh cell, stars and trails excluded.
        noise_adu: standard deviation of the sky in one frame pixel.
        cell_px: side of a mesh cell in frame pixels.
    """

    level_adu: NDArray[np.float32]
    noise_adu: float
    cell_px: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotPixels:
    """Pixels of a frame that hold no light, or hardly any, of what they show.

    Attributes:
        y, x: (N,) intp, where they are, frame pixels.
        usual_adu: (N,) float32, what they would hold: the median of their neighbours, or what is left without the
            charge that leaked from a hot neighbour.
        peak: (N,) true for hot pixels, false for neighbours that took charge from one.
    """

    y: NDArray[np.intp]
    x: NDArray[np.intp]
    usual_adu: NDArray[np.float32]
    peak: NDArray[np.bool_]

    def cleaned(self, pixels: Pixels) -> Pixels:
        """Return the frame with the pixels replaced by what they would hold.

        Parameters:
            pixels: (H, W); not changed.

        Returns:
            A read-only copy; ``pixels`` itself when there are no hot pixels.
        """
        if not len(self.y):
            return pixels
        clean = pixels.copy()
        clean[self.y, self.x] = self.usual_adu.astype(pixels.dtype)
        clean.flags.writeable = False
        return clean


# A frame without any.
NO_HOT_PIXELS = HotPixels(
    y=np.empty(0, np.intp), x=np.empty(0, np.intp), usual_adu=np.empty(0, np.float32), peak=np.empty(0, np.bool_)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """One satellite or aircraft trail. Positions in frame pixels.

    Attributes:
        x0_px, y0_px, x1_px, y1_px: its ends.
        angle_deg: from +x towards +y, -90 < angle ≤ 90.
        length_px: distance between the ends.
        width_px: full width at half maximum across the trail.
    """

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float
    angle_deg: float
    length_px: float
    width_px: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What the star finder saw, brightest first; empty is normal.

    Attributes:
        x_px, y_px: (N,) float32, sub-pixel centres in frame pixels.
        score: (N,) float32, 0 to 1.
        kind: (N,) uint8, one of ``KIND_STAR``, ``KIND_EXTENDED``, ``KIND_ARTEFACT``.
        peak_adu: (N,) float32, height above the local sky.
        snr: (N,) float32, approximate signal to noise of the detection.
        bin_factor: the frame was binned by this before the network saw it (1, 2, 4, 8, 16).
        streaks: trails.
        sky: the mesh that was subtracted.
        model: ``name.version`` of the model and the first 12 digits of its hash.
        hot: what was cleaned before the search, in a frame with many hot pixels; these are among the artefacts, too.
        binned_adu: (h, w) float32, mean level of the frame's pixels, hot ones cleaned, in squares of ``binned_px``; the
            first starts at the frame's first pixel, and what is left at the right and below is not in it.
        binned_px: side of a square in frame pixels.
    """

    frame_id: str
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.uint8]
    peak_adu: NDArray[np.float32]
    snr: NDArray[np.float32]
    bin_factor: int
    streaks: tuple[Streak, ...]
    sky: SkyMap
    model: str
    hot: HotPixels = NO_HOT_PIXELS
    binned_adu: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    binned_px: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stars:
    """Measured detections (a bounded, deterministic selection of all), brightest first. (N,) arrays.

    Attributes:
        x_px, y_px: refined centres, frame pixels.
        flux_adu: flux above the sky in an aperture.
        fwhm_px: full width at half maximum, **frame pixels**, from Gaussian-weighted moments.
        a_px, b_px: rms extent along the major and minor axis of the weighted moments, deconvolved from the weight.
        theta_deg: position of the major axis from +x towards +y, -90 < theta ≤ 90.
        hfr_px: half-flux radius, frame pixels.
        dip: hollowness of the profile: 0 Gaussian or peaked, towards 1 ring.
        snr: flux over its noise.
        saturated: touches saturation.
        kind: as in ``Detections``.
        stamps: (N, 25, 25) float32, sky-subtracted cut-outs on a grid binned by ``stamp_bin``, unit-peak scaled
            as ``grade`` needs them are made there; these are in ADU.
        stamp_bin: side in frame pixels of one stamp pixel.
    """

    frame_id: str
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    flux_adu: NDArray[np.float32]
    fwhm_px: NDArray[np.float32]
    a_px: NDArray[np.float32]
    b_px: NDArray[np.float32]
    theta_deg: NDArray[np.float32]
    hfr_px: NDArray[np.float32]
    dip: NDArray[np.float32]
    snr: NDArray[np.float32]
    saturated: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    stamps: NDArray[np.float32]
    stamp_bin: int
