"""Point-spread functions: GalSim's profiles, convolved with where rays and the mount put the light.

A frame's PSF is built from three factors on one oversampled grid:

- the *core*, drawn by GalSim: seeing (Kolmogorov or Moffat), diffraction (Airy with obstruction), a round
  blur, and the pixel;
- the *spot*, where rays of GalSim's aperture land in geometric optics (gradients of GalSim's Zernike
  polynomials): defocus, coma, astigmatism. Geometric optics holds because aberrations that matter here are
  larger than a wave;
- the *path* of the mount during the exposure.

The spot and the path are lists of points; their product with the core is taken in Fourier space.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import galsim
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from training.simulate.rigs import Rig

Points = NDArray[np.float64]
"""(N, 2): x and y in frame pixels, each point with the same weight."""

Spectrum = NDArray[np.complex64]
"""(N, N // 2 + 1): real-input Fourier transform of a grid with its centre at index 0."""

GSPARAMS = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=5e-3, maximum_fft_size=4096)
"""Two in a hundred of the light, far out in the wings, may come in over the edges of GalSim's transforms, which take
most of the time of a frame."""

LINE_AXIS_RATIO = 0.2
"""Shape of a rig's constant elongation: minor over major axis of the blur."""

FWHM_PER_SIGMA = 2.3548
ELONGATION_PER_BLUR = math.sqrt(12 * (1 - LINE_AXIS_RATIO**2)) / FWHM_PER_SIGMA
"""Length of a rig's elongation vector over the FWHM of the blur that makes it."""

SMALL_DISC_PX = 10.0
"""Discs below this are drawn with every second point of the pupil along each side; between those of larger ones there
would be gaps."""

MAX_RADIUS_PX = 110
MIN_RADIUS_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class Psf:
    """One PSF on an oversampled grid.

    Attributes:
        grid: (N, N) float32; the centre of light is at index N // 2; the value is the share of the flux that a
            frame pixel centred there receives.
        oversampling: grid steps per frame pixel.
        fwhm_px: diameter of the circle that has the area above half maximum.
    """

    grid: NDArray[np.float32]
    oversampling: int
    fwhm_px: float

    @property
    def radius_px(self) -> int:
        """Largest half-width of a stamp that fits at every phase."""
        return (int(self.grid.shape[0]) // 2 - self.oversampling) // self.oversampling

    def stamp(self, phase_x: int, phase_y: int, half_px: int) -> NDArray[np.float32]:
        """Pixels of a star that sits ``phase / oversampling`` pixels right of and below a pixel centre."""
        centre, step = self.grid.shape[0] // 2, self.oversampling
        y0, x0 = centre - phase_y - half_px * step, centre - phase_x - half_px * step
        width = 2 * half_px * step + 1
        return self.grid[y0 : y0 + width : step, x0 : x0 + width : step]


def choose_oversampling(fwhm_px: float) -> int:
    """Grid steps per pixel: fine for undersampled stars, coarse for wide ones."""
    return 6 if fwhm_px < 1.8 else 5 if fwhm_px < 3.5 else 4 if fwhm_px < 8 else 3


@functools.lru_cache(maxsize=8)
def _core(
    seeing_px: float,
    beta: float,
    airy_px: float,
    obstruction: float,
    blur_px: float,
    elongation_px: float,
    elongation_angle_deg: float,
    step: int,
    radius_px: int,
) -> Spectrum:
    """Fourier transform of the core on an N × N grid, centre at index 0, sum ``step``² × the enclosed light."""
    if beta > 0:
        seeing = galsim.Moffat(beta=beta, fwhm=seeing_px, gsparams=GSPARAMS)
    else:
        seeing = galsim.Kolmogorov(fwhm=seeing_px, gsparams=GSPARAMS)
    parts = [seeing, galsim.Pixel(1.0, gsparams=GSPARAMS)]
    if blur_px > 0.02:
        parts.append(galsim.Gaussian(fwhm=blur_px, gsparams=GSPARAMS))
    if elongation_px > 0.02:
        # A line of light: shear keeps the area, so the wide axis is the width over sqrt(q).
        line = galsim.Gaussian(fwhm=elongation_px * math.sqrt(LINE_AXIS_RATIO), gsparams=GSPARAMS)
        parts.append(line.shear(q=LINE_AXIS_RATIO, beta=elongation_angle_deg * galsim.degrees))
    size = _grid_size(step, radius_px)
    odd = size - 1 if size % 2 == 0 else size
    for nudge in (0.0, 1e-6, 2e-6):
        # One rig in some ten thousand meets a frequency at which GalSim's transform of an obstructed disc is no number.
        airy = galsim.Airy(lam_over_diam=airy_px * (1 + nudge), obscuration=obstruction, gsparams=GSPARAMS)
        core = galsim.Convolve([parts[0], airy, *parts[1:]], gsparams=GSPARAMS)
        image = core.drawImage(nx=odd, ny=odd, scale=1 / step, method="no_pixel").array
        if np.isfinite(image).all():
            break
    grid = np.zeros((size, size), np.float32)
    grid[:odd, :odd] = np.maximum(image, 0)
    grid *= step**2
    transform: Spectrum = scipy.fft.rfft2(np.roll(grid, (-(odd // 2), -(odd // 2)), axis=(0, 1)))
    return transform


def _core_of(rig: Rig, seeing_factor: float, extra_blur_px: float, step: int, radius_px: int) -> Spectrum:
    return _core(
        rig.seeing_px * seeing_factor,
        rig.moffat_beta,
        max(rig.wavelength_over_aperture_px, 0.05),
        rig.obstruction,
        math.hypot(rig.round_blur_px, extra_blur_px),
        rig.elongation_px,
        rig.elongation_angle_deg,
        step,
        radius_px,
    )


@functools.lru_cache(maxsize=16)
def _pupil(obstruction: float, struts: int, strut_angle_deg: float, stride: int) -> tuple[Points, Points]:
    """Lit points of the pupil in units of its radius."""
    aperture = galsim.Aperture(
        diam=2.0,
        lam=550,
        obscuration=obstruction,
        nstruts=struts,
        strut_thick=0.012,
        strut_angle=strut_angle_deg * galsim.degrees,
        pupil_plane_scale=2.0 / 180,
        pupil_plane_size=4.0,
    )
    lit = aperture.illuminated[::stride, ::stride]
    return aperture.u[::stride, ::stride][lit], aperture.v[::stride, ::stride][lit]


def spot(rig: Rig, defocus_px: float, x: float = 0.0, y: float = 0.0) -> Points | None:
    """Where rays land for a star at field position (x, y), -1 to 1 from edge to edge; ``None``: in one point.

    Parameters:
        defocus_px: signed diameter of the out-of-focus disc in the centre of the field, frame pixels.
    """
    r2 = (x * x + y * y) / 2
    angle = math.atan2(y, x)
    tilt = math.radians(rig.tilt_angle_deg)
    disc_px = (
        defocus_px + rig.curvature_px * r2 + rig.tilt_px * (x * math.cos(tilt) + y * math.sin(tilt)) / math.sqrt(2)
    )
    astigmatism_px = rig.astigmatism_px * r2
    coma_px = rig.coma_px * math.sqrt(r2)
    if max(abs(disc_px), abs(astigmatism_px), abs(coma_px)) < 0.05 * rig.f0_px:
        return None
    u, v = _pupil(rig.obstruction, rig.struts, rig.strut_angle_deg, 2 if abs(disc_px) < SMALL_DISC_PX else 1)
    # Noll's numbering: 4 defocus, 5 and 6 astigmatism, 7 and 8 coma. The divisors turn the gradient at the rim
    # into the blur's size in pixels.
    wave = np.zeros(9)
    wave[4] = disc_px / (8 * math.sqrt(3))
    wave[5] = astigmatism_px * math.sin(2 * angle) / (4 * math.sqrt(6))
    wave[6] = astigmatism_px * math.cos(2 * angle) / (4 * math.sqrt(6))
    wave[7] = coma_px * math.sin(angle) / (9 * math.sqrt(8))
    wave[8] = coma_px * math.cos(angle) / (9 * math.sqrt(8))
    surface = galsim.zernike.Zernike(wave, R_outer=1.0, R_inner=0.0)
    points = np.column_stack([surface.gradX.evalCartesian(u, v), surface.gradY.evalCartesian(u, v)])
    centred: Points = points - points.mean(axis=0)
    return centred


def _transform_points(points: Points, size: int, step: int) -> Spectrum:
    """Fourier transform of equal points, each shared among the four grid cells around it."""
    position = points * step
    base = np.floor(position).astype(np.int64)
    part = position - base
    grid = np.zeros(size * size)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = (part[:, 0] if dx else 1 - part[:, 0]) * (part[:, 1] if dy else 1 - part[:, 1]) / len(points)
        cells = ((base[:, 1] + dy) % size) * size + (base[:, 0] + dx) % size
        grid += np.bincount(cells, weight, size * size)
    transform: Spectrum = scipy.fft.rfft2(grid.astype(np.float32).reshape(size, size))
    return transform


def path_spectrum(path: Points, step: int, radius_px: int) -> Spectrum:
    """Fourier transform of a path on the grid of a PSF.

    Parameters:
        path: positions of the image during the exposure, equally spaced in time.
        step, radius_px: of the grid, as in :func:`build`.
    """
    return _transform_points(path - path.mean(axis=0), _grid_size(step, radius_px), step)


def _grid_size(step: int, radius_px: int) -> int:
    return int(scipy.fft.next_fast_len(2 * (radius_px + 2) * step, real=True))


def build(
    rig: Rig,
    *,
    seeing_factor: float = 1.0,
    extra_blur_px: float = 0.0,
    rays: Points | None = None,
    path: Points | Spectrum | None = None,
    step: int,
    radius_px: int,
) -> Psf:
    """The PSF of one part of the field.

    Parameters:
        rig: gives seeing, diffraction and round blur.
        seeing_factor: seeing relative to the rig's usual one.
        extra_blur_px: FWHM of a further round blur.
        rays: from :func:`spot`.
        path: positions of the image during the exposure, equally spaced in time; or what :func:`path_spectrum` made
            of them, where many parts of the field have the same.
        step: oversampling.
        radius_px: half-width of the grid.
    """
    product = _core_of(rig, seeing_factor, extra_blur_px, step, radius_px)
    size = product.shape[0]
    if rays is not None:
        product = product * _transform_points(rays, size, step)
    if path is not None:
        moved = path if np.iscomplexobj(path) else _transform_points(path - path.mean(axis=0), size, step)
        product = product * moved
    grid = scipy.fft.irfft2(product, s=(size, size))
    grid = np.maximum(scipy.fft.fftshift(grid), 0).astype(np.float32)
    above = np.count_nonzero(grid >= grid.max() / 2)
    return Psf(grid=grid, oversampling=step, fwhm_px=2 * math.sqrt(above / math.pi) / step)


@functools.lru_cache(maxsize=64)
def _round_fwhm_px(rig: Rig, seeing_factor: float, extra_blur_px: float, defocus_px: float) -> float:
    guess = math.hypot(rig.seeing_px * seeing_factor, rig.round_blur_px, extra_blur_px, 0.9) + abs(defocus_px)
    step = choose_oversampling(guess)
    radius_px = int(np.clip(math.ceil(1.5 * guess) + 3, 6, MAX_RADIUS_PX))
    rays = spot(rig, defocus_px) if defocus_px else None
    grid = build(
        rig, seeing_factor=seeing_factor, extra_blur_px=extra_blur_px, rays=rays, step=step, radius_px=radius_px
    ).grid
    return 2 * _outer_half_radius(grid) / step


def _outer_half_radius(grid: NDArray[np.float32]) -> float:
    """Outermost radius, in grid steps, at which the azimuthal mean is half of its largest value."""
    centre = grid.shape[0] // 2
    y, x = np.arange(grid.shape[0])[:, None], np.arange(grid.shape[1])[None, :]
    ring = np.hypot(x - centre, y - centre)
    index = np.rint(ring).astype(np.int64).ravel()
    count = np.bincount(index)
    mean_radius = np.bincount(index, ring.ravel()) / count
    profile = np.bincount(index, grid.ravel()) / count
    profile, mean_radius = profile[:centre], mean_radius[:centre]
    half = profile.max() / 2
    last = int(np.flatnonzero(profile >= half)[-1])
    if last + 1 >= len(profile):
        return float(mean_radius[last])
    slope = (profile[last] - half) / (profile[last] - profile[last + 1])
    return float(mean_radius[last] + slope * (mean_radius[last + 1] - mean_radius[last]))


def usual_elongation_px2(rig: Rig) -> tuple[float, float]:
    """The rig's own elongation vector, L² (cos 2θ, sin 2θ), square pixels: 12 × the difference of the variances."""
    square, twice = (ELONGATION_PER_BLUR * rig.elongation_px) ** 2, 2 * math.radians(rig.elongation_angle_deg)
    return square * math.cos(twice), square * math.sin(twice)


def elongated(rig: Rig, plus_px2: float, cross_px2: float) -> Rig:
    """The same rig with another elongation vector."""
    return replace(
        rig,
        elongation_px=math.sqrt(math.hypot(plus_px2, cross_px2)) / ELONGATION_PER_BLUR,
        elongation_angle_deg=0.5 * math.degrees(math.atan2(cross_px2, plus_px2)) % 180,
    )


def normal_fwhm_px(rig: Rig) -> float:
    """F0 of the class rules: FWHM of a star in the centre of the field in usual seeing, in focus, well guided."""
    return _round_fwhm_px(rig, 1.0, 0.0, 0.0)


def still_fwhm_px(rig: Rig, seeing_factor: float, extra_blur_px: float, defocus_px: float) -> float:
    """F of the class rules: FWHM in the centre of the field that a perfectly tracking mount would have given.

    For a ring, the outer diameter at half maximum.
    """
    return _round_fwhm_px(rig, seeing_factor, extra_blur_px, defocus_px)
