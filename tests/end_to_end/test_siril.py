"""The lists of a small simulated night, stacked by the real Siril."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.documents import MetaView
from astro_monitor.lists import ListedFrame, ListedNotLight, write_lists
from astro_monitor.sinks import siril_version
from astro_monitor.testing.tiff import dng_bytes, tiff_bytes

pytestmark = [pytest.mark.external, pytest.mark.slow]

WIDTH, HEIGHT = 600, 400
SKY_ADU, CLOUD_ADU = 1000, 9000


@pytest.fixture
def siril(need_program) -> str:
    """Give the program; on a continuous-integration machine it has to be there."""
    return need_program("siril-cli", "siril")


def exposure(number: int, dx_px: float, dy_px: float, fwhm_px: float, sky_adu: float) -> np.ndarray:
    """One frame of the same 150 stars, shifted."""
    stars = np.random.default_rng(1)
    x = stars.uniform(20, WIDTH - 20, 150) + dx_px
    y = stars.uniform(20, HEIGHT - 20, 150) + dy_px
    flux = 10 ** stars.uniform(3.4, 4.8, 150)
    sigma = fwhm_px / 2.3548
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.full((HEIGHT, WIDTH), float(sky_adu))
    for cx, cy, total in zip(x, y, flux, strict=True):
        distance = (columns - cx) ** 2 + (rows - cy) ** 2
        image += total / (2 * np.pi * sigma**2) * np.exp(-distance / (2 * sigma**2))
    noisy = np.random.default_rng(100 + number).normal(image, 15.0)
    return np.clip(noisy, 0, 65535).astype(np.uint16)


def write_fits(path: Path, pixels: np.ndarray, extra: tuple[str, ...] = ()) -> None:
    cards = [
        "SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2",
        f"NAXIS1  = {pixels.shape[1]:20d}", f"NAXIS2  = {pixels.shape[0]:20d}", "BZERO   =              32768.0",
        "BSCALE  =                  1.0", "EXPTIME =                 60.0", "IMAGETYP= 'LIGHT   '", *extra, "END",
    ]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).encode("ascii")
    data = (pixels.astype(np.int32) - 32768).astype(">i2").tobytes()
    path.write_bytes(header + b" " * (-len(header) % 2880) + data + b"\0" * (-len(data) % 2880))


def read_stack(path: Path) -> np.ndarray:
    """Read what Siril wrote: a FITS image of 32-bit floats between 0 and 1."""
    content = path.read_bytes()
    end = content.index(b"END" + b" " * 77)
    header = content[:end].decode("ascii")
    start = (end // 2880 + 1) * 2880

    def number(key: str, default: int = 1) -> int:
        found = re.search(rf"{key:<8}= +(-?\d+)", header)
        return int(found.group(1)) if found else default

    assert number("BITPIX") == -32
    shape = (number("NAXIS3"), number("NAXIS2"), number("NAXIS1"))
    return np.frombuffer(content, ">f4", int(np.prod(shape)), start).reshape(shape)


def take_night(folder: Path, *, bayer: str = "") -> list[ListedFrame]:
    """Eight frames: five good ones, one blurred, one under a bright cloud, one to be looked at."""
    folder.mkdir()
    cards = (f"BAYERPAT= '{bayer:<8}'", "ROWORDER= 'TOP-DOWN'") if bayer else ()
    sharp = 4.5 if bayer else 3.0
    plan = {2: ("reject", 9.0, SKY_ADU), 4: ("reject", sharp, CLOUD_ADU), 6: ("review", sharp, CLOUD_ADU)}
    frames = []
    for number in range(8):
        decision, fwhm_px, sky_adu = plan.get(number, ("keep", sharp, SKY_ADU))
        path = folder / f"Light, M 31 é {number}.fits"
        write_fits(path, exposure(number, 1.7 * number, -0.9 * number, fwhm_px, sky_adu), cards)
        frames.append(
            ListedFrame(
                file=str(path), frame_id=f"{number:016x}", decision=decision, weight=1.0 if decision == "keep" else 0.0,
                target="M 31", filter="L", exposure_s=60.0, width_px=WIDTH, height_px=HEIGHT, bayer=bayer,
                date_obs_utc=f"2026-03-01T20:0{number}:00.000Z",
            )
        )  # fmt: skip
    return frames


def stack(siril: str, folder: Path, script: str = "stack.ssf") -> str:
    done = subprocess.run(
        [siril, "-d", str(folder), "-s", script],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def stacked_count(said: str) -> int:
    """Return how many frames are in the last stack that was made; masters come before."""
    found = re.findall(r"(\d+) images have been stacked", said)
    assert found, said[-3000:]
    return int(found[-1])


def test_siril_stacks_the_accepted_frames_and_no_other(siril, tmp_path):
    frames = take_night(tmp_path / "capture")
    before = {path: path.read_bytes() for path in (tmp_path / "capture").iterdir()}
    body = write_lists(frames, tmp_path / "lists", watch_roots=[tmp_path / "capture"])
    folder = tmp_path / "lists" / "m_31_l_60s_600x400" / "siril"

    assert stacked_count(stack(siril, folder)) == body.kept == 5
    result = read_stack(folder / "result.fit")
    assert result.shape == (1, HEIGHT, WIDTH)
    # A mean that holds one of the three frames under cloud or set aside would be 1,600 ADU brighter.
    assert abs(float(np.median(result)) * 65535 - SKY_ADU) < 100
    assert {path: path.read_bytes() for path in (tmp_path / "capture").iterdir()} == before


def test_siril_follows_a_decision_that_was_changed(siril, tmp_path):
    """A second run must not take up what the first has left behind."""
    frames = take_night(tmp_path / "capture")
    write_lists(frames, tmp_path / "lists")
    folder = tmp_path / "lists" / "m_31_l_60s_600x400" / "siril"
    assert stacked_count(stack(siril, folder)) == 5
    fewer = [frame for frame in frames if frame.frame_id != frames[0].frame_id]
    assert write_lists(fewer, tmp_path / "lists").kept == 4
    assert stacked_count(stack(siril, folder)) == 4
    assert stacked_count(stack(siril, folder)) == 4


def test_siril_makes_a_colour_stack_of_colour_frames(siril, tmp_path):
    write_lists(take_night(tmp_path / "capture", bayer="RGGB"), tmp_path / "lists")
    folder = tmp_path / "lists" / "m_31_l_60s_600x400_rggb" / "siril"
    assert stacked_count(stack(siril, folder)) == 5
    assert read_stack(folder / "result.fit").shape == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize("ending", [".dng", ".tif"])
def test_siril_stacks_camera_raw_and_tiff(siril, tmp_path, ending):
    """The files are read by Siril's own LibRaw and libtiff, which know nothing of this program."""
    frames = take_night(tmp_path / "capture", bayer="RGGB" if ending == ".dng" else "")
    other = []
    for number, frame in enumerate(frames):
        path = tmp_path / "capture" / f"{number}{ending}"
        pixels = exposure(number, 1.7 * number, -0.9 * number, 4.5, SKY_ADU)
        path.write_bytes(dng_bytes(np.minimum(pixels, 16_000)) if ending == ".dng" else tiff_bytes(pixels))
        other.append(dataclasses.replace(frame, file=str(path)))
    write_lists(other, tmp_path / "lists")
    (folder,) = (tmp_path / "lists").glob("m_31_l_60s_600x400*")
    assert stacked_count(stack(siril, folder / "siril")) == 5
    planes = 3 if ending == ".dng" else 1
    assert read_stack(folder / "siril" / "result.fit").shape == (planes, HEIGHT, WIDTH)


GAIN, CAMERA = 100.0, "ASI 2600"
BIAS_ADU, DARK_ADU = 500, 300


def vignette() -> np.ndarray:
    """Return how much light reaches each pixel: 1 in the middle, about 0.55 in the corners."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return 1 - 0.45 * (((columns / WIDTH - 0.5) ** 2 + (rows / HEIGHT - 0.5) ** 2) / 0.5)


def take_calibrated_night(folder: Path, *, bayer: str = "") -> tuple[list[ListedFrame], list[ListedNotLight]]:
    """Six lights under a vignette and a dark current that grows to the right, with the darks, flats and biases."""
    folder.mkdir()
    dark = BIAS_ADU + DARK_ADU * np.linspace(0, 4, WIDTH)[None, :] * np.ones((HEIGHT, 1))
    lights, others = [], []
    chance = np.random.default_rng(9)
    cards = (f"BAYERPAT= '{bayer:<8}'", "ROWORDER= 'TOP-DOWN'") if bayer else ()

    def write(name: str, image: np.ndarray) -> str:
        path = folder / name
        write_fits(path, np.clip(chance.normal(image, 8.0), 0, 65535).astype(np.uint16), cards)
        return str(path)

    for number in range(6):
        sky = exposure(number, 1.7 * number, -0.9 * number, 4.0, 2000.0).astype(float)
        path = write(f"light {number}.fits", sky * vignette() + dark)
        lights.append(
            ListedFrame(
                file=path, frame_id=f"{number:016x}", decision="keep", weight=1.0, target="M 31", filter="L",
                bayer=bayer, exposure_s=60.0, width_px=WIDTH, height_px=HEIGHT, gain=GAIN, camera=CAMERA,
                sensor_temp_c=-10.0,                date_obs_utc=f"2026-03-01T20:0{number}:00.000Z",
            )
        )  # fmt: skip
    meta = {
        "width_px": WIDTH,
        "height_px": HEIGHT,
        "gain": GAIN,
        "camera": CAMERA,
        "binning": 1,
        "sensor_temp_c": -10.2,
    }
    images = {"dark": dark, "flat": 20000 * vignette() + BIAS_ADU, "bias": np.full((HEIGHT, WIDTH), float(BIAS_ADU))}
    facts = {"dark": {"exposure_s": 60.0}, "flat": {"filter": "L", "exposure_s": 2.0}, "bias": {"exposure_s": 0.001}}

    def date(number: int) -> dict[str, str]:
        return {"date_obs_utc": f"2026-03-01T18:0{number}:00Z"}

    for kind, image in images.items():
        for number in range(5):
            path = write(f"{kind} {number}.fits", image)
            others.append(
                ListedNotLight(file=path, frame_id=f"{kind}{number}", type=kind, keyword="IMAGETYP", why="",
                               seq=100 + number,
                               meta=MetaView.of({"kind": kind, **meta, **facts[kind], **date(number)}))
            )  # fmt: skip
    return lights, others


def unevenness(image: np.ndarray) -> float:
    """Return by how much the sky of the corners and edges differs from that of the middle, as a fraction."""
    plane = image.mean(axis=0)
    h, w = plane.shape
    patches = [plane[y : y + 60, x : x + 60] for y in (20, h // 2 - 30, h - 80) for x in (20, w // 2 - 30, w - 80)]
    levels = [float(np.median(patch)) for patch in patches]
    return (max(levels) - min(levels)) / max(levels)


@pytest.mark.parametrize("bayer", ["", "RGGB"])
def test_siril_calibrates_with_the_darks_flats_and_biases_that_fit(siril, tmp_path, bayer):
    lights, others = take_calibrated_night(tmp_path / "capture", bayer=bayer)
    write_lists(lights, tmp_path / "plain")
    write_lists(lights, tmp_path / "lists", not_lights=others, siril=siril_version("auto"))
    name = "m_31_l_60s_600x400" + (f"_{bayer.lower()}" if bayer else "")
    uneven = []
    for place in ("plain", "lists"):
        folder = tmp_path / place / name / "siril"
        said = stack(siril, folder)
        assert stacked_count(said) == 6
        uneven.append(unevenness(read_stack(folder / "result.fit")))
    script = (tmp_path / "lists" / name / "siril" / "stack.ssf").read_text("ascii")
    assert "Calibrated with 5 darks, 5 flats, 5 biases of the same camera and gain." in script
    assert uneven[0] > 0.25
    assert uneven[1] < 0.02


def test_siril_takes_masters_before_single_frames(siril, tmp_path):
    """The masters are those that Siril itself has made of the single frames."""
    lights, others = take_calibrated_night(tmp_path / "capture")
    write_lists(lights, tmp_path / "raw", not_lights=others)
    folder = tmp_path / "raw" / "m_31_l_60s_600x400" / "siril"
    stack(siril, folder)
    masters = []
    for kind in ("dark", "flat"):
        (made,) = folder.glob(f"process_*/master_{kind}.fit")
        path = made.rename(tmp_path / "capture" / f"master_{kind}.fit")
        meta = next(other.meta for other in others if other.type == kind)
        masters.append(ListedNotLight(file=str(path), frame_id=f"master {kind}", type="product", keyword="PROGRAM",
                                      why="", seq=200, meta=replace(meta, frame_type=f"Master {kind}")))  # fmt: skip
    write_lists(lights, tmp_path / "lists", not_lights=[*others, *masters])
    folder = tmp_path / "lists" / "m_31_l_60s_600x400" / "siril"
    assert stacked_count(stack(siril, folder)) == 6
    assert "Calibrated with a master dark, a master flat" in (folder / "stack.ssf").read_text("ascii")
    assert unevenness(read_stack(folder / "result.fit")) < 0.02


def test_siril_weights_the_stack_where_it_can(siril, tmp_path):
    """The noisier half of the frames counts less: the noise of the stack is below that of equal weights."""
    frames = take_night(tmp_path / "capture")
    chance, noise = np.random.default_rng(4), []
    for number, frame in enumerate(frames):
        # A bright structure in the sky: without one, the normalization alone would make the noise equal.
        pixels = exposure(number, 1.7 * number, -0.9 * number, 3.0, SKY_ADU) + 4000 * vignette()
        pixels += chance.normal(0, 60.0 if number % 2 else 1.0, (HEIGHT, WIDTH))
        write_fits(Path(frame.file), np.clip(pixels, 0, 65535).astype(np.uint16))
    kept = [dataclasses.replace(frame, decision="keep", weight=1.0) for frame in frames]
    for place, version in (("equal", None), ("weighted", siril_version("auto"))):
        write_lists(kept, tmp_path / place, siril=version)
        folder = tmp_path / place / "m_31_l_60s_600x400" / "siril"
        assert stacked_count(stack(siril, folder)) == 8
        image = read_stack(folder / "result.fit")[0, 100:300, 100:500]
        noise.append(float(np.median(np.abs(np.diff(image)))))
    assert noise[1] < 0.8 * noise[0]


def test_siril_finishes_with_what_is_there_and_with_what_a_person_has_added(siril, tmp_path):
    frames = take_night(tmp_path / "capture")
    write_lists(frames, tmp_path / "lists")
    folder = tmp_path / "lists" / "m_31_l_60s_600x400" / "siril"
    Path(frames[0].file).unlink()
    mine = folder / "lights" / "of_another_night.fit"
    write_fits(mine, exposure(50, 3.0, 3.0, 3.0, SKY_ADU))
    body = write_lists([frames[0].gone(), *frames[1:]], tmp_path / "lists")
    assert body.kept == 4
    assert stacked_count(stack(siril, folder)) == 5
    assert mine.is_file()
