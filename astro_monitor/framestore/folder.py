"""One folder of files named by frame: written whole or not at all, the oldest removed first, within a total size."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from ..errors import NotKept
from ..openfile import NotPlain, open_plain
from ..plain import because
from .kinds import NO_FRAME_ID, Damaged, Kind, file_name, is_frame_id

LEAST_FREE_BYTES = 256 << 20
"""Nothing is kept when the disk has less than this left: the rest belongs to the night log and to the frames."""

MAX_FILES = 50_000
"""Files of one kind, whatever their size: the folder must stay quick to list."""

FILLED_AFTER_PRUNING = 0.9
"""Part of the limits that pruning leaves filled, so that it is not needed for each frame."""

SCAN_EACH = 0.01
"""A writer lists the folder each time it has written this part of the limit. Up to ten processes may write into one
folder, none knowing of the others, and stay within the limit."""

STALE_PART_S = 3600.0
"""An unfinished file of this age was left by a process that has ended."""

_PART = re.compile(r"\.[0-9a-f]{16,64}\.[0-9a-f]{32}\.part")


class FrameFolder:
    """Files of one kind, by frame id. For any thread; several processes may have one on the same folder.

    Parameters:
        folder: of the night log; the files go into a folder inside it, which is made when the first one is kept.
        kind: what is kept.
        limit_bytes: total size of the files; 0 keeps none.
    """

    def __init__(self, folder: Path, kind: Kind, limit_bytes: int) -> None:
        self._night_folder = folder
        self._kind = kind
        self._limit_bytes = limit_bytes
        self._unscanned_bytes: int | None = None
        self._unscanned_files = 0

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._night_folder / self._kind.folder

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._limit_bytes > 0

    def keep(self, frame_id: str, content: bytes) -> None:
        """Write a file, or replace the one of the same frame; remove the oldest ones beyond the limit.

        The file is not flushed to the disk: after a power failure it may be damaged, and is then reported as such.

        Parameters:
            frame_id: of the frame.
            content: what to keep.

        Raises:
            ValueError: it is no frame id, or the content is too large.
            OSError: it cannot be written; a file that was there before is unchanged.
        """
        path = self._path(frame_id)
        if not self.keeps:
            if self._unscanned_bytes is None and self.folder.is_dir():
                self.prune()
            return
        if len(content) > min(self._kind.max_bytes, FILLED_AFTER_PRUNING * self._limit_bytes):
            raise ValueError(f"a {self._kind.name} of {len(content)} bytes is larger than what may be kept")
        # Without parents: a folder of the night that was taken away is not made again, empty, in its old place.
        self.folder.mkdir(exist_ok=True)
        if shutil.disk_usage(self.folder).free < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, f"the disk has less than {LEAST_FREE_BYTES >> 20} MB left", str(self.folder))
        data = self._kind.sealed(content)
        _write_whole(path, data)
        if self._unscanned_bytes is not None:
            self._unscanned_bytes += len(data)
            self._unscanned_files += 1
        if self._scan_is_due():
            self.prune()

    def get(self, frame_id: str) -> bytes:
        """Return what was kept of a frame.

        Raises:
            NotKept: absent, damaged or unreadable; the sentence says which.
        """
        name = self._kind.name
        if not is_frame_id(frame_id):
            raise NotKept(NO_FRAME_ID, "absent")
        most = self._kind.max_bytes + self._kind.overhead_bytes
        try:
            with os.fdopen(open_plain(self._path(frame_id), os.O_RDONLY), "rb") as file:
                data = file.read(most + 1)
        except FileNotFoundError as error:
            raise NotKept(
                f"no {name} of frame {frame_id} is kept: none was made, or it was removed to make room", "absent"
            ) from error
        except NotPlain as error:
            raise NotKept(f"the {name} of frame {frame_id} cannot be used: {because(error)}", "damaged") from error
        except OSError as error:
            raise NotKept(f"the {name} of frame {frame_id} cannot be read: {because(error)}", "unreadable") from error
        try:
            if len(data) > most:
                raise Damaged("it is too large")
            return self._kind.opened(data)
        except Damaged as damage:
            raise NotKept(
                f"the {name} of frame {frame_id} is damaged: {damage}; grade the frame again to make a new one",
                "damaged",
            ) from damage

    def frame_ids(self) -> frozenset[str]:
        """Return the frames of which a file is there; it may still be damaged. Empty where the folder is unreadable."""
        try:
            return frozenset(entry.name.removesuffix(self._kind.suffix) for entry in self._files())
        except OSError:
            return frozenset()

    def prune(self) -> None:
        """Remove the oldest files beyond the limits, and unfinished ones that were left behind.

        Raises:
            OSError: the folder cannot be listed, or too much of it not removed.
        """
        files = []
        for entry in self._files():
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # another process has removed it
            files.append((status.st_mtime_ns, entry.name, status.st_size))
        self._unscanned_bytes, self._unscanned_files = 0, 0
        total_bytes = sum(size for _, _, size in files)
        if self.keeps and total_bytes <= self._limit_bytes - self._margin_bytes() and len(files) < MAX_FILES:
            return
        fill = FILLED_AFTER_PRUNING if self.keeps else 0.0
        count = len(files)
        stuck: OSError | None = None
        for _, name, size in sorted(files):
            if total_bytes <= fill * self._limit_bytes and count <= fill * MAX_FILES:
                break
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                # Another program has it open, or it is no file; the next ones make the room.
                stuck = stuck or error
                continue
            total_bytes -= size
            count -= 1
        if stuck is not None and (total_bytes > self._limit_bytes or count > MAX_FILES):
            raise stuck

    def _margin_bytes(self) -> float:
        """Return how much may be written by all processes together until the next of them lists the folder."""
        return (1.0 - FILLED_AFTER_PRUNING) * self._limit_bytes

    def _scan_is_due(self) -> bool:
        """Return whether enough was written since the last listing of the folder to list and prune it again."""
        if self._unscanned_bytes is None:
            return True
        return self._unscanned_bytes >= SCAN_EACH * self._limit_bytes or self._unscanned_files >= SCAN_EACH * MAX_FILES

    def _path(self, frame_id: str) -> Path:
        """Return the path of a frame's file in the folder of this night."""
        return self._night_folder / file_name(self._kind, frame_id)

    def _files(self) -> Iterator[os.DirEntry[str]]:
        """Yield the kept files; unfinished ones that are old are removed on the way, others' files passed over."""
        stale = time.time() - STALE_PART_S
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _PART.fullmatch(entry.name):
                    _remove_stale(entry, stale)
                elif entry.name.endswith(self._kind.suffix) and is_frame_id(entry.name.removesuffix(self._kind.suffix)):
                    yield entry


def _remove_stale(entry: os.DirEntry[str], before: float) -> None:
    """Remove an unfinished file of this frame store that is older than a point in time."""
    try:
        if entry.stat(follow_symlinks=False).st_mtime < before:
            Path(entry.path).unlink(missing_ok=True)
    except OSError:
        return  # it is gone, or another process has it open


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it, so that a reader sees all of it or what was there before."""
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.part")
    try:
        with os.fdopen(open_plain(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(data)
            file.flush()
            # File systems round the time of writing to milliseconds; the oldest file must be known by it.
            os.utime(part, ns=(now_ns := time.time_ns(), now_ns))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
