"""The demonstration sky is seeded, in its units, and has the planned faults."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.demo import Rig, Sky, demo_night, point_spread, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of

RIG = Rig(height_px=200, width_px=260)
SKY = Sky.seeded(RIG, stars=60)


def _planned(what: str):
    return next(exposure for exposure in demo_night(30) if what in exposure.what)


def test_same_seed_gives_same_pixels() -> None:
    exposure = _planned("all is well")
    assert np.array_equal(render_exposure(RIG, SKY, exposure, seed=4), render_exposure(RIG, SKY, exposure, seed=4))
    assert not np.array_equal(render_exposure(RIG, SKY, exposure, seed=4), render_exposure(RIG, SKY, exposure, seed=5))


def test_night_holds_all_faults_and_good_frames_between() -> None:
    night = list(demo_night(30))
    assert [exposure.index for exposure in night] == list(range(1, 31))
    assert {exposure.expected for exposure in night} == {
        "good", "very_bad_tracking", "background_issue", "bad_seeing",
    }  # fmt: skip
    assert sum(exposure.satellite for exposure in night) == 1
    assert night[0].expected == night[-1].expected == "good"


def test_too_short_a_night_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        next(demo_night(9))


def test_point_spread_has_its_width_and_unit_sum() -> None:
    spread = point_spread(3.0)
    assert spread.sum() == pytest.approx(1.0)
    profile = spread[spread.shape[0] // 2]
    above = np.count_nonzero(profile >= profile.max() / 2) / 4
    assert above == pytest.approx(3.0, abs=0.3)


def test_drift_lengthens_and_defocus_hollows_the_star() -> None:
    trail = point_spread(2.7, [(float(x), 0.0) for x in np.linspace(-6, 6, 25)])
    yy, xx = np.indices(trail.shape) - trail.shape[0] // 2
    assert (trail * xx**2).sum() > 4 * (trail * yy**2).sum()
    ring = point_spread(2.0, defocus_px=9.0)
    centre = ring.shape[0] // 2
    assert ring[centre, centre] < 0.8 * ring.max()


def test_cloud_dims_stars_and_lights_the_sky() -> None:
    clear, cloudy = (render_exposure(RIG, SKY, _planned(what)) for what in ("all is well", "a cloud"))
    assert np.median(cloudy) > 1.2 * np.median(clear)
    assert int(cloudy.max()) - np.median(cloudy) < int(clear.max()) - np.median(clear)


def test_written_file_is_read_back_by_astropy(tmp_path) -> None:
    exposure = _planned("all is well")
    pixels = render_exposure(RIG, SKY, exposure)
    path = tmp_path / "frame.fits"
    write_fits(path, pixels, cards_of(RIG, exposure))
    with fits.open(io.BytesIO(path.read_bytes())) as hdus:
        hdus.verify("exception")
        assert np.array_equal(hdus[0].data, pixels)
        assert hdus[0].header["OBJECT"] == "Demo field"
        assert hdus[0].header["EXPTIME"] == 120.0
    with pytest.raises(FileExistsError):
        write_fits(path, pixels, {})
