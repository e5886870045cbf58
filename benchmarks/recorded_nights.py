"""The nights of the recorded verdicts: the demonstration, a real one, and twenty simulated ones. Same code, same bytes.

Frames are written with numpy alone: astropy puts the time of writing into its checksum cards, and the identity of a
frame is the hash of its file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of

Prepare = Callable[[], Path | None]

FIRST_SEED = 41_000_001
"""Seed of the first simulated rig; the following rigs have the following seeds."""
SIMULATED_NIGHTS = 20
SHAPES = ((480, 640), (448, 704), (512, 512))
"""(height, width) of simulated frames in pixels: small, because the rendering takes most of the time."""
FEWEST_FRAMES, MOST_FRAMES = 15, 25
CAUSES = (
    "drift", "cloud", "defocus", "periodic", "gradient", "seeing", "jump", "leak", "satellite", "wind", "twilight",
    "rotation", "dew",
)  # fmt: skip
"""Episodes in the order in which the nights take them."""
FAULTS_PER_NIGHT = 3
UNTROUBLED_EVERY = 5
"""Every fifth night has no fault."""
UNGUIDED_EVERY = 4
MOONLIT_EVERY = 7
MOON_FACTOR = 3.2
"""Rise of the sky on a moonlit night; four times as bright would be a fault."""
DAMAGED_NIGHT = 3
"""Number of the simulated night that also has damaged files, a dark and a copy."""
DAMAGED_FILES = 4
"""Consecutive damaged files: enough for an alert about failures."""
WRITTEN_S = 1_750_000_000
"""Modification time of all files, seconds since 1970: frames without a date are sorted by it."""


def nights(folder: Path, real_frames: Path) -> Iterator[tuple[str, Prepare]]:
    """List the nights.

    Parameters:
        folder: where simulated frames are, or are put.
        real_frames: folder of the real frames.

    Yields:
        name of each night, and a function that returns the folder with its frames, or ``None`` where real frames are
        not available.
    """
    yield "demo", partial(_whole, folder / "demo", _write_demo)
    yield "tres1", partial(_real, real_frames / "night_tres1")
    for number in range(1, SIMULATED_NIGHTS + 1):
        name = f"simulated-{number:02d}"
        yield name, partial(_whole, folder / name, partial(_write_simulated, number=number))


def _real(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None


def _whole(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write a night unless it is there; a night that was interrupted is written again."""
    if not folder.is_dir():
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write(unfinished)
        for path in unfinished.iterdir():
            os.utime(path, (WRITTEN_S, WRITTEN_S))
        unfinished.rename(folder)
    return folder


def _write_demo(folder: Path) -> None:
    rig = Rig()
    sky = Sky.seeded(rig)
    for exposure in demo_night():
        pixels = render_exposure(rig, sky, exposure)
        write_fits(folder / f"demo_{exposure.index:04d}.fits", pixels, cards_of(rig, exposure))


def _write_simulated(folder: Path, number: int) -> None:
    """Write one simulated night.

    Parameters:
        folder: empty.
        number: from 1; decides rig, number of frames, faults, and the capture program.
    """
    from training.simulate import simulate_night
    from training.simulate.write import DIALECTS

    frames = FEWEST_FRAMES + (7 * number) % (MOST_FRAMES - FEWEST_FRAMES + 1)
    first_cause = FAULTS_PER_NIGHT * number
    faults = [CAUSES[(first_cause + step) % len(CAUSES)] for step in range(FAULTS_PER_NIGHT)]
    night = simulate_night(
        FIRST_SEED + number - 1,
        frames,
        SHAPES[number % len(SHAPES)],
        [] if number % UNTROUBLED_EVERY == 0 else faults,
        wander=number % UNGUIDED_EVERY == 0,
        moon=MOON_FACTOR if number % MOONLIT_EVERY == 0 else 1.0,
    )
    program = list(DIALECTS)[number % len(DIALECTS)]
    cards = {}
    for index, frame in enumerate(night, 1):
        cards = DIALECTS[program](frame)
        if frame.bayer:
            cards |= {"BAYERPAT": frame.bayer, "XBAYROFF": 0, "YBAYROFF": 0}
        path = folder / f"frame_{index:03d}.fits"
        write_fits(path, frame.whole_pixels, cards)
    if number == DAMAGED_NIGHT:
        write_fits(folder / "dark_001.fits", frame.whole_pixels, cards | {"IMAGETYP": "DARK"})
        shutil.copy(folder / "frame_002.fits", folder / "frame_002_copy.fits")
        whole = path.read_bytes()
        (folder / "truncated.fits").write_bytes(whole[: len(whole) // 2])
        for index in range(1, DAMAGED_FILES + 1):
            (folder / f"damaged_{index}.fits").write_bytes(f"not a FITS file, number {index}".encode().ljust(5760))
