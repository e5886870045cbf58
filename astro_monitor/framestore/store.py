"""The looks and previews next to one night log."""

from __future__ import annotations

import logging
from pathlib import Path

from ..plain import because
from ..settings import KeepSettings
from .folder import FrameFolder
from .kinds import LOOKS, PREVIEWS

log = logging.getLogger(__name__)

_MEGABYTE = 1_000_000
"""Bytes in a megabyte of the settings."""


class FrameStore:
    """Keeps looks and previews, and returns them. For any thread.

    Keeping never raises: a look or preview that cannot be written is lost, and the log says so once, until one can be
    written again.

    Parameters:
        folder: of the night log.
        settings: how much of each kind is kept.
    """

    def __init__(self, folder: Path, settings: KeepSettings) -> None:
        self._looks = Keeper(FrameFolder(folder, LOOKS, settings.looks_mb * _MEGABYTE), "looks")
        self._previews = Keeper(FrameFolder(folder, PREVIEWS, settings.previews_mb * _MEGABYTE), "previews")

    @property
    def keeps_looks(self) -> bool:
        """Whether looks are kept by the settings."""
        return self._looks.files.keeps

    @property
    def keeps_previews(self) -> bool:
        """Whether previews are kept by the settings."""
        return self._previews.files.keeps

    def keep_look(self, frame_id: str, look: bytes) -> bool:
        """Keep an encoded look.

        Returns:
            whether it was written.
        """
        return self._looks.keep(frame_id, look)

    def keep_preview(self, frame_id: str, jpeg: bytes) -> bool:
        """Keep a preview, a JPEG file.

        Returns:
            whether it was written.
        """
        return self._previews.keep(frame_id, jpeg)

    def look(self, frame_id: str) -> bytes:
        """Return the encoded look of a frame, as it was kept.

        Raises:
            NotKept: absent, damaged or unreadable; the sentence says which.
        """
        return self._looks.files.get(frame_id)

    def preview(self, frame_id: str) -> bytes:
        """Return the preview of a frame, a JPEG file.

        Raises:
            NotKept: absent, damaged or unreadable; the sentence says which.
        """
        return self._previews.files.get(frame_id)

    def frames_with_look(self) -> frozenset[str]:
        """Return the frames whose look is there; it may still be damaged."""
        return self._looks.files.frame_ids()


class Keeper:
    """Keeps files in a folder and reports trouble once.

    Parameters:
        files: where to.
        plural: what is kept, for the log.
    """

    def __init__(self, files: FrameFolder, plural: str) -> None:
        self.files = files
        self._plural = plural
        self._in_trouble = False

    def keep(self, frame_id: str, content: bytes) -> bool:
        """Keep one file; return whether it was written."""
        try:
            self.files.keep(frame_id, content)
        except (OSError, ValueError) as error:
            level = logging.DEBUG if self._in_trouble else logging.WARNING
            reason = because(error) if isinstance(error, OSError) else str(error)
            log.log(
                level, "%s: %s cannot be kept in %s: %s; grading goes on without them",
                frame_id, self._plural, self.files.folder, reason,
            )  # fmt: skip
            self._in_trouble = True
            return False
        if self._in_trouble:
            log.info("%s: %s are kept again", frame_id, self._plural)
            self._in_trouble = False
        return self.files.keeps
