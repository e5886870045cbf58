"""The mean image of the stars of a frame, with all of their light.

Gaussian-weighted moments see the core of a star. Wind, and a mount that jumps, put light far outside of it; the mean of
many stars shows it above the noise. Light that all stars have in common adds up, such as a ghost; a neighbour is at
another place for each star, and a mean of the middle half of the values in each pixel leaves it out. So neighbours are
not masked: a mask would take the ghosts away with them.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..records import (
    FIELD_PARTS,
    FIELD_STACK_PX,
    KIND_ARTEFACT,
    MOST_STACK_BIN_PX,
    NO_STACKS,
    STACK_PX,
    Detections,
    Frame,
    Stars,
    StarStacks,
    no_field_stacks,
)
from .moments import FWHM_PER_SIGMA
from .stars import clear_stars

Images = NDArray[np.float32]

MARGIN_PX = 4
"""Pixels around a stack that are cut out, too: for the local sky, and for the shift by parts of a pixel."""
SIDE_PX = STACK_PX + 2 * MARGIN_PX
"""Side of a cut-out in pixels of the stack."""
WIDEST_ACROSS_PX, WIDEST_ALONG_PX = 6.0, 20.0
"""Largest FWHM of a star along its minor and its major axis, in pixels of the stack; wider stars are binned. The FWHM
by moments of a path of 40 pixels is 20 to 25."""
MOST_STARS = 81
"""Most stars of a stack, nine in each ninth of the field: with more, the noise is no limit."""
MOST_PIXELS = 2_000_000
"""Most frame pixels that are read: cut-outs of wide stars are large, and fewer of them are taken."""
BRIGHT_ENOUGH_SNR = 100.0
"""Signal to noise above which a brighter star is no better."""
CROWD_PX, CROWDED = 12.0, 3.0
"""Side of the cells in which the light of neighbours is summed, in pixels of the stack, 3 × 3 of them around each star;
and by how much light of neighbours makes a star worse."""
SKY_RADIUS_PX = 25.5
"""Distance from the star, in pixels of the stack, beyond which its local sky is measured."""
SKY_STRIDE = 3
"""Every so many pixels of the local sky are used: four hundred are enough."""
TAPS = (-1, 0, 1, 2)
"""Pixels from which a shifted pixel is interpolated."""
WELL_CENTRED = 0.85
"""Smallest correlation of a star with the best star as they are centred, over that at the best other shift. A star
that was found at the other end of its path than the best one has less."""
LEAST_CENTRED_SHARE = 1 / 3
"""With fewer stars that are centred as the best one, the best one is odd, and all are used."""
LARGEST_LAG, LAG_STEP = 10, 2
"""Largest shift that is tried along each axis, and the step, in pairs of pixels of the stack."""
MIDDLE_FROM = 0.25
"""The mean goes over the values from this quantile to its counterpart."""
SIGNIFICANT_SIGMAS = 2.0
"""Height over the noise, after a mean over 3 × 3 pixels, from which a pixel of the stack counts as light."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
TOGETHER = 30
"""Stars per batch: their pixels stay in the cache of a core."""
LEAST_FLUX_ADU = 1e-9
"""Smallest flux that is divided by."""
_OFFSET = np.arange(SIDE_PX) - SIDE_PX // 2
"""Pixels of a cut-out along one axis, from its middle."""
_SKY = np.flatnonzero(np.hypot(_OFFSET[:, None], _OFFSET[None, :]) >= SKY_RADIUS_PX)[::SKY_STRIDE]
"""Pixels of a cut-out, row by row, in which the local sky is measured."""


def star_stacks(frame: Frame, detections: Detections, stars: Stars, which: NDArray[np.intp]) -> StarStacks:
    """Return the mean image of the stars of a frame, and those of nine parts of its field.

    Parameters:
        frame: hot pixels replaced; pixels are read around the chosen stars only.
        detections: of the same frame; all of them are neighbours.
        stars: the measured stars.
        which: (N,) index of each of them among the detections.

    Returns:
        the stacks; those of a frame without stars when none is unsaturated, or far enough from the border.
    """
    shape = (frame.pixels.shape[0], frame.pixels.shape[1])
    clear = clear_stars(stars.fwhm_px, stars.snr, stars.saturated)
    clear = clear[~stars.saturated[clear]]
    if not clear.size:
        return NO_STACKS
    binning = _binning(stars, clear)
    chosen = _chosen(stars, clear, detections, which, shape, binning)
    if not chosen.size:
        return NO_STACKS
    light = _centred_light(frame, stars, chosen, binning)
    kept = _centred_alike(light)
    light, chosen = light[kept], chosen[kept]
    stack = _middle_mean(light)
    total = _significant_sum(stack)
    if not total > 0.0:
        return NO_STACKS
    fields, counts = _field_stacks(light, _part_of(stars, chosen, shape))
    return StarStacks(
        stack=_rounded(stack / total),
        bin_px=binning,
        count=int(chosen.size),
        field_stacks=_rounded(fields / total),
        field_counts=_frozen_counts(counts),
    )


def _binning(stars: Stars, clear: NDArray[np.intp]) -> int:
    """Return the side of a stack's pixel in frame pixels: a power of two for which the stars are not too wide."""
    across_px = FWHM_PER_SIGMA * float(np.median(stars.b_px[clear]))
    along_px = FWHM_PER_SIGMA * float(np.median(stars.a_px[clear]))
    binning = 1
    while binning < MOST_STACK_BIN_PX and (
        across_px > WIDEST_ACROSS_PX * binning or along_px > WIDEST_ALONG_PX * binning
    ):
        binning *= 2
    return binning


def _chosen(
    stars: Stars,
    clear: NDArray[np.intp],
    detections: Detections,
    which: NDArray[np.intp],
    shape: tuple[int, int],
    binning: int,
) -> NDArray[np.intp]:
    """Return the stars of the stack: bright ones with little light around them, of all parts of the field; best first.

    Parameters:
        clear: (K,) indices of the stars to choose from.
        which: (N,) index of each star among the detections.
        shape: (height, width) of the frame.
        binning: frame pixels along one side of a pixel of the stack.
    """
    reach_px = (SIDE_PX // 2 + 1) * binning
    x, y = stars.x_px[clear], stars.y_px[clear]
    fits = (x >= reach_px) & (x < shape[1] - reach_px) & (y >= reach_px) & (y < shape[0] - reach_px)
    inside = clear[fits]
    if not inside.size:
        return inside
    crowding = _light_around(detections, which[inside], shape, CROWD_PX * binning)
    quality = np.minimum(stars.snr[inside], BRIGHT_ENOUGH_SNR) / (1.0 + CROWDED * crowding)
    part = _part_of(stars, inside, shape)
    best_first = np.lexsort((-quality, part))
    starts = np.searchsorted(part[best_first], np.arange(FIELD_PARTS**2))
    rank = np.empty(inside.size, np.intp)
    rank[best_first] = np.arange(inside.size) - starts[part[best_first]]
    most = min(MOST_STARS, max(1, MOST_PIXELS // (SIDE_PX * binning) ** 2))
    order = np.lexsort((-quality, rank))[:most]
    chosen = inside[order]
    return np.asarray(chosen[np.argsort(-quality[order], kind="stable")], np.intp)


def _light_around(
    detections: Detections, index: NDArray[np.intp], shape: tuple[int, int], cell_px: float
) -> NDArray[np.float64]:
    """Return the light of the neighbours of some detections over their own, (M,): sums over 3 × 3 cells.

    Parameters:
        index: (M,) of the detections.
        shape: (height, width) of the frame.
        cell_px: side of a cell in frame pixels.
    """
    light = np.where(detections.kind == KIND_ARTEFACT, 0.0, np.maximum(detections.snr, 0.0)).astype(np.float64)
    rows, columns = int(shape[0] / cell_px) + 3, int(shape[1] / cell_px) + 3
    row = np.clip((detections.y_px / cell_px).astype(np.intp), 0, rows - 3) + 1
    column = np.clip((detections.x_px / cell_px).astype(np.intp), 0, columns - 3) + 1
    flat = row * columns + column
    total = np.bincount(flat, weights=light, minlength=rows * columns)
    at = flat[index]
    around = sum(total[at + down * columns + right] for down in (-1, 0, 1) for right in (-1, 0, 1))
    own = np.maximum(light[index], 1e-9)
    return np.asarray(np.maximum(around - light[index], 0.0) / own, np.float64)


def _part_of(stars: Stars, index: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return the ninth of the field of each star, counted row by row."""
    column = np.clip((stars.x_px[index] * FIELD_PARTS / shape[1]).astype(np.intp), 0, FIELD_PARTS - 1)
    row = np.clip((stars.y_px[index] * FIELD_PARTS / shape[0]).astype(np.intp), 0, FIELD_PARTS - 1)
    return row * FIELD_PARTS + column


def _centred_light(frame: Frame, stars: Stars, index: NDArray[np.intp], binning: int) -> Images:
    """Return the images of stars, (M, 49, 49): unit flux, above the local sky, centred to a part of a pixel."""
    centred = np.empty((index.size, STACK_PX, STACK_PX), np.float32)
    for first in range(0, index.size, TOGETHER):
        some = slice(first, first + TOGETHER)
        _put_centred_light(centred[some], frame, stars, index[some], binning)
    return centred


def _put_centred_light(centred: Images, frame: Frame, stars: Stars, index: NDArray[np.intp], binning: int) -> None:
    """Put the images of a few stars into ``centred`` (M, 49, 49)."""
    side = SIDE_PX * binning
    half = (side - 1) / 2
    x, y = stars.x_px[index] - half, stars.y_px[index] - half
    # The pixel at or before the star's place: what remains of the shift is between 0 and one pixel of the frame.
    first_x, first_y = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    pixels = sliding_window_view(frame.pixels, (side, side))[first_y, first_x]
    light = pixels[:, ::binning, ::binning].astype(np.float32)
    for down, right in [(down, right) for down in range(binning) for right in range(binning)][1:]:
        light += pixels[:, down::binning, right::binning]
    sky = np.median(light.reshape(index.size, -1)[:, _SKY], axis=1)
    columns = _interpolated(light, _taps((x - first_x) / binning), axis=2)
    centred[:] = _interpolated(columns, _taps((y - first_y) / binning), axis=1)
    # Interpolation does not change a constant, so that sky and flux are taken from the fewer pixels at its end.
    centred -= sky[:, None, None]
    centred /= np.maximum(stars.flux_adu[index], LEAST_FLUX_ADU)[:, None, None]


def _interpolated(images: Images, taps: Images, axis: int) -> Images:
    """Return images (M, h, w) shifted along an axis, without their margins of ``MARGIN_PX`` there.

    Parameters:
        taps: (M, 4) weight of each of ``TAPS``.
        axis: 1 or 2.
    """
    places = [(slice(None),) * axis + (slice(MARGIN_PX + tap, MARGIN_PX + tap + STACK_PX),) for tap in TAPS]
    total = images[places[0]] * taps[:, 0, None, None]
    part = np.empty_like(total)
    for number, place in enumerate(places[1:], start=1):
        np.multiply(images[place], taps[:, number, None, None], out=part)
        total += part
    return np.asarray(total, np.float32)


def _taps(shift_px: NDArray[np.float64]) -> Images:
    """Return the weights (M, 4) of cubic convolution for a shift by 0 to 1 pixel (Keys 1981, IEEE TASSP 29, 1153)."""
    distance = np.abs(np.array(TAPS)[None, :] - shift_px[:, None])
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0)).astype(np.float32)


def _centred_alike(light: Images) -> NDArray[np.intp]:
    """Return the stars that are centred as the first one: of a path with two ends, only those found at one of them."""
    count, side = len(light), STACK_PX // 2
    everything = np.arange(count)
    if count < 3:
        return everything
    even = light[:, : 2 * side, : 2 * side]
    halved = even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]
    wide = np.pad(halved[0], LARGEST_LAG)
    shifted = sliding_window_view(wide, (side, side))[::LAG_STEP, ::LAG_STEP]
    lags = len(shifted)
    likeness = halved.reshape(count, -1) @ shifted.reshape(lags * lags, -1).T
    alike = np.flatnonzero(likeness[:, lags * lags // 2] >= WELL_CENTRED * likeness.max(axis=1))
    return alike if alike.size >= LEAST_CENTRED_SHARE * count else everything


def _middle_mean(images: Images) -> Images:
    """Return the mean of the middle half of the values in each pixel: as little as a median minds what is not common,
    with less noise.

    Parameters:
        images: (M, h, w), M ≥ 1.
    """
    count = len(images)
    first = int(MIDDLE_FROM * count)
    ordered = np.sort(np.ascontiguousarray(images.reshape(count, -1).T), axis=1)
    return np.asarray(ordered[:, first : count - first].mean(axis=1).reshape(images.shape[1:]), np.float32)


def _field_stacks(light: Images, part: NDArray[np.intp]) -> tuple[Images, NDArray[np.intp]]:
    """Return the stacks of the parts of the field, (3, 3, 25, 25), and the stars in each, (3, 3)."""
    edge = (STACK_PX - FIELD_STACK_PX) // 2
    middle = light[:, edge : edge + FIELD_STACK_PX, edge : edge + FIELD_STACK_PX]
    counts = np.bincount(part, minlength=FIELD_PARTS**2)
    stacks = np.zeros((FIELD_PARTS**2, FIELD_STACK_PX, FIELD_STACK_PX), np.float32)
    for number in np.flatnonzero(counts):
        stacks[number] = _middle_mean(middle[part == number])
    return stacks.reshape(no_field_stacks().shape), counts.reshape(FIELD_PARTS, FIELD_PARTS)


def _significant_sum(stack: Images) -> float:
    """Return the sum of a stack over the pixels that rise above its noise."""
    smooth = sliding_window_view(np.pad(stack, 1), (3, 3)).mean(axis=(2, 3))
    border = np.concatenate([smooth[1], smooth[-2], smooth[:, 1], smooth[:, -2]])
    middle = float(np.median(border))
    noise = MAD_TO_SIGMA * float(np.median(np.abs(border - middle)))
    return float(stack[smooth > middle + SIGNIFICANT_SIGMAS * noise].sum(dtype=np.float64))


def _rounded(stack: Images) -> Images:
    """Return a stack in whole steps of 16-bit floats, read-only."""
    rounded: Images = np.clip(stack, -1e3, 1e3).astype(np.float16).astype(np.float32)
    rounded.flags.writeable = False
    return rounded


def _frozen_counts(counts: NDArray[np.intp]) -> NDArray[np.uint16]:
    """Return the numbers of stars, read-only."""
    frozen: NDArray[np.uint16] = counts.astype(np.uint16)
    frozen.flags.writeable = False
    return frozen
