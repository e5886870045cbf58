"""Examples for the network of kinds: candidates of the star finder, and what is really there.

Half of the frames are those of the star finder's own training; the others are what it has trouble with: nebulae full of
filaments, saturated stars, coarsely quantised skies, long trails, wide stars, few stars among many hot pixels, and
galaxies with bulges and inclined discs.
"""

from __future__ import annotations

import math
import multiprocessing
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.detect.closeup import described
from astro_monitor.detect.hot import hot_pixels
from astro_monitor.detect.kinds import NOTHING
from astro_monitor.detect.prepare import Stretch
from astro_monitor.detect.scale import choose_bin
from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.unet import StarNet
from astro_monitor.inference import open_model
from training.simulate import SimFrame, draw_condition, draw_field, draw_rig, render, rig_split
from training.simulate.rigs import Rig
from training.simulate.sky import Galaxy, Nebula, StarField, draw_galaxies
from training.unet.data import draw
from training.unet.matching import match
from training.unet.seeds import NAME

HARD = ("nebula", "saturated", "quantised", "trailed", "wide", "hot", "galaxies", "galaxies")
"""What the other half of the frames shows."""
HARD_SHARE = 0.5
"""Part of the frames that are hard."""
SHAPE = (448, 576)
"""Height and width of the hard frames."""
MOST_PER_FRAME = 500
"""Most candidates of a frame that are kept, drawn at random: else a few globular clusters decide for everything."""
FAINT_SNR, FAINT_WEIGHT = 4.0, 0.4
"""A source fainter than this need not be found, and weighs less."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """N candidates: rows (N, d) and typical stars (N, 121), float16; what is there, weight (N,)."""

    rows: NDArray[np.float16]
    stars: NDArray[np.float16]
    kinds: NDArray[np.uint8]
    weights: NDArray[np.float32]


def draw_any(split: str, seed: int) -> SimFrame:
    """Return an ordinary or a hard frame of a rig of this split.

    Parameters:
        split: ``train``, ``validation`` or ``test``.
        seed: decides everything.
    """
    rng = np.random.default_rng([seed, 0xC105])
    if rng.random() >= HARD_SHARE:
        return draw(split, seed)
    return draw_hard(split, str(rng.choice(HARD)), rng)


def draw_hard(split: str, kind: str, rng: np.random.Generator) -> SimFrame:
    """Return a frame with one of the troubles of ``HARD``.

    Parameters:
        split: of the rig.
        kind: one of ``HARD``.
        rng: decides everything else.
    """
    rig = draw_rig(rng)
    while rig_split(rig.seed) != split:
        rig = draw_rig(rng)
    wanted = {"trailed": "very_bad_tracking", "wide": "bad_seeing"}.get(kind, "good")
    if kind == "hot":
        rig = replace(rig, hot_pixel_fraction=math.exp(rng.uniform(math.log(2e-4), math.log(8e-3))))
    condition = draw_condition(rng, rig, wanted)
    if kind == "wide" and rng.random() < 0.5:
        condition = replace(condition, seeing_factor=max(1.6, float(rng.uniform(6, 16)) / rig.f0_px), defocus_px=0.0)
    field = draw_field(rng, rig, SHAPE)
    if kind == "nebula":
        field = replace(field, nebula=_filaments(rng))
    elif kind == "saturated":
        field = _with_bright_stars(rng, rig, field)
    elif kind == "galaxies":
        field = replace(field, galaxies=(*field.galaxies, *_galaxies(rng, rig)))
    elif kind == "hot" and rng.random() < 0.6:
        field = _with_few_stars(rng, field)
    frame = render(rig, field, condition, rng, SHAPE)
    return _quantised(rng, frame) if kind == "quantised" else frame


def examples(net: StarNet, frame: SimFrame, rng: np.random.Generator) -> Examples:
    """Return the candidates of a frame with what is there.

    Parameters:
        net: the star finder.
        frame: with its truth.
        rng: draws the candidates of a rich frame.
    """
    sky = sky_map(frame.pixels)
    pixels = hot_pixels(frame.pixels, sky).cleaned(frame.pixels)
    factor = choose_bin(pixels, sky, frame.rig.saturation_adu)
    stretch = Stretch(sky, pixels.shape, factor)
    found = net.candidates(pixels, stretch)
    middle = (factor - 1) / 2
    matched = match(
        frame, found.points.x_px * np.float32(factor) + middle, found.points.y_px * np.float32(factor) + middle, factor
    )
    rows, star = described(found.points, found.views, stretch.shape, factor)
    kinds = np.where(matched.truth_kind < 0, NOTHING, matched.truth_kind).astype(np.uint8)
    weights = np.where((kinds != NOTHING) & (matched.claimed_snr < FAINT_SNR), FAINT_WEIGHT, 1).astype(np.float32)
    some = rng.permutation(len(kinds))[:MOST_PER_FRAME]
    return Examples(
        rows[some].astype(np.float16),
        np.repeat(star, len(some), axis=0).astype(np.float16),
        kinds[some],
        weights[some],
    )


def build(folder: Path, split: str, first_seed: int, frames: int, workers: int = 2) -> None:
    """Make the examples of a split, forty frames to a file; files that exist are kept.

    Parameters:
        folder: for the files.
        split: rigs to use.
        first_seed: frame ``i`` has seed ``first_seed + i``.
        frames: number of frames.
        workers: processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder / f"{split}-{seed:08d}.npz", split, seed) for seed in range(first_seed, first_seed + frames, 40)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _ in pool.imap_unordered(_part, jobs):
            pass


def load(folder: Path, split: str) -> Examples:
    """Read all examples of a split."""
    parts = [np.load(path) for path in sorted(folder.glob(f"{split}-*.npz"))]
    return Examples(*(np.concatenate([part[name] for part in parts]) for name in ("rows", "stars", "kinds", "weights")))


def _part(job: tuple[Path, str, int]) -> None:
    """Make one file of examples."""
    path, split, first = job
    if path.exists():
        return
    net = StarNet(open_model(NAME, provider="cpu", threads=1))
    parts = []
    for seed in range(first, first + 40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GalSim's hints on sampling
            try:
                frame = draw_any(split, seed)
            except RuntimeError:  # a rig that knows no such condition
                continue
        parts.append(examples(net, frame, np.random.default_rng([seed, 0xE9])))
    np.savez(
        path,
        rows=np.concatenate([part.rows for part in parts]),
        stars=np.concatenate([part.stars for part in parts]),
        kinds=np.concatenate([part.kinds for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def _filaments(rng: np.random.Generator) -> Nebula:
    """Return a bright nebula with much structure."""
    return Nebula(
        seed=int(rng.integers(2**31)),
        peak_fraction=float(rng.uniform(0.3, 3)),
        slope=float(rng.uniform(2.6, 3.4)),
        softness=float(rng.uniform(0.8, 1.6)),
        coverage=float(rng.uniform(0.3, 0.9)),
        filaments=float(rng.uniform(0.2, 1.0)),
        dark_lanes=bool(rng.random() < 0.3),
    )


def _galaxies(rng: np.random.Generator, rig: Rig) -> list[Galaxy]:
    """Return many galaxies, half of them with a round bulge in an inclined disc."""
    number = int(rng.poisson(math.exp(rng.uniform(math.log(8), math.log(100)))))
    found = []
    for galaxy in draw_galaxies(rng, rig, SHAPE, number):
        if rng.random() < 0.5:
            found.append(galaxy)
            continue
        bulge = float(rng.uniform(0.1, 0.6))
        found.append(
            replace(galaxy, flux_e=galaxy.flux_e * (1 - bulge), sersic=1.0, half_light_px=1.3 * galaxy.half_light_px)
        )
        found.append(
            replace(
                galaxy, flux_e=galaxy.flux_e * bulge, sersic=2.5, half_light_px=0.4 * galaxy.half_light_px,
                axis_ratio=max(galaxy.axis_ratio, 0.8),
            )
        )  # fmt: skip
    return found


def _with_bright_stars(rng: np.random.Generator, rig: Rig, field: StarField) -> StarField:
    """Return a field in which a few stars are far beyond saturation."""
    flux, x, y = field.flux_e.copy(), field.x_px.copy(), field.y_px.copy()
    count = min(int(rng.integers(1, 6)), len(flux))
    flux[:count] = rig.full_well_e * rig.f0_px**2 * np.exp(rng.uniform(math.log(2), math.log(200), count))
    x[:count], y[:count] = rng.uniform(0, SHAPE[1], count), rng.uniform(0, SHAPE[0], count)
    order = np.argsort(-flux, kind="stable")
    return replace(field, flux_e=np.ascontiguousarray(flux[order]), x_px=x[order], y_px=y[order])


def _with_few_stars(rng: np.random.Generator, field: StarField) -> StarField:
    """Return a field of which only a few stars remain, the brightest among them."""
    count = min(len(field.flux_e), int(math.exp(rng.uniform(math.log(3), math.log(300)))))
    inside = (field.x_px > 0) & (field.x_px < SHAPE[1]) & (field.y_px > 0) & (field.y_px < SHAPE[0])
    some = np.flatnonzero(inside)[:count]
    return replace(field, flux_e=np.ascontiguousarray(field.flux_e[some]), x_px=field.x_px[some], y_px=field.y_px[some])


def _quantised(rng: np.random.Generator, frame: SimFrame) -> SimFrame:
    """Return a frame whose steps are larger than its noise: padded from fewer bits."""
    step = max(2, round(frame.noise_adu * float(math.exp(rng.uniform(math.log(0.8), math.log(5))))))
    return replace(frame, pixels=(np.rint(frame.pixels / step) * step).clip(0, 65535).astype(np.uint16))
