"""One field: catalogue stars placed on the image, their light calibrated on it, and the mask of the pixels they reach.

The brightness of a star in the image decides how far its disc in the mask reaches, not its rank within the field: the
image itself says how many counts a magnitude is worth and how wide its stars are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import sep
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.survey.sources import StarCatalogue, SurveyImage

STAR_DTYPE = np.dtype(
    [
        ("x_px", "f8"), ("y_px", "f8"), ("ra_deg", "f8"), ("dec_deg", "f8"), ("magnitude", "f4"),
        ("flux_adu", "f4"), ("snr", "f4"), ("fwhm_px", "f4"), ("radius_px", "f4"), ("in_mask", "?"), ("name", "U24"),
    ]
)  # fmt: skip

MASK_SNR = 3.0
"""Fainter stars stay in the catalogue, but are no truth for a network: the image does not show them."""

MOFFAT_BETA = 3.0
LEAST_CALIBRATORS = 5
MATCHED_WITHIN_PX, LONELY_PX = 2.5, 12.0
"""A calibrator is seen where the catalogue has it, and has no neighbour in it so near that their light would mix."""
_GAUSSIAN_AREA = 2.266
"""Effective noise area of a Gaussian star in units of FWHM squared: 4 pi sigma squared."""


class FieldError(Exception):
    """Image and catalogue do not fit together; the sentence says how."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """An image with its truth.

    Attributes:
        pixels: (H, W) float32 as the survey gave them.
        stars: (N,) ``STAR_DTYPE``, brightest first, those within the image.
        mask: (H, W) uint8, 1 where a star of SNR ≥ 3 rises above the noise.
        level_adu, noise_adu: sky level and its standard deviation in one pixel.
        fwhm_px: of the image's stars.
        zero_point_mag: magnitude of one count.
        zero_point_scatter_mag: MAD of single stars around it, scaled to a standard deviation.
    """

    pixels: NDArray[np.float32]
    stars: NDArray[np.void]
    mask: NDArray[np.uint8]
    level_adu: float
    noise_adu: float
    fwhm_px: float
    zero_point_mag: float
    zero_point_scatter_mag: float


def make_field(image: SurveyImage, catalogue: StarCatalogue) -> Field:
    """Place the catalogue on the image and make the mask.

    Parameters:
        image: with world coordinates.
        catalogue: of a region at least as large.

    Raises:
        FieldError: no world coordinates, or too few catalogue stars are where they should be.
    """
    wcs = WCS(image.header).celestial
    if not wcs.has_celestial:
        raise FieldError("the image has no world coordinates")
    height, width = image.pixels.shape
    x, y = wcs.all_world2pix(catalogue.ra_deg, catalogue.dec_deg, 0, quiet=True)
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    background = sep.Background(np.ascontiguousarray(image.pixels))
    clean, noise = image.pixels - background.back(), float(background.globalrms)
    stars = np.zeros(int(inside.sum()), STAR_DTYPE)
    stars["x_px"], stars["y_px"] = x[inside], y[inside]
    stars["ra_deg"], stars["dec_deg"] = catalogue.ra_deg[inside], catalogue.dec_deg[inside]
    stars["magnitude"] = catalogue.magnitude[inside]
    stars["name"] = np.array(catalogue.names, "U24")[inside] if len(catalogue.names) else ""
    stars = stars[np.argsort(stars["magnitude"], kind="stable")]
    fwhm, zero, scatter = _calibrate(clean, noise, stars)
    stars["flux_adu"] = 10 ** (-0.4 * (stars["magnitude"] - zero))
    stars["fwhm_px"] = fwhm
    stars["snr"] = stars["flux_adu"] / (noise * math.sqrt(_GAUSSIAN_AREA) * fwhm)
    stars["in_mask"] = stars["snr"] >= MASK_SNR
    stars["radius_px"] = reach_px(stars["flux_adu"], fwhm, noise)
    return Field(
        image.pixels, stars, _mask((height, width), stars[stars["in_mask"]]), float(background.globalback), noise,
        fwhm, zero, scatter,
    )  # fmt: skip


def reach_px(flux_adu: NDArray[np.float32], fwhm_px: float, noise_adu: float) -> NDArray[np.float64]:
    """Give the radius at which a Moffat star (beta 3) falls below the noise, at least half its FWHM.

    Source of the profile: Moffat 1969, A&A 3, 455.
    """
    alpha = fwhm_px / (2 * math.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    peak = np.asarray(flux_adu, np.float64) * (MOFFAT_BETA - 1) / (math.pi * alpha**2)
    wings = alpha * np.sqrt(np.maximum((peak / noise_adu) ** (1 / MOFFAT_BETA) - 1, 0.0))
    return np.maximum(wings, 0.5 * fwhm_px)


def _calibrate(clean: NDArray[np.float32], noise: float, stars: NDArray[np.void]) -> tuple[float, float, float]:
    """Find the width of the stars, and what a magnitude is worth, from catalogue stars that the image shows.

    Returns:
        FWHM in pixels, zero point, and its scatter in magnitudes.
    """
    found = sep.extract(np.ascontiguousarray(clean), 5.0, err=noise)
    if not len(found) or not len(stars):
        raise FieldError("the image shows no stars, or the catalogue has none in it")
    places = np.stack([stars["x_px"], stars["y_px"]], axis=1)
    distance, nearest = cKDTree(np.stack([found["x"], found["y"]], axis=1)).query(places)
    near = distance < MATCHED_WITHIN_PX
    alone = cKDTree(places).query_ball_point(places, LONELY_PX, return_length=True) == 1
    some = near & alone & (found["flag"][nearest] == 0)
    if int(some.sum()) < LEAST_CALIBRATORS:
        raise FieldError(f"only {int(some.sum())} stars of the catalogue can be found in the image")
    matched = found[nearest[some]]
    fwhm = float(np.median(2 * np.sqrt(math.log(2) * (matched["a"] ** 2 + matched["b"] ** 2))))
    flux, _, _ = sep.sum_circle(
        np.ascontiguousarray(clean), stars["x_px"][some], stars["y_px"][some], max(2.0 * fwhm, 3.0), bkgann=None
    )
    bright = flux > 0
    if int(bright.sum()) < LEAST_CALIBRATORS:
        raise FieldError("too few catalogue stars are brighter than the sky of the image")
    single = stars["magnitude"][some][bright] + 2.5 * np.log10(flux[bright])
    zero = float(np.median(single))
    return fwhm, zero, 1.4826 * float(np.median(np.abs(single - zero)))


def _mask(shape: tuple[int, int], stars: NDArray[np.void]) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    for x, y, radius in zip(stars["x_px"], stars["y_px"], stars["radius_px"], strict=True):
        left, low = max(math.floor(x - radius), 0), max(math.floor(y - radius), 0)
        right, high = min(math.ceil(x + radius) + 1, shape[1]), min(math.ceil(y + radius) + 1, shape[0])
        rows, columns = np.ogrid[low:high, left:right]
        mask[low:high, left:right] |= ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.uint8)
    return mask
