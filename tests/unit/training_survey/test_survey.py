"""Survey fields: the real code path on recorded answers of SkyView, and on fields of a seeded sky."""

from __future__ import annotations

import io
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("astroquery", reason="needs the 'train' extra")
pytest.importorskip("sep")
pytestmark = pytest.mark.training

from training.survey.command import fetch_fields, main  # noqa: E402
from training.survey.field import MASK_SNR, FieldError, make_field, reach_px  # noqa: E402
from training.survey.pointings import Pointing, draw_pointings, split_of  # noqa: E402
from training.survey.sources import (  # noqa: E402
    PAIRS,
    SkyView,
    StarCatalogue,
    SurveyError,
    SurveyImage,
    Vizier,
    star_catalogue,
    survey_image,
)  # fmt: skip

PAIR = PAIRS["2mass-j"]
SIZE_PX = 384
FWHM_PX = 2.8
NOISE = 1.5
ZERO_POINT = 20.0
HERE = Pointing(number=0, ra_deg=150.1, dec_deg=22.2, galactic_latitude_deg=49.0)


class SeededSky:
    """Stands for both services: stars of known places, some of which the catalogue does not know."""

    def __init__(self, uncatalogued: int = 12) -> None:
        rng = np.random.default_rng(11)
        self.asked = 0
        self.header = WCS(naxis=2)
        self.header.wcs.crpix, self.header.wcs.crval = [SIZE_PX / 2] * 2, [HERE.ra_deg, HERE.dec_deg]
        self.header.wcs.cdelt, self.header.wcs.ctype = [-1 / 3600, 1 / 3600], ["RA---TAN", "DEC--TAN"]
        grid = np.stack(np.meshgrid(np.arange(20, SIZE_PX - 20, 26), np.arange(20, SIZE_PX - 20, 26)), -1).reshape(
            -1, 2
        )
        self.places = rng.permutation(grid + rng.uniform(-4, 4, grid.shape))
        self.magnitude = rng.uniform(9.0, 17.5, len(grid))
        self.magnitude[:uncatalogued] = 12.5
        self.known = np.arange(len(grid)) >= uncatalogued
        sigma = FWHM_PX / 2.3548
        y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
        pixels = rng.normal(100, NOISE, (SIZE_PX, SIZE_PX))
        for (px, py), flux in zip(self.places, 10 ** (-0.4 * (self.magnitude - ZERO_POINT)), strict=True):
            pixels += flux / (2 * math.pi * sigma**2) * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
        self.pixels = pixels.astype(np.float32)

    def image(self, pointing: Pointing, size_px: int) -> SurveyImage:
        self.asked += 1
        return SurveyImage(self.pixels, self.header.to_header(), "a seeded sky")

    def stars(self, pointing: Pointing, radius_deg: float) -> StarCatalogue:
        ra, dec = self.header.all_pix2world(self.places[self.known, 0], self.places[self.known, 1], 0)
        names = tuple(f"S{number}" for number in range(len(ra)))
        return StarCatalogue(ra, dec, self.magnitude[self.known], names, "a seeded catalogue")


@pytest.fixture(scope="module")
def sky() -> SeededSky:
    return SeededSky()


def test_positions_are_seeded_even_per_area_and_away_from_the_plane():
    drawn = draw_pointings(600, 3)
    assert drawn[:50] == draw_pointings(50, 3)
    assert drawn != draw_pointings(600, 4)
    assert all(abs(p.galactic_latitude_deg) >= 10 for p in drawn)
    # Even per area: half of the sky lies within 30 degrees of the equator, the same half of what is off the plane.
    near = np.mean([abs(p.dec_deg) < 30 for p in drawn])
    assert near == pytest.approx(0.5, abs=0.07)


def test_dense_fields_lie_on_the_plane_and_limits_hold():
    dense = draw_pointings(40, 3, dense=True, dec_range_deg=(-10, 70))
    assert all(abs(p.galactic_latitude_deg) < 10 and -10 <= p.dec_deg <= 70 for p in dense)
    with pytest.raises(ValueError, match="no sky"):
        draw_pointings(1, 1, dec_range_deg=(20, 20))


@given(st.floats(0, 359.999), st.floats(-89.9, 89.9))  # the last float before 360 becomes 720 when 360 is added
def test_every_position_has_one_split(ra_deg, dec_deg):
    assert split_of(ra_deg, dec_deg) in ("train", "validation", "test")
    assert split_of(ra_deg + 360, dec_deg) == split_of(ra_deg, dec_deg)


def test_splits_have_their_shares():
    splits = [split_of(p.ra_deg, p.dec_deg) for p in draw_pointings(3000, 8)]
    assert splits.count("test") / 3000 == pytest.approx(0.15, abs=0.04)
    assert splits.count("validation") / 3000 == pytest.approx(0.15, abs=0.04)


def test_a_name_gives_the_position():
    assert Pointing(number=0, ra_deg=188.5, dec_deg=-1.25, galactic_latitude_deg=60).name == "J123400-011500"


def test_the_field_is_calibrated_on_the_image_itself(sky):
    field = make_field(sky.image(HERE, SIZE_PX), sky.stars(HERE, 1))
    assert field.noise_adu == pytest.approx(NOISE, rel=0.1)
    assert field.fwhm_px == pytest.approx(FWHM_PX, rel=0.12)
    assert field.zero_point_mag == pytest.approx(ZERO_POINT, abs=0.1)
    assert len(field.stars) == sky.known.sum()
    placed = field.stars[np.argsort(field.stars["name"])]
    wanted = sky.places[sky.known][np.argsort([f"S{n}" for n in range(sky.known.sum())])]
    assert np.hypot(placed["x_px"] - wanted[:, 0], placed["y_px"] - wanted[:, 1]).max() < 1e-3


def test_the_mask_follows_the_light_of_a_star_and_not_its_rank(sky):
    field = make_field(sky.image(HERE, SIZE_PX), sky.stars(HERE, 1))
    bright, faint = field.stars[0], field.stars[-1]
    assert bright["in_mask"]
    assert bright["radius_px"] > 2 * faint["radius_px"]
    assert not faint["in_mask"]
    assert faint["snr"] < MASK_SNR
    assert field.mask[round(float(bright["y_px"])), round(float(bright["x_px"]))] == 1
    assert field.mask.mean() < 0.5


@given(st.floats(1, 1e6), st.floats(1.5, 8), st.floats(0.1, 100))
def test_more_light_reaches_farther_and_never_less_than_half_the_width(flux, fwhm_px, noise):
    radius, wider = reach_px(np.array([flux, 2 * flux], np.float32), fwhm_px, noise)
    assert wider >= radius >= 0.5 * fwhm_px


def test_an_image_of_another_place_is_refused(sky):
    catalogue = sky.stars(HERE, 1)
    elsewhere = StarCatalogue(catalogue.ra_deg + 0.0031, catalogue.dec_deg, catalogue.magnitude, catalogue.names, "")
    with pytest.raises(FieldError, match="stars of the catalogue"):
        make_field(sky.image(HERE, SIZE_PX), elsewhere)
    with pytest.raises(FieldError, match="world coordinates"):
        make_field(SurveyImage(sky.pixels, fits.Header(), ""), catalogue)


def test_a_field_is_one_file_with_provenance_and_is_fetched_once(sky, tmp_path):
    asked = sky.asked
    assert fetch_fields(tmp_path, [HERE], PAIR, SIZE_PX, sky, sky) == 1
    assert fetch_fields(tmp_path, [HERE], PAIR, SIZE_PX, sky, sky) == 1
    assert sky.asked == asked + 1
    with fits.open(tmp_path / f"{HERE.name}.fits", checksum=True) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "STARS", "MASK"]
        header = hdus[0].header
        assert header["SPLIT"] == split_of(HERE.ra_deg, HERE.dec_deg)
        assert header["SOURCE"] == "a seeded sky; a seeded catalogue"
        assert header["LICENCE"] == PAIR.licence
        assert len(hdus["STARS"].data) == sky.known.sum()
        assert hdus["MASK"].data.shape == hdus[0].data.shape
    assert (tmp_path / f"{HERE.name}.png").read_bytes()[:4] == b"\x89PNG"


def test_the_star_finder_is_matched_and_uncatalogued_stars_are_confirmed(sky, tmp_path):
    fetch_fields(tmp_path, [HERE], PAIR, SIZE_PX, sky, sky)
    assert main(["--folder", str(tmp_path), "crossmatch"]) == 0
    lines = (tmp_path / "crossmatch.md").read_text("utf-8").splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")[2:-1]]
    catalogue, matched, missed, detections, _, confirmed = map(int, cells[:6])
    assert matched + missed == catalogue
    assert matched >= 0.9 * catalogue
    assert confirmed >= 11  # twelve stars that the catalogue does not have
    assert detections >= matched + confirmed


def test_a_failing_service_costs_its_field_alone(sky, tmp_path):
    class Broken:
        def image(self, pointing: Pointing, size_px: int) -> SurveyImage:
            if pointing.number == 0:
                raise SurveyError("no answer")
            return sky.image(pointing, size_px)

    other = Pointing(number=1, ra_deg=HERE.ra_deg, dec_deg=HERE.dec_deg, galactic_latitude_deg=49)
    gone = Pointing(number=0, ra_deg=10, dec_deg=10, galactic_latitude_deg=-50)
    assert fetch_fields(tmp_path, [gone, other], PAIR, SIZE_PX, Broken(), sky) == 1


def test_skyview_is_asked_for_the_field_and_its_answer_is_read(sky, monkeypatch):
    import astroquery.skyview as service
    from astroquery.utils import commons

    pages = Path(service.__file__).parent / "tests" / "data"
    file = io.BytesIO()
    fits.PrimaryHDU(sky.pixels, sky.header.to_header()).writeto(file)
    asked = {}

    def answer(method, url, cache=False, params=None, **_):
        asked.update(params or {})
        page = "results.html" if "runquery.pl" in url else "query_page.html"
        return SimpleNamespace(content=(pages / page).read_bytes(), url=url, raise_for_status=lambda: None)

    monkeypatch.setattr(service.SkyView, "_request", answer)
    monkeypatch.setattr(commons, "get_readable_fileobj", lambda *_, **__: io.BytesIO(file.getvalue()))
    image = SkyView(PAIR).image(HERE, SIZE_PX)
    assert (asked["survey"], asked["pixels"]) == (PAIR.survey, str(SIZE_PX))
    assert asked["Position"].startswith("150.1")
    assert image.pixels.shape == (SIZE_PX, SIZE_PX)
    assert WCS(image.header).celestial.has_celestial


def test_vizier_is_asked_for_the_band_of_the_image_and_its_table_is_read(sky, monkeypatch):
    from astroquery.vizier import core

    catalogue = sky.stars(HERE, 1)
    table = Table(
        {
            "_RAJ2000": catalogue.ra_deg,
            "_DEJ2000": catalogue.dec_deg,
            "Jmag": catalogue.magnitude,
            "_2MASS": catalogue.names,
        }
    )
    table = Table(table, masked=True)
    table["Jmag"].mask = [number == 3 for number in range(len(table))]
    text = io.BytesIO()
    table.write(text, format="votable", table_id="II_246_out")
    named = text.getvalue().replace(b'ID="II_246_out"', b'ID="II_246_out" name="II/246/out"')
    asked = []

    def answer(self, method, url=None, data=None, **_):
        asked.append(str(data))
        return SimpleNamespace(content=named, text="", raise_for_status=lambda: None, url=url)

    monkeypatch.setattr(core.VizierClass, "_request", answer)
    got = Vizier(PAIR).stars(HERE, 0.1)
    assert "II/246/out" in asked[0]
    assert "Jmag" in asked[0]
    assert len(got.names) == len(catalogue.names) - 1
    assert got.source == "VizieR II/246/out Jmag"


def test_services_that_fail_say_so_in_one_sentence(monkeypatch):
    import astroquery.skyview as service
    from astroquery.vizier import core

    def down(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(service.SkyView, "_request", down)
    monkeypatch.setattr(core.VizierClass, "_request", down)
    with pytest.raises(SurveyError, match=r"no route$"):
        SkyView(PAIR).image(HERE, SIZE_PX)
    with pytest.raises(SurveyError, match=r"no route$"):
        Vizier(PAIR).stars(HERE, 0.1)


@pytest.mark.parametrize("pixels", [np.zeros((8, 8)), np.full((8, 8), np.nan), np.ones((2, 2, 2)), None])
def test_empty_answers_are_no_images(pixels):
    hdus = fits.HDUList([fits.PrimaryHDU(None if pixels is None else pixels.astype(np.float32))])
    with pytest.raises(SurveyError):
        survey_image(hdus, "a survey")


def test_a_table_without_the_band_is_refused():
    with pytest.raises(SurveyError, match="Jmag"):
        star_catalogue(Table({"_RAJ2000": [1.0], "_DEJ2000": [2.0]}), PAIR)
