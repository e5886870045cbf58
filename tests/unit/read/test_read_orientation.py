"""Where east is on the sensor, against a solution that astropy draws up itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS

from astro_monitor.read.orientation import east_angle_deg


def header(angle_deg, mirrored, form):
    turn = np.array([[math.cos(math.radians(angle_deg)), -math.sin(math.radians(angle_deg))],
                     [math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))]])  # fmt: skip
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 40.0], [500.0, 500.0]
    wcs.wcs.cdelt = [-4e-4 if mirrored else 4e-4, 4e-4]
    wcs.wcs.pc = turn
    plain = {"CTYPE1": "RA---TAN", "CDELT1": wcs.wcs.cdelt[0], "CDELT2": wcs.wcs.cdelt[1]}
    if form == "CROTA2":
        plain["CROTA2"] = angle_deg
        wcs = WCS(Header({**plain, "NAXIS": 2, "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 40.0, "CRPIX1": 500.0,
                          "CRPIX2": 500.0}))  # fmt: skip
    elif form == "PC":
        plain |= {f"PC{i}_{j}": turn[i - 1, j - 1] for i in (1, 2) for j in (1, 2)}
    else:
        matrix = np.diag(wcs.wcs.cdelt) @ turn
        plain = {"CTYPE1": "RA---TAN"} | {f"CD{i}_{j}": matrix[i - 1, j - 1] for i in (1, 2) for j in (1, 2)}
    return wcs, plain


@pytest.mark.parametrize("angle_deg", [0.0, 33.0, 120.0, 250.0])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("form", ["CD", "PC", "CROTA2"])
def test_a_step_that_way_goes_east(angle_deg, mirrored, form):
    wcs, plain = header(angle_deg, mirrored, form)
    angle = math.radians(east_angle_deg(plain.get))
    ra, dec = wcs.all_pix2world([499.0, 499.0 + 20 * math.cos(angle)], [499.0, 499.0 + 20 * math.sin(angle)], 0)
    assert ra[1] - ra[0] == pytest.approx(20 * 4e-4 / math.cos(math.radians(40)), rel=1e-3)
    assert dec[1] == pytest.approx(dec[0], abs=1e-5)


def test_steps_without_a_direction_give_no_scale():
    assert east_angle_deg({"CTYPE1": "RA---TAN", "CDELT1": -4e-4, "CDELT2": 4e-4}.get) is None


@pytest.mark.parametrize(
    "broken", [{"CD1_1": "text"}, {"CD1_1": 0.0, "CD1_2": 0.0}, {"CD2_1": 1e30}, {"CTYPE1": "GLON-TAN"}]
)
def test_a_broken_solution_gives_no_angle(broken):
    _, plain = header(33.0, False, "CD")
    assert east_angle_deg({**plain, **broken}.get) is None
