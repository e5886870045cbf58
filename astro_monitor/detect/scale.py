"""Binning of a frame for the network, so that its stars are about 1.5 to 4.5 network pixels wide.

The width is estimated from the brightest unsaturated sources: the fraction of the flux in the inner 3 × 3 pixels of the
9 × 9 around the peak. It is 0.3 for a star of 4.5 pixels FWHM with wings (Moffat, exponent 3) and falls with the width,
also for defocused rings and trailed stars. The frame is binned until the fraction is large enough.

All stars of a frame have about the same fraction, whereas knots of nebulae have fractions of all sizes, and can be most
of the bright sources. So the sharpest cluster of similar fractions decides, where there is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap
from .sky import Pixels

FACTORS = (1, 2, 4, 8, 16)
"""Binning factors that can be chosen."""
INNER_SHARE = 0.30
"""Inner fraction of the flux of a star of 4.5 pixels FWHM."""
RING_SHARE = 0.24
"""The same before the last factor: only rings of more than about 30 pixels of radius have less."""

_SHARPEST_SHARE = 0.95
"""Inner fraction above that of a star of 1.5 pixels FWHM: a cosmic ray, or an undersampled star."""

_BLOCK_PX = 64
"""Side in frame pixels of the blocks of which each contributes its brightest pixel."""
_MOST_SOURCES = 60
"""Most blocks whose sources are measured."""
_FEW_SOURCES = 3
"""Fewest sources for a decision at full resolution."""
_CANDIDATE_SNR = 8.0
"""Smallest signal to noise of the brightest pixel of a block."""
_SOURCE_SNR = 10.0
"""Smallest signal to noise of the inner 3 × 3 pixels of a source."""
_HOT_PIXEL_SHARE = 0.7
"""Fraction of the inner 3 × 3 pixels in a single pixel from which it is a hot pixel or a cosmic ray."""
_STAMP = 24
"""Side of a cut-out in binned pixels."""
_SEARCH = slice(5, 19)
"""Rows and columns of a cut-out in which the centre of the source is searched."""
_QUANTILE = 0.6
"""Quantile of the inner fractions that decides: neighbours make them too small, never too large."""
_CROWD, _CROWD_PART, _CROWD_WIDTH, _MOST = 6, 0.12, 0.82, 0.5
"""A cluster has at least this number and this fraction of the sources, and at least this ratio of its smallest to its
largest inner fraction. Where a cluster has the last fraction of the sources, sharper ones are ends of trails and
artefacts."""
_FLAT = 0.15
"""Smallest inner fraction of a source: a gradient of the sky has 9 / 81."""

Places = tuple[NDArray[np.intp], NDArray[np.intp]]


def choose_bin(pixels: Pixels, sky: SkyMap, saturation_adu: float) -> int:
    """Return the binning of a frame, which depends on its pixels only.

    Parameters:
        pixels: (H, W).
        sky: sky of the same frame.
        saturation_adu: level from which pixels are saturated; the width of such sources is not known.

    Returns:
        One of ``FACTORS``; 1 when there are no sources to measure.
    """
    shares = _InnerShares(pixels, sky, saturation_adu)
    places = _bright_samples(pixels, sky)
    if len(shares.at(places, 1)) < _FEW_SOURCES:
        # No bright sources: strongly defocused stars are faint in each pixel and visible only after averaging.
        places = _bright_averages(pixels, sky)
    best = 1
    for factor in FACTORS:
        if min(pixels.shape) < _STAMP * factor:
            break
        inner_shares = shares.at(places, factor)
        wide = inner_shares[inner_shares < _SHARPEST_SHARE]
        if factor == 1 and len(inner_shares) >= _FEW_SOURCES and len(wide) < len(inner_shares) / 4:
            break
        if len(wide):
            best = factor
            if max(float(np.quantile(wide, _QUANTILE)), _smallest_cluster(wide)) >= _least_share(factor):
                break
    return best


def _least_share(factor: int) -> float:
    """Return the inner fraction from which a frame binned by a factor is not binned more."""
    return RING_SHARE if factor == FACTORS[-2] else INNER_SHARE


def _smallest_cluster(shares: NDArray[np.float32]) -> float:
    """Return the smallest inner fraction of a cluster, of most sources or of the sharpest; 0 without a cluster."""
    ordered = np.sort(shares[shares >= _FLAT])
    min_size = max(_CROWD, int(np.ceil(_CROWD_PART * len(shares))))
    first = np.searchsorted(ordered, _CROWD_WIDTH * ordered)
    sizes = np.arange(1, len(ordered) + 1) - first
    crowds = np.flatnonzero(sizes >= min_size)
    if not len(crowds):
        return 0.0
    largest = int(np.argmax(sizes))
    chosen = largest if sizes[largest] >= _MOST * len(ordered) else crowds[-1]
    return float(ordered[first[chosen]])


class _InnerShares:
    def __init__(self, pixels: Pixels, sky: SkyMap, saturation_adu: float) -> None:
        self._pixels = pixels
        self._sky = sky
        self._saturation_adu = 0.95 * saturation_adu

    def at(self, places: Places, factor: int) -> NDArray[np.float32]:
        """Return (M,) inner fractions of the sources near ``places`` on the frame binned by ``factor``, M ≤ N."""
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
        row, column, index = row + _SEARCH.start, column + _SEARCH.start, np.arange(len(inner))
        core = inner[index, row, column]
        around = _box_sums(binned, 4)[index, row, column]
        noise = 3 * self._sky.noise_adu / factor
        peak = binned[index, row, column]
        real = (core > _SOURCE_SNR * noise) & (peak < _HOT_PIXEL_SHARE * core) & ~saturated & (around > 0)
        # A maximum at the edge of the search is the flank of another source; several places may lead to one source.
        real &= np.minimum(row, column) > _SEARCH.start
        real &= np.maximum(row, column) < _SEARCH.stop - 1
        source = (top // factor + row) // 3 * 100_000 + (left // factor + column) // 3
        _, first = np.unique(np.where(real, source, -1), return_index=True)
        first = first[real[first]]
        shares: NDArray[np.float32] = core[first] / around[first]
        return shares


def _box_sums(stamps: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Return the sums over the (2 reach + 1)² pixels around each pixel; pixels beyond the border count as 0."""
    side = 2 * reach + 1
    padded = np.pad(stamps, ((0, 0), (reach + 1, reach), (reach + 1, reach)))
    table = padded.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    sums = table[:, side:, side:] - table[:, :-side, side:] - table[:, side:, :-side] + table[:, :-side, :-side]
    narrowed: NDArray[np.float32] = sums.astype(np.float32)
    return narrowed


def _bright_samples(pixels: Pixels, sky: SkyMap) -> Places:
    """Return the brightest sampled pixel of each block, brightest blocks first."""
    step = 1 if pixels.size < 300_000 else 2 if pixels.size < 1_200_000 else 4
    return _brightest_of_blocks(pixels[step // 2 :: step, step // 2 :: step], step, sky, sky.noise_adu)


def _bright_averages(pixels: Pixels, sky: SkyMap) -> Places:
    """Return the brightest pixel of each block of the frame averaged over 8 × 8 pixels, to choose the scale."""
    step = 8
    height, width = (size // step * step for size in pixels.shape)
    if not height or not width:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    rows = pixels[:height, :width].reshape(height // step, step, width).sum(axis=1, dtype=np.float32)
    averaged = rows.reshape(height // step, width // step, step).mean(axis=2) / np.float32(step)
    return _brightest_of_blocks(averaged, step, sky, sky.noise_adu / step)


def _brightest_of_blocks(
    samples: NDArray[np.uint16] | NDArray[np.float32], step: int, sky: SkyMap, noise_adu: float
) -> Places:
    """Return the pixels (y, x) of the brightest sample in each block that exceeds the sky clearly, brightest first."""
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
