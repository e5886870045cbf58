"""Whether the simulator's rigs cover the world: simulated good frames measured by the program, and real rigs.

One good frame of each of many simulated rigs goes through the shipped star finder and measurer; their percentiles
stand next to a table of real rigs, and each real rig that lies outside is named with the column. Run it as
``python -m benchmarks.rigs TABLE``; see the README in this folder.
"""

from __future__ import annotations

import argparse
import functools
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from training.inmemory import InMemory

PERCENTILES = (2.5, 10, 50, 90, 97.5)
COLUMNS = {
    "exposure, s": "exposure_s",
    "scale, arcsec/px": "scale_arcsec_px",
    "FWHM, px": "fwhm_px",
    "elongation a/b": "elongation",
    "angle coherence": "angle_coherence",
    "stars measured": "star_count_measured",
    "artefacts": "artefact_count",
    "background, ADU": "background_adu",
    "noise, ADU": "background_noise_adu",
    "gradient, ADU": "background_gradient_adu",
    "patchiness": "background_patchiness_fraction",
}
"""Columns of the table, and the number of a simulated frame that is compared with each."""


@dataclass(frozen=True, slots=True)
class RealRig:
    """One row of the table.

    Attributes:
        name: as the table has it.
        percentiles: 10th, 50th and 90th by column; a column without numbers is left out.
    """

    name: str
    percentiles: dict[str, tuple[float, float, float]]


def read_table(text: str) -> list[RealRig]:
    """Read the rows of a Markdown table of real rigs.

    Parameters:
        text: holds a table whose first column is called ``rig``; cells of three numbers are percentiles.

    Raises:
        ValueError: there is no such table.
    """
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in text.splitlines() if line.strip().startswith("|")]  # fmt: skip
    if not rows or rows[0][0] != "rig":
        raise ValueError("no table whose first column is called 'rig'")
    rigs = []
    for row in rows[2:]:
        cells = dict(zip(rows[0], row, strict=True))
        numbers = {column: re.findall(r"[-+0-9.e]+", cells[column]) for column in COLUMNS}
        known = {column: tuple(map(float, three)) for column, three in numbers.items() if len(three) == 3}
        rigs.append(
            RealRig(cells["rig"], {column: (low, middle, high) for column, (low, middle, high) in known.items()})
        )
    return rigs


def measure(seed: int) -> dict[str, float | None]:
    """Measure one good frame of a simulated rig.

    Parameters:
        seed: of the rig.
    """
    from training.iqa.headers import dressed
    from training.iqa.rigs import SHAPES, rig_facts, truth_of
    from training.simulate import draw_condition, draw_field, render, rig_from_seed

    rng = np.random.default_rng([seed, 0xB16])
    rig = rig_from_seed(seed)
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    taken = render(rig, draw_field(rng, rig, shape), draw_condition(rng, rig, "good"), rng, shape)
    taken.pixels.flags.writeable = False
    look = _stages().look(dressed(taken.pixels, rig_facts(rig), truth_of(taken), 0))
    known = {"exposure_s": rig.exposure_s, "scale_arcsec_px": rig.scale_arcsec_px}
    values: Mapping[str, float | None] = look.measurements.values
    return {**known, **{key: values.get(key) for key in COLUMNS.values() if key not in known}}


@functools.lru_cache(maxsize=1)
def _stages() -> InMemory:
    """Open the shipped models once."""
    from training.inmemory import InMemory

    return InMemory.shipped()


def percentiles(rows: Sequence[Mapping[str, float | None]]) -> dict[str, tuple[float, ...]]:
    """Return ``PERCENTILES`` of each column over the simulated frames.

    Parameters:
        rows: from :func:`measure`.
    """
    found = {}
    for column, key in COLUMNS.items():
        known = [value for row in rows if (value := row[key]) is not None and math.isfinite(value)]
        found[column] = tuple(float(value) for value in np.percentile(known, PERCENTILES)) if known else ()
    return found


def outside(rig: RealRig, simulated: Mapping[str, tuple[float, ...]]) -> dict[str, str]:
    """Return the columns in which a real rig's median lies outside the simulated ones, and how far.

    Parameters:
        rig: a real one.
        simulated: from :func:`percentiles`.
    """
    found = {}
    for column, (_, middle, _) in rig.percentiles.items():
        lowest, low, _, high, highest = simulated[column]
        if not lowest <= middle <= highest:
            found[column] = "outside 2.5 to 97.5"
        elif not low <= middle <= high:
            found[column] = "outside 10 to 90"
    return found


def page(real: Sequence[RealRig], rows: Sequence[Mapping[str, float | None]]) -> str:
    """Return the report as Markdown.

    Parameters:
        real: rows of the table.
        rows: from :func:`measure`.
    """
    simulated = percentiles(rows)
    lines = [f"{len(rows)} simulated rigs, one good frame of each", "",
             "| column | simulated 2.5 / 10 / 50 / 90 / 97.5 % | medians of the real rigs, least to greatest |",
             "|---|---|---|"]  # fmt: skip
    for column in COLUMNS:
        medians = sorted(rig.percentiles[column][1] for rig in real if column in rig.percentiles)
        lines.append(f"| {column} | {' / '.join(f'{value:.3g}' for value in simulated[column])} | "
                     f"{', '.join(f'{value:.3g}' for value in medians)} |")  # fmt: skip
    lines += ["", "| real rig | column | median | where |", "|---|---|---|---|"]
    for rig in real:
        for column, where in outside(rig, simulated).items():
            lines.append(f"| {rig.name} | {column} | {rig.percentiles[column][1]:.3g} | {where} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status is 1 where a real rig lies outside 2.5 to 97.5 %."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rigs", description=__doc__)
    parser.add_argument("table", type=Path, help="Markdown file with the table of real rigs")
    parser.add_argument("--rigs", type=int, default=150, help="number of simulated rigs")
    options = parser.parse_args(argv)
    from training.iqa.rigs import rig_seeds

    real = read_table(options.table.read_text("utf-8"))
    rows = []
    for number, seed in enumerate(rig_seeds("train", options.rigs), 1):
        rows.append(measure(seed))
        sys.stderr.write(f"\r{number} of {options.rigs} rigs")
    sys.stderr.write("\n")
    print(page(real, rows))
    simulated = percentiles(rows)
    return int(any("2.5" in where for rig in real for where in outside(rig, simulated).values()))


if __name__ == "__main__":
    sys.exit(main())
