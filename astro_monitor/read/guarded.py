"""A reader of a plugin, whose errors and invalid results affect only one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NoReturn, TypeVar, cast

import numpy as np

from astro_monitor.errors import FrameError, Unreadable, Unsupported
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.formats.contents import FileBytes, FileContents, FormatReader, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.plugins import READER_FAILED, Guard
from astro_monitor.records import Arrival, FrameMeta

_Answer = TypeVar("_Answer")


class GuardedReader:
    """Calls the reader of a plugin.

    Parameters:
        reader: reader of the plugin.
        guard: guard of the plugin.
    """

    def __init__(self, reader: FormatReader, guard: Guard) -> None:
        self._reader = reader
        self._guard = guard

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> Any:
        """Return the plugin's result from the headers.

        Raises:
            FrameError: the error of the plugin; kind ``plugin_failed`` for an unforeseen one.
        """
        return self._call_reader(arrival, lambda: self._reader.find(arrival, read_at, size_bytes, limits))

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Return the contents, whose size is within the limits.

        Raises:
            FrameError: as for :meth:`find`.
        """
        contents = self._call_reader(
            arrival, lambda: _checked_contents(self._reader.open(arrival, file, found, limits), limits)
        )

        def decode() -> tuple[Pixels, float]:
            return self._call_reader(arrival, lambda: _checked_pixels(contents))

        def amend(meta: FrameMeta) -> FrameMeta:
            return self._call_reader(arrival, lambda: _checked_meta(contents.amend(meta)))

        return replace(contents, decode=decode, amend=amend)

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the headers that the plugin yields."""
        return self._reader.headers(read_at)

    def _call_reader(self, arrival: Arrival, function: Callable[[], _Answer]) -> _Answer:
        """Return the result of a reader plugin's function for a file; raise Unreadable when the plugin fails."""
        name = f"{arrival.path.name}: the reader"
        return self._guard.call(name, function, _raise_unreadable, (FrameError, MemoryError))


def _raise_unreadable(why: str) -> NoReturn:
    """Raise Unreadable for a file whose reader plugin failed, with the reason."""
    raise Unreadable(
        f"The file cannot be read: {why}; update the plugin, or take it out of plugins.on.", kind=READER_FAILED
    )


def _checked_contents(contents: FileContents, limits: Limits) -> FileContents:
    """Return the contents of a file that a reader plugin has returned.

    Raises:
        TypeError, ValueError: they are none, or of no picture.
        Unsupported: the picture is larger than a frame may be, or smaller.
    """
    if not isinstance(contents, FileContents):
        raise TypeError(f"it returned a {type(contents).__name__}, not FileContents")
    height, width = (int(side) for side in contents.shape)
    if max(height, width) > limits.max_side_px or height * width > limits.max_pixels:
        raise Unsupported(f"The image of {width} x {height} pixels exceeds the size limit.", kind="too_large")
    if min(height, width) < limits.min_side_px:
        raise Unsupported(f"The image of {width} x {height} pixels is too small to be graded.", kind="too_small")
    return contents


def _checked_pixels(contents: FileContents) -> tuple[Pixels, float]:
    """Return the pixels that a reader plugin has decoded.

    Raises:
        TypeError, ValueError: they are no pixels, or too few or many for the shape.
    """
    pixels, bad_fraction = contents.decode()
    if not isinstance(pixels, np.ndarray) or pixels.dtype not in (np.uint16, np.float32):
        raise TypeError("pixels are an array of uint16 or float32 in the computer's own byte order")
    if not 0.0 <= bad_fraction <= 1.0:
        raise ValueError(f"the fraction of pixels without a value is {bad_fraction}, not 0 to 1")
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise ValueError("pixels that are not finite have to be filled and counted")
    return cast("Pixels", np.ascontiguousarray(pixels).reshape(contents.shape)), float(bad_fraction)


def _checked_meta(meta: FrameMeta) -> FrameMeta:
    """Return the header values from a plugin's ``amend``; raise TypeError when they are no FrameMeta."""
    if not isinstance(meta, FrameMeta):
        raise TypeError(f"amend returned a {type(meta).__name__}, not FrameMeta")
    return meta
