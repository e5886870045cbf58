"""Sky brightness and transparency over the frame: gradients, leaks, clouds, vignetting, nebulosity.

Everything here is smooth, so it is made on a coarse mesh and enlarged once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from training.simulate.conditions import Condition
from training.simulate.rigs import Rig
from training.simulate.sky import Nebula

MESH_PX = 16
NEBULA_MESH_PX = 4
Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Background:
    """Maps of a frame.

    Attributes:
        sky_e: (H, W) float32, light of the sky as the sensor gets it, electrons.
        star_light: (h, w) share of a star's clear-night light that arrives, on a mesh of ``MESH_PX``.
    """

    sky_e: NDArray[np.float32]
    star_light: Map


def enlarge(mesh: Map, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear enlargement; the corners of the mesh are the corners of the frame."""
    # Not as a product of matrices: their threads would fight with those of a training run.
    base, part = _between(mesh.shape[0], shape[0])
    rows = mesh.astype(np.float32)
    rows = rows[base] + part[:, None] * (rows[base + 1] - rows[base])
    base, part = _between(mesh.shape[1], shape[1])
    left, right = np.take(rows, base, axis=1), np.take(rows, base + 1, axis=1)
    right -= left
    right *= part
    right += left
    return right


def _between(nodes: int, pixels: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each pixel, the node before it and the way to the next, 0 to 1."""
    position = np.linspace(0, nodes - 1, pixels)
    base = np.minimum(position.astype(np.int64), nodes - 2)
    return base, (position - base).astype(np.float32)


def paint(rig: Rig, condition: Condition, nebula: Nebula | None, shape: tuple[int, int]) -> Background:
    """Sky and transparency of one frame.

    Parameters:
        shape: (H, W).
    """
    mesh = (max(shape[0] // MESH_PX, 4) + 1, max(shape[1] // MESH_PX, 4) + 1)
    y, x = np.meshgrid(np.linspace(-1, 1, mesh[0]), np.linspace(-1, 1, mesh[1]), indexing="ij")
    rng = np.random.default_rng(condition.pattern_seed)
    extinction = _extinction(rng, condition, x, y)
    clear = 10 ** (-0.4 * extinction)
    vignette = 1 - rig.vignetting_fraction * ((x * x + y * y) / 2) ** 1.3

    seen_e = rig.effective_sky_e
    normal = 1 + ramp(x, y, rig.normal_gradient_angle_deg + condition.turn_deg, 0.0) * rig.normal_gradient_fraction
    sky = rig.sky_e * normal * min(condition.sky_factor, 1.0)
    slope = ramp(x, y, condition.gradient_angle_deg, condition.gradient_bend)
    gained = max(condition.sky_factor - 1, 0) * seen_e
    sky = sky + gained * normal + gained * condition.sky_slope * slope
    if condition.gradient_fraction * seen_e > rig.sky_e:
        slope = slope - slope.min()  # light is added where none can be taken away
    sky = sky + condition.gradient_fraction * seen_e * slope
    sky = sky + condition.cloud_glow * rig.sky_e * (1 - clear)
    sky = np.maximum(sky, 0.15 * rig.sky_e) * vignette
    if condition.leak_fraction:
        sky = sky + condition.leak_fraction * seen_e * _leak(np.random.default_rng(condition.leak_seed), x, y)
    if rig.amp_glow_fraction:
        corner_x, corner_y = (-1, 1)[rig.amp_glow_corner % 2], (-1, 1)[rig.amp_glow_corner // 2]
        sky = sky + rig.amp_glow_fraction * seen_e * np.exp(-np.hypot(x - corner_x, y - corner_y) / 0.25)
    light = clear * vignette * (1 - condition.dew)
    sky_e = enlarge(sky, shape)
    if nebula is not None:
        glow = turned(_nebula(nebula, shape), condition.turn_deg) * (nebula.peak_fraction * seen_e)
        sky_e += enlarge(glow, shape) * enlarge(clear * vignette, shape)
    _shade_dust(rig, sky_e)
    return Background(sky_e=sky_e, star_light=light)


def turned(glow: Map, turn_deg: float) -> Map:
    """Turn a map that belongs to the sky; what comes in over the edges is like what was there."""
    if not turn_deg:
        return glow
    if turn_deg == 180:
        return glow[::-1, ::-1]
    result: Map = np.clip(scipy.ndimage.rotate(glow, -turn_deg, reshape=False, order=1, mode="reflect"), 0, None)
    return result


def _shade_dust(rig: Rig, sky_e: NDArray[np.float32]) -> None:
    """Shadows of dust near the sensor: discs, or rings when the telescope has a central obstruction."""
    rng = np.random.default_rng([rig.seed, 0xD05])
    height, width = sky_e.shape
    for _ in range(rig.dust_motes):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(5, 45)
        depth, half = rng.uniform(0.01, 0.15) * min(1.0, 12 / radius), int(1.5 * radius) + 2
        rows = slice(max(int(y) - half, 0), min(int(y) + half, height))
        columns = slice(max(int(x) - half, 0), min(int(x) + half, width))
        distance = np.hypot(
            np.arange(rows.start, rows.stop)[:, None] - y, np.arange(columns.start, columns.stop)[None, :] - x
        )
        edge = 0.08 * radius
        shadow = 1 / (1 + np.exp((distance - radius) / edge))
        if rig.obstruction:
            shadow = shadow - 1 / (1 + np.exp((distance - rig.obstruction * radius) / edge))
        sky_e[rows, columns] *= (1 - depth * shadow).astype(np.float32)


def ramp(x: Map, y: Map, angle_deg: float, bend: float) -> Map:
    """Smooth gradient, mean about 0, peak to valley 1. Bent: like the glow above a horizon."""
    along = x * math.cos(math.radians(angle_deg)) + y * math.sin(math.radians(angle_deg))
    along = (along - along.min()) / np.ptp(along)
    rising = (1 - bend) * along + bend * np.expm1(3 * along) / math.expm1(3)
    result: Map = rising - rising.mean()
    return result


def _extinction(rng: np.random.Generator, condition: Condition, x: Map, y: Map) -> Map:
    """Magnitudes lost, with the mean that the condition asks for."""
    if not condition.extinction_mag:
        return np.zeros_like(x)
    if condition.cloud_contrast < 0.02:
        return np.full_like(x, condition.extinction_mag)
    side = 128
    noise = _fractal(rng, (side, side), float(rng.uniform(2.4, 3.6)))
    # A window of the pattern: small windows give a bank of cloud, large ones many small clouds.
    width = int(rng.integers(24, side))
    noise = noise[:width, :width]
    if rng.random() < 0.5:
        # Drifting cloud is smeared along the wind.
        kernel = int(rng.integers(2, 12))
        noise = np.apply_along_axis(lambda row: np.convolve(row, np.ones(kernel) / kernel, "same"), 1, noise)
    noise = enlarge((noise - noise.mean()) / max(float(noise.std()), 1e-9), x.shape).astype(np.float64)
    cover = np.exp(1.2 * condition.cloud_contrast * noise)
    result: Map = condition.extinction_mag * cover / cover.mean()
    return result


def _leak(rng: np.random.Generator, x: Map, y: Map) -> Map:
    """Stray light with its peak at 1: an edge, a corner, a reflection, a band."""
    shape = int(rng.integers(5))
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    if shape == 0:  # glow from one edge
        glow = np.exp((along - along.max()) / rng.uniform(0.1, 0.6))
    elif shape == 1:  # glow from a corner or from outside
        glow = np.exp(-((np.hypot(x - 1.1 * np.cos(angle), y - 1.1 * np.sin(angle)) / rng.uniform(0.3, 0.9)) ** 2))
    elif shape == 2:  # reflection: a disc or a ring with a soft rim
        radius = np.hypot(x - rng.uniform(-0.7, 0.7), y - rng.uniform(-0.7, 0.7))
        outer, soft = rng.uniform(0.2, 0.8), rng.uniform(0.02, 0.1)
        glow = 1 / (1 + np.exp((radius - outer) / soft))
        if rng.random() < 0.5:
            glow = glow - rng.uniform(0.3, 0.9) / (1 + np.exp((radius - outer * rng.uniform(0.3, 0.8)) / soft))
    elif shape == 3:  # band across the frame
        glow = np.exp(-0.5 * ((across - rng.uniform(-0.6, 0.6)) / rng.uniform(0.06, 0.3)) ** 2)
        glow = glow * (0.6 + 0.4 * np.tanh(along * rng.uniform(-2, 2)))
    else:  # arc
        radius = np.hypot(x - 2.0 * np.cos(angle), y - 2.0 * np.sin(angle))
        glow = np.exp(-0.5 * ((radius - rng.uniform(1.3, 2.5)) / rng.uniform(0.05, 0.3)) ** 2)
    glow = np.maximum(glow, 0)
    result: Map = glow / max(float(glow.max()), 1e-9)
    return result


def _nebula(nebula: Nebula, shape: tuple[int, int]) -> Map:
    """Cloudy or filamentary nebulosity, 0 to 1, on a mesh of ``NEBULA_MESH_PX``."""
    rng = np.random.default_rng(nebula.seed)
    mesh = tuple(scipy.fft.next_fast_len(max(side // NEBULA_MESH_PX, 16), real=True) for side in shape)
    base = _fractal(rng, mesh, nebula.slope)
    base = (base - base.mean()) / base.std()
    glow = np.clip((base - np.quantile(base, 1 - nebula.coverage)) / 2.5, 0, None) ** nebula.softness
    if nebula.filaments:
        ridge = 1 - np.abs(np.tanh(1.5 * _standard(_fractal(rng, mesh, nebula.slope - 0.4))))
        glow = glow * (1 - nebula.filaments + nebula.filaments * ridge**2)
    if nebula.dark_lanes:
        glow = glow * np.clip(1.2 - np.clip(_standard(_fractal(rng, mesh, 3.2)) - 0.5, 0, None), 0.05, 1)
    top = float(np.quantile(glow, 0.999))
    result: Map = np.clip(glow / max(top, 1e-9), 0, 1.2)
    return result


def _standard(noise: Map) -> Map:
    result: Map = (noise - noise.mean()) / max(float(noise.std()), 1e-9)
    return result


def _fractal(rng: np.random.Generator, shape: tuple[int, ...], slope: float) -> Map:
    """Noise with a power spectrum k^-slope."""
    rows, columns = shape
    ky = np.fft.fftfreq(rows)[:, None] * rows
    kx = np.fft.rfftfreq(columns)[None, :] * columns
    k = np.hypot(kx, ky)
    k[0, 0] = 1
    spectrum = scipy.fft.rfft2(rng.standard_normal((rows, columns))) * k ** (-slope / 2)
    spectrum[0, 0] = 0
    result: Map = scipy.fft.irfft2(spectrum, s=(rows, columns))
    return result
