"""Numbers of a real night, where it is at hand. Stars are found with sep, so that only measuring is tested."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sep

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.read import Reader
from astro_monitor.records import Arrival, Baseline, Detections, SkyMap
from astro_monitor.testing.measuring import measured_against

FRAMES = Path(os.environ.get("ASTRO_MONITOR_REAL_FRAMES", Path(__file__).parents[4] / "shared" / "frames"))
NIGHT = FRAMES / "night_tres1"
pytestmark = [pytest.mark.real, pytest.mark.skipif(not NIGHT.is_dir(), reason="no real frames here")]


def read(path):
    now = datetime.now(UTC)
    return Reader().read(
        Arrival(
            path=path,
            root=path.parent,
            size_bytes=path.stat().st_size,
            mtime_ns=path.stat().st_mtime_ns,
            first_seen_utc=now,
            settled_utc=now,
            how="named",
        )
    )


def examine(number, baseline):
    path = next(NIGHT.glob(f"tres1-{number:03d}*.fit"), NIGHT / "none")
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    frame = read(path)
    light = frame.pixels.astype(np.float32)
    sky = sep.Background(light, bw=64, bh=64)
    sources = sep.extract(light - sky.back(), 4, err=sky.globalrms, minarea=5)
    sources = sources[np.argsort(-sources["flux"])]
    height, width = light.shape
    mesh = sky.back()[: height // 64 * 64, : width // 64 * 64].reshape(height // 64, 64, width // 64, 64)
    detections = Detections(
        frame_id=frame.frame_id,
        x_px=sources["x"].astype(np.float32),
        y_px=sources["y"].astype(np.float32),
        score=np.ones(len(sources), np.float32),
        kind=np.zeros(len(sources), np.uint8),
        peak_adu=sources["peak"].astype(np.float32),
        snr=(sources["flux"] / sky.globalrms / np.sqrt(sources["npix"])).astype(np.float32),
        bin_factor=1,
        streaks=(),
        sky=SkyMap(level_adu=mesh.mean(axis=(1, 3)), noise_adu=float(sky.globalrms), cell_px=64),
        model="sep",
    )
    return measured_against(frame, detections, baseline)[1]


def test_a_real_night_is_measured_as_it_was(no_baseline):
    sharp = examine(30, no_baseline)
    baseline = Baseline(key=no_baseline.key, size=1, reference_stars=sharp.bright_stars)
    cloudy, soft = examine(33, baseline), examine(198, baseline)
    # The mean profile of the 42 brightest stars of frame 30 has a FWHM of 1.89 px with the pixel in it, 1.76 without.
    assert sharp.values["fwhm_px"] == pytest.approx(1.8, rel=0.07)
    # Focus drifts: HFR by 1.4, as does the width.
    assert soft.values["hfr_px"] / sharp.values["hfr_px"] == pytest.approx(1.4, abs=0.1)
    assert 1.3 < soft.values["fwhm_px"] / sharp.values["fwhm_px"] < 1.65
    assert cloudy.values["extinction_mag"] > 0.03
    assert cloudy.values["background_gradient_adu"] > 1.3 * sharp.values["background_gradient_adu"]
    for frame in (cloudy, soft):
        assert frame.values["matched_star_count"] > 80
    # The field drifts through the night.
    assert soft.values["offset_px"] > cloudy.values["offset_px"]


def test_a_dark_frame_has_no_stars_worth_the_name(no_baseline):
    dark = examine(1, no_baseline)
    assert dark.values["fwhm_px"] is None or dark.values["fwhm_px"] < 1.0


@pytest.mark.skipif(not (FRAMES / "focus_run_c8").is_dir(), reason="no real frames here")
def test_a_real_focus_run_on_one_star_is_monotonic(no_baseline):
    """From far inside the focus to far outside it; in the best frame the star's half maximum is 2.75 px across."""
    detector = Detector(open_model("star-unet", provider="cpu", threads=1))
    widths, radii = {}, {}
    for path in (FRAMES / "focus_run_c8").iterdir():
        frame = read(path)
        values = measured_against(frame, detector.detect(frame), no_baseline)[1].values
        position = int(path.name.split("_")[2])
        widths[position], radii[position] = values["fwhm_px"], values["hfr_px"]
    assert min(value for value in widths.values() if value) == widths[8000] == pytest.approx(2.7, rel=0.15)
    for sizes in (widths, radii):
        inside = [sizes[at] for at in sorted(sizes) if at <= 8000 and sizes[at] is not None]
        outside = [sizes[at] for at in sorted(sizes) if at >= 8000 and sizes[at] is not None]
        assert len(inside) >= 6
        assert (np.diff(inside) < 0).all()
        assert (np.diff(outside) > 0).all()
