"""The star finder beside tuned ``sep`` and photutils' ``DAOStarFinder`` on the same frames, field by field.

Each finder runs at every one of its settings. Which setting is its best is found on validation rigs, for each kind of
field by itself; what is reported is that setting's result on test rigs.

Two figures, after DeepSource (Vafaei Sadr et al. 2019, MNRAS 484, 2793): the signal to noise from which 90 % of the
sources are found while 99 % of the detections are true, and purity times completeness of sources of SNR 3 to 10.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import shutil
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import sep
from numpy.typing import NDArray

from astro_monitor.detect.prepare import Stretch
from astro_monitor.detect.scale import choose_bin
from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.unet import StarNet
from astro_monitor.inference import open_model
from astro_monitor.records import KIND_ARTEFACT, SkyMap
from training.export import write_card
from training.simulate import SimFrame, draw_condition, draw_field, draw_rig, render, rig_split
from training.simulate.sky import flux_at_snr
from training.unet.matching import match
from training.unet.seeds import NAME

log = logging.getLogger(__name__)

FIELDS = ("clean", "trailed", "blurred", "crowded", "nebulous", "artefacts")
SIDE_PX = 512
SNR_EDGES = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 14.0, 20.0, 40.0, math.inf)
FAINT_BINS = 6
"""Bins of sources of SNR 3 to 10."""

PURITY, COMPLETENESS = 0.99, 0.90
STAR_THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
SIGMAS = (1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0)
SEP_SHAPES = (("default", 5), ("matched", 1), ("matched", 3), ("matched", 5))
"""Filter and least area: the 3 x 3 default of Source Extractor, and a Gaussian as wide as the stars."""

DAO_SHAPES = ("loose", "default")
"""Limits on sharpness and roundness: none, and the library's own."""

_CROWDED = 15
"""More than one star in so many star widths, squared, is crowded."""

FINDERS = ("star-unet", "sep", "DAOStarFinder")

Found = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Positions, frame pixels, of each setting."""


@dataclass(slots=True)
class Count:
    """Counts of one setting over frames of one kind: (10,) sources and those found by SNR, false detections."""

    sources: NDArray[np.int64]
    found: NDArray[np.int64]
    detections: int = 0
    true: int = 0
    errors_px: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls) -> Count:
        """Give counts of nothing."""
        bins = len(SNR_EDGES) - 1
        return cls(np.zeros(bins, np.int64), np.zeros(bins, np.int64))

    def add(self, other: Count) -> None:
        """Add another frame's counts."""
        self.sources += other.sources
        self.found += other.found
        self.detections += other.detections
        self.true += other.true
        self.errors_px += other.errors_px

    @property
    def purity(self) -> float:
        """Share of the detections that are true; 1 without detections."""
        return self.true / self.detections if self.detections else 1.0

    @property
    def product(self) -> float:
        """Purity times completeness of sources of SNR 3 to 10; every false detection counts against it."""
        found, false = int(self.found[:FAINT_BINS].sum()), self.detections - self.true
        return found / max(1, found + false) * self.faint_completeness

    @property
    def shares(self) -> NDArray[np.float64]:
        """(10,) share of the sources that were found, by SNR; 0 where there are none."""
        return np.asarray(self.found / np.maximum(self.sources, 1), np.float64)

    @property
    def faint_completeness(self) -> float:
        """Share of sources of SNR 3 to 10 that were found."""
        return int(self.found[:FAINT_BINS].sum()) / max(1, int(self.sources[:FAINT_BINS].sum()))

    @property
    def complete_from_snr(self) -> float:
        """Signal to noise from which on 90 % are found; infinite when never."""
        share = self.shares
        known = self.sources > 0
        middles = np.sqrt(np.array(SNR_EDGES[:-1]) * np.minimum(np.array(SNR_EDGES[1:]), 80.0))
        reached = math.inf
        for place in range(len(share) - 1, -1, -1):
            if not known[place]:
                continue
            if share[place] < COMPLETENESS:
                if math.isinf(reached):
                    return math.inf
                above = next(i for i in range(place + 1, len(share)) if known[i])
                part = (COMPLETENESS - share[place]) / max(share[above] - share[place], 1e-9)
                return float(middles[place] * (middles[above] / middles[place]) ** part)
            reached = float(middles[place])
        return reached

    @property
    def position_rms_px(self) -> float:
        """Distance of found sources of SNR ≥ 10 from the truth, along both axes together."""
        return math.sqrt(np.mean(np.square(self.errors_px))) if self.errors_px else math.nan

    @property
    def position_median_px(self) -> float:
        """Median distance of found sources of SNR ≥ 10 from the truth."""
        return float(np.median(self.errors_px)) if self.errors_px else math.nan


Settings = dict[str, Count]


def draw_kind(kind: str, split: str, seed: int) -> SimFrame:
    """Draw a frame of one kind of field, of a rig of this split.

    Parameters:
        kind: one of ``FIELDS``.
    """
    rng = np.random.default_rng([seed, FIELDS.index(kind), 0xF1E1D])
    shape = (SIDE_PX, SIDE_PX)
    for _ in range(400):
        rig = draw_rig(rng)
        if rig_split(rig.seed) != split or rig.f0_px > 6:
            continue
        field = draw_field(rng, rig, shape)
        stars = np.count_nonzero(field.flux_e > flux_at_snr(rig, 5.0))
        crowded = stars * (_CROWDED * rig.f0_px) ** 2 > SIDE_PX**2
        if (kind == "clean" and crowded) or (kind == "crowded" and not crowded):
            continue
        if kind == "nebulous" and field.nebula is None:
            continue
        if kind in ("clean", "crowded"):
            field = replace(field, nebula=None, galaxies=())
        wanted = {"trailed": str(rng.choice(["bad_tracking", "very_bad_tracking"])), "blurred": "bad_seeing"}
        condition = replace(draw_condition(rng, rig, wanted.get(kind, "good")), trails=0)
        cosmics = float(rng.uniform(150, 500)) if kind == "artefacts" else 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GalSim's hints on sampling
            frame = render(rig, field, replace(condition, cosmic_rays_mpx=cosmics), rng, shape)
        # Hot pixels and moonlight make the noise of a frame another one than the rig's own.
        seen = np.count_nonzero(frame.stars["snr"] >= 5) * (_CROWDED * rig.f0_px) ** 2 > SIDE_PX**2
        if kind not in ("clean", "crowded") or seen == (kind == "crowded"):
            return frame
    raise RuntimeError(f"no field of kind {kind} found for seed {seed}")


def ours(frame: SimFrame, net: StarNet, sky: SkyMap, factor: int) -> Found:
    """Run the shipped network once; a higher threshold keeps part of what it found at the lowest."""
    points = net.scan(frame.pixels, Stretch(sky, frame.pixels.shape, factor)).points
    real = points.kind != KIND_ARTEFACT
    shift = np.float32((factor - 1) / 2)
    x, y, score = points.x_px[real] * factor + shift, points.y_px[real] * factor + shift, points.score[real]
    return {f"score {limit:g}": (x[score >= limit], y[score >= limit]) for limit in STAR_THRESHOLDS}


def without_sky(frame: SimFrame) -> tuple[NDArray[np.float32], float, float]:
    """Subtract ``sep``'s sky with a mesh of 64; give pixels, noise, and the width of the stars."""
    pixels = frame.pixels.astype(np.float32)
    background = sep.Background(pixels, bw=64, bh=64)
    background.subfrom(pixels)
    noise = float(background.globalrms)
    return pixels, noise, _width_px(pixels, noise)


def by_sep(pixels: NDArray[np.float32], noise: float, width_px: float) -> Found:
    """Run ``sep`` at all its settings on a frame :func:`without_sky`."""
    found: Found = {}
    sep.set_extract_pixstack(2_000_000)
    for name, area in SEP_SHAPES:
        kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) if name == "default" else _gaussian(width_px)
        for sigma in SIGMAS:
            try:
                got = sep.extract(pixels, sigma, err=noise, filter_kernel=kernel, minarea=area)
                place = got["x"].astype(np.float32), got["y"].astype(np.float32)
            except Exception as error:  # sep raises plain exceptions when its buffers overflow
                log.debug("sep gave up: %s", error)
                place = np.empty(0, np.float32), np.empty(0, np.float32)
            found[f"{name} filter, {area} px, {sigma:g} sigma"] = place
    return found


def by_dao(pixels: NDArray[np.float32], noise: float, width_px: float) -> Found:
    """Run photutils' ``DAOStarFinder`` at all its settings on a frame :func:`without_sky`."""
    from photutils.detection import DAOStarFinder

    found: Found = {}
    for shape in DAO_SHAPES:
        limits = {"sharplo": -9.0, "sharphi": 9.0, "roundlo": -9.0, "roundhi": 9.0} if shape == "loose" else {}
        for sigma in SIGMAS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "no sources were found"
                table = DAOStarFinder(threshold=sigma * noise, fwhm=max(width_px, 1.2), **limits)(pixels)
            empty = table is None or len(table) == 0
            place = [np.empty(0)] * 2 if empty else [_column(table, "x"), _column(table, "y")]
            found[f"{shape} shapes, {sigma:g} sigma"] = (place[0].astype(np.float32), place[1].astype(np.float32))
    return found


def compare(models: Path, split: str, frames: int, first_seed: int, workers: int = 2) -> dict[str, dict[str, Settings]]:
    """Count all finders at all settings over all kinds of fields.

    Parameters:
        models: folder with the star finder; its own thresholds do not matter.
        split: ``validation`` to choose settings, ``test`` to report.
        frames: of each kind.
        first_seed: of the frames.

    Returns:
        for each finder and kind of field, the counts of each setting.
    """
    total: dict[str, dict[str, Settings]] = {finder: {kind: {} for kind in FIELDS} for finder in FINDERS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = _loosened(models, Path(scratch))
        jobs = [(kind, split, first_seed + number, folder) for number in range(frames) for kind in FIELDS]
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            for number, (job, counts) in enumerate(zip(jobs, pool.map(_one, jobs, chunksize=4), strict=True), 1):
                for finder, settings in counts.items():
                    for setting, count in settings.items():
                        total[finder][job[0]].setdefault(setting, Count.empty()).add(count)
                if number % 60 == 0:
                    log.info("%s: %d of %d frames", split, number, len(jobs))
    return total


def summary(tuned: dict[str, dict[str, Settings]], test: dict[str, dict[str, Settings]]) -> dict[str, Any]:
    """Choose each finder's settings on one set of frames, and tell what they give on the other.

    Parameters:
        tuned: of validation rigs, from :func:`compare`.
        test: of test rigs.

    Returns:
        for each kind of field and finder: the best setting, purity, completeness and their product for SNR 3 to 10,
        position error, and the SNR of 90 % completeness at the deepest setting whose purity is 99 %.
    """
    table: dict[str, Any] = {}
    for kind in FIELDS:
        for finder in FINDERS:
            chosen, shown = tuned[finder][kind], test[finder][kind]
            best = max(chosen, key=lambda name: chosen[name].product)
            pure = [name for name in chosen if chosen[name].purity >= PURITY and chosen[name].detections]
            deepest = min(pure, key=lambda name: (chosen[name].complete_from_snr, -chosen[name].product), default="")
            table.setdefault(kind, {})[finder] = {
                "best_setting": best,
                "purity": round(shown[best].purity, 4),
                "completeness_snr_3_10": round(shown[best].faint_completeness, 4),
                "product_snr_3_10": round(shown[best].product, 4),
                "completeness_by_snr": [round(float(share), 4) for share in shown[best].shares],
                "position_rms_px": _rounded(shown[best].position_rms_px),
                "position_median_px": _rounded(shown[best].position_median_px),
                "pure_setting": deepest,
                "pure_purity": round(shown[deepest].purity, 4) if deepest else None,
                "snr_at_90_percent": _rounded(shown[deepest].complete_from_snr) if deepest else None,
            }
    return table


def markdown(table: dict[str, Any]) -> str:
    """Give the table of :func:`summary` as Markdown."""
    lines = [
        "| field | finder | purity × completeness, SNR 3 to 10 | purity | completeness | error px, SNR ≥ 10: median, "
        "rms | SNR at 90 % completeness | at a purity of | best setting |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, finders in table.items():
        for finder, row in finders.items():
            deep = "never" if row["snr_at_90_percent"] is None else f"{row['snr_at_90_percent']:g}"
            pure = "–" if row["pure_purity"] is None else f"{row['pure_purity']:.3f}"
            lines.append(
                f"| {kind} | {finder} | {row['product_snr_3_10']:.3f} | {row['purity']:.3f} | "
                f"{row['completeness_snr_3_10']:.3f} | {row['position_median_px']}, {row['position_rms_px']} | "
                f"{deep} | {pure} | {row['best_setting']} |"
            )
    return "\n".join(lines) + "\n"


def _rounded(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def _one(job: tuple[str, str, int, Path]) -> dict[str, Settings]:
    kind, split, seed, folder = job
    frame = draw_kind(kind, split, seed)
    if folder not in _NETS:
        _NETS[folder] = StarNet(open_model(NAME, folder=folder, provider="cpu", threads=1))
    sky = sky_map(frame.pixels)
    factor = choose_bin(frame.pixels, sky, frame.rig.saturation_adu)
    flat = without_sky(frame)
    found = {
        "star-unet": ours(frame, _NETS[folder], sky, factor),
        "sep": by_sep(*flat),
        "DAOStarFinder": by_dao(*flat),
    }
    return {finder: {setting: _count(frame, x, y, factor) for setting, (x, y) in settings.items()}
            for finder, settings in found.items()}  # fmt: skip


_NETS: dict[Path, StarNet] = {}


def _loosened(models: Path, folder: Path) -> Path:
    """Put the same network into a folder, with thresholds far below its own."""
    card = open_model(NAME, folder=models, provider="cpu").card
    shutil.copy(models / f"{NAME}.onnx", folder)
    loose = {**card.thresholds, "star": STAR_THRESHOLDS[0]}
    write_card(card.model_copy(update={"thresholds": loose}), folder)
    return folder


def _count(frame: SimFrame, x: NDArray[np.float32], y: NDArray[np.float32], bin_factor: int) -> Count:
    matched = match(frame, x, y, bin_factor, SNR_EDGES[0])
    place = np.digitize(matched.truth_snr, SNR_EDGES[1:-1])
    bins = len(SNR_EDGES) - 1
    bright = matched.truth_found & (matched.truth_snr >= 10)
    return Count(
        np.bincount(place, minlength=bins), np.bincount(place[matched.truth_found], minlength=bins),
        len(x), int(np.count_nonzero(matched.true)), matched.error_px[bright].tolist(),
    )  # fmt: skip


def _width_px(pixels: NDArray[np.float32], noise: float) -> float:
    """FWHM of the frame's bright sources, as an observer would find it before setting a filter."""
    try:
        bright = sep.extract(pixels, 10.0, err=noise)
    except Exception as error:  # sep raises plain exceptions when its buffers overflow
        log.debug("sep gave up: %s", error)
        return 3.0
    some = bright[bright["flag"] == 0]
    if len(some) < 3:
        return 3.0
    return float(np.clip(np.median(2 * np.sqrt(math.log(2) * (some["a"] ** 2 + some["b"] ** 2))), 1.2, 20.0))


def _gaussian(fwhm_px: float) -> NDArray[np.float32]:
    half = max(1, math.ceil(fwhm_px))
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    kernel: NDArray[np.float32] = np.exp(-4 * math.log(2) * (x**2 + y**2) / fwhm_px**2).astype(np.float32)
    return kernel


def _column(table: Any, axis: str) -> NDArray[np.float64]:
    """The name of a position has changed between versions of photutils."""
    name = f"{axis}centroid" if f"{axis}centroid" in table.colnames else f"{axis}_centroid"
    return np.asarray(table[name], np.float64)
