"""From the stored image to the picture: overscan is left out, borders without values are filled and marked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from astro_monitor.fitsheader import Header
from astro_monitor.records import FrameMeta

from .borders import fill_border, find_border
from .facts import Facts
from .pixels import Pixels
from .sections import Window, cut_out, find_window, overscan_level

MIN_BORDER_SIDE_PX = 64
UNWRITTEN = 0.3
"""Empty last rows that are more than this share of all rows are no border: a writer stopped before the end."""
_MAX_NOTES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The picture within a stored image.

    Attributes:
        pixels: (H, W), without overscan.
        meta: with the pedestal that the overscan gave.
        border: (H, W), true where nothing was recorded; ``None`` when the picture fills its rectangle.
        bad_fraction: part of the pixels outside the border that had no value.
    """

    pixels: Pixels
    meta: FrameMeta
    border: NDArray[np.bool_] | None
    bad_fraction: float


def window_of(headers: tuple[Header, ...], meta: FrameMeta, shape: tuple[int, int]) -> tuple[Window | None, FrameMeta]:
    """Return the picture within a stored image by its header, and the header's facts with notes about that.

    Parameters:
        headers: that of the image first.
        meta: what they say otherwise.
        shape: (height, width) of the stored image.
    """
    facts = Facts(headers)
    facts.values["binning"] = meta.binning
    window = find_window(facts, shape)
    if window is not None and min(window.shape) < MIN_BORDER_SIDE_PX:
        return None, meta
    return window, replace(meta, notes=(*meta.notes, *facts.notes)[:_MAX_NOTES]) if facts.notes else meta


def picture_of(pixels: Pixels, window: Window | None, meta: FrameMeta, bad_fraction: float) -> Picture:
    """Return the picture.

    Parameters:
        pixels: (H, W), the stored image; may be changed.
        window: its parts, if not all of it is picture.
        meta: of the header.
        bad_fraction: part of the stored pixels that had no value.
    """
    if window is not None:
        level = overscan_level(pixels, window) if meta.pedestal_adu is None else None
        pixels = cut_out(pixels, window)
        # Overscan that was subtracted, or that is no overscan, gives no pedestal.
        if level is not None and 0.0 < level < float(np.median(pixels[::8, ::8])):
            meta = replace(meta, pedestal_adu=level, sources={**meta.sources, "pedestal_adu": "BIASSEC"})
    if min(pixels.shape) < MIN_BORDER_SIDE_PX:
        return Picture(pixels, meta, None, bad_fraction)
    border = find_border(pixels)
    if border is None:
        return Picture(pixels, meta, None, bad_fraction)
    # Pixels without a value were filled with one value before; black ones were written so.
    without = int(np.count_nonzero(pixels[border])) if bad_fraction else 0
    if not pixels.flags.writeable:
        pixels = pixels.copy()
    fill_border(pixels, border)
    bordered = int(np.count_nonzero(border))
    bad = max(0.0, bad_fraction * border.size - without) / max(1, border.size - bordered)
    unwritten = _last_rows(border) / len(border)
    return Picture(pixels, meta, border, unwritten if unwritten > UNWRITTEN else bad)


def _last_rows(border: NDArray[np.bool_]) -> int:
    """Return how many rows at the end are border from side to side."""
    whole = np.asarray(border.all(axis=1))[::-1]
    return len(whole) if whole.all() else int(np.argmin(whole))


def border_of_cells(border: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Return the border of an image of cells: every cell that a border touches.

    Parameters:
        border: (H, W), of the image before.
        side: of a cell.
    """
    height, width = border.shape[0] // side * side, border.shape[1] // side * side
    cells = border[:height, :width].reshape(height // side, side, width // side, side)
    return np.asarray(cells.any(axis=(1, 3)))
