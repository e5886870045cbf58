"""What the network shall answer, from the truth of a simulated frame, at a quarter of the network's resolution.

Truth is physical: a source counts when its signal to noise is high enough, whatever else is in the field. Between
``IGNORED_SNR`` and the limit, and where a brighter neighbour drowns a source, both answers are allowed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astro_monitor.detect.prepare import signal_to_noise
from astro_monitor.detect.tiles import CELL_PX
from astro_monitor.records import KIND_ARTEFACT
from training.simulate import SimFrame

STAR_SNR = 5.0
ARTEFACT_SNR = 7.0
IGNORED_SNR = 2.5

DROWNED, INVISIBLE = 0.5, 0.75
"""Light around a source over the light at its place, from which on it need not, and must not, be found."""

LAYERS = ("heat", "weight", "dx", "dy", "offset_weight", "star", "streak", "valid", "kind")
"""Layers of a target, in order. ``heat``: 1 in the cell of a source, falling off around it; ``weight``: 0 where both
answers are allowed; ``dx``, ``dy``: from the centre of the cell to the nearest source in cells, where
``offset_weight`` is 1; ``star``, ``streak``: masks; ``valid``: 0 outside the frame; ``kind``: -1 where there is no
source."""

_SPREAD_CELLS = 0.5
_NEAR = 0.3


def sources(frame: SimFrame, seen: NDArray[np.float32], bin_factor: int) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Sources of a frame in network pixels, and which of them must be found.

    Parameters:
        frame: with its truth.
        seen: (H, W), the frame as the network sees it.
        bin_factor: frame pixels per network pixel.

    Returns:
        (N,) rows with ``x_px``, ``y_px``, ``fwhm_px``, ``snr`` in network pixels and ``kind``; (N,) must be found.
        The others may be found.
    """
    table = frame.stars.copy()
    for name in ("x_px", "y_px"):
        table[name] = (table[name] - (bin_factor - 1) / 2) / bin_factor
    table["fwhm_px"] /= bin_factor
    artefact = table["kind"] == KIND_ARTEFACT
    # Averaging spreads the one pixel of an artefact over several: its peak loses, its noise loses less.
    table["snr"] = np.where(artefact, table["snr"] / bin_factor, table["snr"])
    height, width = seen.shape
    inside = (table["x_px"] > -0.5) & (table["x_px"] < width - 0.5)
    inside &= (table["y_px"] > -0.5) & (table["y_px"] < height - 0.5)
    table = table[inside & (table["snr"] >= IGNORED_SNR)]
    table = table[np.argsort(-table["flux_adu"], kind="stable")]
    must = table["snr"] >= np.where(table["kind"] == KIND_ARTEFACT, ARTEFACT_SNR, STAR_SNR)
    if len(table):
        light = _light_around(table, seen)
        must &= (light < DROWNED) & ~_beside_brighter(table)
        # What nobody could see must not be found either, else the halo of a bright star may show anything.
        visible = light < INVISIBLE
        table, must = table[visible], must[visible]
    return table, must


def target(frame: SimFrame, seen: NDArray[np.float32], bin_factor: int) -> NDArray[np.float32]:
    """Target of a whole frame.

    Parameters:
        frame, seen, bin_factor: as in :func:`sources`; H and W of ``seen`` are multiples of the cell.

    Returns:
        (H/4, W/4, 9): the layers of ``LAYERS``.
    """
    height, width = (size // CELL_PX for size in seen.shape)
    layer = {name: np.zeros((height, width), np.float32) for name in LAYERS}
    layer["kind"] -= 1
    layer["valid"] += 1
    table, must = sources(frame, seen, bin_factor)
    layer["heat"] = _heat(layer, table[must])
    allowed = _splat(table[~must], (height, width))
    layer["weight"] = np.where((allowed > _NEAR) & (layer["heat"] < 1), 0, 1).astype(np.float32)
    layer["star"] = _cells(frame.star_mask > 0, bin_factor, (height, width))
    # A thin trail fills a small part of each cell it crosses.
    layer["streak"] = (_cells(frame.streak_mask, bin_factor, (height, width)) > 0.15).astype(np.float32)
    return np.stack([layer[name] for name in LAYERS], axis=-1)


def _heat(layer: dict[str, NDArray[np.float32]], found: NDArray[np.void]) -> NDArray[np.float32]:
    """Fill offsets and kinds, give the heat."""
    shape = layer["heat"].shape
    heat = _splat(found, shape)
    if not len(found):
        return heat
    column, row = _cell_of(found, shape)
    # Brightest last, so that of two sources in one cell the brighter stays.
    order = np.arange(len(found))[::-1]
    layer["kind"][row[order], column[order]] = found["kind"][order]
    heat[row, column] = 1
    tree = cKDTree(np.stack([found["x_px"], found["y_px"]], axis=1))
    rows, columns = np.nonzero(heat > _NEAR)
    x, y = _centres(columns), _centres(rows)
    _, nearest = tree.query(np.stack([x, y], axis=1))
    layer["dx"][rows, columns] = (found["x_px"][nearest] - x) / CELL_PX
    layer["dy"][rows, columns] = (found["y_px"][nearest] - y) / CELL_PX
    owner = np.full(shape, -1)
    owner[row[order], column[order]] = order
    central = owner[rows, columns]
    mine = central >= 0
    layer["dx"][rows[mine], columns[mine]] = (found["x_px"][central[mine]] - x[mine]) / CELL_PX
    layer["dy"][rows[mine], columns[mine]] = (found["y_px"][central[mine]] - y[mine]) / CELL_PX
    layer["offset_weight"][rows, columns] = 1
    return heat


def _splat(table: NDArray[np.void], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A small Gaussian around each source; 1 if the source were at the centre of the cell."""
    heat = np.zeros(shape, np.float32)
    column, row = _cell_of(table, shape)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            r, c = row + dy, column + dx
            inside = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
            r, c = r[inside], c[inside]
            distance2 = (table["x_px"][inside] - _centres(c)) ** 2 + (table["y_px"][inside] - _centres(r)) ** 2
            value = np.exp(-distance2 / (2 * (_SPREAD_CELLS * CELL_PX) ** 2)).astype(np.float32)
            np.maximum.at(heat, (r, c), value)
    return heat


def _cell_of(table: NDArray[np.void], shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    column = np.floor((table["x_px"] + 0.5) / CELL_PX).astype(np.intp)
    row = np.floor((table["y_px"] + 0.5) / CELL_PX).astype(np.intp)
    return np.clip(column, 0, shape[1] - 1), np.clip(row, 0, shape[0] - 1)


def _centres(cells: NDArray[np.intp]) -> NDArray[np.float64]:
    return (cells.astype(np.float64) + 0.5) * CELL_PX - 0.5


def _cells(mask: NDArray[np.bool_], bin_factor: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Share of each cell that is marked."""
    side = CELL_PX * bin_factor
    cut = mask[: shape[0] * side, : shape[1] * side]
    marked: NDArray[np.float32] = cut.reshape(shape[0], side, shape[1], side).mean(axis=(1, 3), dtype=np.float32)
    return marked


def _light_around(table: NDArray[np.void], seen: NDArray[np.float32]) -> NDArray[np.float64]:
    """Light 1.5 FWHM away from each source as a share of the light at its place; 0 where that is no more than noise."""
    height, width = seen.shape
    angle = np.arange(8) * np.pi / 4
    radius = np.maximum(1.5 * table["fwhm_px"], 2.5)[:, None]
    x = np.clip(np.rint(table["x_px"][:, None] + radius * np.cos(angle)), 0, width - 1).astype(int)
    y = np.clip(np.rint(table["y_px"][:, None] + radius * np.sin(angle)), 0, height - 1).astype(int)
    around = np.median(signal_to_noise(seen[y, x]), axis=1)
    near_x = np.clip(np.rint(table["x_px"]).astype(int)[:, None] + np.tile((-1, 0, 1), 3), 0, width - 1)
    near_y = np.clip(np.rint(table["y_px"]).astype(int)[:, None] + np.repeat((-1, 0, 1), 3), 0, height - 1)
    peak = signal_to_noise(seen[near_y, near_x]).max(axis=1)
    return np.where(around > 1.5, around / np.maximum(peak, 1e-6), 0)


def _beside_brighter(table: NDArray[np.void]) -> NDArray[np.bool_]:
    """Sources too near to a brighter one to be told apart. ``table`` is sorted, brightest first."""
    tree = cKDTree(np.stack([table["x_px"], table["y_px"]], axis=1))
    hidden = np.zeros(len(table), bool)
    reach = np.maximum(2.0, 0.7 * table["fwhm_px"])
    for index, neighbours in enumerate(tree.query_ball_point(tree.data, reach)):
        hidden[index] = min(neighbours) < index
    return hidden
