"""Pictures of the map of sources: U-matrix, hits, clusters, component planes, and what each unit looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from astro_monitor.grade.sources import SOURCE_NUMBERS, STAMP_PX
from training.iqa.grouping import STAMP_LENGTH, SourceMap
from training.iqa.som import COLUMNS, ROWS, hexagonal_neighbours

Array = NDArray[np.float64]


def u_matrix(codebook: NDArray[np.float32]) -> Array:
    """Give the mean distance of each unit to those it touches, (225,): ridges part groups of sources.

    Source: Ultsch and Siemon 1990, Kohonen's self organizing feature maps for exploratory data analysis.
    """
    apart = np.sqrt(np.maximum(_squared(codebook, codebook), 0))
    touching = hexagonal_neighbours()
    return np.asarray((apart * touching).sum(axis=1) / touching.sum(axis=1), np.float64)


def hits(vectors: NDArray[np.float32], codebook: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the vectors whose best unit each one is, (225,).

    Parameters:
        vectors: (N, 636), scaled as the codebook is.
    """
    best = [_squared(vectors[i : i + 8192], codebook).argmin(axis=1) for i in range(0, len(vectors), 8192)]
    return np.bincount(np.concatenate(best), minlength=len(codebook))


def draw_map(folder: Path, source_map: SourceMap, vectors: NDArray[np.float32]) -> list[Path]:
    """Draw the map into three pictures.

    Parameters:
        folder: where to.
        vectors: (N, 636) that it was trained on, scaled.

    Returns:
        the paths of ``map.png``, ``map-components.png`` and ``map-units.png``.
    """
    overview = _figure(11.0, 3.6)
    panels = overview.subplots(1, 3)
    _hexagons(overview, panels[0], u_matrix(source_map.codebook), "U-matrix (distance to neighbours)", "magma")
    _hexagons(overview, panels[1], hits(vectors, source_map.codebook).astype(np.float64), "hits", "viridis")
    _hexagons(overview, panels[2], source_map.cluster_of_unit.astype(np.float64), "20 clusters", "tab20")
    for (x, y), cluster in zip(_places(), source_map.cluster_of_unit, strict=True):
        panels[2].text(x, y, str(cluster), ha="center", va="center", fontsize=5)
    components = _figure(11.0, 8.0)
    planes = (source_map.codebook - source_map.offset)[:, STAMP_LENGTH:] / source_map.scale[STAMP_LENGTH:]
    for axes, name, plane in zip(components.subplots(3, 4).ravel(), SOURCE_NUMBERS, planes.T, strict=False):
        _hexagons(components, axes, plane.astype(np.float64), name.replace("_", " "), "viridis")
    for axes in components.axes[len(SOURCE_NUMBERS) : 12]:
        axes.set_axis_off()
    units = _figure(7.0, 7.0)
    stamps = source_map.codebook[:, :STAMP_LENGTH].reshape(ROWS, COLUMNS, STAMP_PX, STAMP_PX)
    sheet = stamps[::-1].transpose(0, 2, 1, 3)[:, ::-1].reshape(ROWS * STAMP_PX, COLUMNS * STAMP_PX)
    axes = units.add_subplot()
    axes.imshow(sheet, cmap="gray", vmin=-0.05, vmax=1)
    axes.set_axis_off()
    axes.set_title("what each unit stands for")
    paths = [folder / name for name in ("map.png", "map-components.png", "map-units.png")]
    for figure, path in zip((overview, components, units), paths, strict=True):
        figure.savefig(path)
    return paths


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _places() -> list[tuple[float, float]]:
    row, column = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)
    return list(zip((column + 0.5 * (row % 2)).tolist(), (row * np.sqrt(0.75)).tolist(), strict=True))


def _hexagons(figure: Figure, axes: Any, values: Array, title: str, colours: str) -> None:
    places = np.array(_places())
    drawn = axes.scatter(places[:, 0], places[:, 1], c=values, marker="h", s=150, cmap=colours, linewidths=0)
    axes.set_title(title, fontsize=9)
    axes.set_aspect("equal")
    axes.set_axis_off()
    if colours != "tab20":
        figure.colorbar(drawn, ax=axes, shrink=0.7)


def _squared(some: NDArray[np.float32], codebook: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((some**2).sum(axis=1)[:, None] + (codebook**2).sum(axis=1) - 2 * some @ codebook.T, np.float32)
