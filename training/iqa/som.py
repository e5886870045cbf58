"""Train a self-organising map with IntraSOM: the only place that imports it.

IntraSOM (CC BY-NC-SA 4.0) turns all logging of its process off, prints, writes into the working directory, draws from
NumPy's global generator and ends the process on NaN. So this module is run as a process of its own, in a folder of its
own: ``python -m training.iqa.som VECTORS CODEBOOK``. What comes back is a plain array.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMNS = ROWS = 15
REPOSITORY = Path(__file__).resolve().parents[2]


def train_map(
    vectors: NDArray[np.float32], folder: Path, *, seed: int, rough_epochs: int, fine_epochs: int
) -> NDArray[np.float32]:
    """Train a planar hexagonal map of 15 × 15 units.

    Parameters:
        vectors: (N, D), finite, already scaled.
        folder: working directory of the process; what IntraSOM writes stays there.
        seed: same seed, same vectors: same map.
        rough_epochs, fine_epochs: must be given, because IntraSOM's own choice is one epoch for large data.

    Returns:
        (225, D) float32, unit by unit along the rows of the map.

    Raises:
        ValueError: a vector is not finite.
        RuntimeError: the process failed; the message holds the end of what it printed.
    """
    if not np.isfinite(vectors).all():
        raise ValueError("the map cannot be trained on vectors that are not finite")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "vectors.npy", vectors)
    command = [sys.executable, "-m", "training.iqa.som", "vectors.npy", "codebook.npy", "--seed", str(seed),
               "--rough", str(rough_epochs), "--fine", str(fine_epochs)]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=_environment())
    if done.returncode != 0:
        raise RuntimeError(f"IntraSOM failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
    codebook: NDArray[np.float32] = np.load(folder / "codebook.npy", allow_pickle=False)
    return codebook


def hexagonal_neighbours() -> NDArray[np.bool_]:
    """Which units of the map touch: (225, 225). Odd rows are shifted by half a unit."""
    row, column = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)
    x = column + 0.5 * (row % 2)
    y = row * np.sqrt(0.75)
    distance = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    touching: NDArray[np.bool_] = (distance > 0.1) & (distance < 1.1)
    return touching


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "MPLBACKEND": "Agg"}


def _child(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="training.iqa.som", description=__doc__)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("codebook", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rough", type=int, required=True)
    parser.add_argument("--fine", type=int, required=True)
    options = parser.parse_args(arguments)
    vectors = np.load(options.vectors, allow_pickle=False).astype(np.float64)
    import intrasom

    np.random.seed(options.seed)  # the only seed IntraSOM has
    trained = intrasom.SOMFactory.build(
        vectors, mapsize=(COLUMNS, ROWS), mapshape="planar", lattice="hexa", normalization=None,
        initialization="random", neighborhood="gaussian", training="batch", name="quality",
    )  # fmt: skip
    trained.train(train_rough_len=options.rough, train_finetune_len=options.fine, save=False, summary=False, n_job=1)
    np.save(options.codebook, np.asarray(trained.codebook.matrix, np.float32))
    return 0


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1:]))
