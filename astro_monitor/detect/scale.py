"""How much to bin a frame before the network sees it, so that its stars are about 1.5 to 4.5 pixels wide there.

The width is read from the brightest unsaturated sources: the share of the flux in the inner 3 × 3 pixels of the 9 × 9
around the peak. It is 0.3 for a star of 4.5 pixels FWHM with wings (Moffat, exponent 3) and falls with the width, for
holed (out of focus) and for trailed stars alike. The frame is binned until enough of it is inside.

All stars of a frame have about the same share, whereas knots of nebulae have shares of all sizes, and can be most of
what is bright. So the sharpest crowd of equal shares speaks, where there is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap
from .sky import Pixels

FACTORS = (1, 2, 4, 8)
INNER_SHARE = 0.30
"""Inner share of a star of 4.5 pixels FWHM."""

_SHARPEST_SHARE = 0.95
"""Narrower than any star of 1.5 pixels: a cosmic ray, or a star in a frame that samples too coarsely to tell."""

_BLOCK_PX = 64
_MOST_SOURCES = 60
_FEW_SOURCES = 3
_CANDIDATE_SNR = 8.0
_SOURCE_SNR = 10.0
_HOT_PIXEL_SHARE = 0.7
"""A single pixel never holds so much of the inner 3 × 3 unless it is a hot pixel or a cosmic ray."""
_STAMP = 24
_SEARCH = slice(5, 19)
_QUANTILE = 0.6
"""Neighbours make the share too small, never too large: look at the better sources."""
_CROWD, _CROWD_PART, _CROWD_WIDTH, _MOST = 6, 0.12, 0.82, 0.5
"""A crowd has at least so many sources and so large a part of them, and its least share is so near its largest; where
there is one of the last part, what is sharper are ends of trails and artefacts."""
_FLAT = 0.15
"""A slope of the sky has 9 / 81 of its light in the inner pixels."""

Places = tuple[NDArray[np.intp], NDArray[np.intp]]


def choose_bin(pixels: Pixels, sky: SkyMap, saturation_adu: float) -> int:
    """Choose the binning of a frame; the same frame always gets the same.

    Parameters:
        pixels: (H, W).
        sky: of the same frame.
        saturation_adu: level from which on a pixel is saturated; such sources tell nothing of the width.

    Returns:
        1, 2, 4 or 8; 1 when there is nothing to judge by.
    """
    shares = _InnerShares(pixels, sky, saturation_adu)
    places = _bright_samples(pixels, sky)
    if len(shares.at(places, 1)) < _FEW_SOURCES:
        # Nothing bright: stars far out of focus are faint in each pixel and stand out only when averaged.
        places = _bright_averages(pixels, sky)
    best = 1
    for factor in FACTORS:
        if min(pixels.shape) < _STAMP * factor:
            break
        found = shares.at(places, factor)
        wide = found[found < _SHARPEST_SHARE]
        if factor == 1 and len(found) >= _FEW_SOURCES and len(wide) < len(found) / 4:
            break
        if len(wide):
            best = factor
            if max(float(np.quantile(wide, _QUANTILE)), _crowd(wide)) >= INNER_SHARE:
                break
    return best


def _crowd(shares: NDArray[np.float32]) -> float:
    """Least share of the sources that are alike: of most of them, else of the sharpest ones; 0 when there are none."""
    ordered = np.sort(shares[shares >= _FLAT])
    least = max(_CROWD, int(np.ceil(_CROWD_PART * len(shares))))
    first = np.searchsorted(ordered, _CROWD_WIDTH * ordered)
    sizes = np.arange(1, len(ordered) + 1) - first
    crowds = np.flatnonzero(sizes >= least)
    if not len(crowds):
        return 0.0
    most = int(np.argmax(sizes))
    chosen = most if sizes[most] >= _MOST * len(ordered) else crowds[-1]
    return float(ordered[first[chosen]])


class _InnerShares:
    def __init__(self, pixels: Pixels, sky: SkyMap, saturation_adu: float) -> None:
        self._pixels = pixels
        self._sky = sky
        self._saturation_adu = 0.95 * saturation_adu

    def at(self, places: Places, factor: int) -> NDArray[np.float32]:
        """(M,) inner shares of the sources near ``places`` on the frame binned by ``factor``, M ≤ N."""
        size = _STAMP * factor
        height, width = self._pixels.shape
        if min(height, width) < size or not len(places[0]):
            return np.empty(0, np.float32)
        top = np.clip(places[0] - size // 2, 0, height - size)
        left = np.clip(places[1] - size // 2, 0, width - size)
        steps = np.arange(size)
        stamps = self._pixels[(top[:, None] + steps)[:, :, None], (left[:, None] + steps)[:, None, :]]
        saturated = stamps.max(axis=(1, 2)) >= self._saturation_adu
        binned = stamps.reshape(-1, _STAMP, factor, _STAMP, factor).mean(axis=(2, 4), dtype=np.float32)
        border = np.concatenate([binned[:, 0], binned[:, -1], binned[:, 1:-1, 0], binned[:, 1:-1, -1]], axis=1)
        binned -= np.median(border, axis=1)[:, None, None]
        inner = _box_sums(binned, 1)
        search = inner[:, _SEARCH, _SEARCH].reshape(len(inner), -1)
        span = _SEARCH.stop - _SEARCH.start
        row, column = np.divmod(np.argmax(search, axis=1), span)
        row, column, each = row + _SEARCH.start, column + _SEARCH.start, np.arange(len(inner))
        core = inner[each, row, column]
        around = _box_sums(binned, 4)[each, row, column]
        noise = 3 * self._sky.noise_adu / factor
        peak = binned[each, row, column]
        real = (core > _SOURCE_SNR * noise) & (peak < _HOT_PIXEL_SHARE * core) & ~saturated & (around > 0)
        # At the edge of the search it is the slope of something else; and several places may lead to one source.
        real &= np.minimum(row, column) > _SEARCH.start
        real &= np.maximum(row, column) < _SEARCH.stop - 1
        source = (top // factor + row) // 3 * 100_000 + (left // factor + column) // 3
        _, first = np.unique(np.where(real, source, -1), return_index=True)
        first = first[real[first]]
        shares: NDArray[np.float32] = core[first] / around[first]
        return shares


def _box_sums(stamps: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Sum over the (2 reach + 1)² pixels around each pixel; pixels beyond the border count as 0."""
    side = 2 * reach + 1
    padded = np.pad(stamps, ((0, 0), (reach + 1, reach), (reach + 1, reach)))
    table = padded.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    sums = table[:, side:, side:] - table[:, :-side, side:] - table[:, side:, :-side] + table[:, :-side, :-side]
    narrowed: NDArray[np.float32] = sums.astype(np.float32)
    return narrowed


def _bright_samples(pixels: Pixels, sky: SkyMap) -> Places:
    """Brightest sampled pixel of each block, brightest blocks first."""
    step = 1 if pixels.size < 300_000 else 2 if pixels.size < 1_200_000 else 4
    return _brightest(pixels[step // 2 :: step, step // 2 :: step], step, sky, sky.noise_adu)


def _bright_averages(pixels: Pixels, sky: SkyMap) -> Places:
    """The same on the frame averaged over 8 × 8 pixels."""
    step = 8
    height, width = (size // step * step for size in pixels.shape)
    if not height or not width:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    rows = pixels[:height, :width].reshape(height // step, step, width).sum(axis=1, dtype=np.float32)
    averaged = rows.reshape(height // step, width // step, step).mean(axis=2) / np.float32(step)
    return _brightest(averaged, step, sky, sky.noise_adu / step)


def _brightest(samples: NDArray[np.uint16] | NDArray[np.float32], step: int, sky: SkyMap, noise_adu: float) -> Places:
    per_block = max(1, _BLOCK_PX // step)
    rows, columns = (size // per_block for size in samples.shape)
    if not rows or not columns:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    tiled = samples[: rows * per_block, : columns * per_block].reshape(rows, per_block, columns, per_block)
    blocks = tiled.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    brightest = blocks.argmax(axis=-1)
    value = np.take_along_axis(blocks, brightest[..., None], axis=-1)[..., 0].astype(np.float32)
    cell_y = np.minimum((np.arange(rows) + 0.5) * _BLOCK_PX / sky.cell_px, sky.level_adu.shape[0] - 1).astype(np.intp)
    cell_x = np.minimum((np.arange(columns) + 0.5) * _BLOCK_PX / sky.cell_px, sky.level_adu.shape[1] - 1).astype(
        np.intp
    )
    snr = (value - sky.level_adu[cell_y[:, None], cell_x]) / noise_adu
    order = np.argsort(-snr, axis=None, kind="stable")[:_MOST_SOURCES]
    order = order[snr.ravel()[order] > _CANDIDATE_SNR]
    row, column = np.divmod(brightest.ravel()[order], per_block)
    y = (order // columns * per_block + row) * step + step // 2
    x = (order % columns * per_block + column) * step + step // 2
    return y, x
