"""Real frames of real programs, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.read import Reader

pytestmark = pytest.mark.real

ODD = {
    "all_nan.fits": "no_valid_pixels",
    "blank.fits": "too_small",
    "checksum_false.fits": "too_small",
    "compressed_image.fits": "too_small",
    "compressed_with_nan.fits": "too_small",
    "constant.fits": "",
    "corrupt_gzip.fits.gz": "corrupt_gzip",
    "float_0_1.fits": "",
    "html_error_page.fits": "not_fits",
    "int32.fits": "",
    "lfs_pointer.fits": "not_fits",
    "m13_rice.fits": "",
    "mono16_zlib.xisf": "",
    "naxis_lies.fits": "truncated",
    "nan_inf_block.fits": "",
    "one_d.fits": "one_dimensional",
    "random_bytes.fits": "not_fits",
    "random_groups.fits": "random_groups",
    "rgb_cube_3xHxW.fits": "cube",
    "rice.fits.fz": "",
    "saturated.fits": "",
    "scale.fits": "too_small",
    "strip_4xN.fits": "too_small",
    "table.fits": "table",
    "tiny_8x8.fits": "too_small",
    "truncated_60pct.fits": "truncated",
    "truncated_header_only.fits": "truncated",
    "zero_bytes.fits": "empty",
}
"""File, and the kind of its failure; empty: it is read."""


def every(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".fit", ".fits")]


@pytest.mark.parametrize(("name", "kind"), ODD.items())
def test_each_odd_file_has_one_clean_outcome(real_frames, arrive, name: str, kind: str) -> None:
    path = real_frames / "odd" / name
    if not path.exists():
        pytest.skip("not among these real frames")
    if kind:
        with pytest.raises((Unreadable, Unsupported)) as caught:
            Reader().read(arrive(path))
        assert caught.value.kind == kind
        assert str(caught.value).endswith(".")
    else:
        assert np.isfinite(Reader().read(arrive(path)).pixels).all()


def test_no_odd_file_is_left_out(real_frames) -> None:
    assert {path.name for path in (real_frames / "odd").iterdir()} <= set(ODD)


def test_a_packed_frame_is_the_frame(real_frames, arrive) -> None:
    odd = real_frames / "odd"
    frames = [Reader().read(arrive(odd / name)) for name in ("int32.fits", "rice.fits.fz", "mono16_zlib.xisf")]
    for frame in frames[1:]:
        np.testing.assert_array_equal(frame.pixels, frames[0].pixels)


def test_maxim_night(real_frames, arrive) -> None:
    kinds = []
    for path in every(real_frames / "night_tres1")[::6]:
        opened = Reader().open(arrive(path))
        kinds.append(opened.meta.kind)
        assert opened.meta.program == "MaxIm DL"
        assert opened.meta.exposure_s == 60.0
        assert opened.meta.date_obs_utc is not None
        assert opened.meta.focal_mm is None
        assert opened.meta.scale_arcsec_px is None
        assert opened.meta.binning == 2
        assert opened.meta.pixel_um == 13.6
        assert opened.meta.notes == ()
        frame = opened.frame()
        with fits.open(path) as units:
            np.testing.assert_array_equal(frame.pixels, units[0].data)
    assert kinds[0] == "dark"
    assert set(kinds[1:]) == {"light"}


def test_seestar(real_frames, arrive) -> None:
    for path in every(real_frames / "seestar_m94")[::5]:
        frame = Reader().read(arrive(path))
        assert (frame.meta.program, frame.meta.target, frame.meta.filter) == ("Seestar", "M 94", "IRCUT")
        assert frame.meta.bayer == "GRBG"
        assert frame.sensor_px_per_px == 2
        assert frame.sensor_shape == (1920, 1080)
        assert frame.pixels.shape == (960, 540)
        assert frame.meta.scale_arcsec_px == pytest.approx(2.393, abs=0.001)
        with fits.open(path) as units:
            cells = units[0].data.astype(np.float64).reshape(960, 2, 540, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(frame.pixels, cells, atol=0.5)


def test_voyager_focus_run(real_frames, arrive) -> None:
    for path in every(real_frames / "focus_run_c8"):
        frame_meta = Reader().open(arrive(path)).meta
        assert (frame_meta.program, frame_meta.kind, frame_meta.filter) == ("Voyager", "light", "R")
        assert frame_meta.scale_arcsec_px == pytest.approx(0.5599, abs=0.001)
        assert frame_meta.site_lon_deg == pytest.approx(-78.806, abs=0.001)
        # The name and the header may differ by a move of the focuser.
        assert frame_meta.focuser_position == pytest.approx(int(path.name.split("_")[2]), abs=60)


def test_every_other_real_frame_reads(real_frames, arrive) -> None:
    kinds = {}
    for folder in ("huntsman", "streaks"):
        for path in every(real_frames / folder):
            frame = Reader().read(arrive(path))
            kinds[path.name] = frame.meta.kind
            assert frame.meta.exposure_s is not None
            assert frame.meta.date_obs_utc is not None
    assert kinds["dark_0.fits"] == "dark"
    assert kinds["science_0.fits"] == "light"
