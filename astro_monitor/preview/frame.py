"""The preview of one frame: a small stretched JPEG picture, for pages, messages and a quick look by a person."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..records import KIND_STAR, Detections, Frame
from .colour import CHROMA_MIDDLE, chroma, is_bayer
from .curve import grey
from .means import block_mean

MOST_PIXELS = 1_500_000
"""Of a grey preview."""

LONGEST_SIDE_PX = 8192
"""JPEG files have at most 65535 columns, and a strip of one row shows nothing."""

MOST_STRETCHED = 2_200_000
"""Pictures of up to so many pixels are stretched and then made smaller. Binning by a whole factor would leave sensors
of 24 to 35 megapixels, the most frequent ones, with a quarter of the pixels that a preview may have."""

MOST_COLOUR_PIXELS = 750_000
"""Of a preview in colour, which takes longer to make."""

FEW_PIXELS = 250_000
"""The star finder's sums are used where they give at least so many pixels; else the frame itself is averaged."""

QUALITY = 82
"""Of the JPEG file. Higher ones spend their bytes on the noise of the sky."""


def preview_jpeg(frame: Frame, detections: Detections) -> bytes:
    """Return a preview of a frame: colour where it has a Bayer array, else grey.

    Parameters:
        frame: the frame.
        detections: of the same frame.

    Returns:
        a JPEG file; the first row of the frame is at the top if its header says so, else at the bottom, as FITS
        viewers show it.
    """
    bayer = frame.meta.bayer
    if frame.mosaic is not None and bayer is not None and is_bayer(bayer) and min(frame.pixels.shape) > 1:
        factor = _factor(frame.pixels.shape, MOST_COLOUR_PIXELS)
        levels = block_mean(detections.hot.cleaned(frame.pixels), factor)
        stars = _stars(detections, 2 * factor, levels.shape)
        colours = chroma(frame.mosaic, _shifted(bayer, frame.origin_px), 2 * factor, stars)
        planes = [grey(levels), *_doubled(colours, levels.shape)]
    else:
        planes = [grey(_levels(frame, detections))]
    if frame.meta.row_order != "TOP-DOWN":
        planes = [plane[::-1] for plane in planes]
    bands = [Image.fromarray(plane) for plane in planes]
    picture = bands[0] if len(bands) == 1 else Image.merge("YCbCr", bands)
    shrink = min(math.sqrt(MOST_PIXELS / (picture.width * picture.height)), LONGEST_SIDE_PX / max(picture.size))
    if shrink < 1.0:
        size = (max(1, int(shrink * picture.width)), max(1, int(shrink * picture.height)))
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _factor(shape: tuple[int, ...], most_pixels: int) -> int:
    """Return the least binning with which an image has at most so many pixels."""
    factor = max(1, math.isqrt(shape[0] * shape[1] // most_pixels))
    while (shape[0] // factor) * (shape[1] // factor) > most_pixels:
        factor += 1
    return factor


def _levels(frame: Frame, detections: Detections) -> NDArray[np.float32]:
    """Return the frame binned to the size of a preview."""
    binned_adu = detections.binned_adu
    if binned_adu.size >= FEW_PIXELS:
        return block_mean(binned_adu, _factor(binned_adu.shape, MOST_STRETCHED))
    pixels = detections.hot.cleaned(frame.pixels)
    return block_mean(pixels, _factor(pixels.shape, MOST_STRETCHED))


def _doubled(chroma_values: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return chroma values for each pixel of the brightness; what the blocks do not cover is grey."""
    out = np.full((2, *shape), CHROMA_MIDDLE, np.uint8)
    height, width = (2 * side for side in chroma_values.shape[1:])
    for down in (0, 1):
        for across in (0, 1):
            out[:, down:height:2, across:width:2] = chroma_values
    return out


def _shifted(bayer: str, origin_px: tuple[int, int]) -> str:
    """Return the letters of the cell at the upper left of the picture, where overscan was left out of the file."""
    column, row = origin_px[0] % 2, origin_px[1] % 2
    return "".join(bayer[2 * ((down + row) % 2) + (across + column) % 2] for down in (0, 1) for across in (0, 1))


def _stars(detections: Detections, block_px: int, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return row and column of the stars of a preview in blocks of so many frame pixels, (n, 2), brightest first.

    Parameters:
        detections: of the frame.
        block_px: side of a block.
        shape: of the brightness, whose pixels are half as large.
    """
    stars = detections.kind == KIND_STAR
    places = np.stack([detections.y_px[stars], detections.x_px[stars]], axis=1)
    blocks = np.rint(places).astype(np.intp) // block_px
    inside = (blocks >= 0) & (blocks < np.array(shape) // 2)
    chosen: NDArray[np.intp] = blocks[inside.all(axis=1)]
    return chosen
