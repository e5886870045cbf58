from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.records import Arrival, Baseline, BaselineKey, Detections, Frame, FrameMeta, SkyMap

FINE = 7


@dataclass
class Profile:
    """A star image: Moffat (or Gaussian when ``beta`` is None), drawn out along a straight path, or a ring."""

    fwhm: float
    beta: float | None = 3.5
    trail: float = 0.0
    angle_deg: float = 30.0
    ring: float = 0.0

    def draw(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        cosine, sine = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        along, across = cosine * x + sine * y, cosine * y - sine * x
        count = max(1, int(np.ceil(8 * self.trail / self.fwhm)))
        steps = ((np.arange(count) + 0.5) / count - 0.5) * self.trail
        total = np.zeros(np.broadcast(along, across).shape)
        for step in steps:
            r2 = (along - step) ** 2 + across**2
            if self.ring:
                r2 = (np.sqrt(r2) - self.ring / 2) ** 2
            if self.beta is None:
                total += np.exp(-4 * np.log(2) * r2 / self.fwhm**2)
            else:
                total += (1 + 4 * (2 ** (1 / self.beta) - 1) * r2 / self.fwhm**2) ** -self.beta
        return total

    def stamps(self, count: int = 30, noise: float = 0.0, side: int = 25, seed: int = 0) -> np.ndarray:
        """(count, side, side) float32, peak 1, pixel-integrated, at random places within the middle pixel."""
        rng = np.random.default_rng(seed)
        fine = (np.arange(side)[:, None] - side // 2 + (np.arange(FINE) - FINE // 2) / FINE).ravel()
        images = []
        for dx, dy in rng.uniform(-0.5, 0.5, (count, 2)):
            image = self.draw(fine[None, :] - dx, fine[:, None] - dy)
            image = image.reshape(side, FINE, side, FINE).mean(axis=(1, 3))
            images.append(image / image.max() + rng.normal(0, noise, image.shape))
        return np.array(images, np.float32)


@pytest.fixture
def profile() -> type[Profile]:
    return Profile


@pytest.fixture
def make_frame() -> Callable[..., Frame]:
    def make(pixels: np.ndarray, *, px: int = 1, saturation: float = 60000.0, **meta: object) -> Frame:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        path = Path("/nights/light_001.fits")
        arrival = Arrival(
            path=path, root=path.parent, size_bytes=1, mtime_ns=1, first_seen_utc=now, settled_utc=now, how="named"
        )
        pixels.flags.writeable = False
        return Frame(
            frame_id="0" * 16,
            sha256="0" * 64,
            arrival=arrival,
            meta=FrameMeta(kind="light", **{"exposure_s": 60.0, **meta}),
            pixels=pixels,
            sensor_px_per_px=px,
            sensor_shape=(pixels.shape[0] * px, pixels.shape[1] * px),
            saturation_adu=saturation,
        )

    return make


@pytest.fixture
def make_detections() -> Callable[..., Detections]:
    def make(
        x: np.ndarray,
        y: np.ndarray,
        peak: np.ndarray,
        *,
        sky: float | np.ndarray = 1000.0,
        noise: float = 10.0,
        shape: tuple[int, int] = (600, 800),
        cell: int = 64,
        bin_factor: int = 1,
        kind: np.ndarray | None = None,
    ) -> Detections:
        order = np.argsort(-np.asarray(peak), kind="stable")
        mesh = (max(1, shape[0] // cell), max(1, shape[1] // cell))
        level = np.broadcast_to(np.asarray(sky, np.float32), mesh).copy()
        count = len(order)
        return Detections(
            frame_id="0" * 16,
            x_px=np.asarray(x, np.float32)[order],
            y_px=np.asarray(y, np.float32)[order],
            score=np.ones(count, np.float32),
            kind=(np.zeros(count, np.uint8) if kind is None else kind)[order],
            peak_adu=np.asarray(peak, np.float32)[order],
            snr=(np.asarray(peak, np.float32) / max(noise, 1e-9))[order],
            bin_factor=bin_factor,
            streaks=(),
            sky=SkyMap(level_adu=level, noise_adu=noise, cell_px=cell),
            model="test",
        )

    return make


@dataclass
class Field:
    """Positions and peaks of stars, to be drawn with any profile."""

    shape: tuple[int, int]
    x: np.ndarray
    y: np.ndarray
    peak: np.ndarray

    @classmethod
    def draw(cls, count: int = 120, shape: tuple[int, int] = (600, 800), seed: int = 3) -> "Field":
        rng = np.random.default_rng(seed)
        x, y = rng.uniform(30, shape[1] - 30, count), rng.uniform(30, shape[0] - 30, count)
        return cls(shape, x, y, 1500 * (1 + rng.pareto(1.2, count)).clip(1, 20))

    def image(self, star: Profile, *, sky: float = 1000.0, noise: float = 10.0, light: float = 1.0) -> np.ndarray:
        rng = np.random.default_rng(11)
        image = rng.normal(sky, noise, self.shape)
        half = 24
        fine = (np.arange(2 * half + 1)[:, None] - half + (np.arange(3) - 1) / 3).ravel()
        for x, y, peak in zip(self.x, self.y, self.peak, strict=True):
            column, row = round(x), round(y)
            drawn = star.draw(fine[None, :] - (x - column), fine[:, None] - (y - row))
            drawn = drawn.reshape(2 * half + 1, 3, 2 * half + 1, 3).mean(axis=(1, 3))
            top, left = max(row - half, 0), max(column - half, 0)
            bottom, right = min(row + half + 1, self.shape[0]), min(column + half + 1, self.shape[1])
            cut = drawn[top - row + half : bottom - row + half, left - column + half : right - column + half]
            image[top:bottom, left:right] += light * peak * cut
        return np.clip(np.rint(image), 0, 65535).astype(np.uint16)


@pytest.fixture
def field() -> Field:
    return Field.draw()


@pytest.fixture
def draw_field() -> Callable[..., Field]:
    return Field.draw


@pytest.fixture
def no_baseline() -> Baseline:
    key = BaselineKey(rig="", target="", filter="", exposure_s=60.0, gain=0.0, binning=1, height=600, width=800)
    return Baseline(key=key)
