"""``astro-monitor stars`` with the shipped star finder: its lists hold the stars that are there."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of

RIG = Rig(height_px=480, width_px=640)
SOLUTION = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 314.7, "CRVAL2": 44.3, "CRPIX1": 320.5, "CRPIX2": 240.5,
    "CD1_1": -5e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 5e-4,
}  # fmt: skip


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "astro_monitor", "stars", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def sky() -> Sky:
    return Sky.seeded(RIG)


@pytest.fixture(scope="module")
def image(tmp_path_factory, sky) -> Path:
    path = tmp_path_factory.mktemp("stars") / "field.fits"
    exposure = next(demo_night(10))
    write_fits(path, render_exposure(RIG, sky, exposure), {**cards_of(RIG, exposure), **SOLUTION})
    return path


def test_the_list_on_standard_output_has_the_stars_of_the_field(image, sky) -> None:
    done = run(image)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    bright = [row for row in rows if row["kind"] == "star" and row["snr"] and float(row["snr"]) > 30]
    assert len(bright) > 50
    widths = [float(row["fwhm_px"]) for row in bright if not row["note"] and row["saturated"] == "false"]
    assert np.median(widths) == pytest.approx(2.7, rel=0.05)
    ra = np.array([float(row["ra_deg"]) for row in bright])
    assert ra.min() < 314.7 < ra.max()
    assert np.ptp(ra) < 1.0
    assert "with sky positions" in done.stderr
    # The width of the frame is the one that 'grade' and 'watch' show of it.
    graded = subprocess.run(
        [sys.executable, "-m", "astro_monitor", "grade", str(image), "--json"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    numbers = json.loads(graded.stdout)["body"]["measurements"]
    assert f"; FWHM {numbers['fwhm_px']:.2f} px" in done.stderr
    assert f", Gauss {numbers['fwhm_gauss_px']:.2f} px;" in done.stderr


def test_table_regions_and_picture_are_written_where_asked_and_nothing_is_overwritten(image, tmp_path) -> None:
    table, picture = tmp_path / "t.fits", tmp_path / "p.png"
    done = run(image, "--output", table, "--overlay", picture)
    assert done.returncode == 0, done.stderr
    assert len(Table.read(table)) > 50
    with Image.open(picture) as drawn:
        assert drawn.size == (640, 480)
    again = run(image, "--output", table)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert run(image, "-o", tmp_path / "r.reg", "--stars-only", "--min-snr", 50).returncode == 0
    assert "ellipse(" in (tmp_path / "r.reg").read_text("utf-8")


def test_the_image_itself_is_never_the_output(image) -> None:
    before = image.read_bytes()
    done = run(image, "--output", image, "--overwrite")
    assert done.returncode == 2
    assert "the image itself" in " ".join(done.stderr.split())
    assert image.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("page.fits", b"<html>" * 1000, 1, "not a frame"),
        ("absent.fits", None, 2, "does not exist"),
        ("empty.fits", b"", 1, "empty"),
    ],
)
def test_what_is_no_image_is_one_sentence(tmp_path, name, content, code, words) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run(path)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") <= 2
    assert done.stdout == ""


def test_table_and_picture_need_two_names(image, tmp_path) -> None:
    done = run(image, "--output", tmp_path / "both.csv", "--overlay", tmp_path / "both.csv")
    assert done.returncode == 2
    assert "give two names" in " ".join(done.stderr.split())
    assert not (tmp_path / "both.csv").exists()


def test_an_unknown_ending_asks_for_a_format(image, tmp_path) -> None:
    done = run(image, "-o", tmp_path / "list.xyz")
    assert done.returncode == 2
    assert "--format" in done.stderr
    assert run(image, "-o", tmp_path / "list.xyz", "--format", "csv").returncode == 0


def test_decoders_that_are_turned_off_stay_off(image, tmp_path) -> None:
    packed, settings = tmp_path / "field.fits.fz", tmp_path / "settings.toml"
    fits.CompImageHDU(fits.getdata(image), compression_type="HCOMPRESS_1").writeto(packed)
    settings.write_text("[worker]\nrare_codecs = false\n")
    done = run(packed, "--config", settings)
    assert done.returncode != 0
    assert "worker.rare_codecs" in done.stderr
