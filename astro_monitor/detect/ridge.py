"""Measurement of a ridge along a line: exact position, height, width and uniformity.

The strip of pixels along the line is divided into blocks. The median along a block suppresses the stars in it; the
ridge is then searched over all blocks together, along lines and arcs near the given one, so that a faint ridge is found
that no single block shows, and a bright star in one block does not decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sky import Pixels

Values = NDArray[np.float64]

REACH = 24
"""Steps on each side of the line that are sampled."""
_OFFSETS = np.arange(-REACH, REACH + 1)
"""Offsets of the samples across the line, in steps."""
_SLACK = 9
"""Largest distance of the ridge from the line at either end, in steps."""
_SETTLED_STEPS, _MOST_MOVES = 5, 3
"""Move of a line, in steps, above which it is measured again, and the largest number of repetitions: the ridge may be
even farther away."""
_BENDS = np.arange(-8.0, 8.5, 2.0)
"""Sagittas of the arcs that are tried, in steps."""
_NEAR = np.arange(-6.0, 6.5, 2.0)
"""Distances of the ends of the arcs that are tried from those of the best line, in steps."""
_MOST_SAMPLES = 640
"""Most samples along a line, to bound the time per line."""
_BLOCK_SAMPLES, _LEAST_BLOCKS, _MOST_BLOCKS = 12, 8, 32
"""Samples per block; fewest and most blocks of a line."""
_FEWEST_IN_BLOCK = 5
"""Fewest pixels on the frame in a block at one distance from the line."""
_CLIP_NOISE, _CLIP_USUAL = 5.0, 2.0
"""The light of a block is clipped at the larger of these multiples of its error and of the median light."""
_MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for Gaussian noise."""
_LIT = 2.0
"""A block is lit when the mean light of three blocks exceeds that of their sides by this many errors."""
_CLEARLY_LIT, _FEWEST_LIT = 3.0, 2
"""Errors above which a single block is lit; fewest such blocks for a width."""
_LEAST_SIDE = 4
"""Steps of each side that are always used."""
_SOFTENED_STEPS2 = 4.1
"""Square of the width in steps that sampling at the nearest pixel and the mean of three neighbours add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line segment: its first point, its direction (a unit vector) and its length, in frame pixels."""

    x: float
    y: float
    dx: float
    dy: float
    length: float

    def at(self, along: float, across: float = 0.0) -> tuple[float, float]:
        """Return the point at these distances along and across the line (from +x towards +y)."""
        return self.x + along * self.dx - across * self.dy, self.y + along * self.dy + across * self.dx

    def between(self, first: tuple[float, float], last: tuple[float, float]) -> Line:
        """Return the line between two points, each in the coordinates of :meth:`at`."""
        (x0, y0), (x1, y1) = self.at(*first), self.at(*last)
        length = math.hypot(x1 - x0, y1 - y0)
        return Line(x=x0, y=y0, dx=(x1 - x0) / length, dy=(y1 - y0) / length, length=length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """The ridge along a line. Levels are in ADU; a step is the distance of samples across the line.

    Attributes:
        line: its position and extent, as far as it is lit.
        height_adu: height above the higher one of the two valleys at its sides (its prominence).
        error_adu: error of the height; includes the scatter of the profile outside the ridge.
        width_steps: full width at half maximum, corrected for the sampling.
        half_widths: widths of the first and the last half of the line, where they are lit; 0 with too few lit
            blocks.
        step_share: difference of the lowest levels on the two sides as a fraction of the height; large for edges.
        bend_steps: sagitta of the best arc.
        straight_share: score of the best line as a fraction of that of the best arc.
        light_adu: (blocks,), height of each block above the mean of its sides.
        light_error_adu: standard error of the light of a block.
        places_px: (blocks,), distance of the blocks from the first point.
        sides_seen: fraction of the blocks with both sides on the frame.
    """

    line: Line
    height_adu: float
    error_adu: float
    width_steps: float
    half_widths: tuple[float, float]
    step_share: float
    bend_steps: float
    straight_share: float
    light_adu: Values
    light_error_adu: float
    places_px: Values
    sides_seen: float


def measure_ridge(pixels: Pixels, line: Line, step: int, noise_adu: float, valley_steps: int) -> Ridge:
    """Return the ridge near a line.

    Parameters:
        pixels: (H, W), the frame.
        line: the line near which a ridge is searched.
        step: distance of samples across the line, in frame pixels.
        noise_adu: standard deviation of the sky in a pixel.
        valley_steps: distance from the ridge within which the valleys at its sides are searched.
    """
    line, bend, straight_share = _nearest_ridge(pixels, line, step, noise_adu)
    samples, count = _sample_counts(line.length, step)
    blocks, places = _blocks(pixels, line, step), _sample_positions(line.length, count)
    profile = _smooth(_trimmed(blocks))
    peak = REACH - 3 + int(np.argmax(np.where(np.isfinite(profile), profile, -np.inf)[REACH - 3 : REACH + 4]))
    low_left = _lowest(profile[max(peak - valley_steps, 0) : peak + 1])
    low_right = _lowest(profile[peak : peak + valley_steps + 1])
    height = max(float(profile[peak]) - max(low_left, low_right), 0.0) if np.isfinite(profile[peak]) else 0.0
    width = _without_softening(width_at(profile, peak, float(profile[peak]) - height / 2)) if height else 0.0
    core, flank, seen = _sides(blocks, peak, width)
    light_error = _MEDIAN_ERROR * noise_adu / math.sqrt(samples / count * max(1, round(width)))
    lit = core - flank > _CLEARLY_LIT * light_error
    lit_first, lit_last = _lit(core - flank, light_error, places, line.length)
    shift = (peak - REACH) * float(step)
    return Ridge(
        line=line.between((lit_first, shift), (lit_last, shift)),
        height_adu=height,
        error_adu=max(_MEDIAN_ERROR * noise_adu / math.sqrt(samples), _scatter(profile, peak, width)),
        width_steps=width,
        half_widths=(
            _half_width(blocks[: count // 2][lit[: count // 2]], peak, valley_steps),
            _half_width(blocks[count // 2 :][lit[count // 2 :]], peak, valley_steps),
        ),
        step_share=_level_difference(profile, peak, low_left - low_right) / height if height else math.inf,
        bend_steps=bend,
        straight_share=straight_share,
        light_adu=core - flank,
        light_error_adu=light_error,
        places_px=places - lit_first,
        sides_seen=float(seen.mean()),
    )


def _nearest_ridge(pixels: Pixels, line: Line, step: int, noise_adu: float) -> tuple[Line, float, float]:
    """Return the line along the ridge, the sagitta of the best arc, and the ratio of the scores of line and arc."""
    for _ in range(_MOST_MOVES):
        samples, count = _sample_counts(line.length, step)
        blocks = _blocks(pixels, line, step)
        light = _clipped(blocks, noise_adu / math.sqrt(samples / count))
        first, last, bend, straight_share = _best_line(light)
        line = line.between((0.0, first * step), (line.length, last * step))
        if max(abs(first), abs(last)) <= _SETTLED_STEPS:
            break
    # Sub-step position: the centre of the light in the two halves of the line.
    blocks = _blocks(pixels, line, step)
    before, after = (_middle(_smooth(_trimmed(half))) for half in np.array_split(blocks, 2))
    rotation = after - before
    line = line.between((0.0, (before - 0.5 * rotation) * step), (line.length, (after + 0.5 * rotation) * step))
    return line, bend, straight_share


def _middle(profile: Values) -> float:
    """Return the centre of the light of a ridge near the middle of a profile, in steps from it."""
    near = slice(REACH - 3, REACH + 4)
    if not np.isfinite(profile[REACH - 6 : REACH + 7]).all():
        return 0.0
    peak = REACH - 3 + int(np.argmax(profile[near]))
    around = profile[peak - 3 : peak + 4]
    light = np.maximum(around - 0.5 * (around.max() + around.min()), 0.0)
    return float((light * np.arange(peak - 3 - REACH, peak + 4 - REACH)).sum() / light.sum()) if light.sum() else 0.0


def width_at(profile: Values, peak: int, level: float) -> float:
    """Return the full width of a peak at a level, in steps.

    Parameters:
        profile: (n,) values.
        peak: index of the peak.
        level: a level below the peak.
    """
    total = 0.0
    for direction in (-1, 1):
        index = peak
        while 0 <= index + direction < len(profile) and profile[index + direction] > level:
            index += direction
        beyond = profile[index + direction] if 0 <= index + direction < len(profile) else level
        drop = profile[index] - beyond
        total += abs(index - peak) + (float((profile[index] - level) / drop) if drop > 0 else 0.0)
    return total


def _sample_counts(length: float, step: int) -> tuple[int, int]:
    """Return the number of samples along a line, and of blocks; each block has the same number of samples."""
    samples = int(min(_MOST_SAMPLES, max(_BLOCK_SAMPLES * 3, length / step)))
    count = min(max(samples // _BLOCK_SAMPLES, _LEAST_BLOCKS), _MOST_BLOCKS)
    return samples // count * count, count


def _sample_positions(length: float, count: int) -> Values:
    """Return the positions of ``count`` equally spaced samples along a line."""
    return np.asarray((np.arange(count) + 0.5) * (length / count), np.float64)


def _blocks(pixels: Pixels, line: Line, step: int) -> Values:
    """Return (B, 2 REACH + 1) medians of the blocks of a strip; NaN outside the frame."""
    samples, count = _sample_counts(line.length, step)
    along = ((np.arange(samples) + 0.5) * (line.length / samples))[:, None]
    across = _OFFSETS * step
    x = np.rint(line.x + along * line.dx - across * line.dy).astype(np.intp)
    y = np.rint(line.y + along * line.dy + across * line.dx).astype(np.intp)
    height, width = pixels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float64)
    values[~inside] = np.inf
    values = values.reshape(count, samples // count, -1)
    values.sort(axis=1)
    seen = inside.reshape(values.shape).sum(axis=1)
    ranks = np.stack([np.maximum(seen - 1, 0) // 2, np.minimum(seen // 2, values.shape[1] - 1)], axis=1)
    middle = np.take_along_axis(values, ranks, axis=1)
    medians = 0.5 * (middle[:, 0] + middle[:, 1])
    return np.asarray(np.where(seen >= _FEWEST_IN_BLOCK, medians, np.nan), np.float64)


def _without_level(blocks: Values) -> Values:
    """Return the blocks of a strip less their medians."""
    level = [float(np.median(row[np.isfinite(row)])) if np.isfinite(row).any() else 0.0 for row in blocks]
    return np.asarray(blocks - np.array(level)[:, None], np.float64)


def _clipped(blocks: Values, error: float) -> Values:
    """Return the light of each block above its level, smoothed, and clipped far above that of the others."""
    levelled = _without_level(blocks)
    light = _smooth(np.where(np.isfinite(levelled), levelled, 0.0))
    typical = float(np.median(light[:, REACH - _SLACK : REACH + _SLACK + 1].max(axis=1)))
    limit = max(_CLIP_NOISE * error, _CLIP_USUAL * typical)
    return np.clip(light, -limit, limit)


def _best_line(light: Values) -> tuple[float, float, float, float]:
    """Return the offsets of the best line at its ends, the sagitta of the best arc, and the ratio of their scores."""
    along = _sample_positions(1.0, len(light))
    ends = np.arange(-_SLACK, _SLACK + 1.0)
    first, last = (values.ravel() for values in np.meshgrid(ends, ends, indexing="ij"))
    straight = _light_along(light, first[:, None] + (last - first)[:, None] * along)
    best = int(np.argmax(straight))
    chord_first, chord_last, bends = (
        values.ravel() for values in np.meshgrid(first[best] + _NEAR, last[best] + _NEAR, _BENDS, indexing="ij")
    )
    arcs = chord_first[:, None] + (chord_last - chord_first)[:, None] * along
    arcs += bends[:, None] * 4 * along * (1 - along)
    bent = _light_along(light, arcs)
    curved = int(np.argmax(bent))
    share = float(straight[best] / bent[curved]) if bent[curved] > 0 else 1.0
    return float(first[best]), float(last[best]), float(bends[curved]), share


def _light_along(light: Values, offsets: Values) -> Values:
    """Return the mean light of the blocks along each of (N, B) offsets."""
    column = np.clip(np.rint(offsets).astype(np.intp) + REACH, 0, 2 * REACH)
    return np.asarray(light[np.arange(len(light)), column].mean(axis=1), np.float64)


def _trimmed(blocks: Values) -> Values:
    """Return the mean of the blocks above their levels, without the brightest and faintest tenth at each offset."""
    light = np.sort(_without_level(blocks), axis=0)
    count = np.isfinite(light).sum(axis=0)
    drop = np.ceil(0.1 * count).astype(int)
    rank = np.arange(len(blocks))[:, None]
    in_mean = (rank >= drop) & (rank < count - drop)
    total = np.where(in_mean, light, 0.0).sum(axis=0)
    return np.where(in_mean.sum(axis=0) >= 1, total / np.maximum(in_mean.sum(axis=0), 1), np.nan)


def _smooth(values: Values) -> Values:
    """Return the mean of three neighbours along the last axis."""
    padded = np.concatenate([values[..., :1], values, values[..., -1:]], axis=-1)
    return np.asarray((padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:]) / 3)


def _level_difference(profile: Values, peak: int, near: float) -> float:
    """Return the difference of the levels on both sides of a ridge: in valleys, or farther out near a second ridge."""
    return min(abs(near), abs(_lowest(profile[: peak + 1]) - _lowest(profile[peak:])))


def _lowest(values: Values) -> float:
    """Return the lowest value on one side of the peak; infinite without data, so that the height is zero."""
    seen = values[np.isfinite(values)]
    return float(seen.min()) if len(seen) > 1 else math.inf


def _without_softening(width: float) -> float:
    """Return the width of a ridge in steps without the part that sampling and smoothing add; at least 0.5."""
    return math.sqrt(max(width * width - _SOFTENED_STEPS2, 0.25))


def _half_width(blocks: Values, peak: int, valley_steps: int) -> float:
    """Return the width of the ridge in some of the blocks, above the higher of its valleys; 0 with too few blocks."""
    profile = _smooth(_trimmed(blocks)) if len(blocks) >= _FEWEST_LIT else np.full(2 * REACH + 1, np.nan)
    near = slice(max(peak - 2, 0), peak + 3)
    if not np.isfinite(profile[near]).all():
        return 0.0
    top = near.start + int(np.argmax(profile[near]))
    base = max(_lowest(profile[max(top - valley_steps, 0) : top + 1]), _lowest(profile[top : top + valley_steps + 1]))
    return (
        _without_softening(width_at(profile, top, 0.5 * (float(profile[top]) + base))) if math.isfinite(base) else 0.0
    )


def _scatter(profile: Values, peak: int, width: float) -> float:
    """Return the scatter of the profile between steps outside the ridge: row and column noise, and other sources."""
    outside = profile[np.abs(_OFFSETS + REACH - peak) > 1.5 * width + 2]
    change = np.diff(outside[np.isfinite(outside)], n=1)
    # Neighbouring means share two of their three values.
    return float(1.4826 * np.median(np.abs(change))) * math.sqrt(3 / 2) if len(change) > 4 else 0.0


def _sides(blocks: Values, peak: int, width: float) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Return for each block the level of its core, the mean of its sides, and whether both are on the frame."""
    offset = _OFFSETS + REACH - peak
    # For the widest ridges, fewer steps are available beyond their flanks.
    near = min(1.3 * width + 1.5, REACH - _LEAST_SIDE - abs(peak - REACH))
    left = blocks[:, (offset < -near) & (offset >= -near - 6)]
    right = blocks[:, (offset > near) & (offset <= near + 6)]
    core = blocks[:, np.abs(offset) <= 0.3 * width + 0.5]
    if not left.shape[1] or not right.shape[1]:
        nothing = np.full(len(blocks), np.nan)
        return nothing, nothing, np.zeros(len(blocks), bool)
    flank = 0.5 * (np.median(left, axis=1) + np.median(right, axis=1))
    return core.mean(axis=1), flank, np.isfinite(flank)


def _lit(light: Values, error: float, places: Values, length: float) -> tuple[float, float]:
    """Return the start of the first lit block and the end of the last one; the full line where none is lit."""
    lit = np.flatnonzero(~(_smooth(light) < _LIT * error / math.sqrt(3)))
    if not len(lit):
        return 0.0, length
    half = 0.5 * length / len(light)
    return float(places[lit[0]]) - half, float(places[lit[-1]]) + half
