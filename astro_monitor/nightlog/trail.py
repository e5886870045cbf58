"""The document trail: every document once more, as lines of text that are only ever appended.

The night log is one SQLite file; should it be damaged, deleted or lose its newest pages, everything that was published
is rebuilt from here: verdicts, warnings, and above all the decisions that a person made by hand. Each start of the
program begins a file of its own, so that a line cut short by a power failure stays at the end of its file. A file is
named after the number of its first document.

A line is a JSON object: ``document``, a list of the columns of ``documents`` without checksum, the night, and the
sighting (path, size, time, and since version 2 of the log time of the last change, file number and digest; or null);
and ``crc32`` of that list as it is written. It is on the disk before the document is announced, unless the disk refuses
it: then it follows as soon as it can.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

from ..openfile import open_plain
from .effects import Sighting
from .rows import checksum

log = logging.getLogger(__name__)

ENDING = ".jsonl"
MAX_FILE_BYTES = 16 << 20
"""At each start the newest file is read, to see where the trail ends."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One document as the trail holds it.

    Attributes:
        row: ``seq, doc_id, session_id, kind, time, cause, body``; the body as JSON text.
        night: date on which its observing night began.
        sighting: the file that it is about, where it is about one.
    """

    row: tuple[Any, ...]
    night: str
    sighting: Sighting | None

    @property
    def seq(self) -> int:
        """Its number."""
        return int(self.row[0])

    @property
    def doc_id(self) -> str:
        """Its identity."""
        return str(self.row[1])

    def line(self) -> bytes:
        """Write it as one line."""
        # Paths are bytes; those that are no UTF-8 become lone surrogates, which ASCII JSON can hold.
        where = None if self.sighting is None else [os.fsdecode(self.sighting[0]), *self.sighting[1:]]
        plain: list[Any] = [list(self.row), self.night, where]
        text = json.dumps(plain, separators=(",", ":"))
        return f'{{"document":{text},"crc32":{checksum([text])}}}\n'.encode("ascii")

    @staticmethod
    def read(line: bytes) -> Kept:
        """Undo :meth:`line`.

        Raises:
            ValueError: the line is cut short or damaged.
        """
        try:
            record = json.loads(line)
            (row, night, where), crc32 = record["document"], record["crc32"]
            text = json.dumps([row, night, where], separators=(",", ":"))
            if checksum([text]) != crc32 or len(row) != 7:
                raise ValueError("the checksum is wrong")
            sighting = None if where is None else _sighting(*where)
            return Kept(tuple(row), str(night), sighting)
        except (KeyError, TypeError, UnicodeError, RecursionError) as error:
            raise ValueError(f"no line of a trail: {error}") from error


class Trail:
    """A folder of such files. One writer, which holds the lock of the night log.

    Parameters:
        folder: next to the night log; made with the first document.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: FileIO | None = None
        self._failed = False
        self.last_seq = max((kept.seq for kept in self._newest()), default=0)

    def documents(self) -> Iterator[Kept]:
        """Walk through what is whole, in order and without a hole; later files continue earlier ones."""
        last = 0
        for path in self._files():
            for kept in _read(path):
                if kept.seq == last + 1:
                    last = kept.seq
                    yield kept
                elif kept.seq > last:
                    log.error("the trail %s has a hole after document %d; what follows is left out", path, last)
                    return

    def is_whole(self) -> bool:
        """Return whether all documents up to the last one are there; reads everything."""
        last = 0
        for kept in self.documents():
            last = kept.seq
        return last == self.last_seq

    def documents_from(self, seq: int) -> Iterator[Kept]:
        """Walk through the files from the one that holds this document on; some documents before it may come, too."""
        files = self._files()
        later = [index for index, path in enumerate(files) if path.name[:12].isdigit() and int(path.name[:12]) > seq]
        begin = max((later[0] if later else len(files)) - 1, 0)
        for path in files[begin:]:
            yield from _read(path)

    def append(self, documents: Sequence[Kept]) -> bool:
        """Put documents that follow the last one on the disk.

        Returns:
            whether they are there. When the disk is full or broken they are not, which is said once, nor when others
            are missing before them; the caller brings all that is missing next time.
        """
        fresh = [kept for kept in documents if kept.seq > self.last_seq]
        if not fresh:
            return True
        if fresh[0].seq != self.last_seq + 1:
            return False
        try:
            file = self._open(fresh[0].seq)
            begin = os.fstat(file.fileno()).st_size
            lines = b"".join(kept.line() for kept in fresh)
            try:
                if file.write(lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                # Half a line in the middle of a file would hide all that follows.
                file.truncate(begin)
                raise
        except OSError as error:
            if not self._failed:
                log.error("the trail in %s cannot be written (%s); it is made up for later", self.folder, error)
            self._failed = True
            self.close()
            return False
        self._failed = False
        self.last_seq = fresh[-1].seq
        if begin + len(lines) > MAX_FILE_BYTES:
            self.close()
        return True

    def set_aside(self, now: datetime) -> Path:
        """Rename the whole trail, because it belongs to another log; the evidence stays.

        Returns:
            the new place.
        """
        self.close()
        kept_as = self.folder.with_name(self.folder.name + now.strftime(".replaced.%Y%m%dT%H%M%S.%fZ"))
        self.folder.rename(kept_as)
        self.last_seq = 0
        return kept_as

    def close(self) -> None:
        """Close the file; again does nothing."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                log.debug("the trail could not be closed; what was acknowledged is on the disk")

    def _open(self, first_seq: int) -> FileIO:
        """Return the file that the document trail is appended to; create it when there is none yet."""
        if self._file is None:
            self.folder.mkdir(exist_ok=True)
            path = self.folder / f"{first_seq:012d}-{uuid.uuid4().hex[:8]}{ENDING}"
            # Unbuffered, so that no half of a failed write waits in memory to be written later.
            self._file = path.open("xb", buffering=0)
        return self._file

    def _files(self) -> list[Path]:
        """Return the files of the document trail, oldest first."""
        return sorted(self.folder.glob("*" + ENDING)) if self.folder.is_dir() else []

    def _newest(self) -> list[Kept]:
        """Return the documents of the newest file that has any: enough to tell where the trail ends."""
        for path in reversed(self._files()):
            documents = list(_read(path))
            if documents:
                return documents
        return []


def _sighting(path: str, size_bytes: int, mtime_ns: int, *rest: Any) -> Sighting:
    """Return the sighting of a file that a line of the document trail describes; older lines have fewer fields."""
    ctime_ns, file_no, digest = (*rest, *(0, 0, "")[len(rest) :])[:3]
    return Sighting(os.fsencode(path), int(size_bytes), int(mtime_ns), int(ctime_ns), int(file_no), str(digest))


def _read(path: Path) -> Iterator[Kept]:
    """Read one file up to its first damaged line."""
    try:
        with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
            for line in file:
                yield Kept.read(line)
    except ValueError as error:
        log.info("the trail %s ends with a line that is not whole: %s", path, error)
    except OSError as error:
        log.error("the trail %s cannot be read: %s", path, error)
