"""Copies with a weight: pixels byte for byte, one card more, and the frame itself untouched."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.files import copy_weighted


def frame(folder, name="a.fits", *, cards=3, checksum=True):
    pixels = np.random.default_rng(1).integers(0, 65535, (50, 70)).astype(np.uint16)
    hdu = fits.PrimaryHDU(pixels)
    for number in range(cards):
        hdu.header[f"KEY{number}"] = number
    path = folder / name
    hdu.writeto(path, checksum=checksum)
    return path, pixels


@pytest.mark.parametrize("cards", [0, 3, 24, 25, 26, 27, 28, 29, 30, 60])
def test_a_copy_has_the_weight_and_the_same_pixels(tmp_path, cards):
    path, pixels = frame(tmp_path, cards=cards)
    before = path.read_bytes()
    assert list(copy_weighted([(path, 0.8125)], tmp_path / "copies")) == [(path, "")]
    with fits.open(tmp_path / "copies" / "a.fits", checksum=True) as hdus:
        assert hdus[0].header["SSWEIGHT"] == 0.8125
        assert (hdus[0].data == pixels).all()
        assert "CHECKSUM" not in hdus[0].header
        assert [hdus[0].header[f"KEY{number}"] for number in range(cards)] == list(range(cards))
        hdus.verify("exception")
    assert path.read_bytes() == before


def test_the_weight_goes_to_the_image_wherever_it_is_and_replaces_an_older_one(tmp_path):
    data = np.arange(100, dtype=np.int16).reshape(10, 10)
    image = fits.ImageHDU(data, header=fits.Header({"SSWEIGHT": 0.1}))
    path = tmp_path / "mef.fits"
    fits.HDUList([fits.PrimaryHDU(), image, fits.ImageHDU(data + 1)]).writeto(path)
    list(copy_weighted([(path, 0.5)], tmp_path / "copies"))
    with fits.open(tmp_path / "copies" / "mef.fits") as hdus:
        assert [hdu.header.get("SSWEIGHT") for hdu in hdus] == [None, 0.5, None]
        assert hdus[1].header.count("SSWEIGHT") == 1
        assert (hdus[2].data == data + 1).all()


def test_nothing_is_overwritten_and_files_that_are_no_fits_are_reported(tmp_path):
    path, _ = frame(tmp_path)
    page, table = tmp_path / "page.fits", tmp_path / "frame.xisf"
    page.write_text("<html>", "utf-8")
    table.write_bytes(b"XISF0100")
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "a.fits").write_bytes(b"mine")
    told = dict(copy_weighted([(path, 0.5), (page, 0.5), (table, 0.5), (tmp_path / "gone.fits", 0.5)], copies))
    assert "stays" in told[path]
    assert (copies / "a.fits").read_bytes() == b"mine"
    assert all("not copied" in told[one] for one in (page, table, tmp_path / "gone.fits"))
    assert [one.name for one in copies.iterdir()] == ["a.fits"]
