"""What lies in the folders of real nights, through all stages and real models: each file has its right outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.archive import find_frames, grade_files
from astro_monitor.clock import SystemClock
from astro_monitor.demo import Rig, Sky, demo_night, render_exposure
from astro_monitor.settings import Settings

pytestmark = pytest.mark.slow

RIG = Rig(height_px=720, width_px=960)
START = datetime(2024, 3, 1, 22, 0, tzinfo=UTC)


@dataclass
class Folder:
    """A folder of frames that is filled and then graded."""

    path: Path
    number: int = 0
    cards: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, pixels: np.ndarray, **cards: Any) -> Path:
        header = fits.Header({"IMAGETYP": "Light Frame", "EXPTIME": 60.0, "OBJECT": "M 31", "FILTER": "L"})
        header["DATE-OBS"] = (START + timedelta(minutes=self.number)).isoformat(timespec="seconds")[:19]
        for keyword, value in cards.items():
            keyword = keyword.replace("_", "-")
            if value is None:
                del header[keyword]
            else:
                header[keyword] = value
        self.number += 1
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fits.PrimaryHDU(pixels, header).writeto(path)
        return path

    def grade(self, settings: Settings | None = None) -> dict[str, dict[str, Any]]:
        """Return the body of each file's document, with its kind."""
        done = grade_files(find_frames([self.path]), settings or Settings(), SystemClock())
        return {document.body["relative_path"]: {"kind": document.kind, **document.body} for _, document, _ in done}


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def light() -> np.ndarray:
    exposure = next(one for one in demo_night(10) if one.expected == "good")
    return render_exposure(RIG, Sky.seeded(RIG, stars=500), exposure)


def noisy(electrons: np.ndarray, seed: int, offset: float = 500.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(electrons.shape) * np.sqrt(np.maximum(electrons, 0) + 9)
    return np.clip(np.rint((electrons + drawn) / 0.8 + offset), 0, 65535).astype(np.uint16)


def test_products_are_skipped_and_the_raw_light_among_them_is_kept(folder, light) -> None:
    unit = (light / 65535).astype("f4")
    folder.add("raw.fits", light, SWCREATE="N.I.N.A. 3.1")
    folder.add("pp_light.fit", unit, SWCREATE="N.I.N.A. 3.1", PROGRAM="Siril 1.2.1")
    folder.add("dss.fit", unit, SWCREATE="N.I.N.A. 3.1", SOFTWARE="DeepSkyStacker 5.1.6")
    folder.add("app.fits", unit, SWCREATE="N.I.N.A. 3.1", SOFTWARE="Astro Pixel Processor by Aries Productions")
    folder.add("maxim.fit", light, SWCREATE="MaxIm DL Version 6.40", CALSTAT="BDF")
    found = folder.grade()
    assert found.pop("raw.fits")["decision"] == "keep"
    assert {body["kind"] for body in found.values()} == {"frame.skipped"}
    assert {body["type"] for body in found.values()} == {"product"}
    assert found["dss.fit"]["why"] == "SOFTWARE says this is a product of DeepSkyStacker, so it is not graded."


def test_an_observatory_may_have_its_calibrated_frames_graded(folder, light) -> None:
    folder.add("light.fit", light - 500, SWCREATE="MaxIm DL Version 6.40", CALSTAT="BDF", PEDESTAL=-100)
    folder.add("stack.fit", light - 500, CALSTAT="BDFS")
    folder.add("flat.fit", light - 500, CALSTAT="BDF", IMAGETYP="Flat Field")
    found = folder.grade(Settings(judge={"grade_calibrated": True}))
    assert found["light.fit"]["decision"] == "keep"
    assert found["light.fit"]["meta"]["kind"] == "light"
    assert found["light.fit"]["measurements"]["pedestal_adu"] == 100.0
    assert found["stack.fit"]["type"] == "product"
    assert found["flat.fit"]["type"] == "flat"


def test_calibration_frames_that_call_themselves_light_are_never_kept(folder, light) -> None:
    shape = light.shape
    y, x = np.mgrid[: shape[0], : shape[1]]
    vignetting = 1 - 0.25 * (((x / shape[1] - 0.5) ** 2 + (y / shape[0] - 0.5) ** 2) * 2)
    hot = np.random.default_rng(3).choice(shape[0] * shape[1], 1500, replace=False)
    dark = np.full(shape, 5.0)
    dark.ravel()[hot] += np.random.default_rng(4).exponential(900, 1500)
    stars = np.maximum((light.astype(float) - np.median(light)) * 0.8, 0) * 3
    for number in range(2):
        folder.add(f"dark_{number}.fits", noisy(dark, number))
        folder.add(f"bias_{number}.fits", noisy(np.zeros(shape), 10 + number), EXPTIME=0.001)
        folder.add(f"panel_{number}.fits", noisy(24000 * vignetting, 20 + number), EXPTIME=2.0)
        folder.add(f"sky_{number}.fits", noisy(25000 * vignetting + stars, 30 + number), EXPTIME=5.0)
        folder.add(f"wizard_{number}.fits", noisy(24000 * vignetting, 40 + number), OBJECT="FlatWizard")
        folder.add(f"untyped_{number}.fits", noisy(dark, 50 + number), IMAGETYP=None, OBJECT=None)
    found = folder.grade()
    assert len(found) == 12
    for name, body in found.items():
        if name.startswith("wizard"):
            assert (body["kind"], body["type"]) == ("frame.skipped", "flat")
        else:
            assert body["decision"] != "keep", name
    assert "of saturation" in " ".join(reason["sentence"] for reason in found["sky_0.fits"]["reasons"])


def test_frames_of_guider_focuser_and_test_shots_are_skipped(folder, light) -> None:
    small = light[:480, :640]
    folder.add("guide_1.fits", small, IMAGETYP=None, CREATOR="PHD2 Guiding 2.6.13", EXPTIME=1.5)
    folder.add("AutoFocus/1.fits", small, EXPTIME=4.0)
    folder.add("shot.fits", light, IMAGETYP="SNAPSHOT")
    folder.add("light.fits", light)
    found = folder.grade()
    assert found.pop("light.fits")["decision"] == "keep"
    types = {name: (body["type"], body["keyword"]) for name, body in found.items()}
    assert types == {
        "guide_1.fits": ("guide", "CREATOR"), "AutoFocus/1.fits": ("focus", ""), "shot.fits": ("snapshot", "IMAGETYP"),
    }  # fmt: skip


def test_borders_and_overscan_cost_a_frame_nothing(folder, light) -> None:
    real = light.astype("f4")
    bordered, turned = real.copy(), real.copy()
    bordered[:60], bordered[:, -90:] = np.nan, np.nan
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    outside = np.abs((x - 480) * 0.94 + (y - 360) * 0.34) > 420
    turned[outside] = 0
    overscan = np.hstack([light, noisy(np.zeros((light.shape[0], 32)), 5)])
    folder.add("plain.fits", light)
    folder.add("nan.fits", bordered)
    folder.add("turned.fits", turned)
    folder.add("overscan.fits", overscan, BIASSEC="[961:992,1:720]", TRIMSEC="[1:960,1:720]")
    found = folder.grade()
    plain = found["plain.fits"]["measurements"]
    for name, body in found.items():
        assert (body["decision"], body["class"]) == ("keep", "good"), name
        assert body["flags"] == found["plain.fits"]["flags"], name
        assert body["measurements"]["fwhm_px"] == pytest.approx(plain["fwhm_px"], rel=0.03)
        assert body["measurements"]["background_adu"] == pytest.approx(plain["background_adu"], abs=4.0)
        assert body["measurements"]["background_noise_adu"] == pytest.approx(plain["background_noise_adu"], rel=0.03)
    over = found["overscan.fits"]
    assert (over["meta"]["width_px"], over["meta"]["height_px"]) == (960, 720)
    assert over["measurements"]["pedestal_adu"] == pytest.approx(500.0, abs=2.0)
    assert over["meta"]["sources"]["pedestal_adu"] == "BIASSEC"


def test_a_change_of_units_is_no_cloud(folder, light) -> None:
    for number in range(9):
        again = light if number < 6 else (light / 65535).astype("f4")
        noise = np.random.default_rng(number).normal(0, 1e-6 if number >= 6 else 1.0, light.shape)
        folder.add(f"{number}.fits", (again + noise).astype(again.dtype))
    found = folder.grade()
    assert {body["decision"] for body in found.values()} == {"keep"}
    sentences = [reason["sentence"] for reason in found["6.fits"]["reasons"] if reason["rule"] == "based_anew"]
    assert "another unit, no cloud" in sentences[0]
