"""What the list does for the stack: simulated nights with mixed faults, stacked by the real Siril.

Each night is stacked five times: (a) all frames; (b) Siril's own choice, ``-filter-wfwhm=90% -filter-round=90%``; (c)
our list, as the script beside it does; (d) our list with Siril's weights by noise; (e) the same registered frames
averaged with our weights, as a stacker does that reads them (Siril does not). Each stack is measured alike: width and
shape of its stars, unevenness of its sky, and the signal to noise of faint stars whose places are known from the
simulation. Run it as ``python -m benchmarks.stacks``; it needs ``siril-cli`` and the ``train`` extra.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sep
from numpy.typing import NDArray

if TYPE_CHECKING:
    from astro_monitor.demo.fits import CardValue
    from training.simulate.rigs import Split

SHAPE = (640, 896)
FRAMES, FAULTS = 40, 3
WAYS = {
    "a": "all frames",
    "b": "Siril's filters",
    "c": "our list",
    "d": "our list, Siril's weights",
    "e": "our list, our weights",
}
FAINT = (3.0, 8.0)
"""Signal to noise of a faint star in one normal frame."""
EDGE_PX = 60
EMPTY = 1500

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Figures of one stack.

    Attributes:
        frames: how many went in.
        fwhm_px, eccentricity: medians over bright stars.
        sky_residual: rms of the sky's mesh, its plane taken away, in units of the noise of one pixel.
        faint_snr: median signal to noise of faint stars, as the same filter finds it.
    """

    frames: int
    fwhm_px: float
    eccentricity: float
    sky_residual: float
    faint_snr: float


def mono_seeds(split: Split, count: int) -> list[int]:
    """The first seeds of a split whose camera has no colour filter array, and whose headers tell nothing special."""
    from training.iqa.rigs import rig_seeds
    from training.simulate import rig_from_seed

    return [seed for seed in rig_seeds(split, 6 * count) if not rig_from_seed(seed).colour][:count]


def write_night(folder: Path, seed: int) -> list[str]:
    """Write the frames of a night as a capture program would; give their labels."""
    from astro_monitor.demo import write_fits
    from training.simulate import rig_from_seed, simulate_night
    from training.simulate.nights import CLASS_OF_CAUSE

    rng = np.random.default_rng([seed, 0x57AC])
    faults = [str(one) for one in rng.choice(list(CLASS_OF_CAUSE), FAULTS, replace=False)]
    rig = rig_from_seed(seed)
    labels = []
    for number, shot in enumerate(simulate_night(seed, FRAMES, SHAPE, faults)):
        cards: dict[str, CardValue] = {
            "IMAGETYP": "LIGHT", "EXPTIME": float(rig.exposure_s), "OBJECT": "Field", "FILTER": "L",
            "INSTRUME": f"camera {seed}", "DATE-OBS": f"{shot.date_obs_utc:%Y-%m-%dT%H:%M:%S.%f}",
        }  # fmt: skip
        write_fits(folder / f"light_{number:04d}.fit", shot.whole_pixels, cards)
        labels.append(shot.labels.label)
    return labels


def judge(folder: Path, lists: Path) -> dict[str, tuple[str, float]]:
    """Take the folder through the program; its lists are written. Give each file's decision and weight."""
    from astro_monitor.archive import find_frames, grade_files
    from astro_monitor.clock import SystemClock
    from astro_monitor.settings import Settings

    graded = grade_files(find_frames([folder]), Settings(), SystemClock(), lists_folder=lists)
    return {arrival.path.name: (one.body["decision"], one.body["weight"]) for arrival, one, _ in graded}


def siril(program: str, folder: Path, lines: Sequence[str]) -> str:
    """Run lines in a folder; give what Siril said."""
    script = folder / "run.ssf"
    script.write_text("".join(f"{line}\n" for line in ("requires 1.0.0", *lines, "close")), "ascii")
    done = subprocess.run(
        [program, "-d", str(folder), "-s", str(script)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=900, env={**os.environ, "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    return done.stdout + done.stderr


def stack_all_ways(
    program: str, frames: Path, lists: Path, work: Path, weights: dict[str, float]
) -> dict[str, tuple[Image, int]]:
    """Stack a night; give image and number of frames for each way that worked."""
    (work / "a").mkdir(parents=True)
    for path in sorted(frames.glob("*.fit")):
        (work / "a" / path.name).symlink_to(path)
    said = siril(
        program, work,
        ["cd a", "link light -out=../pa", "cd ../pa", "register light",
         "stack r_light rej 3 3 -norm=addscale -out=../a_result",
         "stack r_light rej 3 3 -norm=addscale -filter-wfwhm=90% -filter-round=90% -out=../b_result"],
    )  # fmt: skip
    counts = dict(zip("ab", _counts(said), strict=False))
    (ours,) = lists.glob("*/siril")
    links = sorted((ours / "lights").iterdir())
    (work / "c").mkdir()
    for link in links:
        (work / "c" / link.name).symlink_to(link.resolve())
    said = siril(
        program, work,
        ["cd c", "link light -out=../pc", "cd ../pc", "register light",
         "stack r_light rej 3 3 -norm=addscale -out=../c_result",
         "stack r_light rej 3 3 -norm=addscale -weighted -out=../d_result"],
    )  # fmt: skip
    counts |= dict(zip("cd", _counts(said), strict=False))
    registered = {
        path: weights[links[int(path.stem[-5:]) - 1].resolve().name] for path in work.glob("pc/r_light_*.fit")
    }
    if registered:
        counts["e"] = len(registered)
        _write_average(registered, work / "e_result.fit")
    return {
        way: (_read(work / f"{way}_result.fit"), counts.get(way, 0))
        for way in WAYS
        if (work / f"{way}_result.fit").exists()
    }


def _write_average(frames: dict[Path, float], path: Path) -> None:
    """Average registered frames with weights; values far from the median of all are left out, as Siril does.

    Levels and scales are made alike first. What a frame does not cover is zero after registration.
    """
    from astropy.io import fits

    cube = np.stack([_read(one) for one in frames])
    weight = np.array(list(frames.values()), np.float32)[:, None, None] * (cube > 0)
    inner = (slice(None), slice(EDGE_PX, -EDGE_PX), slice(EDGE_PX, -EDGE_PX))
    level = np.median(cube[inner], axis=(1, 2))[:, None, None]
    scale = np.quantile(cube[inner], 0.999, axis=(1, 2))[:, None, None] - level
    cube = (cube - level) * (np.median(scale) / np.maximum(scale, 1e-6))
    middle = np.median(cube, axis=0)
    spread = 1.4826 * np.median(np.abs(cube - middle), axis=0) + 1e-6
    weight = weight * (np.abs(cube - middle) < 3 * spread)
    average = (cube * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9) + float(np.median(level))
    fits.PrimaryHDU((average / 65535).astype(np.float32)).writeto(path)


def _counts(said: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+) images have been stacked", said)]


def _read(path: Path) -> Image:
    from astropy.io import fits

    with fits.open(path) as hdus:
        image = np.ascontiguousarray(np.squeeze(hdus[0].data), np.float32)
    # Registered frames stay 16-bit numbers; results are 0 to 1.
    return image * np.float32(65535) if image.max() <= 2 else image


def measure(image: Image, frames: int, seed: int) -> Stack | None:
    """Measure a stack; ``None`` when its stars are not those of the night."""
    from astro_monitor.measure.transparency import match
    from astro_monitor.records import ReferenceStar

    sky = sep.Background(image, bw=64, bh=64)
    flat = image - sky.back()
    found = sep.extract(flat, 8.0, err=sky.globalrms, minarea=5)
    found = found[(found["flag"] == 0) & (found["peak"] < 0.7 * 65535)]
    if len(found) < 20:
        return None
    bright = found[np.argsort(-found["flux"])[:150]]
    width = 2.3548 * np.sqrt(bright["a"] * bright["b"])
    x, y, flux = _truth(seed)
    mine = tuple(ReferenceStar(x_px=float(s["x"]), y_px=float(s["y"]), flux_adu_s=float(s["flux"])) for s in bright)
    order = np.argsort(-flux)[:150]
    theirs = tuple(ReferenceStar(x_px=float(x[i]), y_px=float(y[i]), flux_adu_s=float(flux[i])) for i in order)
    placed = match(mine, theirs, (image.shape[0], image.shape[1]), 4.0)
    if placed is None:
        return None
    mesh = sep.Background(image, bw=32, bh=32).back()[::32, ::32]
    fwhm = float(np.median(width))
    return Stack(
        frames=frames, fwhm_px=fwhm,
        eccentricity=float(np.median(np.sqrt(1 - (bright["b"] / bright["a"]) ** 2))),
        sky_residual=_roughness(mesh) / float(sky.globalrms),
        faint_snr=_faint_snr(flat, x + placed.offset_x_px, y + placed.offset_y_px, flux, seed, fwhm),
    )  # fmt: skip


def _truth(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Nominal places and light of the stars of a night, as :func:`simulate_night` draws them."""
    from training.simulate import draw_field, rig_from_seed

    field = draw_field(np.random.default_rng([seed, 0x91647]), rig_from_seed(seed), SHAPE)
    return np.asarray(field.x_px), np.asarray(field.y_px), np.asarray(field.flux_e)


def _roughness(mesh: Image) -> float:
    """Rms of the mesh beyond a plane."""
    rows, columns = np.mgrid[: mesh.shape[0], : mesh.shape[1]]
    terms = np.stack([np.ones(mesh.size), rows.ravel(), columns.ravel()], axis=1)
    fit, *_ = np.linalg.lstsq(terms, mesh.ravel(), rcond=None)
    return float(np.std(mesh.ravel() - terms @ fit))


def _faint_snr(
    flat: Image, x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64], seed: int, fwhm: float
) -> float:
    """Median light of faint, lonely stars through a filter as wide as the stars, over its scatter on empty sky."""
    from training.simulate import rig_from_seed
    from training.simulate.sky import flux_at_snr

    rig = rig_from_seed(seed)
    low, high = (flux_at_snr(rig, snr) for snr in FAINT)
    height, width = flat.shape
    inside = (x > EDGE_PX) & (x < width - EDGE_PX) & (y > EDGE_PX) & (y < height - EDGE_PX)
    brighter = np.flatnonzero(flux > 0.3 * low)
    chosen = np.flatnonzero(inside & (flux > low) & (flux < high))
    reach = 2.5 * fwhm
    lonely = [
        i for i in chosen
        if np.sum((x[brighter] - x[i]) ** 2 + (y[brighter] - y[i]) ** 2 < reach**2) <= 1
    ][:300]  # fmt: skip
    rng = np.random.default_rng(seed)
    empty: list[tuple[float, float]] = []
    for _ in range(20 * EMPTY):
        px, py = float(rng.uniform(EDGE_PX, width - EDGE_PX)), float(rng.uniform(EDGE_PX, height - EDGE_PX))
        if ((x[brighter] - px) ** 2 + (y[brighter] - py) ** 2).min() > reach**2:
            empty.append((px, py))
        if len(empty) == EMPTY:
            break
    if len(lonely) < 10 or len(empty) < 50:
        return float("nan")
    signal = [_filtered(flat, x[i], y[i], fwhm) for i in lonely]
    noise = [_filtered(flat, px, py, fwhm) for px, py in empty]
    level = float(np.median(noise))
    scatter = 1.4826 * float(np.median(np.abs(np.array(noise) - level)))
    return (float(np.median(signal)) - level) / scatter


def _filtered(flat: Image, x: float, y: float, fwhm: float) -> float:
    radius = int(np.ceil(1.5 * fwhm))
    row, column = round(y), round(x)
    patch = flat[row - radius : row + radius + 1, column - radius : column + radius + 1]
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    weight = np.exp(-((rows + row - y) ** 2 + (columns + column - x) ** 2) * 4 * np.log(2) / fwhm**2)
    return float((weight * patch).sum() / weight.sum())


def one_night(program: str, seed: int) -> dict[str, Any]:
    """Everything about one night."""
    with tempfile.TemporaryDirectory(prefix="bench-stacks-") as scratch:
        place = Path(scratch)
        (place / "capture").mkdir()
        labels = write_night(place / "capture", seed)
        said = judge(place / "capture", place / "lists")
        weights = {name: weight for name, (_, weight) in said.items()}
        stacks = stack_all_ways(program, place / "capture", place / "lists", place / "work", weights)
        found = {way: measure(image, frames, seed) for way, (image, frames) in stacks.items()}
    return {
        "seed": seed,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "bad": sum(label not in ("good", "ambiguous") for label in labels),
        "kept": sum(word == "keep" for word, _ in said.values()),
        "stacks": {way: None if one is None else {name: getattr(one, name) for name in one.__slots__}
                   for way, one in found.items()},
    }  # fmt: skip


def table(nights: Sequence[dict[str, Any]]) -> str:
    """Give the figures as Markdown."""
    whole = [night for night in nights if all(night["stacks"].get(way) for way in WAYS)]
    lines = [
        f"{len(whole)} nights of {FRAMES} frames, stacked by Siril "
        f"({len(nights) - len(whole)} more could not be stacked in every way)", "",
        "| stack | frames | FWHM, px | eccentricity | sky residual / noise | SNR of faint stars | "
        "FWHM / (a) | SNR / (a) |", "|---" * 8 + "|",
    ]  # fmt: skip
    for way, name in WAYS.items():
        rows = [night["stacks"][way] for night in whole]
        base = [night["stacks"]["a"] for night in whole]
        means = [np.nanmean([row[key] for row in rows]) for key in Stack.__slots__]
        ratios = [np.nanmedian([row[key] / other[key] for row, other in zip(rows, base, strict=True)])
                  for key in ("fwhm_px", "faint_snr")]  # fmt: skip
        lines.append(
            f"| ({way}) {name} | {means[0]:.1f} | {means[1]:.2f} | {means[2]:.3f} | {means[3]:.2f} | {means[4]:.1f} | "
            f"{ratios[0]:.3f} | {ratios[1]:.3f} |"
        )
    sharpest = sum(
        night["stacks"]["c"]["fwhm_px"] <= 1.002 * min(night["stacks"][way]["fwhm_px"] for way in "ab")
        for night in whole
    )
    deeper = sum(night["stacks"]["c"]["faint_snr"] >= 0.98 * night["stacks"]["b"]["faint_snr"] for night in whole)
    lines += ["", f"(c) has the smallest FWHM of (a), (b), (c) in {sharpest} of {len(whole)} nights (within 0.2 %), "
              f"and faint stars not below (b) in {deeper} (within 2 %)."]  # fmt: skip
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stacks", description=__doc__)
    parser.add_argument("--split", choices=("validation", "test"), default="test", help="tune on one, report the other")
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args(argv)
    program = shutil.which("siril-cli")
    if program is None:
        sys.stderr.write("siril-cli is not installed; on Debian: apt install siril\n")
        return 1
    nights = []
    for number, seed in enumerate(mono_seeds(options.split, options.nights), 1):
        nights.append(one_night(program, seed))
        sys.stderr.write(f"\r{number} of {options.nights} nights")
    sys.stderr.write("\n")
    print(table(nights))
    if options.json is not None:
        options.json.write_text(json.dumps(nights, indent=1, allow_nan=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
