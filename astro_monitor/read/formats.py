"""Recognition of other file formats by their first bytes, with the message for each."""

from __future__ import annotations

from astro_monitor.errors import FrameError, Unreadable, Unsupported
from astro_monitor.filekinds import AVI, JPEG, OTHER_FRAMES, PACKED, PICTURE, PNG, SER, VIDEO

OTHER_FORMATS = (
    # Magic bytes, their offset in bytes, kind of file.
    (b"LUCAM-RECORDER", 0, SER),
    (b"AVI ", 8, AVI),
    (b"WEBP", 8, PICTURE),
    (b"\xff\xd8\xff", 0, JPEG),
    (b"\x89PNG", 0, PNG),
    (b"GIF8", 0, PICTURE),
    (b"8BPS", 0, PICTURE),
    (b"ftypheic", 4, PICTURE),
    (b"ftypmif1", 4, PICTURE),
    (b"ftypavif", 4, PICTURE),
    (b"ftyp", 4, VIDEO),
    (b"\x1aE\xdf\xa3", 0, VIDEO),
    (b"PK\3\4", 0, PACKED),
    (b"7z\xbc\xaf\x27\x1c", 0, PACKED),
    (b"Rar!\x1a\7", 0, PACKED),
    (b"BZh", 0, PACKED),
    (b"\xfd7zXZ\0", 0, PACKED),
    (b"\x28\xb5\x2f\xfd", 0, PACKED),
    (b"\x1f\x9d", 0, PACKED),
    (b"\x89HDF\r\n", 0, OTHER_FRAMES),
    (b"#ASDF", 0, OTHER_FRAMES),
)
NO_FRAMES = (
    # Magic bytes, meaning and advice, for files that are not images.
    (b"version https://git-lfs", "a pointer to a file that was not fetched", "run 'git lfs pull'"),
    (b"<!doctype html", "a web page, perhaps of a failed download", "download the frame again"),
    (b"<html", "a web page, perhaps of a failed download", "download the frame again"),
)
LONGEST_BYTES = 32
"""Bytes to read from the start of a file: as long as the longest magic, rounded up."""


def other_format(front: bytes) -> FrameError | None:
    """Return the error for a file that is not FITS, by its magic bytes.

    Parameters:
        front: its first ``LONGEST_BYTES`` bytes.

    Returns:
        The error to raise, or ``None`` when the format is not known.
    """
    for magic, start, kind in OTHER_FORMATS:
        if front.startswith(magic, start):
            return Unsupported(f"This is {kind.singular}, which is not read; {kind.advice}.", kind="other_format")
    for magic, meaning, advice in NO_FRAMES:
        if front.lower().startswith(magic):
            return Unreadable(f"This is {meaning}, not a frame; {advice}.", kind="not_fits")
    return None
