"""Files of other kinds that lie among frames, known by their first bytes, and what to tell about each."""

from __future__ import annotations

from astro_monitor.errors import FrameError, Unreadable, Unsupported

_SAVE_FITS = "let the capture program write FITS"
OTHER_FORMATS = (
    # First bytes, what it is, what to do.
    (b"LUCAM-RECORDER", "a SER video", "give single frames"),
    (b"RIFF", "a video", "give single frames"),
    (b"\xff\xd8\xff", "a JPEG picture", _SAVE_FITS),
    (b"\x89PNG", "a PNG picture", _SAVE_FITS),
    (b"PK\3\4", "a ZIP archive", "unpack it"),
    (b"BZh", "a bzip2 file", "unpack it, or compress by gzip or Rice"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it, or compress by gzip or Rice"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it, or compress by gzip or Rice"),
    (b"\x1f\x9d", "a file of the old compress program", "unpack it, or compress by gzip or Rice"),
)
NO_FRAMES = (
    # The same for files that stand where a frame should be.
    (b"version https://git-lfs", "a pointer to a file that was not fetched", "run 'git lfs pull'"),
    (b"<!doctype html", "a web page, perhaps of a failed download", "download the frame again"),
    (b"<html", "a web page, perhaps of a failed download", "download the frame again"),
)
LONGEST_BYTES = 32


def other_format(front: bytes) -> FrameError | None:
    """Say what a file is that is not FITS.

    Parameters:
        front: its first ``LONGEST_BYTES`` bytes.

    Returns:
        The error to raise, or ``None`` when its first bytes tell nothing.
    """
    for magic, what, advice in OTHER_FORMATS:
        if front.startswith(magic):
            return Unsupported(f"This is {what}, which is not read; {advice}.", kind="other_format")
    for magic, what, advice in NO_FRAMES:
        if front.lower().startswith(magic):
            return Unreadable(f"This is {what}, not a frame; {advice}.", kind="not_fits")
    return None
