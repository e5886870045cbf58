"""Pictures that a camera at a telescope may also write, and that no model of the night sky may grade.

The quality model learns from some of them what a night sky is not, and is checked on others; a seed is for one of the
two. Each is a pure function of its kind and seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SHAPE = (640, 896)

Array = NDArray[np.float64]
_Y, _X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)


def strange_frame(kind: str, seed: int) -> NDArray[np.uint16]:
    """Make one picture.

    Parameters:
        kind: one of ``KINDS``.
        seed: decides everything.

    Returns:
        ``SHAPE``, ADU, read-only.
    """
    rng = np.random.default_rng([seed, list(KINDS).index(kind), 0x0DD])
    electrons = np.maximum(KINDS[kind](rng), 0)
    light = rng.poisson(electrons) + rng.normal(rng.uniform(100, 900), rng.uniform(1.5, 12), SHAPE)
    pixels = np.clip(np.rint(light), 0, 65535).astype(np.uint16)
    pixels.flags.writeable = False
    return pixels


def _all_sky(rng: np.random.Generator) -> Array:
    """A fisheye: a bright ring of horizon, a sky inside it with stars, clouds and perhaps the Moon, nothing outside."""
    radius = rng.uniform(0.38, 0.49) * SHAPE[0]
    away = np.hypot(_X - SHAPE[1] / 2, _Y - SHAPE[0] / 2) / radius
    sky = rng.uniform(800, 6000) * (1 + rng.uniform(0.5, 3) * away**4)
    sky *= 1 + rng.uniform(0, 0.6) * np.clip(_smooth(rng, 40), 0, None)
    stars = np.zeros(SHAPE)
    number = int(rng.integers(100, 900))
    stars[rng.integers(0, SHAPE[0], number), rng.integers(0, SHAPE[1], number)] = rng.pareto(1.1, number) * 900
    sky += gaussian_filter(stars, rng.uniform(0.6, 1.2)) * 6
    if rng.random() < 0.4:
        sky += 60000 * np.exp(-np.hypot(_X - rng.uniform(300, 600), _Y - rng.uniform(200, 440)) / rng.uniform(8, 40))
    trees = away > rng.uniform(0.85, 0.95) + 0.06 * _smooth(rng, 6)
    return np.asarray(np.where(away < 1, np.where(trees, sky * 0.1, sky), 0))


def _planet(rng: np.random.Generator) -> Array:
    """A disc with a darkened limb and belts; perhaps a ring, perhaps moons."""
    radius, x, y = rng.uniform(15, 160), rng.uniform(300, 600), rng.uniform(220, 420)
    u, v = (_X - x) / radius, (_Y - y) / (radius * rng.uniform(0.92, 1))
    disc = np.clip(1 - u**2 - v**2, 0, None) ** rng.uniform(0.2, 0.6)
    disc *= 1 + rng.uniform(0.03, 0.25) * np.sin(v * rng.uniform(6, 14) + rng.uniform(0, 6))
    if rng.random() < 0.3:
        ring = np.hypot(u, v / rng.uniform(0.1, 0.5))
        disc = np.maximum(disc, 0.6 * ((ring > 1.3) & (ring < 2.2)))
    light = rng.uniform(3000, 50000) * disc
    for _ in range(int(rng.integers(0, 5))):
        light[int(y + rng.uniform(-10, 10)), int(rng.uniform(20, SHAPE[1] - 20))] += rng.uniform(2e4, 2e5)
    return np.asarray(gaussian_filter(light, rng.uniform(1, 3)) + rng.uniform(5, 200))


def _moon(rng: np.random.Generator) -> Array:
    """Part of the Moon: terminator, craters, maria."""
    radius = rng.uniform(150, 900)
    u, v = (_X - rng.uniform(0.2, 0.8) * SHAPE[1]) / radius, (_Y - rng.uniform(0.2, 0.8) * SHAPE[0]) / radius
    height = sum(_smooth(rng, scale) * scale**0.6 for scale in (3, 8, 20))
    for _ in range(int(rng.integers(20, 90))):
        size = rng.pareto(1.5) * 6 + 3
        ring = np.hypot(_X - rng.uniform(0, SHAPE[1]), _Y - rng.uniform(0, SHAPE[0])) / size
        height += size * (np.exp(-((ring - 1) ** 2) / 0.08) - np.exp(-(ring**2) / 0.5))
    sun = np.clip(u + rng.uniform(-0.4, 0.6) + 0.15 * np.gradient(height, axis=1), 0, 1)
    albedo = 1 + rng.uniform(0.1, 0.4) * _smooth(rng, 50)
    return np.asarray(rng.uniform(4000, 40000) * sun * albedo * (u**2 + v**2 < 1) + rng.uniform(5, 400))


def _spectrum(rng: np.random.Generator) -> Array:
    """Through a slit or a grating: bright bands along the dispersion with lines across them."""
    slope = rng.uniform(-0.03, 0.03)
    light = np.full(SHAPE, rng.uniform(5, 300))
    lines = 1 + gaussian_filter(rng.normal(0, 1, SHAPE[1]), rng.uniform(1, 4)) * rng.uniform(0.5, 2)
    for _ in range(int(rng.choice([1, 1, 2, int(rng.integers(8, 40))]))):
        middle = rng.uniform(40, SHAPE[0] - 40) + slope * _X
        profile = np.exp(-0.5 * ((_Y - middle) / rng.uniform(1.5, 12)) ** 2)
        light += rng.uniform(300, 30000) * profile * np.clip(lines, 0, None) * np.sin(np.pi * _X / SHAPE[1])
    if rng.random() < 0.5:
        for place in rng.uniform(0, SHAPE[1], int(rng.integers(5, 40))):
            light += rng.uniform(50, 3000) * np.exp(-0.5 * ((_X - place - 0.02 * _Y) / rng.uniform(1, 2.5)) ** 2)
    return light


def _dark(rng: np.random.Generator) -> Array:
    """Warm pixels, glow of the amplifier, no light."""
    light = np.full(SHAPE, rng.uniform(0, 60))
    number = int(rng.integers(100, 4000))
    light[rng.integers(0, SHAPE[0], number), rng.integers(0, SHAPE[1], number)] += rng.exponential(1500, number)
    glow = np.exp(-np.hypot(_X - SHAPE[1], _Y - rng.uniform(0, SHAPE[0])) / rng.uniform(40, 200))
    return np.asarray(light + rng.uniform(0, 800) * glow)


def _flat(rng: np.random.Generator) -> Array:
    """An evenly lit field: vignetting and dust."""
    light = 1 - rng.uniform(0.1, 0.5) * ((_X - SHAPE[1] / 2) ** 2 + (_Y - SHAPE[0] / 2) ** 2) / (SHAPE[1] / 2) ** 2
    for _ in range(int(rng.integers(3, 30))):
        ring = np.hypot(_X - rng.uniform(0, SHAPE[1]), _Y - rng.uniform(0, SHAPE[0])) - rng.uniform(6, 40)
        light *= 1 - rng.uniform(0.02, 0.15) * np.exp(-((ring / rng.uniform(2, 6)) ** 2))
    return np.asarray(rng.uniform(8000, 45000) * light)


def _noise(rng: np.random.Generator) -> Array:
    """Nothing at all: a capped telescope, or clouds as thick as that."""
    return np.full(SHAPE, rng.uniform(0, 3000))


def _daylight(rng: np.random.Generator) -> Array:
    """A landscape, a roof, a tree: structure on all scales."""
    scene = np.zeros(SHAPE)
    for scale in (1.5, 4, 12, 40):
        scene += _smooth(rng, scale) * scale**0.7
    scene = (scene - scene.min()) / np.ptp(scene)
    if rng.random() < 0.6:
        skyline = SHAPE[0] * rng.uniform(0.2, 0.6) + 60 * _smooth(rng, 30)[0]
        scene = np.where(_Y < skyline, 1.2, scene)
    for _ in range(int(rng.integers(0, 12))):
        left, top = rng.integers(0, SHAPE[1] - 120), rng.integers(0, SHAPE[0] - 120)
        scene[top : top + rng.integers(10, 120), left : left + rng.integers(10, 120)] = rng.uniform(0, 1)
    return np.asarray(rng.uniform(10000, 45000) * scene)


def _indoor(rng: np.random.Generator) -> Array:
    """A test picture in a room: walls, shelves, a lamp, soft shadows, out of focus more often than not."""
    light = np.full(SHAPE, rng.uniform(2000, 12000)) * (1 + rng.uniform(0.1, 0.5) * _smooth(rng, 120))
    for _ in range(int(rng.integers(4, 30))):
        left, top = rng.integers(0, SHAPE[1] - 60), rng.integers(0, SHAPE[0] - 60)
        width, height = int(rng.integers(8, 300)), int(rng.integers(8, 300))
        light[top : top + height, left : left + width] *= rng.uniform(0.3, 2.2)
    if rng.random() < 0.5:
        cells = rng.uniform(30, 120)
        light *= 1 + rng.uniform(0.2, 0.8) * ((_X // cells + _Y // cells) % 2)
    if rng.random() < 0.5:
        lamp = np.hypot(_X - rng.uniform(0, SHAPE[1]), _Y - rng.uniform(0, SHAPE[0])) / rng.uniform(20, 90)
        light += rng.uniform(20000, 60000) / (1 + lamp**2)
    return np.asarray(gaussian_filter(np.clip(light, 0, 60000), float(rng.choice([0.6, rng.uniform(1, 12)]))))


def _webcam(rng: np.random.Generator) -> Array:
    """A street or a garden by night: lamps with halos, lit windows, a dim sky, blocks left by compression."""
    light = np.full(SHAPE, rng.uniform(100, 2500)) * (1 + rng.uniform(0.2, 0.8) * _smooth(rng, 60))
    horizon = rng.uniform(0.3, 0.8) * SHAPE[0] + 25 * _smooth(rng, 25)[0]
    light = np.where(_Y > horizon, light * rng.uniform(0.2, 0.6), light)
    for _ in range(int(rng.integers(1, 14))):
        lamp = np.hypot(_X - rng.uniform(0, SHAPE[1]), _Y - rng.uniform(0, SHAPE[0]))
        light += rng.uniform(3000, 60000) * np.exp(-lamp / rng.uniform(1.5, 25))
    for _ in range(int(rng.integers(0, 30))):
        left, top = rng.integers(0, SHAPE[1] - 40), rng.integers(0, SHAPE[0] - 40)
        light[top : top + rng.integers(4, 25), left : left + rng.integers(4, 18)] += rng.uniform(500, 12000)
    light = gaussian_filter(light, rng.uniform(0.7, 2.0))
    blocks = light[: SHAPE[0] // 8 * 8, : SHAPE[1] // 8 * 8].reshape(SHAPE[0] // 8, 8, SHAPE[1] // 8, 8)
    means = np.repeat(np.repeat(blocks.mean(axis=(1, 3)), 8, axis=0), 8, axis=1)
    return np.asarray(light + rng.uniform(0, 0.6) * (means - light))


def _text(rng: np.random.Generator) -> Array:
    """A screenshot or a page: lines of small marks with sharp edges, bright on dark or dark on bright."""
    page = np.zeros(SHAPE)
    size = int(rng.integers(6, 26))
    top = int(rng.integers(4, 40))
    while top + size < SHAPE[0]:
        left = int(rng.integers(4, 60))
        end = rng.uniform(0.3, 0.98) * SHAPE[1]
        while left + size < end:
            letter = gaussian_filter(rng.normal(0, 1, (size, max(size * 2 // 3, 3))), size / 7) > 0
            page[top : top + size, left : left + letter.shape[1]] = letter
            left += letter.shape[1] + int(rng.choice([2, 2, 2, 2, size]))
        top += int(size * rng.uniform(1.3, 2.2))
    if rng.random() < 0.5:
        page = 1 - page
    ground = rng.uniform(200, 6000)
    return np.asarray(ground + rng.uniform(3000, 50000) * gaussian_filter(page, rng.uniform(0.2, 1.5)))


def _smooth(rng: np.random.Generator, scale_px: float) -> Array:
    """Gaussian noise of one scale, spread 1."""
    field = gaussian_filter(rng.normal(0, 1, SHAPE), scale_px, mode="wrap")
    return np.asarray(field / field.std())


KINDS: dict[str, Callable[[np.random.Generator], Array]] = {
    "all-sky": _all_sky,
    "planet": _planet,
    "moon": _moon,
    "spectrum": _spectrum,
    "dark": _dark,
    "flat": _flat,
    "noise": _noise,
    "daylight": _daylight,
    "indoor": _indoor,
    "webcam": _webcam,
    "text": _text,
}
"""What there is: the name as the report shows it, and how it is made."""
