"""The map as the network uses it: scaled vectors, a codebook, its units grouped into clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.detect import Detector
from astro_monitor.grade.sources import SOURCE_LENGTH, STAMP_PX, sources
from astro_monitor.inference import open_model
from astro_monitor.measure import Measurer
from training.iqa.headers import dressed
from training.iqa.rigs import rig_facts, sequence, truth_of
from training.iqa.som import hexagonal_neighbours, train_map

CLUSTERS = 20
FRAMES_OF_RIG = 8
"""Frames of each rig that the map learns from."""
STAMP_LENGTH = STAMP_PX * STAMP_PX
NUMBERS_SHARE = 0.5
"""Variance that the numbers of a source bring to the map, over that of its cut-out."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceMap:
    """Everything that turns a table of sources into groups.

    Attributes:
        scale, offset: (636,) each; a row becomes ``row * scale + offset`` before it is compared.
        codebook: (225, 636) units, in that scale.
        cluster_of_unit: (225,) 0 to 19.
        centres: (20, 636) middle of each cluster.
        quantisation_error: median over the training sources.
        topographic_error: part of them whose two best units do not touch.
        vectors, seed, rough_epochs, fine_epochs: how the map was trained.
    """

    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    codebook: NDArray[np.float32]
    cluster_of_unit: NDArray[np.int64]
    centres: NDArray[np.float32]
    quantisation_error: float
    topographic_error: float
    vectors: int = 0
    seed: int = 0
    rough_epochs: int = 0
    fine_epochs: int = 0

    def save(self, path: Path) -> None:
        """Write it as one ``.npz``."""
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def load(cls, path: Path) -> SourceMap:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in cls.__dataclass_fields__}
        for name, field in cls.__dataclass_fields__.items():
            if field.type in ("float", "int"):
                arrays[name] = arrays[name].item()
        return cls(**arrays)


def make_map(
    rows: NDArray[np.float32], folder: Path, *, seed: int, rough_epochs: int = 10, fine_epochs: int = 15
) -> SourceMap:
    """Scale, train the map, group its units.

    Parameters:
        rows: (N, 636) rows of source tables of the training rigs.
        folder: working directory.
        seed: of the map and of the grouping.
    """
    from sklearn.cluster import KMeans

    scale, offset = _scaling(rows)
    vectors = rows * scale + offset
    codebook = train_map(vectors, folder, seed=seed, rough_epochs=rough_epochs, fine_epochs=fine_epochs)
    groups = KMeans(CLUSTERS, n_init=20, random_state=seed).fit(codebook.astype(np.float64))
    first, second, error = _best_two(vectors, codebook)
    return SourceMap(
        scale=scale,
        offset=offset,
        codebook=codebook,
        cluster_of_unit=groups.labels_.astype(np.int64),
        centres=groups.cluster_centers_.astype(np.float32),
        quantisation_error=float(np.median(error)),
        topographic_error=float(1 - hexagonal_neighbours()[first, second].mean()),
        vectors=len(rows),
        seed=seed,
        rough_epochs=rough_epochs,
        fine_epochs=fine_epochs,
    )


def _scaling(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut-outs stay as they are; numbers are standardised, and all together weigh half of what cut-outs do."""
    of_stamps = float(rows[:, :STAMP_LENGTH].var(axis=0).sum())
    numbers = rows[:, STAMP_LENGTH:]
    weight = np.sqrt(NUMBERS_SHARE * of_stamps / numbers.shape[1])
    scale = np.ones(SOURCE_LENGTH, np.float32)
    offset = np.zeros(SOURCE_LENGTH, np.float32)
    scale[STAMP_LENGTH:] = weight / np.maximum(numbers.std(axis=0), 1e-6)
    offset[STAMP_LENGTH:] = -numbers.mean(axis=0) * scale[STAMP_LENGTH:]
    return scale, offset


def _best_two(
    vectors: NDArray[np.float32], codebook: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    first, second, error = [], [], []
    for start in range(0, len(vectors), 8192):
        part = vectors[start : start + 8192]
        squared = (codebook**2).sum(axis=1) - 2 * part @ codebook.T
        order = np.argpartition(squared, 1, axis=1)[:, :2]
        swap = np.take_along_axis(squared, order, axis=1).argsort(axis=1)
        order = np.take_along_axis(order, swap, axis=1)
        first.append(order[:, 0])
        second.append(order[:, 1])
        best = np.take_along_axis(squared, order[:, :1], axis=1)[:, 0] + (part**2).sum(axis=1)
        error.append(np.sqrt(np.maximum(best, 0)))
    return np.concatenate(first), np.concatenate(second), np.concatenate(error)


def some_rows(seeds: Sequence[int], models: Path | None, count: int) -> NDArray[np.float32]:
    """Render the first frames of some rigs and return rows of their source tables, about as many from each.

    Parameters:
        seeds: of training rigs.
        models: folder of models; ``None``: the shipped star finder.
        count: how many rows, about.

    Returns:
        (N, 636) float32, in a fixed order.
    """
    finder, measurer = Detector(open_model("star-unet", folder=models, provider="cpu", threads=1)), Measurer()
    share = -(-count // (len(seeds) * FRAMES_OF_RIG))
    drawn = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 0x50])
        for number, taken in enumerate(islice(sequence("train", seed), FRAMES_OF_RIG)):
            taken.pixels.flags.writeable = False
            frame = dressed(taken.pixels, rig_facts(taken.rig), truth_of(taken), number)
            detections = finder.detect(frame)
            stars = measurer.measure(frame, detections).stars
            table = sources(stars, detections.sky, (frame.pixels.shape[0], frame.pixels.shape[1]))
            used = np.flatnonzero(table.valid)
            drawn.append(table.rows[np.sort(rng.permutation(used)[:share])])
    return np.concatenate(drawn).astype(np.float32)
