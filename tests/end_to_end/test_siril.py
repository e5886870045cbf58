"""The lists of a small simulated night, stacked by the real Siril."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.lists import ListedFrame, write_lists

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


def stack(siril: str, folder: Path) -> str:
    done = subprocess.run(
        [siril, "-d", str(folder), "-s", "stack.ssf"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def stacked_count(said: str) -> int:
    found = re.search(r"(\d+) images have been stacked", said)
    assert found, said[-3000:]
    return int(found.group(1))


def test_siril_stacks_the_accepted_frames_and_no_other(siril, tmp_path):
    frames = take_night(tmp_path / "capture")
    before = {path: path.read_bytes() for path in (tmp_path / "capture").iterdir()}
    body = write_lists(frames, tmp_path / "lists", watch_roots=[tmp_path / "capture"])
    folder = tmp_path / "lists" / "m_31_l_60s_600x400" / "siril"

    assert stacked_count(stack(siril, folder)) == body["kept"] == 5
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
    assert write_lists(fewer, tmp_path / "lists")["kept"] == 4
    assert stacked_count(stack(siril, folder)) == 4
    assert stacked_count(stack(siril, folder)) == 4


def test_siril_makes_a_colour_stack_of_colour_frames(siril, tmp_path):
    write_lists(take_night(tmp_path / "capture", bayer="RGGB"), tmp_path / "lists")
    folder = tmp_path / "lists" / "m_31_l_60s_600x400_rggb" / "siril"
    assert stacked_count(stack(siril, folder)) == 5
    assert read_stack(folder / "result.fit").shape == (3, HEIGHT, WIDTH)
