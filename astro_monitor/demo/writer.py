"""A process that simulates a capture program: ``python -m astro_monitor.demo.writer FOLDER``.

It writes the demonstration night frame by frame, in the three most common ways: to the final name in pieces (INDI),
under a GUID and then renamed (N.I.N.A. up to 3.0), and in a new sub-folder for the night (N.I.N.A.'s default pattern).
Progress is written to standard output as one JSON object per frame.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

from .fits import CardValue, data_bytes, header_bytes
from .night import EXPOSURE_S, Exposure, demo_night, render_exposure
from .sky import Rig, Sky

PIECE_BYTES = 1 << 18
"""Bytes per write."""


def cards_of(rig: Rig, exposure: Exposure) -> dict[str, CardValue]:
    """Return header cards in the dialect of N.I.N.A., with this program as creator."""
    return {
        "IMAGETYP": "LIGHT",
        "EXPOSURE": EXPOSURE_S,
        "EXPTIME": EXPOSURE_S,
        "DATE-OBS": exposure.started_utc.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "XBINNING": 1,
        "YBINNING": 1,
        "GAIN": 100,
        "OFFSET": 50,
        "EGAIN": rig.e_per_adu,
        "XPIXSZ": 3.76,
        "YPIXSZ": 3.76,
        "INSTRUME": "Demo camera",
        "CCD-TEMP": -10.0,
        "FILTER": "L",
        "TELESCOP": "Demo refractor",
        "FOCALLEN": round(206.265 * 3.76 / rig.scale_arcsec_px, 2),
        "OBJECT": "Demo field",
        "OBJCTRA": "20 58 47",
        "OBJCTDEC": "+44 19 48",
        "SITELAT": 47.4,
        "SITELONG": 11.3,
        "SWCREATE": "astro-monitor demo",
    }


def write_straight(path: Path, head: bytes, data: bytes) -> None:
    """Write to the final name in pieces, like INDI drivers."""
    with path.open("xb") as file:
        file.write(head)
        for start in range(0, len(data), PIECE_BYTES):
            file.write(data[start : start + PIECE_BYTES])
            file.flush()


def write_renamed(path: Path, head: bytes, data: bytes) -> None:
    """Write under a GUID, then rename, like N.I.N.A. up to 3.0."""
    hidden = path.with_name(f"{uuid.uuid4()}.fits")
    write_straight(hidden, head, data)
    hidden.rename(path)


def write_night(folder: Path, frames: int, seconds_per_frame: float) -> None:
    """Write the complete night.

    Parameters:
        folder: the capture folder; must exist.
        frames: number of frames.
        seconds_per_frame: interval of the frames, including rendering.
    """
    rig = Rig()
    sky = Sky.seeded(rig)
    started = time.monotonic()
    night_folder = folder / "2026-03-20" / "LIGHT"
    for exposure in demo_night(frames):
        pixels = render_exposure(rig, sky, exposure)
        head, data = header_bytes((rig.height_px, rig.width_px), cards_of(rig, exposure)), data_bytes(pixels)
        time.sleep(max(0.0, started + exposure.index * seconds_per_frame - time.monotonic()))
        night_folder.mkdir(parents=True, exist_ok=True)
        path = night_folder / f"Demo field_{EXPOSURE_S:.0f}s_{exposure.index:04d}.fits"
        (write_renamed if exposure.index % 2 else write_straight)(path, head, data)
        line = {"file": str(path), "index": exposure.index, "expected": exposure.expected, "what": exposure.what}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the writer process."""
    parser = argparse.ArgumentParser(description="Write a demonstration night frame by frame, as a capture program.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--seconds-per-frame", type=float, default=2.0)
    options = parser.parse_args(arguments)
    # Ctrl-C reaches every process of the terminal; this one ends without output.
    with suppress(KeyboardInterrupt):
        write_night(options.folder, options.frames, options.seconds_per_frame)


if __name__ == "__main__":
    main()
