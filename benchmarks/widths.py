"""Measured widths against the truth and against Siril: ``python -m benchmarks.widths``.

Seeded frames with stars of a known profile (Moffat of four exponents, Gaussian; full width at half maximum 1.3 to 12
pixels) are integrated over pixels, measured by this program, and by the ``register`` command of Siril, which writes its
widths into its .seq file. Prints Markdown tables. Without ``siril-cli`` its columns stay empty.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.demo import write_fits
from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.measure import Measurer
from astro_monitor.read import Reader
from astro_monitor.records import Arrival, Measurements
from astro_monitor.settings import load

SIDE_PX, STARS_ACROSS, JITTER_PX = 1100, 11, 25.0
"""Stars stand on a loose lattice, so that wide ones do not overlap much, at random places within their pixels."""
SKY_E, PEDESTAL_ADU = 400.0, 500.0
"""One electron is one ADU."""
FWHMS_PX = (1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
BETAS: tuple[float | None, ...] = (2.5, 3.0, 3.5, 5.0, None)
"""Exponents of the Moffat profile; ``None`` is a Gaussian."""
SUBPIXELS_PER_FWHM = 12
REACH_FWHM = 5.0
BEST, FAINTEST = 40_000.0, 0.03
"""Height of the brightest star above the sky, ADU, and of the faintest as a share of it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fwhm", type=float, nargs="+", default=list(FWHMS_PX), help="true widths, pixels")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    detector, measurer = Detector(open_model(load().models.star_finder)), Measurer()
    profiles = [(beta, fwhm) for beta in BETAS for fwhm in chosen.fwhm]
    with tempfile.TemporaryDirectory(prefix="bench-widths-") as folder:
        frames = []
        for number, (beta, fwhm) in enumerate(profiles):
            path = Path(folder) / f"light_{number:04d}.fit"
            write_fits(path, field(fwhm, beta, seed=chosen.seed), {"IMAGETYP": "LIGHT", "EXPTIME": 60.0})
            frames.append(path)
        ours = [_measured(path, detector, measurer) for path in frames]
        siril = siril_widths_px(frames, Path(folder) / "siril")
    _print_table(profiles, ours, siril)


def moffat(r2_px2: NDArray[np.float64], fwhm_px: float, beta: float | None) -> NDArray[np.float64]:
    """Profile with a peak of 1; a Gaussian where ``beta`` is ``None``."""
    if beta is None:
        return np.asarray(np.exp(-4 * math.log(2) * r2_px2 / fwhm_px**2), np.float64)
    return np.asarray((1 + 4 * (2 ** (1 / beta) - 1) * r2_px2 / fwhm_px**2) ** -beta, np.float64)


def field(fwhm_px: float, beta: float | None, seed: int = 1) -> NDArray[np.uint16]:
    """Expose one frame.

    Parameters:
        fwhm_px: of the profile before it is integrated over pixels.
        beta: Moffat exponent, or ``None``.
        seed: same seed, same places and heights of the stars, whatever the profile.

    Returns:
        (1100, 1100) pixels.
    """
    rng = np.random.default_rng(seed)
    step = SIDE_PX / STARS_ACROSS
    places = (np.arange(STARS_ACROSS) + 0.5) * step
    x, y = (axis.ravel() + rng.uniform(-JITTER_PX, JITTER_PX, axis.size) for axis in np.meshgrid(places, places))
    height = BEST * FAINTEST ** rng.random(x.size)
    image = np.full((SIDE_PX, SIDE_PX), SKY_E)
    reach = min(math.ceil(REACH_FWHM * fwhm_px) + 2, int(step))
    fine = max(3, 2 * round(SUBPIXELS_PER_FWHM / fwhm_px / 2) + 1)
    steps = (np.arange(fine) + 0.5) / fine - 0.5
    for one_x, one_y, peak in zip(x, y, height, strict=True):
        left, top = max(round(one_x) - reach, 0), max(round(one_y) - reach, 0)
        right, bottom = min(round(one_x) + reach + 1, SIDE_PX), min(round(one_y) + reach + 1, SIDE_PX)
        dx = (np.arange(left, right)[:, None] + steps).ravel() - one_x
        dy = (np.arange(top, bottom)[:, None] + steps).ravel() - one_y
        light = moffat(dx[None, :] ** 2 + dy[:, None] ** 2, fwhm_px, beta)
        light = light.reshape(bottom - top, fine, right - left, fine).mean(axis=(1, 3))
        image[top:bottom, left:right] += peak * light
    image += rng.standard_normal(image.shape) * np.sqrt(image)
    return np.clip(np.rint(image + PEDESTAL_ADU), 0, 65535).astype(np.uint16)


def siril_widths_px(frames: list[Path], work: Path) -> list[float | None]:
    """Widths by Siril's ``register``, in the order of the frames; all ``None`` where Siril is not installed."""
    program = shutil.which("siril-cli")
    if program is None:
        return [None] * len(frames)
    work.mkdir()
    for number, frame in enumerate(frames):
        (work / f"light_{number + 1:05d}.fit").symlink_to(frame)
    script = work / "run.ssf"
    script.write_text("requires 1.0.0\nsetext fit\nregister light_\nclose\n", "ascii")
    subprocess.run(
        [program, "-d", str(work), "-s", str(script)], stdin=subprocess.DEVNULL, capture_output=True, check=True,
        timeout=900, env={**os.environ, "HOME": str(work), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    lines = (work / "light_.seq").read_text("utf-8").splitlines()
    # "R0 shift_x shift_y fwhm weighted_fwhm roundness quality" for each image.
    widths = [float(line.split()[3]) for line in lines if line.startswith("R0 ")]
    return [width if width > 0 else None for width in widths]


def _measured(path: Path, detector: Detector, measurer: Measurer) -> Measurements:
    status, now = path.stat(), datetime.now(UTC)
    frame = Reader().read(
        Arrival(
            path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, first_seen_utc=now,
            settled_utc=now, how="named",
        )
    )  # fmt: skip
    return measurer.measure(frame, detector.detect(frame)).measurements


def _print_table(
    profiles: list[tuple[float | None, float]], ours: list[Measurements], siril: list[float | None]
) -> None:
    print("| profile | true FWHM, px | fwhm_px | off | fwhm_gauss_px | Siril | off from Siril |")
    print("|---|---|---|---|---|---|---|")
    worst: dict[str, float] = {"truth": 0.0, "Siril": 0.0}
    for (beta, truth), measured, theirs in zip(profiles, ours, siril, strict=True):
        before, gauss = measured.values["fwhm_px"], measured.values.get("fwhm_gauss_px")
        off = None if before is None else before / truth - 1
        from_siril = None if gauss is None or theirs is None else gauss / theirs - 1
        for name, value in (("truth", off), ("Siril", from_siril)):
            worst[name] = max(worst[name], abs(value or 0.0))
        name = "Gaussian" if beta is None else f"Moffat {beta}"
        print(
            f"| {name} | {truth:.1f} | {_shown(before, '.2f')} | {_shown(off, '+.1%')} | {_shown(gauss, '.2f')} "
            f"| {_shown(theirs, '.2f')} | {_shown(from_siril, '+.1%')} |"
        )
    print("\nFarthest off: " + ", ".join(f"{value:.1%} from {name}" for name, value in worst.items()))


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


if __name__ == "__main__":
    main()
