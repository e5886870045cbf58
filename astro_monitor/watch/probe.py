"""One bounded look into a file: the length by its header, whether it looks filled, and a digest of its content.

A program may make a file in its full length before it fills it. What it has not written yet reads as zeros, which
cameras hardly write: the file system's own list of holes is asked first (``lseek`` with ``SEEK_HOLE``), then pages of
the data area are read. The same pages give the digest by which the content is known again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import FrameError, Incomplete
from ..fitsheader import BLOCK_BYTES, Hdu, scan_hdus
from ..openfile import open_plain
from .names import tells_its_length
from .settle import Look

log = logging.getLogger(__name__)

HEAD_BYTES = 64 << 10
"""Headers of capture programs are shorter, so a changed card is detected."""
PAGE_BYTES = 4096
"""File systems allocate and programs write nearly always in multiples of this, starting at a multiple."""
SAMPLES = 128
"""Pages between head and end that are read: 0.5 MB, quick on a slow share, too. Two exposures differ in each."""
RUN_BYTES = 256
"""No camera reads out 128 pixels in a row at exactly half scale, and compressed data have no such run."""
TAIL_BYTES = 32
"""Eight or sixteen pixels: a copy that fills an allocated file from its start reaches them last."""
MAX_XML_BYTES = 1 << 20
_ZEROS = bytes(RUN_BYTES)
_ATTACHMENT = re.compile(rb"""location\s*=\s*["']attachment:(\d{1,18}):(\d{1,18})""")


def look_into(path: str, size_bytes: int) -> Look:
    """Look into a file without trusting it, reading its headers and some pages of it at most.

    Parameters:
        path: a regular file, as far as was known a moment ago.
        size_bytes: its size, as the file system said then.

    Raises:
        OSError: it cannot be opened or read, or is no regular file any more.
    """
    if size_bytes == 0:
        return Look(missing="is empty")
    with open_regular(path) as file:
        declared = (
            _declared(file, path, size_bytes) if tells_its_length(path) else _Declared(None, 0, *_attachments(file))
        )
        if declared.look is not None:
            return declared.look
        end = min(declared.data_end or declared.declared_bytes or size_bytes, size_bytes)
        sampled = _sample(file, declared.data_offset, end, size_bytes)
        hole = _has_hole(file, declared.data_offset, end)
        if declared.never_zero and (hole or sampled.has_zeros):
            return Look(missing="has parts that were never written", knows_length=True, digest=sampled.digest)
        # Some programs leave the padding out; none writes a part of it and stops there.
        padded_bytes = -(-declared.declared_bytes // BLOCK_BYTES) * BLOCK_BYTES
        padding_is_cut = declared.declared_bytes < size_bytes < padded_bytes
        ends_in_zeros = declared.declared_bytes > 0 and _ends_in_zeros(file, declared.data_offset, end)
        return Look(
            knows_length=declared.declared_bytes > 0,
            unfilled=padding_is_cut or hole,
            zeros=sampled.has_zeros or ends_in_zeros,
            digest=sampled.digest,
        )


def open_regular(path: str) -> BinaryIO:
    """Open for reading, without waiting for a writer in case the name has become that of a pipe.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    # Unbuffered: a page here and there is read, and nothing around it.
    return cast("BinaryIO", FileIO(open_plain(Path(path), os.O_RDONLY, follow=True), "rb"))


def digest_of(path: str, size_bytes: int) -> str:
    """Return the digest of a file's head, its end, and pages in between.

    Parameters:
        path: a regular file.
        size_bytes: its size, as the file system said a moment ago.

    Raises:
        OSError: it cannot be opened or read, or is no regular file any more.
    """
    with open_regular(path) as file:
        return _sample(file, 0, size_bytes, size_bytes).digest


@dataclass(frozen=True, slots=True)
class _Declared:
    """What the header of a file declares.

    Attributes:
        look: what is known already; then no page needs to be read.
        declared_bytes: its length without the last padding; 0: not given.
        data_offset, data_end: where its data lie; an end of 0: at its own end.
        never_zero: it holds one camera image as offset binary, where a run of zero bytes is no picture.
    """

    look: Look | None = None
    declared_bytes: int = 0
    data_offset: int = 0
    data_end: int = 0
    never_zero: bool = False


@dataclass(frozen=True, slots=True)
class _Sampled:
    digest: str
    has_zeros: bool


def _declared(file: BinaryIO, path: str, size_bytes: int) -> _Declared:
    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    try:
        hdus = list(scan_hdus(read_at))
    except Incomplete:
        return _Declared(Look(missing="has no complete header", knows_length=True))
    except FrameError:
        # No FITS file at all, or nonsense: the reader will say so, in words, once the file is quiet.
        return _Declared()
    except OSError:
        raise
    except Exception:
        # A defect of ours must not end the watch; the reader meets the same file in a process that may die.
        log.exception("the header of %r cannot be scanned; please report this file", path)
        return _Declared()
    # An extension that follows is found by its header; only the last one's padding may be missing.
    declared_bytes = hdus[-1].data_offset + hdus[-1].data_bytes
    if size_bytes < declared_bytes:
        return _Declared(Look(missing=f"has {size_bytes:,} of {declared_bytes:,} bytes", knows_length=True))
    camera = len(hdus) == 1 and _is_offset_binary(hdus[0])
    return _Declared(None, declared_bytes, _first_data(hdus), declared_bytes, never_zero=camera)


def _attachments(file: BinaryIO) -> tuple[int, int]:
    """Return where the data blocks of an XISF file lie, behind some zeros; two zeros for another file.

    The layout: 8 bytes ``XISF0100``, the header's length as 4 bytes, 4 reserved ones, the header (XISF 1.0, 9.2).
    """
    start = file.read(16)
    if start[:8] != b"XISF0100":
        return 0, 0
    blocks = [
        (int(place), int(place) + int(length))
        for place, length in _ATTACHMENT.findall(file.read(min(int.from_bytes(start[8:12], "little"), MAX_XML_BYTES)))
    ]
    return (min(begin for begin, _ in blocks), max(end for _, end in blocks)) if blocks else (0, 0)


def _first_data(hdus: list[Hdu]) -> int:
    return next((hdu.data_offset for hdu in hdus if hdu.data_bytes), 0)


def _is_offset_binary(hdu: Hdu) -> bool:
    """Whether an image holds unsigned 16-bit numbers: zero bytes are exactly half of full scale then."""
    return hdu.header.value("BITPIX") == 16 and hdu.header.value("BZERO") in (32768, 32768.0)


def _sample(file: BinaryIO, begin: int, end: int, size_bytes: int) -> _Sampled:
    """Read the head of a file, its last page, and pages in between.

    Parameters:
        begin, end: where data lie; zeros elsewhere mean nothing.
    """
    digest = hashlib.blake2b(size_bytes.to_bytes(8, "little"), digest_size=16)
    has_zeros = False
    for offset, count in _places(size_bytes):
        file.seek(offset)
        piece = file.read(count)
        digest.update(piece)
        # Nearly no byte is looked at: a run of zeros cannot end at one that is none.
        has_zeros = has_zeros or piece.find(_ZEROS, max(begin - offset, 0), max(end - offset, 0)) >= 0
    return _Sampled(digest.hexdigest(), has_zeros)


def _places(size_bytes: int) -> list[tuple[int, int]]:
    if size_bytes <= HEAD_BYTES + SAMPLES * PAGE_BYTES:
        return [(offset, HEAD_BYTES) for offset in range(0, size_bytes, HEAD_BYTES)]
    pages = (size_bytes - HEAD_BYTES) // PAGE_BYTES
    middle = [(HEAD_BYTES + pages * number // SAMPLES * PAGE_BYTES, PAGE_BYTES) for number in range(SAMPLES)]
    return [(0, HEAD_BYTES), *middle, (size_bytes - PAGE_BYTES, PAGE_BYTES)]


def _has_hole(file: BinaryIO, begin: int, end: int) -> bool:
    """Whether the file system says that a part was never written; not all of them can say it."""
    if not hasattr(os, "SEEK_HOLE") or end <= begin:
        return False
    try:
        hole = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
    except OSError:
        return False
    if hole >= end:
        return False
    # What it says is checked: a file system that knows less than all about fresh data must not delay a frame.
    file.seek(hole)
    return not any(file.read(min(PAGE_BYTES, end - hole)))


def _ends_in_zeros(file: BinaryIO, begin: int, end: int) -> bool:
    count = min(TAIL_BYTES, end - begin)
    if count <= 0:
        return False
    file.seek(end - count)
    return not any(file.read(count))
