"""One simulated frame with everything that is true about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

import galsim
import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from training.simulate import background, detector, filter_array, stamps, visitors
from training.simulate.conditions import Condition, label, still_fwhm_px
from training.simulate.labels import Labels
from training.simulate.psf import Psf
from training.simulate.regions import Regions
from training.simulate.rigs import Rig
from training.simulate.sky import Galaxy, StarField

STAR_DTYPE = np.dtype(
    [
        ("x_px", "f4"),
        ("y_px", "f4"),
        ("flux_adu", "f4"),
        ("peak_adu", "f4"),
        ("snr", "f4"),
        ("fwhm_px", "f4"),
        ("kind", "u1"),
        ("saturated", "?"),
    ]
)
LISTED_SNR = 2.0
"""Fainter sources are drawn but not listed."""

MASK_SNR = 3.0
"""Fainter stars are listed but not in the mask."""

LIFT_ADU = 1000.0
"""What is added to 32-bit numbers when they are written in 16 bits, as calibrating programs do."""

SPIKE_SHARE = 0.012
"""Part of a star's light in the diffraction spikes of a four-vane spider."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SimFrame:
    """A frame and its truth. Positions in frame pixels, the centre of the first pixel is (0, 0).

    Attributes:
        pixels: (H, W) uint16; float32 of a rig whose files hold such numbers.
        stars: (N,) ``STAR_DTYPE``, brightest first within each kind; x and y are the centre of light of the
            (perhaps trailed) image, ``snr`` is that of an optimal filter, ``fwhm_px`` the diameter of the circle
            with the area above half maximum.
        star_mask: (H, W) uint8, 1 where a star of SNR ≥ 3 rises above the noise or its own half maximum.
        streak_mask: (H, W) bool, satellites and aircraft.
        streaks: ends and widths of those trails.
        saturated_mask: (H, W) bool.
        fwhm_px: of a star in the centre of the field had the mount tracked perfectly (F of the class rules).
        sky_adu: median sky above the pedestal.
        noise_adu: standard deviation of an empty pixel at that sky.
        pedestal_adu: level of no light.
        bayer: order of the colour filter array when ``pixels`` is a mosaic, else empty.
        date_obs_utc: start of the exposure, when the frame belongs to a night.
    """

    pixels: NDArray[np.uint16] | NDArray[np.float32]
    stars: NDArray[np.void]
    star_mask: NDArray[np.uint8]
    streak_mask: NDArray[np.bool_]
    streaks: tuple[visitors.TrailTruth, ...]
    saturated_mask: NDArray[np.bool_]
    labels: Labels
    rig: Rig
    condition: Condition
    fwhm_px: float
    sky_adu: float
    noise_adu: float
    pedestal_adu: float
    bayer: str = ""
    date_obs_utc: datetime | None = None

    @property
    def whole_pixels(self) -> NDArray[np.uint16]:
        """The pixels in 16 bits, for writers of such files; 32-bit numbers are lifted so that few are negative."""
        lifted = self.pixels if self.pixels.dtype == np.uint16 else np.rint(self.pixels + np.float32(LIFT_ADU))
        whole: NDArray[np.uint16] = np.clip(lifted, 0, 65535).astype(np.uint16)
        return whole


def render(
    rig: Rig,
    field: StarField,
    condition: Condition,
    rng: np.random.Generator,
    shape: tuple[int, int] = (1024, 1024),
    *,
    mosaic: bool = False,
    added_e: NDArray[np.float32] | None = None,
) -> SimFrame:
    """Takes one frame.

    Parameters:
        rng: noise and passers-by; the same generator state gives the same frame.
        shape: (H, W).
        added_e: (H, W) electrons of light and charge that the simulator does not know, such as ghosts; may be negative
            where light is kept away. It is part of no truth.
        mosaic: whether a colour filter array lies on the sensor: see :mod:`training.simulate.filter_array`.
    """
    height, width = shape
    sky = background.paint(rig, condition, field.nebula, shape)
    sky_level_e = float(np.median(sky.sky_e[::8, ::8]))
    floor_e2 = rig.dark_e + rig.read_noise_e**2
    noise_e = math.sqrt(sky_level_e + floor_e2)
    regions = Regions(rig, condition, shape)

    x, y = on_frame(field.x_px, field.y_px, condition, shape)
    arriving_e = field.flux_e * _sample(sky.star_light, x, y, shape)
    stars_e = np.zeros(shape, np.float32)
    rows = []
    masked = np.zeros(shape, np.bool_)
    faint: list[tuple[Psf, NDArray[np.float64], NDArray[np.float64]]] = []
    where = regions.index(x, y)
    for region in np.unique(where):
        some = np.flatnonzero(where == region)
        star_psf = regions.psf(int(region))
        drawn_x, drawn_y, peaks = stamps.add_stars(stars_e, star_psf, x[some], y[some], arriving_e[some], noise_e)
        inside = _inside(drawn_x, drawn_y, shape)
        local_noise = np.full(len(some), noise_e)
        local_noise[inside] = np.sqrt(
            sky.sky_e[np.rint(drawn_y[inside]).astype(int), np.rint(drawn_x[inside]).astype(int)] + floor_e2
        )
        snr = stamps.optimal_snr(star_psf, arriving_e[some], local_noise)
        stamps.add_wings(stars_e, star_psf, drawn_x, drawn_y, arriving_e[some], noise_e)
        _add_spikes(rig, condition, stars_e, star_psf, drawn_x, drawn_y, arriving_e[some], noise_e)
        keep = inside & (snr >= LISTED_SNR)
        rows.append(
            _table(
                drawn_x[keep],
                drawn_y[keep],
                arriving_e[some][keep],
                peaks[keep],
                snr[keep],
                star_psf.fwhm_px,
                KIND_STAR,
            )
        )
        dim = inside & (snr >= MASK_SNR) & (peaks < 2 * noise_e)
        faint.append((star_psf, drawn_x[dim], drawn_y[dim]))
    masked |= stars_e > noise_e
    for star_psf, faint_x, faint_y in faint:
        stamps.mark_faint(masked, star_psf, faint_x, faint_y, math.ceil(2 * regions.reach_px))

    light_e = np.add(sky.sky_e, stars_e, order="C")
    scattered = condition.dew + 0.08 * (1 - 10 ** (-0.4 * condition.extinction_mag))
    if scattered > 0.005:
        light_e += _halo(stars_e, scattered / max(1 - condition.dew, 0.1), 0.02 * max(shape) + 4 * rig.f0_px)
    rows.append(_add_galaxies(light_e, field.galaxies, condition, sky, regions, noise_e))

    streak_mask = np.zeros(shape, np.bool_)
    passing = [visitors.add_trail(rng, light_e, streak_mask, regions.still, noise_e) for _ in range(condition.trails)]
    if added_e is not None:
        light_e += added_e
        np.maximum(light_e, 0, out=light_e)
    if mosaic:
        filter_array.dye(light_e)
    hits = int(rng.poisson(condition.cosmic_rays_mpx * height * width / 1e6))
    ray_x, ray_y, ray_e, ray_peak = visitors.add_cosmic_rays(rng, light_e, hits)
    defects = detector.find_defects(rig, shape)
    rows.append(_artefacts(ray_x, ray_y, ray_e, ray_peak, noise_e))
    rows.append(
        _artefacts(defects.x.astype(float), defects.y.astype(float), defects.charge_e, defects.charge_e, noise_e)
    )

    pixels, saturated = detector.read_out(rng, rig, light_e, defects)
    stars = _finish(np.concatenate(rows), rig, saturated)
    truth = label(rig, condition, height / width)
    return SimFrame(
        pixels=pixels,
        stars=stars,
        star_mask=masked.astype(np.uint8),
        streak_mask=streak_mask,
        streaks=tuple(trail for trail in passing if trail is not None),
        saturated_mask=saturated,
        labels=_with_frame_flags(truth, stars, sum(trail is not None for trail in passing)),
        rig=rig,
        condition=condition,
        fwhm_px=still_fwhm_px(rig, condition),
        sky_adu=sky_level_e / rig.gain_e_adu,
        noise_adu=noise_e / rig.gain_e_adu,
        pedestal_adu=rig.offset_adu + (0.0 if rig.calibrated else rig.dark_e / rig.gain_e_adu),
        bayer=filter_array.ORDER if mosaic else "",
    )


def on_frame(
    x_px: NDArray[np.float64], y_px: NDArray[np.float64], condition: Condition, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where places of the field lie on the sensor: turned about the centre of the frame, and shifted.

    Parameters:
        x_px, y_px: (N,) in the field.
        shape: (H, W) of the frame.
    """
    if condition.turn_deg:
        middle_x, middle_y = 0.5 * (shape[1] - 1), 0.5 * (shape[0] - 1)
        cos, sin = math.cos(math.radians(condition.turn_deg)), math.sin(math.radians(condition.turn_deg))
        dx, dy = x_px - middle_x, y_px - middle_y
        x_px, y_px = middle_x + cos * dx - sin * dy, middle_y + sin * dx + cos * dy
    return x_px + condition.dither_x_px, y_px + condition.dither_y_px


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    return (x >= -0.5) & (x < shape[1] - 0.5) & (y >= -0.5) & (y < shape[0] - 0.5)


def _sample(
    mesh: background.Map, x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Value of a mesh that spans the frame at given positions."""
    rows = y / (shape[0] - 1) * (mesh.shape[0] - 1)
    columns = x / (shape[1] - 1) * (mesh.shape[1] - 1)
    values: NDArray[np.float64] = scipy.ndimage.map_coordinates(mesh, [rows, columns], order=1, mode="nearest")
    return values


def _table(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux_e: NDArray[np.float64],
    peak_e: NDArray[np.float64],
    snr: NDArray[np.float64],
    fwhm_px: float,
    kind: int,
) -> NDArray[np.void]:
    """Rows of ``STAR_DTYPE``; flux and peak are still electrons."""
    table = np.zeros(len(x), STAR_DTYPE)
    table["x_px"], table["y_px"], table["flux_adu"], table["peak_adu"], table["snr"] = x, y, flux_e, peak_e, snr
    table["fwhm_px"], table["kind"] = fwhm_px, kind
    return table[np.argsort(-table["flux_adu"], kind="stable")]


def _artefacts(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    charge_e: NDArray[np.float64],
    peak_e: NDArray[np.float64],
    noise_e: float,
) -> NDArray[np.void]:
    snr = peak_e / noise_e
    keep = snr >= LISTED_SNR
    return _table(x[keep], y[keep], charge_e[keep], peak_e[keep], snr[keep], 1.0, KIND_ARTEFACT)


def _finish(table: NDArray[np.void], rig: Rig, saturated: NDArray[np.bool_]) -> NDArray[np.void]:
    """Electrons to ADU, and which sources hold saturated pixels at or beside their centre."""
    table["flux_adu"] /= rig.gain_e_adu
    table["peak_adu"] /= rig.gain_e_adu
    height, width = saturated.shape
    x = np.clip(np.rint(table["x_px"]).astype(int), 1, width - 2)
    y = np.clip(np.rint(table["y_px"]).astype(int), 1, height - 2)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            table["saturated"] |= saturated[y + dy, x + dx]
    return table


def _with_frame_flags(truth: Labels, stars: NDArray[np.void], trails: int) -> Labels:
    """Flags that only the drawn frame can tell."""
    flags = [flag for flag in truth.flags if flag != "streak" or trails]
    bright = (stars["kind"] == KIND_STAR) & (stars["snr"] >= 5)
    if np.count_nonzero(bright) < 10:
        flags.append("few_stars")
    elif stars["saturated"][bright].mean() > 0.05:
        flags.append("saturated")
    return replace(truth, flags=tuple(flags))


def _halo(stars_e: NDArray[np.float32], share: float, width_px: float) -> NDArray[np.float32]:
    """Light scattered by dew or haze into wide halos, on a coarse mesh."""
    step = 8
    height, width = (side // step * step for side in stars_e.shape)
    coarse = stars_e[:height, :width].reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    soft = scipy.ndimage.gaussian_filter(coarse, width_px / step, mode="constant")
    tight = scipy.ndimage.gaussian_filter(coarse, width_px / step / 3, mode="constant")
    return share * background.enlarge(0.6 * soft + 0.4 * tight, stars_e.shape)


def _add_spikes(
    rig: Rig,
    condition: Condition,
    stars_e: NDArray[np.float32],
    star_psf: Psf,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux_e: NDArray[np.float64],
    noise_e: float,
) -> None:
    """Diffraction by the spider: four lines that fade as 1/r², on stars in focus that are bright enough."""
    if not rig.struts or abs(condition.defocus_px) > 1.5 * rig.f0_px:
        return
    start_px = 2 * rig.f0_px
    strength = SPIKE_SHARE * start_px / (4 * 1.06 * star_psf.fwhm_px)
    visible = 0.3 * noise_e
    reach = np.sqrt(flux_e * strength / visible) - start_px
    for index in np.flatnonzero(reach > 2 * rig.f0_px):
        far = float(min(reach[index], 300.0))
        for turn in (0.0, math.pi / 2):
            angle = math.radians(rig.strut_angle_deg) + turn
            half = max(3.0, 1.3 * star_psf.fwhm_px)
            rows, columns, along, across = visitors.near_line(
                stars_e.shape, float(x[index]), float(y[index]), angle, half, far
            )
            profile = np.exp(-4 * math.log(2) * (across / star_psf.fwhm_px) ** 2)
            light = flux_e[index] * strength * profile / (np.abs(along) + start_px) ** 2
            stars_e[rows, columns] += light.astype(np.float32)


def _add_galaxies(
    light_e: NDArray[np.float32],
    galaxies: tuple[Galaxy, ...],
    condition: Condition,
    sky: background.Background,
    regions: Regions,
    noise_e: float,
) -> NDArray[np.void]:
    """Draws the extended objects with GalSim, convolved with the PSF of their place; returns their rows."""
    rows = []
    for galaxy in galaxies:
        x, y = (float(place[0]) for place in on_frame(
            np.array([galaxy.x_px]), np.array([galaxy.y_px]), condition, (light_e.shape[0], light_e.shape[1])
        ))  # fmt: skip
        flux_e = galaxy.flux_e * float(_sample(sky.star_light, np.array([x]), np.array([y]), light_e.shape)[0])
        profile = galsim.Sersic(n=galaxy.sersic, half_light_radius=galaxy.half_light_px, trunc=6 * galaxy.half_light_px)
        profile = profile.shear(q=galaxy.axis_ratio, beta=(galaxy.angle_deg + condition.turn_deg) * galsim.degrees)
        here = regions.psf(int(regions.index(np.array([x]), np.array([y]))[0]))
        image = _galaxy_image(profile, here, galaxy.half_light_px)
        step = here.oversampling if image.shape == here.grid.shape else 1
        drawn = Psf(grid=image, oversampling=step, fwhm_px=0.0)
        _, _, peaks = stamps.add_stars(light_e, drawn, np.array([x]), np.array([y]), np.array([flux_e]), noise_e)
        stamp = drawn.stamp(0, 0, drawn.radius_px).astype(np.float64) * flux_e
        snr = math.sqrt(float(np.sum(stamp**2 / (noise_e**2 + stamp))))
        if snr >= LISTED_SNR and _inside(np.array([x]), np.array([y]), light_e.shape)[0]:
            above = np.count_nonzero(image >= image.max() / 2)
            fwhm = 2 * math.sqrt(above / math.pi) / step
            rows.append(
                _table(np.array([x]), np.array([y]), np.array([flux_e]), peaks, np.array([snr]), fwhm, KIND_EXTENDED)
            )
    return np.concatenate(rows) if rows else np.zeros(0, STAR_DTYPE)


def _galaxy_image(profile: galsim.GSObject, here: Psf, half_light_px: float) -> NDArray[np.float32]:
    """The galaxy after the PSF: on the PSF's fine grid if it fits there, else at one step per pixel."""
    size = here.grid.shape[0]
    if 6 * half_light_px < here.radius_px + 8:
        step, kernel = here.oversampling, here.grid
    else:
        step = 1
        kernel = here.stamp(0, 0, here.radius_px)
        size = scipy.fft.next_fast_len(int(min(10 * half_light_px, 900)) + kernel.shape[0], real=True)
    odd = size - 1 if size % 2 == 0 else size
    image = np.zeros((size, size), np.float32)
    drawn = profile.drawImage(nx=odd, ny=odd, scale=1 / step, method="no_pixel").array
    image[:odd, :odd] = drawn / drawn.sum(dtype=np.float64)
    image = np.roll(image, (size // 2 - odd // 2, size // 2 - odd // 2), axis=(0, 1))
    padded = np.zeros((size, size), np.float32)
    low = size // 2 - kernel.shape[0] // 2
    padded[low : low + kernel.shape[0], low : low + kernel.shape[0]] = kernel
    product = scipy.fft.rfft2(image) * scipy.fft.rfft2(scipy.fft.ifftshift(padded))
    result = np.maximum(scipy.fft.irfft2(product, s=(size, size)), 0)
    scaled: NDArray[np.float32] = (result * (step**2 / result.sum(dtype=np.float64))).astype(np.float32)
    return scaled
