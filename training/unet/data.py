"""A pool of tiles with their targets, rendered once, kept as compressed files, and served in shuffled batches.

A pool is a pure function of its split, seed and size; its manifest lists every frame that is in it.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.detect.prepare import KNEE_SNR, Stretch
from astro_monitor.detect.scale import FACTORS, choose_bin
from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.tiles import CELL_PX
from training.simulate import SimFrame, draw_condition, draw_field, draw_rig, render, rig_split
from training.simulate.conditions import Condition, still_fwhm_px
from training.simulate.rigs import Rig
from training.simulate.sky import draw_galaxies
from training.unet.targets import LAYERS, target

TILE_PX = 256
SHARES = {
    "good": 0.33,
    "bad_tracking": 0.15,
    "very_bad_tracking": 0.12,
    "bad_seeing": 0.15,
    "background_issue": 0.17,
    "ambiguous": 0.08,
}
TRAIL_SHARE = 0.4
"""Part of the frames that get at least one trail: far more than in the sky, so that the network meets enough."""

EXTENDED_SHARE, EXTENDED_MPX = 0.4, (10.0, 150.0)
"""Part of the frames that get many more galaxies than the sky has, and how many per million network pixels: without
them one source in 350 is extended, and the network hardly learns the kind."""

SKY_ERROR_SNR = 0.04
"""Spread of what training adds to the sky of each tile."""

_FRAMES_PER_SHARD = 40


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """(N, 256, 256) float16 as the network sees them, and (N, 64, 64, 9) float16 targets."""

    seen: NDArray[np.float16]
    targets: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.seen)


def draw(split: str, seed: int) -> SimFrame:
    """One frame of a rig of this split, large enough for one or four tiles after binning.

    Parameters:
        split: ``train``, ``validation`` or ``test``.
        seed: decides everything.
    """
    rng = np.random.default_rng([seed, 0x0E7])
    rig = draw_rig(rng)
    while rig_split(rig.seed) != split:
        rig = draw_rig(rng)
    condition = draw_condition(rng, rig, str(rng.choice(list(SHARES), p=list(SHARES.values()))))
    if rng.random() < TRAIL_SHARE:
        condition = replace(condition, trails=int(rng.integers(1, 4)))
    if rng.random() < 0.15:
        condition = replace(condition, cosmic_rays_mpx=float(rng.uniform(30, 300)))
    factor = _expected_factor(rig, condition)
    side = TILE_PX * (2 * factor if factor <= 2 else factor)
    shape = (side, side)
    field = draw_field(rng, rig, shape)
    if rng.random() < EXTENDED_SHARE:
        fewest, most = EXTENDED_MPX
        per_mpx = math.exp(rng.uniform(math.log(fewest), math.log(most)))
        number = int(rng.poisson(per_mpx * (side / factor) ** 2 / 1e6))
        field = replace(field, galaxies=(*field.galaxies, *draw_galaxies(rng, rig, shape, number)))
    return render(rig, field, condition, rng, shape)


def see(frame: SimFrame, bin_factor: int | None = None) -> tuple[NDArray[np.float32], int]:
    """A frame as the network sees it: the code that serves, not a copy.

    Returns:
        (H, W) stretched values, cut to whole cells, and the binning.
    """
    sky = sky_map(frame.pixels)
    factor = bin_factor or choose_bin(frame.pixels, sky, frame.rig.saturation_adu)
    stretch = Stretch(sky, frame.pixels.shape, factor)
    seen = np.empty(tuple(size // CELL_PX * CELL_PX for size in stretch.shape), np.float32)
    stretch.window(frame.pixels, 0, 0, seen)
    return seen, factor


def tiles_of(frame: SimFrame, rng: np.random.Generator) -> Tiles:
    """Cut one frame into tiles; now and then with the binning next to the chosen one, which also occurs in life."""
    seen, factor = see(frame)
    if rng.random() < 0.1:
        place = FACTORS.index(factor) + int(rng.choice([-1, 1]))
        seen, factor = see(frame, FACTORS[min(max(place, 0), len(FACTORS) - 1)])
    wanted = target(frame, seen, factor)
    rows, columns = (max(1, round(size / TILE_PX)) for size in seen.shape)
    cells = TILE_PX // CELL_PX
    pixels = np.zeros((rows * TILE_PX, columns * TILE_PX), np.float16)
    targets = np.zeros((rows * cells, columns * cells, len(LAYERS)), np.float16)
    targets[..., LAYERS.index("kind")] = -1
    height, width = min(seen.shape[0], pixels.shape[0]), min(seen.shape[1], pixels.shape[1])
    pixels[:height, :width] = seen[:height, :width]
    targets[: height // CELL_PX, : width // CELL_PX] = wanted[: height // CELL_PX, : width // CELL_PX]
    return Tiles(
        pixels.reshape(rows, TILE_PX, columns, TILE_PX).swapaxes(1, 2).reshape(-1, TILE_PX, TILE_PX),
        targets.reshape(rows, cells, columns, cells, -1).swapaxes(1, 2).reshape(-1, cells, cells, len(LAYERS)),
    )


def build_pool(folder: Path, split: str, frames: int, seed: int, workers: int = 2) -> None:
    """Render a pool, or the part of it that is missing.

    Parameters:
        folder: one file per 40 frames goes here, and ``manifest.json``.
        split: rigs to use.
        frames: how many frames.
        seed: first seed; frame ``i`` has seed ``seed + i``.
        workers: processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (folder / f"{split}-{first:08d}.npz", split, first, min(_FRAMES_PER_SHARD, seed + frames - first))
        for first in range(seed, seed + frames, _FRAMES_PER_SHARD)
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        rows = [row for part in pool.imap(_shard, jobs) for row in part]
    manifest = {"split": split, "seed": seed, "frames": frames, "shares": SHARES, "content": rows}
    (folder / f"{split}.json").write_text(json.dumps(manifest, indent=0) + "\n", "utf-8")


def load_pool(folder: Path, split: str) -> Tiles:
    """Read all tiles of a pool into memory (about 200 kB each)."""
    parts = []
    for path in sorted(folder.glob(f"{split}-*.npz")):
        with np.load(path) as file:
            parts.append((file["seen"], file["targets"]))
    return Tiles(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def manifest_digest(folder: Path) -> str:
    """SHA-256 over the manifests of a folder: what the model was trained and tuned on."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.json")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def batches(
    tiles: Tiles, size: int, rng: np.random.Generator, *, augment: bool
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Batches without end, shuffled anew each round; each tile in one of its eight orientations.

    Yields:
        (size, 256, 256, 1) inputs and (size, 64, 64, 9) targets.
    """
    while True:
        order = rng.permutation(len(tiles)) if augment else np.arange(len(tiles))
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first : first + size]
            seen = tiles.seen[chosen].astype(np.float32)
            wanted = tiles.targets[chosen].astype(np.float32)
            if augment:
                seen, wanted = _turn(seen, wanted, int(rng.integers(8)))
                # The mesh is never exactly the sky.
                seen = seen + rng.normal(0, SKY_ERROR_SNR / KNEE_SNR, (size, 1, 1)).astype(np.float32)
            yield seen[..., None], wanted


def _turn(
    seen: NDArray[np.float32], wanted: NDArray[np.float32], which: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    dx, dy = LAYERS.index("dx"), LAYERS.index("dy")
    wanted = wanted.copy()
    if which & 1:
        seen, wanted = seen[:, :, ::-1], wanted[:, :, ::-1]
        wanted[..., dx] *= -1
    if which & 2:
        seen, wanted = seen[:, ::-1], wanted[:, ::-1]
        wanted[..., dy] *= -1
    if which & 4:
        seen, wanted = seen.swapaxes(1, 2), wanted.swapaxes(1, 2).copy()
        wanted[..., [dx, dy]] = wanted[..., [dy, dx]]
    return np.ascontiguousarray(seen), np.ascontiguousarray(wanted)


def _expected_factor(rig: Rig, condition: Condition) -> int:
    fwhm = still_fwhm_px(rig, condition)
    width = math.sqrt(fwhm * max(fwhm, condition.motion.length_px()))
    return next((factor for factor in FACTORS if width / factor <= 4.5), FACTORS[-1])


def _shard(job: tuple[Path, str, int, int]) -> list[dict[str, object]]:
    path, split, first, count = job
    listing = path.with_suffix(".rows.txt")
    if path.exists() and listing.exists():
        rows: list[dict[str, object]] = json.loads(listing.read_text("utf-8"))
        return rows
    parts, rows = [], []
    for seed in range(first, first + count):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GalSim's hints on sampling
            frame = draw(split, seed)
        tiles = tiles_of(frame, np.random.default_rng([seed, 0x711E]))
        parts.append(tiles)
        rows.append({"seed": seed, "rig": frame.rig.seed, "label": frame.labels.label, "tiles": len(tiles)})
    np.savez(
        path,
        seen=np.concatenate([part.seen for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
    )
    listing.write_text(json.dumps(rows), "utf-8")
    return rows
