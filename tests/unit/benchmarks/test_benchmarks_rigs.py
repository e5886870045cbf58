"""Simulated rigs and a table of real ones."""

from __future__ import annotations

import pytest

from benchmarks.rigs import COLUMNS, outside, page, percentiles, read_table

TABLE = f"""# Rigs

| rig | frames | {" | ".join(COLUMNS)} |
|---|---|{"---|" * len(COLUMNS)}
| A | 3 | 60 / 60 / 60 | – | {" | ".join(["1.5 / 2 / 2.25"] * (len(COLUMNS) - 2))} |
| B | 3 | 1 / 2 / 3 | 1 / 31.6 / 32 | {" | ".join(["0 / 1.01e+04 / 2e4"] * (len(COLUMNS) - 2))} |
"""


def rows():
    return [dict.fromkeys(COLUMNS.values(), float(value)) | {"exposure_s": 60.0} for value in range(1, 101)]


def test_the_table_of_rigs_is_read_and_cells_without_numbers_left_out():
    first, second = read_table(TABLE)
    assert first.name == "A"
    assert "scale, arcsec/px" not in first.percentiles
    assert first.percentiles["FWHM, px"] == (1.5, 2.0, 2.25)
    assert second.percentiles["FWHM, px"][1] == 1.01e4


def test_a_text_without_the_table_is_refused():
    with pytest.raises(ValueError, match="no table"):
        read_table("# Nothing\n")


def test_a_rig_outside_is_named_with_its_column():
    first, second = read_table(TABLE)
    simulated = percentiles([*rows(), dict.fromkeys(COLUMNS.values())])
    assert simulated["FWHM, px"][2] == pytest.approx(50.5)
    assert outside(first, simulated)["FWHM, px"] == "outside 2.5 to 97.5"
    assert "scale, arcsec/px" not in outside(second, simulated)
    assert "| B | FWHM, px | 1.01e+04 | outside 2.5 to 97.5 |" in page([first, second], rows())
