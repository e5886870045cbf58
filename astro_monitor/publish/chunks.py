"""Looks and previews for clients: in chunks, and no more of them on the way than the memory may hold."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, Protocol

import zmq

FileKind = Literal["look", "preview"]

CHUNK_BYTES = 256 * 1024
"""Bytes in one answer, at most. A preview fits into one, a look of 24 megapixels into two."""

MOST_ON_THE_WAY_TO_ONE = 8
"""Chunks for a client that ZeroMQ may still hold: 2 MiB. Which of them have left is known a moment late."""

MOST_ON_THE_WAY = 64
"""The same for all clients together: 16 MiB."""

_REMEMBERED_FILES = 4
"""Files that are held between two chunks of them, so that each is read and checked once."""


class FrameFiles(Protocol):
    """What the publisher needs of the looks and previews that are kept."""

    def look(self, frame_id: str) -> bytes:
        """Return the look of a frame; ``NotKept`` where there is none."""
        ...

    def preview(self, frame_id: str) -> bytes:
        """Return the preview of a frame; ``NotKept`` where there is none."""
        ...


class BeyondEnd(ValueError):
    """A client asks for bytes after the last one."""


class Busy(Exception):
    """As many chunks as may be are on the way."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a look or preview.

    Attributes:
        data: the bytes.
        offset: of the first of them.
        size_bytes: of the whole file.
        sha256: of the whole file, in hex digits.
    """

    data: bytes
    offset: int
    size_bytes: int
    sha256: str

    @property
    def more(self) -> bool:
        """Whether there are bytes after these."""
        return self.offset + len(self.data) < self.size_bytes


class Chunks:
    """Cuts files into chunks.

    Parameters:
        files: where they are kept.
    """

    def __init__(self, files: FrameFiles) -> None:
        self._files = files
        self._held: OrderedDict[tuple[FileKind, str], tuple[bytes, str]] = OrderedDict()

    def chunk(self, kind: FileKind, frame_id: str, offset: int) -> Chunk:
        """Return the chunk that begins at an offset.

        Raises:
            NotKept: there is no such file.
            BeyondEnd: it ends before.
        """
        content, sha256 = self._content(kind, frame_id, fresh=offset == 0)
        if offset >= len(content):
            raise BeyondEnd(f"the {kind} of frame {frame_id} has {len(content)} bytes; ask for an offset below that")
        chunk = Chunk(content[offset : offset + CHUNK_BYTES], offset, len(content), sha256)
        if not chunk.more:
            self._held.pop((kind, frame_id), None)
        return chunk

    def _content(self, kind: FileKind, frame_id: str, *, fresh: bool) -> tuple[bytes, str]:
        """Return a file and its digest; it is read where a client begins, and held until a client has all of it."""
        held = None if fresh else self._held.get((kind, frame_id))
        if held is None:
            content = self._files.look(frame_id) if kind == "look" else self._files.preview(frame_id)
            held = content, hashlib.sha256(content).hexdigest()
            self._held[kind, frame_id] = held
            while len(self._held) > _REMEMBERED_FILES:
                self._held.popitem(last=False)
        return held


class OnTheWay:
    """Counts the chunks that ZeroMQ still holds, for each client and for all."""

    def __init__(self) -> None:
        self._by_client: dict[bytes, list[zmq.MessageTracker]] = {}

    def has_room(self, client: bytes) -> bool:
        """Return whether a client may be sent one more chunk."""
        for known in list(self._by_client):
            self._by_client[known] = [tracker for tracker in self._by_client[known] if not tracker.done]
            if not self._by_client[known]:
                del self._by_client[known]
        return (
            len(self._by_client.get(client, ())) < MOST_ON_THE_WAY_TO_ONE
            and sum(len(trackers) for trackers in self._by_client.values()) < MOST_ON_THE_WAY
        )

    def sent(self, client: bytes, tracker: zmq.MessageTracker) -> None:
        """Count a chunk until its tracker says that it has left."""
        self._by_client.setdefault(client, []).append(tracker)
