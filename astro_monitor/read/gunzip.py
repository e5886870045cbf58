"""Bounded decompression of gzip files: as far as the FITS headers declare, and not at all if they declare too much."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.formats.limits import Limits

GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
"""Bytes read or decompressed per step."""
_WHOLE_GZIP = 16 + zlib.MAX_WBITS
"""Window bits by which zlib expects a gzip header and trailer."""
_FREE_MEMBERS = 1000
"""Members that are allowed in any file, before their mean length counts."""
_LEAST_MEMBER_BYTES = 512
"""Smallest mean length of a member in decompressed bytes: programs that write many members (bgzip, pigz) put 64 kB and
more into each. A file of countless tiny ones would take minutes."""


def refuse_bomb(inflated_bytes: int, packed_bytes: int, limits: Limits) -> None:
    """Raise an error if a compressed file would grow out of proportion.

    Parameters:
        inflated_bytes: length declared by the headers.
        packed_bytes: length of the compressed form.
        limits: the largest ratio, and the length that is always allowed.

    Raises:
        Unsupported: the file is a decompression bomb, or at least not a frame of the sky (kind ``bomb``).
    """
    if inflated_bytes > max(limits.free_inflation_bytes, packed_bytes * limits.max_inflation):
        raise Unsupported(
            f"The compressed file of {packed_bytes} bytes would grow to {inflated_bytes} bytes, "
            "which no frame of the sky does; the file is not read.",
            kind="bomb",
        )


class Inflater:
    """A gzip file, decompressed on demand from its start.

    A file may have several members, which are concatenated; zeros between them and after the last one are skipped
    (RFC 1952, section 2.2, and the behaviour of gzip), as is anything else after the last one.

    Parameters:
        packed: (N,) all bytes of the compressed file.
        limits: limits of the decompressed length.
    """

    def __init__(self, packed: NDArray[np.uint8], limits: Limits) -> None:
        self._packed = packed.data
        self._position = 0
        self._limits = limits
        self._stream = zlib.decompressobj(_WHOLE_GZIP)
        self._members = 1
        self._inflated_bytes = 0
        self._front = bytearray()

    def read_at(self, offset: int, count: int) -> bytes:
        """Return decompressed bytes, in the form that ``fitsheader.scan_hdus`` needs."""
        refuse_bomb(offset + count, len(self._packed), self._limits)
        self._grow_front(offset + count)
        return bytes(self._front[offset : offset + count])

    def array(self, offset: int, count: int) -> NDArray[np.uint8]:
        """Return ``count`` decompressed bytes from ``offset`` on as a new, writable array, and check the file's end.

        Raises:
            Unreadable: the stream is damaged or ends early.
        """
        refuse_bomb(offset + count, len(self._packed), self._limits)
        out = np.empty(count, np.uint8)
        ready = np.frombuffer(self._front, np.uint8)[offset : offset + count]
        out[: len(ready)] = ready
        filled = len(ready)
        skip = max(0, offset - len(self._front))
        while filled < count:
            piece = np.frombuffer(self._inflate(min(_CHUNK_BYTES, skip + count - filled)), np.uint8)
            if len(piece) == 0:
                raise _ends_early()
            fresh = piece[min(skip, len(piece)) :]
            skip -= len(piece) - len(fresh)
            out[filled : filled + len(fresh)] = fresh
            filled += len(fresh)
        self._check_end()
        return out

    def _grow_front(self, end: int) -> None:
        """Decompress the start of the gzip file up to an offset, and keep it in memory."""
        while len(self._front) < end:
            piece = self._inflate(min(_CHUNK_BYTES, end - len(self._front)))
            if not piece:
                return
            self._front += piece

    def _inflate(self, max_bytes: int) -> bytes:
        """Return at most ``max_bytes`` decompressed bytes; empty at the end of the file."""
        while not self._stream.eof or self._next_member():
            packed = self._stream.unconsumed_tail
            if not packed:
                packed = bytes(self._packed[self._position : self._position + _CHUNK_BYTES])
                self._position += len(packed)
            try:
                piece = self._stream.decompress(packed, max_bytes)
            except zlib.error as error:
                raise Unreadable("The compressed file is damaged; copy it again.", kind="corrupt_gzip") from error
            if self._stream.eof:
                self._position -= len(self._stream.unused_data)
            if piece or (not packed and not self._stream.eof):
                self._inflated_bytes += len(piece)
                return piece
        return b""

    def _next_member(self) -> bool:
        """Move to the next member; return whether there is one."""
        while self._position < len(self._packed):
            piece = np.frombuffer(self._packed[self._position : self._position + _CHUNK_BYTES], np.uint8)
            zeros = int(np.argmax(piece != 0)) if piece.any() else len(piece)
            self._position += zeros
            if zeros < len(piece):
                break
        if bytes(self._packed[self._position : self._position + 2]) != GZIP_MAGIC:
            self._position = len(self._packed)
            return False
        self._members += 1
        if self._members > _FREE_MEMBERS + self._inflated_bytes // _LEAST_MEMBER_BYTES:
            raise Unsupported(
                "The gzip file has far too many members; decompress it, or compress it as one member.", kind="bomb"
            )
        self._stream = zlib.decompressobj(_WHOLE_GZIP)
        return True

    def _check_end(self) -> None:
        """Verify the checksum at the end of the member, unless the end is far away."""
        for _ in range(8):
            if self._stream.eof:
                return
            if not self._inflate(_CHUNK_BYTES):
                break
        if not self._stream.eof and self._position >= len(self._packed):
            raise _ends_early()


def _ends_early() -> Unreadable:
    """Return the error for a gzip file that ends before its data are complete."""
    return Unreadable("The compressed file ends too early; copy it again.", kind="truncated")
