"""What the star finder sees in a survey field beside the catalogue: matched, missed, and not in the catalogue."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astro_monitor.detect import Detector
from astro_monitor.records import KIND_ARTEFACT, Detections, Frame, FrameMeta
from training import arrivals

MATCHED_WITHIN_FWHM = 0.75
LEAST_REACH_PX = 1.5
MISSED_SNR = 5.0
"""Fainter catalogue stars may be missed: the image hardly shows them."""

CONFIRMED_SNR = 5.0
"""A detection that no catalogue star explains is confirmed when it is this far above the noise of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossMatch:
    """Counts of one field.

    Attributes:
        field: its name.
        catalogue_stars: within the image and of SNR ≥ 5.
        detections: of the star finder, artefacts left out.
        matched, missed: catalogue stars of SNR ≥ 5 that were found, and those that were not.
        fainter_matched: detections explained by catalogue stars below that.
        extra_confirmed, extra_faint: detections without a catalogue star, of SNR ≥ 5 and below.
        position_rms_px: of the matched ones.
    """

    field: str
    catalogue_stars: int
    detections: int
    matched: int
    missed: int
    fainter_matched: int
    extra_confirmed: int
    extra_faint: int
    position_rms_px: float


def crossmatch_file(path: Path, finder: Detector) -> tuple[CrossMatch, NDArray[np.void]]:
    """Run the star finder over a field that :mod:`training.survey.store` wrote.

    Returns:
        the counts, and a table of the detections that no catalogue star explains (x_px, y_px, snr).
    """
    with fits.open(path, memmap=False) as hdus:
        pixels = np.ascontiguousarray(hdus[0].data, np.float32)
        stars = np.array(hdus["STARS"].data)
        name, fwhm_px = str(hdus[0].header["TARGET"]), float(hdus[0].header["FWHM"])
    return crossmatch(name, finder.detect(_frame(path, pixels)), stars, fwhm_px)


def crossmatch(
    name: str, seen: Detections, stars: NDArray[np.void], fwhm_px: float
) -> tuple[CrossMatch, NDArray[np.void]]:
    """Pair detections with catalogue stars; each star and each detection is given away once, the nearest first.

    Parameters:
        seen: of the star finder.
        stars: catalogue with ``x_px``, ``y_px`` and ``snr``.
        fwhm_px: of the image's stars.
    """
    real = seen.kind != KIND_ARTEFACT
    x, y, snr = seen.x_px[real], seen.y_px[real], seen.snr[real]
    star_of = _pairs(np.stack([x, y], 1), np.stack([stars["x_px"], stars["y_px"]], 1),
                     max(LEAST_REACH_PX, MATCHED_WITHIN_FWHM * fwhm_px))  # fmt: skip
    bright = stars["snr"] >= MISSED_SNR
    taken = star_of[star_of >= 0]
    extra = star_of < 0
    error = np.hypot(x[~extra] - stars["x_px"][taken], y[~extra] - stars["y_px"][taken])
    found = np.zeros(len(stars), bool)
    found[taken] = True
    table = np.zeros(int(extra.sum()), [("x_px", "f4"), ("y_px", "f4"), ("snr", "f4")])
    table["x_px"], table["y_px"], table["snr"] = x[extra], y[extra], snr[extra]
    confirmed = int((table["snr"] >= CONFIRMED_SNR).sum())
    counts = CrossMatch(
        field=name,
        catalogue_stars=int(bright.sum()),
        detections=len(x),
        matched=int((found & bright).sum()),
        missed=int((~found & bright).sum()),
        fainter_matched=int((found & ~bright).sum()),
        extra_confirmed=confirmed,
        extra_faint=len(table) - confirmed,
        position_rms_px=float(np.sqrt(np.mean(error**2))) if len(error) else 0.0,
    )
    return counts, table


def report(counts: list[CrossMatch]) -> str:
    """Give a Markdown table of all fields, with a last line for their sum."""
    lines = [
        "| field | catalogue stars (SNR ≥ 5) | matched | missed | detections | fainter matched | "
        "not in the catalogue, SNR ≥ 5 | below | rms px |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    keys = ("catalogue_stars", "matched", "missed", "detections", "fainter_matched", "extra_confirmed", "extra_faint")
    for one in counts:
        row = asdict(one)
        numbers = " | ".join(str(row[key]) for key in keys)
        lines.append(f"| {one.field} | {numbers} | {one.position_rms_px:.2f} |")
    totals = " | ".join(str(sum(asdict(one)[key] for one in counts)) for key in keys)
    return "\n".join([*lines, f"| all | {totals} | |"]) + "\n"


def _pairs(found: NDArray[np.float64], truth: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """(N,) index of the star of each detection, -1 for none."""
    star_of = np.full(len(found), -1)
    if not len(found) or not len(truth):
        return star_of
    pairs = cKDTree(found).sparse_distance_matrix(cKDTree(truth), reach, output_type="ndarray")
    free = np.ones(len(truth), bool)
    for detection, star, _ in np.sort(pairs, order="v").tolist():
        if star_of[detection] < 0 and free[star]:
            star_of[detection], free[star] = star, False
    return star_of


def _frame(path: Path, pixels: NDArray[np.float32]) -> Frame:
    pixels.flags.writeable = False
    return Frame(
        frame_id=path.stem,
        sha256="",
        arrival=arrivals.named(path, path.parent),
        meta=FrameMeta(kind="light"),
        pixels=pixels,
        sensor_px_per_px=1,
        sensor_shape=(pixels.shape[0], pixels.shape[1]),
        saturation_adu=float(pixels.max()),
    )  # fmt: skip
