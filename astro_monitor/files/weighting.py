"""Copies of kept frames that carry their weight in the keyword SSWEIGHT, because their owner asked for copies.

PixInsight's WBPP reads a weight from a keyword of the frame itself. The frames stay as they are: each copy is written
elsewhere under a name of its own, its pixels byte for byte, one card more in its header. Source of the layout: FITS
Standard 4.0, sections 3.1 and 4.1; CHECKSUM (appendix J) covers the header, so it is left out of the copy, and DATASUM
still holds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError, FrameError
from ..fitsheader import scan_hdus
from ..plain import because
from .moving import rename_to_new

KEYWORD = b"SSWEIGHT"
ENDINGS = (".fit", ".fits", ".fts", ".fz")
_CARD, _BLOCK = 80, 2880
"""Bytes of a header card and of a block (FITS Standard 4.0, section 3.1)."""
_DROPPED = (KEYWORD, b"CHECKSUM")


def copy_weighted(frames: Iterable[tuple[Path, float]], folder: Path) -> Iterator[tuple[Path, str]]:
    """Copy kept frames into a folder, each with its stacking weight; nothing is overwritten.

    Parameters:
        frames: path and weight of each frame.
        folder: made when missing.

    Yields:
        each path, with a sentence when there is no copy.

    Raises:
        ConfigError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {because(error)}; choose another place") from error
    for source, weight in frames:
        yield source, _copied(source, folder / source.name, weight)


def _copied(source: Path, goal: Path, weight: float) -> str:
    """Write one copy; give a sentence when that could not be."""
    if source.suffix.lower() not in ENDINGS:
        return "it is no FITS file, so it was not copied"
    if goal.exists():
        return "there is a file of that name already; it stays"
    partial = goal.with_name(f".{goal.name}.part")
    try:
        with source.open("rb") as read, partial.open("wb") as write:
            _write(read, write, weight)
            write.flush()
            os.fsync(write.fileno())
        rename_to_new(partial, goal)
    except (OSError, FrameError) as error:
        partial.unlink(missing_ok=True)
        return f"it was not copied: {error if isinstance(error, FrameError) else because(error)}"
    return ""


def _write(read: BinaryIO, write: BinaryIO, weight: float) -> None:
    """Copy the file with one card more in the header of its first image.

    Raises:
        FrameError: it is no sound FITS file.
    """

    def read_at(offset: int, count: int) -> bytes:
        read.seek(offset)
        return read.read(count)

    hdus = list(scan_hdus(read_at))
    image = next((hdu for hdu in hdus if hdu.data_bytes), hdus[0])
    read.seek(0)
    _pass_on(read, write, image.header_offset)
    header = read.read(image.data_offset - image.header_offset)
    cards = [header[place : place + _CARD] for place in range(0, len(header), _CARD)]
    end = next(place for place, card in enumerate(cards) if card.rstrip() == b"END")
    kept = [card for card in cards[:end] if card[:8].rstrip() not in _DROPPED]
    kept += [f"{KEYWORD.decode():<8}= {weight:20.4f} / stacking weight, 0 to 1".ljust(_CARD).encode("ascii")]
    text = b"".join((*kept, b"END".ljust(_CARD)))
    write.write(text.ljust(-(-len(text) // _BLOCK) * _BLOCK))
    shutil.copyfileobj(read, write, 1 << 20)


def _pass_on(read: BinaryIO, write: BinaryIO, count: int) -> None:
    """Copy so many bytes of a frame from one file to another, or up to the end of it."""
    while count > 0:
        part = read.read(min(count, 1 << 20))
        if not part:
            return
        write.write(part)
        count -= len(part)
