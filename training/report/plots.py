"""Pictures of the report. Every number in them is in the file of scores, too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from astro_monitor.records import CLASSES

DPI = 90


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_confusion(path: Path, confusion: Mapping[str, Mapping[str, int]]) -> None:
    """Draw shares of each true class, with the numbers of frames."""
    said = [*CLASSES, "unknown"]
    counts = np.array([[confusion[truth][name] for name in said] for truth in CLASSES])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(7.2, 4.6)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=9)
    names = [name.replace("_", "\n", 1).replace("_", " ") for name in said]
    axes.set_xticks(range(len(said)), names, fontsize=8)
    axes.set_yticks(range(len(CLASSES)), names[: len(CLASSES)], fontsize=8)
    axes.set_xlabel("said")
    axes.set_ylabel("simulated")
    figure.savefig(path)


def draw_reliability(path: Path, bins: Sequence[Mapping[str, float]]) -> None:
    """Draw accuracy over confidence; on the diagonal a probability means what it says."""
    figure = _figure(4.6, 4.2)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7")
    sizes = [8 + 60 * math.sqrt(row["frames"] / max(one["frames"] for one in bins)) for row in bins]
    axes.scatter([row["confidence"] for row in bins], [row["accuracy"] for row in bins], s=sizes, zorder=2)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0.2, 1.02), ylim=(0, 1.02))
    figure.savefig(path)


def draw_bars(path: Path, values: Mapping[str, float], label: str, *, reference: float | None = None) -> None:
    """Draw a horizontal bar for each name, with a line for a bar to reach."""
    figure = _figure(6.4, 0.32 * len(values) + 1.0)
    axes = figure.add_subplot()
    axes.barh(list(values), list(values.values()), color="tab:blue")
    if reference is not None:
        axes.axvline(reference, color="tab:red", linewidth=1)
    axes.set_xlabel(label)
    axes.set_xlim(0, 1.0)
    axes.invert_yaxis()
    figure.savefig(path)


def draw_rigs(path: Path, accuracies: Sequence[float]) -> None:
    """Draw the accuracy of each rig, worst first."""
    figure = _figure(6.4, 3.0)
    axes = figure.add_subplot()
    axes.plot(np.arange(1, len(accuracies) + 1), accuracies, drawstyle="steps-mid")
    axes.set(xlabel="rigs, worst first", ylabel="accuracy", ylim=(0, 1.02))
    figure.savefig(path)


def draw_completeness(path: Path, curves: Mapping[str, Mapping[str, Sequence[float]]], edges: Sequence[float]) -> None:
    """Draw completeness over signal to noise, a panel for each kind of field and a line for each finder."""
    middles = [math.sqrt(low * min(high, 80.0)) for low, high in pairwise(edges)]
    figure = _figure(9.6, 5.6)
    panels = figure.subplots(2, math.ceil(len(curves) / 2), sharex=True, sharey=True).ravel()
    for axes, (kind, finders) in zip(panels, curves.items(), strict=False):
        for finder, shares in finders.items():
            axes.plot(middles, shares, marker=".", label=finder)
        axes.axhline(0.9, color="0.8", linewidth=0.8)
        axes.set(title=kind, xscale="log", ylim=(0, 1.02))
        axes.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
        axes.minorticks_off()
    panels[0].legend(fontsize=8)
    figure.supxlabel("signal to noise")
    figure.supylabel("found at the setting of best purity × completeness")
    figure.savefig(path)


def draw_failure(path: Path, pixels: Any, stack: Any, title: str) -> None:
    """Draw a frame, where there is one, and its mean star.

    Parameters:
        path: of the picture.
        pixels: (H, W) or ``None``.
        stack: (49, 49) mean star.
        title: above both.
    """
    figure = _figure(8.0 if pixels is not None else 4.0, 3.6)
    panels = figure.subplots(1, 2 if pixels is not None else 1, squeeze=False)[0]
    if pixels is not None:
        step = max(1, pixels.shape[1] // 480)
        small = pixels[::step, ::step].astype(np.float64)
        low, middle = np.quantile(small, (0.01, 0.5))
        noise = 1.4826 * np.median(np.abs(small - middle)) or 1.0
        panels[0].imshow(np.arcsinh((small - low) / (2 * noise)), cmap="gray", origin="lower")
    panels[-1].imshow(np.arcsinh(30 * stack / max(float(stack.max()), 1e-6)), cmap="gray", origin="lower")
    for axes in panels:
        axes.set_axis_off()
    figure.suptitle(title, fontsize=8)
    figure.savefig(path)
