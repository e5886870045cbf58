"""The shipped star finder on whole frames with what sensors and readers add: no streak; and with a trail: one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.records import Arrival, Frame, FrameMeta, Streak

SHAPE = (600, 800)
Y, X = (axis.astype(float) for axis in np.mgrid[: SHAPE[0], : SHAPE[1]])
FWHM_PX = 2.8


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(open_model("star-unet", provider="cpu", threads=1))


def electrons(seed: int, sky_e: float, stars: int = 220) -> np.ndarray:
    """A field of Moffat stars on a flat sky, without noise."""
    rng = np.random.default_rng(seed)
    light = np.full(SHAPE, float(sky_e))
    alpha2 = (FWHM_PX / 2) ** 2 / (2 ** (1 / 3.5) - 1)
    for x, y, flux in zip(
        rng.uniform(0, SHAPE[1], stars),
        rng.uniform(0, SHAPE[0], stars),
        700 * (1 + rng.pareto(0.9, stars)),
        strict=True,
    ):
        rows = slice(max(int(y) - 18, 0), int(y) + 19)
        columns = slice(max(int(x) - 18, 0), int(x) + 19)
        r2 = (X[rows, columns] - x) ** 2 + (Y[rows, columns] - y) ** 2
        light[rows, columns] += min(flux, 4e5) * 2.5 / (np.pi * alpha2) * (1 + r2 / alpha2) ** -3.5
    return light


def exposed(light: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(1000 + seed)
    return light + rng.standard_normal(SHAPE) * np.sqrt(np.maximum(light, 0) + 9) + 480


def streaks(detector: Detector, pixels: np.ndarray, dtype: type = np.uint16) -> tuple[Streak, ...]:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    pixels = np.rint(pixels).clip(0, 65535).astype(dtype)
    pixels.flags.writeable = False
    arrival = Arrival(
        path=Path("a.fits"), root=Path(), size_bytes=1, mtime_ns=0, first_seen_utc=now, settled_utc=now, how="named"
    )
    frame = Frame(
        frame_id="0" * 16, sha256="0" * 64, arrival=arrival, meta=FrameMeta(), pixels=pixels, sensor_px_per_px=1,
        sensor_shape=SHAPE, saturation_adu=65535.0,
    )  # fmt: skip
    return detector.detect(frame).streaks


def trail_e(height_e: float) -> np.ndarray:
    across = (Y - 0.62 * X - 40) / np.hypot(1, 0.62)
    return np.asarray(height_e * np.exp(-4 * np.log(2) * (across / FWHM_PX) ** 2))


@pytest.mark.parametrize(("sky_e", "glow_e"), [(1200.0, 900.0), (60.0, 260.0), (60.0, 800.0)])
@pytest.mark.parametrize("seed", range(5))
def test_amplifier_glow_from_an_edge_and_a_corner(detector: Detector, sky_e: float, glow_e: float, seed: int) -> None:
    from_edge = SHAPE[1] - X
    glow = np.exp(-from_edge / 90) * (0.6 + 0.4 * np.exp(-(((Y - 300) / 200) ** 2)))
    light = electrons(seed, sky_e) + glow_e * (glow + 0.8 * np.exp(-np.hypot(from_edge, Y) / 110))
    assert streaks(detector, exposed(light, seed)) == ()
    (streak,) = streaks(detector, exposed(light + trail_e(0.15 * sky_e + 40), seed))
    assert streak.angle_deg == pytest.approx(31.8, abs=0.5)


@pytest.mark.parametrize("angle_deg", [3, 20, -35, 45])
@pytest.mark.parametrize("fill", ["zero", "median", "pedestal"])
def test_corners_of_a_turned_frame(detector: Detector, angle_deg: float, fill: str) -> None:
    turn, (height, width) = np.radians(angle_deg), SHAPE
    u = (X - width / 2) * np.cos(turn) + (Y - height / 2) * np.sin(turn)
    v = (Y - height / 2) * np.cos(turn) - (X - width / 2) * np.sin(turn)
    outside = (np.abs(u) > 0.42 * width) | (np.abs(v) > 0.4 * height)
    pixels = exposed(electrons(3, 900), 3)
    value = {"zero": 0.0, "median": float(np.median(pixels[~outside])), "pedestal": 480.0}[fill]
    assert streaks(detector, np.where(outside, value, pixels), np.float32) == ()
    with_trail = np.where(outside, value, pixels + trail_e(200))
    assert [round(streak.angle_deg) for streak in streaks(detector, with_trail, np.float32)] == [32]


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("width_px", [5, 24, 60])
def test_overscan(detector: Detector, side: int, width_px: int) -> None:
    pixels = exposed(electrons(4, 900), 4)
    view = np.rot90(pixels, side)
    view[:width_px] = np.random.default_rng(4).normal(480, 3, (width_px, view.shape[1]))
    assert streaks(detector, pixels) == ()


@pytest.mark.parametrize("flux_e", [3e7, 3e8])
def test_charge_and_spikes_of_bright_stars(detector: Detector, flux_e: float) -> None:
    light = electrons(5, 900)
    for x, y in ((240, 200), (610, 420)):
        along, across = np.abs(X - x) + 6, np.abs(Y - y)
        light += 0.002 * flux_e / along**2 * np.exp(-((across / 1.6) ** 2))
        light += 0.002 * flux_e / (across + 6) ** 2 * np.exp(-(((X - x) / 1.6) ** 2))
        light += flux_e * 0.02 * (1 + ((X - x) ** 2 + (Y - y) ** 2) / 3) ** -2.2
        light[y - 150 : y + 180, x - 1 : x + 2] = 7e4
    assert streaks(detector, exposed(light, 5)) == ()


@pytest.mark.parametrize("pitch_deg", [12, 20, 30])
@pytest.mark.parametrize("peak_e", [60.0, 600.0])
def test_a_spiral_galaxy(detector: Detector, pitch_deg: float, peak_e: float) -> None:
    u, v = X - 400, (Y - 300) / 0.6
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    phase = np.angle(np.exp(2j * (angle - np.log(np.maximum(radius, 1) / 80) / np.tan(np.radians(pitch_deg)))))
    off = phase / 2 * radius * np.sin(np.radians(pitch_deg))
    galaxy = np.exp(-radius / 80) * (0.4 + np.exp(-0.5 * (off / 6) ** 2)) + 5 * np.exp(-radius / 9)
    assert streaks(detector, exposed(electrons(6, 900) + peak_e * galaxy, 6)) == ()
