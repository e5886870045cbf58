"""Files that stand where a frame should be, recognised by their first bytes."""

from __future__ import annotations

from astro_monitor.errors import FrameError, Unreadable, Unsupported
from astro_monitor.formats import Format

NO_FRAMES = (
    # Magic bytes, meaning and advice, for files that are not images.
    (b"version https://git-lfs", "a pointer to a file that was not fetched", "run 'git lfs pull'"),
    (b"<!doctype html", "a web page, perhaps of a failed download", "download the frame again"),
    (b"<html", "a web page, perhaps of a failed download", "download the frame again"),
)


def unread_format(row: Format) -> FrameError:
    """Return the error for a file of a format that is not read.

    Parameters:
        row: the format.
    """
    return Unsupported(f"This is {row.singular}, which is not read; {row.advice}.", kind="other_format")


def refuse_no_frame(front: bytes) -> None:
    """Refuse a file that is no image, by its first bytes.

    Parameters:
        front: of the file.

    Raises:
        Unreadable: it is none (kind ``not_fits``).
    """
    for magic, meaning, advice in NO_FRAMES:
        if front.lower().startswith(magic):
            raise Unreadable(f"This is {meaning}, not a frame; {advice}.", kind="not_fits")
