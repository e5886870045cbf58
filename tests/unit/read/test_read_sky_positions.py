"""Sky positions agree with astropy, and there are none with a damaged solution."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from astro_monitor.fitsheader import scan_hdus
from astro_monitor.read import sky_positions

X = np.array([0.0, 99.0, 50.0])
Y = np.array([0.0, 79.0, 10.0])


def solved(**more: object) -> fits.Header:
    header = fits.PrimaryHDU(np.zeros((80, 100), np.int16)).header
    header.update(
        {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.8, "CRVAL2": -5.4, "CRPIX1": 50.5, "CRPIX2": 40.5,
            "CD1_1": -4e-4, "CD1_2": 1e-5, "CD2_1": 1e-5, "CD2_2": 4e-4, **more,
        }
    )  # fmt: skip
    return header


def own(header: fits.Header) -> tuple[object, ...]:
    raw = header.tostring().encode("ascii")
    return (next(iter(scan_hdus(lambda offset, count: raw[offset : offset + count]))).header,)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-5, "B_0_2": -2e-5},
        {"RADESYS": "FK5", "EQUINOX": 2000.0},
    ],
)
def test_positions_are_those_of_astropy(more: dict[str, object]) -> None:
    header = solved(**more)
    expected = WCS(header).all_pix2world(X, Y, 0)
    np.testing.assert_allclose(sky_positions(own(header), X, Y, "ab12"), expected, rtol=0, atol=1e-9)


def test_no_solution_means_no_positions() -> None:
    header = fits.PrimaryHDU(np.zeros((8, 8), np.int16)).header
    assert np.isnan(sky_positions(own(header), X, Y, "ab12")).all()
    assert np.isnan(sky_positions((), X, Y, "ab12")).all()


@pytest.mark.parametrize(
    "damage",
    [
        {"CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
        {"CRVAL2": 4000.0},
        {"CRVAL1": "five"},
        {"A_ORDER": 999, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRPIX1": "x"},
    ],
)
def test_a_damaged_solution_never_raises(damage: dict[str, object]) -> None:
    ra, dec = sky_positions(own(solved(**damage)), X, Y, "ab12")
    assert ra.shape == dec.shape == X.shape
