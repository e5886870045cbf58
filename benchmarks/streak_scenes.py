"""Structures that look like trails and are none: what sensors, optics and galaxies add to simulated frames.

Each structure is drawn from wide priors by the generator of its rig, so that all frames of a rig have the same one;
what belongs to the sky moves with the field, what belongs to the sensor stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from training.simulate import Condition, Rig, StarField, draw_condition
from training.simulate.sky import Nebula

Light = NDArray[np.float32]
Finish = Callable[[np.random.Generator, NDArray[np.uint16]], NDArray[np.uint16]]


@dataclass(slots=True, kw_only=True)
class Draft:
    """A frame before it is rendered. Structures change it.

    Attributes:
        added_e: (H, W) electrons to add before read-out.
        finish: what is done to the pixels after read-out, in order.
    """

    rig: Rig
    stars: StarField
    condition: Condition
    added_e: Light
    finish: list[Finish] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.added_e.shape[0], self.added_e.shape[1]

    def mesh(self) -> tuple[Light, Light]:
        """Return the columns (1, W) and rows (H, 1)."""
        height, width = self.shape
        return np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]

    def bright_stars(self, rng: np.random.Generator, least: float, most: float, count: int) -> list[tuple[float, ...]]:
        """Put saturated stars into the field; gives x and y on the frame, and flux in electrons.

        Parameters:
            least, most: peak over full well.
            count: number of stars.
        """
        height, width = self.shape
        x = rng.uniform(0.02, 0.98, count) * width
        y = rng.uniform(0.02, 0.98, count) * height
        # A Gaussian star of this width has 1.13 FWHM² of its peak.
        flux = self.rig.full_well_e * 1.13 * self.rig.f0_px**2 * _logs(rng, least, most, count)
        others = self.stars
        self.stars = replace(
            others,
            x_px=np.concatenate([x, others.x_px]),
            y_px=np.concatenate([y, others.y_px]),
            flux_e=np.concatenate([flux, others.flux_e]),
        )
        return list(zip(x + self.condition.dither_x_px, y + self.condition.dither_y_px, flux, strict=True))


def _logs(rng: np.random.Generator, low: float, high: float, count: int) -> NDArray[np.float64]:
    return np.exp(rng.uniform(math.log(low), math.log(high), count))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw one number, uniform in its logarithm."""
    return float(_logs(rng, low, high, 1)[0])


def plain(rng: np.random.Generator, draft: Draft) -> None:
    """Nothing special: the control."""


def overscan(rng: np.random.Generator, draft: Draft) -> None:
    """Columns or rows that see no light, at one side or two."""
    sides = rng.choice(4, int(rng.integers(1, 3)), replace=False)
    widths = rng.integers(4, 61, 4)
    level, noise = draft.rig.offset_adu * rng.uniform(0.92, 1.02), draft.rig.read_noise_e / draft.rig.gain_e_adu
    shade = int(rng.integers(0, 4))

    def finish(noisy: np.random.Generator, pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
        for side in sides:
            view = np.rot90(pixels, side)
            dark = level + noise * noisy.standard_normal((int(widths[side]) + shade, view.shape[1]))
            # The first columns next to it are partly in the shade of the mask.
            kept = np.linspace(0, 1, shade + 2)[1:-1, None] if shade else np.zeros((0, 1))
            dark[int(widths[side]) :] += kept * (view[int(widths[side]) : len(dark)] - level)
            view[: len(dark)] = np.clip(np.rint(dark), 0, 65535).astype(np.uint16)
        return pixels

    draft.finish.append(finish)


def mask(rng: np.random.Generator, draft: Draft) -> None:
    """Areas without a picture: borders, corners of a turned frame, a round stop; black, blank or filled by a reader."""
    x, y = draft.mesh()
    height, width = draft.shape
    kind = str(rng.choice(["turned", "round", "border", "block"]))
    if kind == "turned":
        angle = rng.uniform(-math.pi / 2, math.pi / 2)
        u = (x - width / 2) * math.cos(angle) + (y - height / 2) * math.sin(angle)
        v = -(x - width / 2) * math.sin(angle) + (y - height / 2) * math.cos(angle)
        outside = (np.abs(u) > rng.uniform(0.35, 0.5) * width) | (np.abs(v) > rng.uniform(0.35, 0.55) * height)
    elif kind == "round":
        outside = np.hypot(x - rng.uniform(0.4, 0.6) * width, y - rng.uniform(0.4, 0.6) * height) > (
            rng.uniform(0.4, 0.75) * height
        )
    elif kind == "border":
        low, left, high, right = (rng.random(4) < 0.6) * rng.integers(1, 90, 4)
        outside = (x < left) | (x >= width - right) | (y < low) | (y >= height - high)
    else:
        left, low = rng.uniform(0, 0.8) * width, rng.uniform(0, 0.8) * height
        outside = (np.abs(x - left) < rng.uniform(20, 150)) & (np.abs(y - low) < rng.uniform(20, 150))
    fill = str(rng.choice(["zero", "median", "offset", "noisy"]))

    def finish(noisy: np.random.Generator, pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
        value = 0.0 if fill == "zero" else draft.rig.offset_adu
        if fill == "median" and not outside.all():
            value = float(np.median(pixels[~outside]))
        filled = np.full(pixels.shape, value)
        if fill == "noisy":
            filled += draft.rig.read_noise_e / draft.rig.gain_e_adu * noisy.standard_normal(pixels.shape)
        return np.where(outside, np.clip(np.rint(filled), 0, 65535), pixels).astype(np.uint16)

    draft.finish.append(finish)


def edge_glow(rng: np.random.Generator, draft: Draft) -> None:
    """Glow of the electronics along an edge, perhaps with a bright corner."""
    x, y = draft.mesh()
    height, width = draft.shape
    turn = int(rng.integers(4))
    from_edge = (x, width - 1 - x, y, height - 1 - y)[turn]
    along, side = (y, height) if turn < 2 else (x, width)
    reach, peak = log_uniform(rng, 10, 150), _glow_peak_e(rng, draft)
    hump = 0.5 + 0.5 * np.exp(-(((along - rng.uniform(0, 1) * side) / (rng.uniform(0.1, 0.5) * side)) ** 2))
    draft.added_e += (peak * np.exp(-from_edge / reach) * hump).astype(np.float32)
    if rng.random() < 0.5:
        far = np.hypot(from_edge, along - rng.choice([0, side]))
        draft.added_e += (peak * rng.uniform(0.2, 1) * np.exp(-far / log_uniform(rng, 30, 150))).astype(np.float32)


def starburst(rng: np.random.Generator, draft: Draft) -> None:
    """Glow that leaves a point of the border in rays, as of some CMOS sensors."""
    x, y = draft.mesh()
    height, width = draft.shape
    at = rng.uniform(0, 1)
    centre_x, centre_y = [(0.0, at), (1.0, at), (at, 0.0), (at, 1.0)][int(rng.integers(4))]
    dx, dy = x - centre_x * width, y - centre_y * height
    far, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    rays = np.zeros(draft.shape)
    for _ in range(int(rng.integers(3, 14))):
        turned = np.angle(np.exp(1j * (angle - rng.uniform(-math.pi, math.pi))))
        rays += rng.uniform(0.2, 1) * np.exp(-0.5 * (turned / math.radians(log_uniform(rng, 0.4, 6))) ** 2)
    reach = log_uniform(rng, 60, 400)
    draft.added_e += (_glow_peak_e(rng, draft) * np.exp(-far / reach) * (0.3 + rays)).astype(np.float32)


def _glow_peak_e(rng: np.random.Generator, draft: Draft) -> float:
    noise_e = draft.rig.noise_e
    return noise_e * log_uniform(rng, 2, 60)


def bleed(rng: np.random.Generator, draft: Draft) -> None:
    """Charge of saturated stars along their columns, or the smear of a sensor that is read while it sees light."""
    count = int(rng.integers(1, 5))
    if rng.random() < 0.6:
        draft.rig = replace(draft.rig, blooms=True)
        draft.bright_stars(rng, 3, 300, count)
        return
    x, _ = draft.mesh()
    height, _ = draft.shape
    for at, y, _flux in draft.bright_stars(rng, 3, 100, count):
        across = np.exp(-4 * math.log(2) * ((x - at) / draft.rig.f0_px) ** 2)
        rows = np.ones((height, 1))
        if rng.random() < 0.5:  # from the star to the end of the column alone
            rows = (np.arange(height)[:, None] > y).astype(float)
            if rng.random() < 0.5:  # charge that is left behind at each transfer
                rows = rows * np.exp(-np.maximum(np.arange(height)[:, None] - y, 0) / log_uniform(rng, 40, 400))
        draft.added_e += (draft.rig.noise_e * log_uniform(rng, 1, 15) * across * rows).astype(np.float32)


def spikes(rng: np.random.Generator, draft: Draft) -> None:
    """Diffraction at the vanes of a spider, or at the blades of a lens, around bright stars."""
    if rng.random() < 0.4:
        angle = float(rng.uniform(0, 90))
        draft.rig = replace(draft.rig, struts=4, strut_angle_deg=angle)
        draft.bright_stars(rng, 5, 1000, int(rng.integers(1, 4)))
        return
    x, y = draft.mesh()
    count, turn = int(rng.choice([2, 3, 3, 5, 7])), rng.uniform(0, math.pi)
    wide, power = rng.uniform(0.8, 2.2) * draft.rig.f0_px, rng.uniform(1.2, 2.2)
    for at_x, at_y, flux in draft.bright_stars(rng, 5, 1000, int(rng.integers(1, 4))):
        core = 2 * draft.rig.f0_px
        peak = flux * 0.012 / (count * 2 * 1.06 * wide * core)
        one_sided = rng.random() < 0.15
        for number in range(count):
            angle = turn + math.pi * number / count
            along = (x - at_x) * math.cos(angle) + (y - at_y) * math.sin(angle)
            across = -(x - at_x) * math.sin(angle) + (y - at_y) * math.cos(angle)
            light = peak * np.exp(-4 * math.log(2) * (across / wide) ** 2) / (np.abs(along) / core + 1) ** power
            draft.added_e += np.where(one_sided & (along < 0), 0, light).astype(np.float32)


def ghosts(rng: np.random.Generator, draft: Draft) -> None:
    """Reflections: discs and rings far out of focus, on the other side of the axis from a bright star."""
    x, y = draft.mesh()
    height, width = draft.shape
    for at_x, at_y, _flux in draft.bright_stars(rng, 20, 1000, int(rng.integers(1, 3))):
        for _ in range(int(rng.integers(1, 3))):
            share = rng.uniform(-1.2, 1.2)
            far = np.hypot(x - width / 2 - share * (at_x - width / 2), y - height / 2 - share * (at_y - height / 2))
            radius, hole, edge = log_uniform(rng, 12, 260), rng.uniform(0, 0.9), rng.uniform(0.7, 4)
            disc = 1 / (1 + np.exp(np.clip((far - radius) / edge, -50, 50)))
            if rng.random() < 0.7:
                disc -= 1 / (1 + np.exp(np.clip((far - hole * radius) / edge, -50, 50)))
            draft.added_e += (draft.rig.noise_e * log_uniform(rng, 0.5, 20) * disc).astype(np.float32)


def spiral(rng: np.random.Generator, draft: Draft) -> None:
    """A spiral galaxy: disc, bulge, perhaps a bar, arms with knots."""
    u, v = _disc_plane(rng, draft, rng.uniform(0.3, 1.0))
    scale, peak = log_uniform(rng, 25, 130), draft.rig.noise_e * log_uniform(rng, 1, 40)
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    light = 0.4 * np.exp(-radius / scale) + 4 * np.exp(-radius / (0.12 * scale))
    pitch, arms = math.tan(math.radians(rng.uniform(8, 35))), int(rng.integers(2, 5))
    wide = rng.uniform(0.03, 0.16) * scale + draft.rig.f0_px / 2.355
    start = rng.uniform(0, 2 * math.pi)
    phase = (angle - np.log(np.maximum(radius, 1) / scale) / pitch - start) * arms
    off_arm = np.angle(np.exp(1j * phase)) / arms * radius * math.sin(math.atan(pitch))
    knots = 1 + rng.uniform(0, 1.5) * np.sin(radius / rng.uniform(3, 15) + rng.uniform(0, 6)) ** 4
    light += np.exp(-0.5 * (off_arm / wide) ** 2) * np.exp(-radius / scale) * knots * (radius > 0.3 * scale)
    if rng.random() < 0.4:
        light += np.exp(-0.5 * (v / wide) ** 2) * np.exp(-((u / (rng.uniform(0.4, 1.2) * scale)) ** 4))
    draft.added_e += (peak * light).astype(np.float32)


def edge_on(rng: np.random.Generator, draft: Draft) -> None:
    """A galaxy seen from its side: a needle with a bulge, perhaps with a lane of dust."""
    u, v = _disc_plane(rng, draft, 1.0)
    scale, peak = log_uniform(rng, 12, 90), draft.rig.noise_e * log_uniform(rng, 2, 60)
    thick = math.hypot(rng.uniform(0.06, 0.2) * scale, draft.rig.f0_px / 2.355)
    light = np.exp(-np.abs(u) / scale) * np.exp(-0.5 * (v / thick) ** 2)
    light += 1.5 * np.exp(-np.hypot(u, v) / (0.15 * scale + draft.rig.f0_px))
    if rng.random() < 0.5:
        lane = math.hypot(0.3 * thick, draft.rig.f0_px / 2.355)
        light *= 1 - 0.6 * np.exp(-0.5 * ((v - 0.3 * thick) / lane) ** 2)
    draft.added_e += (peak * light).astype(np.float32)


def _disc_plane(rng: np.random.Generator, draft: Draft, axis_ratio: float) -> tuple[Light, Light]:
    x, y = draft.mesh()
    height, width = draft.shape
    centre_x = rng.uniform(0.2, 0.8) * width + draft.condition.dither_x_px
    centre_y = rng.uniform(0.2, 0.8) * height + draft.condition.dither_y_px
    turn = rng.uniform(0, math.pi)
    u = (x - centre_x) * math.cos(turn) + (y - centre_y) * math.sin(turn)
    v = (-(x - centre_x) * math.sin(turn) + (y - centre_y) * math.cos(turn)) / axis_ratio
    return u.astype(np.float32), v.astype(np.float32)


def columns(rng: np.random.Generator, draft: Draft) -> None:
    """Bright and dark columns and rows, whole or in part."""
    for _ in range(int(rng.integers(1, 7))):
        view = draft.added_e if rng.random() < 0.7 else draft.added_e.T
        at, wide = int(rng.integers(0, view.shape[1] - 3)), int(rng.choice([1, 1, 1, 2, 3]))
        start = 0 if rng.random() < 0.4 else int(rng.integers(0, view.shape[0] - 60))
        stop = len(view) if rng.random() < 0.6 else int(rng.integers(start + 50, len(view) + 1))
        view[start:stop, at : at + wide] += draft.rig.noise_e * log_uniform(rng, 0.5, 60) * rng.choice([1, 1, -0.5])


def seam(rng: np.random.Generator, draft: Draft) -> None:
    """Parts of the sensor that are read by amplifiers of their own, with a step of the level between them."""
    x, y = draft.mesh()
    height, width = draft.shape
    noise_e = draft.rig.noise_e
    if rng.random() < 0.7:
        draft.added_e += (noise_e * log_uniform(rng, 0.2, 8) * (x >= width // 2)).astype(np.float32)
    else:
        draft.added_e += (noise_e * log_uniform(rng, 0.2, 8) * (y >= height // 2)).astype(np.float32)
    if rng.random() < 0.4:  # the edges of the parts are a little brighter
        reach = rng.uniform(1, 8)
        draft.added_e += (noise_e * log_uniform(rng, 0.5, 8) * np.exp(-np.abs(x - width // 2) / reach)).astype(
            np.float32
        )


def banding(rng: np.random.Generator, draft: Draft) -> None:
    """Noise of whole rows and columns."""
    noise = draft.rig.noise_e
    draft.rig = replace(
        draft.rig, row_noise_e=noise * rng.uniform(0.05, 0.6), column_noise_e=noise * rng.uniform(0.05, 0.6)
    )


def drift(rng: np.random.Generator, draft: Draft) -> None:
    """Stars drawn out by the mount."""
    kept = draft.condition
    drawn = draw_condition(rng, draft.rig, str(rng.choice(["bad_tracking", "very_bad_tracking"])))
    draft.condition = replace(drawn, trails=0, dither_x_px=kept.dither_x_px, dither_y_px=kept.dither_y_px)


def filaments(rng: np.random.Generator, draft: Draft) -> None:
    """A nebula that hangs in threads."""
    nebula = Nebula(
        seed=int(rng.integers(2**31)), peak_fraction=log_uniform(rng, 0.1, 3), slope=float(rng.uniform(2.4, 3.4)),
        softness=float(rng.uniform(0.8, 2.2)), coverage=float(rng.uniform(0.3, 0.9)),
        filaments=float(rng.uniform(0.6, 1.0)), dark_lanes=bool(rng.random() < 0.5),
    )  # fmt: skip
    draft.stars = replace(draft.stars, nebula=nebula)


def obstruction(rng: np.random.Generator, draft: Draft) -> None:
    """A straight edge of the dome or of a roof that shades a part of the field, or a bright reflection with one."""
    x, y = draft.mesh()
    height, width = draft.shape
    angle, edge = rng.uniform(0, 2 * math.pi), log_uniform(rng, 0.7, 40)
    away = (x - rng.uniform(0.1, 0.9) * width) * math.cos(angle) + (y - rng.uniform(0.1, 0.9) * height) * math.sin(
        angle
    )
    share = rng.uniform(-0.9, 0.5)
    draft.added_e += (share * draft.rig.sky_e / (1 + np.exp(np.clip(away / edge, -50, 50)))).astype(np.float32)


STRUCTURES: dict[str, Callable[[np.random.Generator, Draft], None]] = {
    one.__name__: one
    for one in (
        plain, overscan, mask, edge_glow, starburst, bleed, spikes, ghosts, spiral, edge_on, columns, seam, banding,
        drift, filaments, obstruction,
    )
}  # fmt: skip
