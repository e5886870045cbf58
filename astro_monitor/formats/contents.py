"""What a reader of one format returns, and what it is given. Readers run in the worker process only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..fitsheader import Header, ReadAt
from ..records import Arrival, FrameMeta
from .limits import Limits

Pixels = NDArray[np.uint16] | NDArray[np.float32]


class FileBytes(Protocol):
    """A file in memory, read once as a whole while its SHA-256 is computed.

    Attributes:
        data: (N,) uint8, all bytes of the file; writable after :meth:`wait_hashed`.
    """

    data: NDArray[np.uint8]

    def read_at(self, offset: int, count: int) -> bytes:
        """Return a copy of some bytes; fewer at the end of the file."""
        ...

    def wait_hashed(self, end: int) -> None:
        """Wait until the bytes before ``end`` are hashed and may be changed."""
        ...


def unchanged(meta: FrameMeta) -> FrameMeta:
    """Return the facts of the header as they are."""
    return meta


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """One image in a file whose header has been understood and whose pixels wait.

    Attributes:
        headers: that of the image first, then that of the whole file, as FITS cards.
        shape: (height, width) of the image as stored.
        decode: returns the pixels, uint16 or float32, with height × width items, and the fraction of pixels that had no
            value and were filled. Called once; raises a ``FrameError`` for damage.
        cube: shape of all planes in the order of numpy when there are more than one, which is not graded; else empty.
        hdu: index of the image in the file.
        planes: number of planes.
        amend: completes the facts of the header by what only the format knows.
    """

    headers: tuple[Header, ...]
    shape: tuple[int, int]
    decode: Callable[[], tuple[Pixels, float]]
    cube: tuple[int, ...] = ()
    hdu: int = 0
    planes: int = 1
    amend: Callable[[FrameMeta], FrameMeta] = unchanged


class FormatReader(Protocol):
    """Reads files of one format. One is made per process, for all frames."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> Any:
        """Look at the headers before there is memory for the file.

        Parameters:
            arrival: the file.
            read_at: gives bytes of it, from the disk.
            size_bytes: its length.
            limits: what it may ask for.

        Returns:
            what :meth:`open` needs of it; ``None`` where nothing is known before the file is in memory.

        Raises:
            FrameError: it cannot be graded; its pixels are not read then.
        """
        ...

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Understand the file, and leave its pixels.

        Parameters:
            arrival: the file.
            file: its bytes.
            found: what :meth:`find` returned.
            limits: what it may ask for.

        Raises:
            FrameError: it is damaged, or no frame.
        """
        ...

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield headers, from which the time of the exposure is read; stops being asked once one has it.

        Parameters:
            read_at: gives bytes of the file; a few kilobytes are read at most.

        Raises:
            FrameError: they are damaged.
        """
        ...
