"""From the stored image to the light-sensitive area: overscan is cropped, borders without data are masked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from astro_monitor.fitsheader import Header
from astro_monitor.formats.contents import Pixels
from astro_monitor.records import FrameMeta

from .borders import fill_border, find_border
from .facts import Facts
from .sections import Window, cut_out, find_window, overscan_level

MIN_BORDER_SIDE_PX = 64
"""Shortest side of an image in which borders are searched, in pixels: the run of equal pixels that marks a
border is as long."""
UNWRITTEN = 0.3
"""Fraction of the rows: more empty rows than this at the end are not a border, but data that were never written."""
_MAX_NOTES = 20
"""Most notes about one header, so that a damaged header does not flood the documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The light-sensitive area of a stored image.

    Attributes:
        pixels: (H, W), without overscan.
        meta: header values, with the pedestal measured in the overscan.
        border: (H, W), true where no data were recorded; ``None`` when there is no border.
        bad_fraction: fraction of the pixels outside the border that had no value.
    """

    pixels: Pixels
    meta: FrameMeta
    border: NDArray[np.bool_] | None
    bad_fraction: float


def window_of(headers: tuple[Header, ...], meta: FrameMeta, shape: tuple[int, int]) -> tuple[Window | None, FrameMeta]:
    """Return the light-sensitive area by the header, and the header values with notes about it.

    Parameters:
        headers: the headers of the image, its own first.
        meta: their values.
        shape: (height, width) of the stored image.
    """
    facts = Facts(headers)
    facts.values["binning"] = meta.binning
    window = find_window(facts, shape)
    if window is not None and min(window.shape) < MIN_BORDER_SIDE_PX:
        return None, meta
    return window, replace(meta, notes=(*meta.notes, *facts.notes)[:_MAX_NOTES]) if facts.notes else meta


def picture_of(pixels: Pixels, window: Window | None, meta: FrameMeta, bad_fraction: float) -> Picture:
    """Return the light-sensitive area of a stored image.

    Parameters:
        pixels: (H, W), the stored image; may be changed.
        window: its sections; ``None`` when all of it is light-sensitive.
        meta: header values.
        bad_fraction: fraction of the stored pixels that had no value.
    """
    if window is not None:
        level = overscan_level(pixels, window) if meta.pedestal_adu is None else None
        pixels = cut_out(pixels, window)
        # The pedestal is not known from an overscan that was subtracted, or that is none.
        if level is not None and 0.0 < level < float(np.median(pixels[::8, ::8])):
            meta = replace(meta, pedestal_adu=level, sources={**meta.sources, "pedestal_adu": "BIASSEC"})
    if min(pixels.shape) < MIN_BORDER_SIDE_PX:
        return Picture(pixels, meta, None, bad_fraction)
    border = find_border(pixels)
    if border is None:
        return Picture(pixels, meta, None, bad_fraction)
    # Pixels without a value were filled with a constant before; black ones are part of the file.
    without = int(np.count_nonzero(pixels[border])) if bad_fraction else 0
    if not pixels.flags.writeable:
        pixels = pixels.copy()
    fill_border(pixels, border)
    bordered = int(np.count_nonzero(border))
    bad = max(0.0, bad_fraction * border.size - without) / max(1, border.size - bordered)
    unwritten = _last_rows(border) / len(border)
    return Picture(pixels, meta, border, unwritten if unwritten > UNWRITTEN else bad)


def _last_rows(border: NDArray[np.bool_]) -> int:
    """Return the number of last rows that are border over their whole width."""
    whole = np.asarray(border.all(axis=1))[::-1]
    return len(whole) if whole.all() else int(np.argmin(whole))


def border_of_cells(border: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Return the border of a super-pixel image: every cell that contains a border pixel.

    Parameters:
        border: (H, W), border of the sensor image.
        side: side of a cell in pixels.
    """
    height, width = border.shape[0] // side * side, border.shape[1] // side * side
    cells = border[:height, :width].reshape(height // side, side, width // side, side)
    return np.asarray(cells.any(axis=(1, 3)))
