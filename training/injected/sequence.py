"""Nights made of the real good frames of one telescope: untouched ones first, then some with faults among others."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.read import Reader
from astro_monitor.records import CLASSES, Frame
from training import arrivals
from training.injected.draws import injected
from training.injected.light import Image, RealFrame, taken_apart
from training.inmemory import InMemory

FIRM = 0.7
"""Labels of less confidence are hints: such frames are not used."""
FIRST_GOOD = 8
"""Frames without any change at the beginning of a night."""
FRAMES = 28
"""Frames of a night."""
DITHER_PX = 10
"""Largest shift of the picture between frames; so much is cut off at each side."""
EXPOSURE_AND_PAUSE_S = 75.0
"""Time from one frame of a night to the next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A real good frame, ready for changes.

    Attributes:
        frame: as it was read.
        parts: the same, taken apart.
        fwhm_px: median width of its stars.
        effective_sky_adu: S; where the gain is not known, the whole level, which is more.
    """

    frame: Frame
    parts: RealFrame
    fwhm_px: float
    effective_sky_adu: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InjectedFrame:
    """One frame of a night; ``label`` and ``cause`` by the class rules, ``strength`` over the border of the class."""

    frame: Frame
    label: str
    cause: str
    strength: float


def good_files(folder: Path, telescope: str) -> list[Path]:
    """Return the files of one telescope that are firmly labelled as good, in the order of their names.

    Parameters:
        folder: with ``labels.csv`` (file, label, confidence).
        telescope: name of the folder of its frames.
    """
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["file"].split("/")[0] == telescope]
    return sorted(
        folder / row["file"] for row in rows if row["label"] == "good" and float(row["confidence"] or 0) >= FIRM
    )


def sources(folder: Path, telescope: str, *, most: int | None = None) -> list[Source]:
    """Read the good frames of a telescope, measure their stars with the shipped models and take the frames apart.

    Parameters:
        folder, telescope: as in :func:`good_files`.
        most: frames that are read; all without it.
    """
    stages, finder, reader = InMemory.shipped(), Detector(open_model("star-unet", provider="cpu", threads=1)), Reader()
    ready = []
    for path in good_files(folder, telescope)[:most]:
        frame = reader.read(arrivals.named(path, path.parent))
        fwhm_px = stages.look(frame).measurements.values["fwhm_px"]
        if fwhm_px is not None:
            ready.append(_source(frame, finder, fwhm_px))
    return ready


def night(frames: list[Source], seed: int, labels: tuple[str, ...] = CLASSES) -> Iterator[InjectedFrame]:
    """Yield the frames of one night.

    Parameters:
        frames: good frames of one telescope, in the order of time.
        seed: of everything that is drawn.
        labels: classes that are drawn after the first frames, all as often.
    """
    rng = np.random.default_rng([seed, 0x1A7EC])
    mirrored, upside = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    begin = int(rng.integers(len(frames)))
    drawn = [str(label) for label in rng.permutation(np.resize(labels, FRAMES - FIRST_GOOD))]
    for number in range(FRAMES):
        source = frames[(begin + number) % len(frames)]
        label = "good" if number < FIRST_GOOD else drawn[number - FIRST_GOOD]
        if number < FIRST_GOOD:
            pixels, cause, strength = source.parts.pixels(), "none", 0.0
        else:
            changed = injected(source.parts, source.fwhm_px, source.effective_sky_adu, label, rng)
            pixels, cause, strength = changed.pixels, changed.cause, changed.strength
        shift = rng.integers(0, 2 * DITHER_PX + 1, 2)
        pixels = _window(pixels, int(shift[0]), int(shift[1]), mirrored=mirrored, upside=upside)
        yield InjectedFrame(
            frame=_frame(source.frame, pixels, f"{seed}-{number}", number), label=label, cause=cause, strength=strength
        )


def _source(frame: Frame, finder: Detector, fwhm_px: float) -> Source:
    """Return a frame that was read, taken apart."""
    found = finder.detect(frame)
    e_per_adu = (frame.meta.e_per_adu or 0.0) * frame.sensor_px_per_px**2
    level = np.asarray(found.sky.level_adu, np.float32)
    height, width = frame.pixels.shape
    # The centre of a mesh cell is half a cell from its border.
    rows = (np.arange(height) + 0.5) / found.sky.cell_px - 0.5
    columns = (np.arange(width) + 0.5) / found.sky.cell_px - 0.5
    sky: Image = np.asarray(
        scipy.ndimage.map_coordinates(level, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest"),
        np.float32,
    )
    parts = taken_apart(frame.pixels, sky, found.hot.cleaned(frame.pixels), found.sky.noise_adu, e_per_adu)
    middle = float(np.median(sky)) - (frame.meta.pedestal_adu or 0.0)
    effective = found.sky.noise_adu**2 * e_per_adu if e_per_adu > 0 else middle
    return Source(frame=frame, parts=parts, fwhm_px=fwhm_px, effective_sky_adu=effective)


def _window(pixels: Image, row: int, column: int, *, mirrored: bool, upside: bool) -> Image:
    """Return the part of a picture that a dithered camera sees, perhaps mirrored."""
    height, width = pixels.shape[0] - 2 * DITHER_PX, pixels.shape[1] - 2 * DITHER_PX
    part = pixels[row : row + height, column : column + width]
    return part[:: -1 if upside else 1, :: -1 if mirrored else 1]


def _frame(source: Frame, pixels: Image, name: str, number: int) -> Frame:
    """Return changed pixels as a frame with the header of its source and the time of its place in the night."""
    stored: NDArray[np.uint16] | Image = np.ascontiguousarray(pixels, np.float32)
    if source.pixels.dtype == np.uint16:
        stored = np.clip(np.rint(stored), 0, np.iinfo(np.uint16).max).astype(np.uint16)
    stored.flags.writeable = False
    start = source.meta.date_obs_utc or datetime(2025, 1, 1, tzinfo=UTC)
    moment = start.replace(hour=0, minute=0, second=0) + timedelta(seconds=EXPOSURE_AND_PAUSE_S * number)
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    height, width = stored.shape
    return Frame(
        frame_id=sha256[:16],
        sha256=sha256,
        arrival=arrivals.simulated(name),
        meta=replace(source.meta, date_obs_utc=moment),
        pixels=stored,
        sensor_px_per_px=source.sensor_px_per_px,
        sensor_shape=(height * source.sensor_px_per_px, width * source.sensor_px_per_px),
        saturation_adu=source.saturation_adu,
    )
