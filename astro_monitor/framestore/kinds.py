"""The kinds of files that are kept, their names, and how a damaged one is recognised."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

_FRAME_ID = re.compile(r"[0-9a-f]{16,64}")

_SEAL_MAGIC = b"AMLOOK1\n"
_SEAL = struct.Struct(">8sIQ")
"""Before each look: magic, CRC-32 of the look, its length in bytes."""

_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
"""Start and end of image (ITU-T T.81, table B.1). A file that was cut off lacks the end."""


class Damaged(ValueError):
    """The bytes of a file are not those that were written."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        name: what one file holds, for sentences.
        folder: name of the folder next to the night log.
        suffix: ending of the file names.
        max_bytes: size of the largest file, without its seal; a larger one is not kept and not read.
        sealed: return the bytes to write for a content.
        opened: return the content of the bytes that were read; raises ``Damaged``.
        overhead_bytes: how much longer the file is than its content.
    """

    name: str
    folder: str
    suffix: str
    max_bytes: int
    sealed: Callable[[bytes], bytes]
    opened: Callable[[bytes], bytes]
    overhead_bytes: int = 0


def is_frame_id(text: str) -> bool:
    """Return whether a text is a frame id: 16 to 64 lower-case hex digits, so that no file name leaves its folder."""
    return _FRAME_ID.fullmatch(text) is not None


NO_FRAME_ID = "this is no frame id; take frame_id from a frame.judged document"
"""What is wrong with a text that is none. It is not repeated: it may come from anybody."""


def file_name(kind: Kind, frame_id: str) -> str:
    """Return the path of a kept file relative to the folder of the night log, with a slash on every system.

    Parameters:
        kind: what is kept.
        frame_id: of the frame.

    Raises:
        ValueError: it is no frame id.
    """
    if not is_frame_id(frame_id):
        raise ValueError(NO_FRAME_ID)
    return f"{kind.folder}/{frame_id}{kind.suffix}"


def _seal_look(look: bytes) -> bytes:
    """Return a look with the seal that its file begins with: magic, checksum and length."""
    return _SEAL.pack(_SEAL_MAGIC, zlib.crc32(look), len(look)) + look


def _open_look(data: bytes) -> bytes:
    """Return the look in a kept file without its seal; raise ``Damaged`` when the seal does not match."""
    if len(data) < _SEAL.size:
        raise Damaged("it is shorter than its seal")
    magic, checksum, length = _SEAL.unpack_from(data)
    look = data[_SEAL.size :]
    if magic != _SEAL_MAGIC:
        raise Damaged("it does not begin like a look")
    if len(look) != length:
        raise Damaged(f"it holds {len(look)} of {length} bytes")
    if zlib.crc32(look) != checksum:
        raise Damaged("its checksum is wrong")
    return look


def _seal_jpeg(picture: bytes) -> bytes:
    """Return the picture as it is: any viewer must be able to open the file."""
    return picture


def _open_jpeg(data: bytes) -> bytes:
    """Return the JPEG file of a preview as it was kept; raise ``Damaged`` when its start or end is missing."""
    if not data.startswith(_JPEG_START) or not data.endswith(_JPEG_END):
        raise Damaged("it is no complete JPEG file")
    return data


LOOKS = Kind("look", "looks", ".look", 16 << 20, _seal_look, _open_look, _SEAL.size)
"""A look of a 24-megapixel frame has about 400 kB; 16 MiB leave room for the largest sensors."""

PREVIEWS = Kind("preview", "previews", ".jpg", 4 << 20, _seal_jpeg, _open_jpeg)
"""A preview of 1.5 megapixels has 100 to 500 kB."""
