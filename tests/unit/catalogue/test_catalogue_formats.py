"""A source table keeps its numbers, units and gaps in each format, and other programs read them."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest
from astropy.table import Table

from astro_monitor.catalogue import COLUMNS, csv_text, fits_bytes, region_text
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR, SourceTable


def table(count: int = 3) -> SourceTable:
    nan = np.nan
    whole = {
        "x_px": [10.25, 200.5, 3.0], "y_px": [20.5, 100.125, 4.0], "ra_deg": [83.8221, nan, nan],
        "dec_deg": [-5.3911, nan, nan], "flux_adu": [12345.6, 800.0, nan], "peak_adu": [2000.0, 90.0, 12.0],
        "snr": [250.0, 9.5, nan], "fwhm_px": [2.5, 6.0, nan], "hfr_px": [1.4, 3.0, nan],
        "elongation": [1.44, 1.0, nan], "angle_deg": [30.0, 0.0, nan],
    }  # fmt: skip
    return SourceTable(
        **{name: np.array(values[:count]) for name, values in whole.items()},
        saturated=np.array([True, False, False][:count]),
        kind=np.array([KIND_STAR, KIND_EXTENDED, KIND_ARTEFACT][:count], np.uint8),
        note=("", "blended, a lot", "too close to the border to be measured")[:count],
    )


def test_csv_has_one_line_for_each_source_and_empty_fields_where_nothing_was_measured() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(table()))))
    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert [row["kind"] for row in rows] == ["star", "extended", "artefact"]
    assert [row["saturated"] for row in rows] == ["true", "false", "false"]
    assert float(rows[0]["fwhm_px"]) == 2.5
    assert float(rows[0]["ra_deg"]) == pytest.approx(83.8221)
    assert (rows[2]["fwhm_px"], rows[2]["flux_adu"], rows[1]["ra_deg"]) == ("", "", "")
    assert rows[1]["note"] == "blended, a lot"


def test_astropy_reads_the_fits_table_with_units_and_meanings() -> None:
    table_read = Table.read(
        io.BytesIO(fits_bytes(table(), image_name="M 42 α.fits", model="star-unet 1.0")), format="fits"
    )
    assert table_read.colnames == [column.name for column in COLUMNS]
    assert [str(table_read[column.name].unit or "") for column in COLUMNS] == [column.unit for column in COLUMNS]
    assert table_read.meta["IMAGE"] == r"M 42 \u03b1.fits"
    assert list(table_read["number"]) == [1, 2, 3]
    assert list(table_read["kind"]) == ["star", "extended", "artefact"]
    np.testing.assert_array_equal(np.ma.filled(table_read["fwhm_px"], np.nan), table().fwhm_px)
    assert list(table_read["saturated"]) == [True, False, False]


@pytest.mark.parametrize("count", [0, 1])
def test_short_tables_are_tables_too(count: int) -> None:
    short = table(count)
    assert len(csv_text(short).splitlines()) == count + 1
    assert len(Table.read(io.BytesIO(fits_bytes(short, image_name="a", model="b")), format="fits")) == count
    assert region_text(short).startswith("# Region file format: DS9")


def test_regions_count_pixels_from_one_and_keep_the_area_of_the_star() -> None:
    lines = region_text(table()).splitlines()
    assert lines[2] == "image"
    shape = re.fullmatch(r"ellipse\(([\d.]+),([\d.]+),([\d.]+),([\d.]+),([-\d.]+)\) # color=green text=\{1\}", lines[3])
    assert shape is not None
    x, y, major, minor, angle = map(float, shape.groups())
    assert (x, y, angle) == (11.25, 21.5, 30.0)
    assert major / minor == pytest.approx(1.44, abs=0.01)
    assert np.sqrt(major * minor) == pytest.approx(2.5, abs=0.01)
    assert lines[5].startswith("circle(4.000,5.000,4) # color=red dash=1")


def test_chosen_rows_keep_their_order_and_notes() -> None:
    chosen = table().chosen(np.array([True, False, True]))
    assert len(chosen) == 2
    assert chosen.note == ("", "too close to the border to be measured")
    assert chosen.count(KIND_STAR) == 1
    assert chosen.has_sky_positions
