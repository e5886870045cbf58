"""Nights as numbers: frames as the worker would describe them, without pixels, thousands a minute.

For tests and measurements of what learns from frames: the truth of each frame is known, and a night may begin badly,
stay bad from some frame on, see the moon rise, or turn over at the meridian.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..metrics import KEYS
from ..records import (
    CLASSES,
    FAULTS,
    Arrival,
    Baseline,
    Examined,
    FieldCell,
    FrameMeta,
    Grade,
    Measurements,
    ReferenceStar,
)

COLUMNS, ROWS = 8, 6
"""Cells of the field grid."""
START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
"""When the first frame of a camera is taken."""
KINDS = ("trail", "wide", "cloud", "gradient", "leak", "rotation")
"""Faults that a night may have, apart from the moon, which is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A rig and target, drawn at random.

    Attributes:
        fwhm_px: normal width of the stars.
        scale_arcsec_px: of a pixel.
        own_px2: elongation of its optics as a vector of twice the angle.
        sky_adu, noise_adu, pedestal_adu: normal sky above the level of no light, its noise in a pixel, that level.
        nebula: what the target adds to the sky of each cell, in parts of the sky.
        glow_adu: what the sensor adds.
        stars: measured.
    """

    fwhm_px: float
    scale_arcsec_px: float
    own_px2: tuple[float, float]
    sky_adu: float
    noise_adu: float
    pedestal_adu: float
    nebula: tuple[float, ...]
    glow_adu: tuple[float, ...]
    stars: int

    @classmethod
    def draw(cls, rng: random.Random) -> Rig:
        """Draw a rig: one in five elongates every star, one in three has a nebula, one in three a glow or ramp."""
        fwhm_px = math.exp(rng.uniform(math.log(1.8), math.log(5.5)))
        own = rng.uniform(0.5, 1.5) * fwhm_px if rng.random() < 0.2 else rng.uniform(0.0, 0.5) * fwhm_px
        sky_adu = math.exp(rng.uniform(math.log(20.0), math.log(3000.0)))
        nebula = _blob(rng, rng.uniform(0.2, 1.0)) if rng.random() < 0.33 else (0.0,) * (COLUMNS * ROWS)
        glow = _slope(rng, rng.uniform(0.2, 1.5) * sky_adu) if rng.random() < 0.33 else (0.0,) * (COLUMNS * ROWS)
        return cls(
            fwhm_px=fwhm_px,
            scale_arcsec_px=math.exp(rng.uniform(math.log(0.5), math.log(4.0))),
            own_px2=_vector(own, rng.uniform(0.0, 180.0)),
            sky_adu=sky_adu,
            noise_adu=math.sqrt(sky_adu) + rng.uniform(2.0, 8.0),
            pedestal_adu=rng.uniform(0.0, 1000.0),
            nebula=nebula,
            glow_adu=glow,
            stars=round(math.exp(rng.uniform(math.log(8), math.log(256)))),
        )


@dataclass(slots=True, kw_only=True)
class Frame:
    """What is true of one frame; everything is normal unless it says otherwise.

    Attributes:
        fault: one of ``KINDS``; empty: a good frame.
        width: of the stars over the normal one.
        trail_px2: path of the mount as a vector of twice the angle, in widths of the normal star, squared.
        loss_mag: of starlight.
        sky: over the normal one.
        sky_cells: what else the sky has in each cell, in parts of the normal sky.
        turned: the field lies the other way round.
        elongation: of the stars, whatever their directions.
        gap_s: time since the frame before.
        field: another number is another field of stars.
    """

    fault: str = ""
    width: float = 1.0
    trail_px2: tuple[float, float] = (0.0, 0.0)
    loss_mag: float = 0.0
    sky: float = 1.0
    sky_cells: tuple[float, ...] = (0.0,) * (COLUMNS * ROWS)
    turned: bool = False
    elongation: float = 1.03
    gap_s: float = 120.0
    field: int = 0


def good_night(rng: random.Random, count: int, *, seeing: float = 0.06) -> list[Frame]:
    """Return good frames: the seeing comes and goes, the sky drifts, the target rises and sinks.

    Parameters:
        rng: source of chance.
        count: of frames.
        seeing: scatter of the width from frame to frame, and of its slow change.
    """
    frames, slow, haze, town = [], 0.0, 0.0, _slope(rng, rng.uniform(0.0, 0.25))
    rises = rng.uniform(-0.25, 0.25)
    for number in range(count):
        slow = 0.95 * slow + rng.gauss(0.0, 0.3 * seeing)
        haze = 0.95 * haze + rng.gauss(0.0, 0.01)
        width = min(max(math.exp(slow + rng.gauss(0.0, seeing)), 0.78), 1.28)
        share = 1.0 + rises * number / count
        frames.append(
            Frame(
                width=width,
                loss_mag=abs(haze) + abs(rng.gauss(0.0, 0.02)),
                sky=share,
                sky_cells=tuple(share * part for part in town),
            )
        )
    return frames


def spoil(rng: random.Random, frames: Sequence[Frame], kind: str) -> None:
    """Put one lasting fault into frames, a little stronger and weaker from frame to frame.

    Parameters:
        rng: source of chance.
        frames: good ones; they are changed.
        kind: one of ``KINDS``.
    """
    amount, angle = rng.uniform(1.0, 2.5), rng.uniform(0.0, 180.0)
    shape = _slope(rng, 1.0) if kind == "gradient" else _corner(rng)
    for frame in frames:
        strength = amount * math.exp(rng.gauss(0.0, 0.05))
        frame.fault = kind
        if kind == "trail":
            frame.trail_px2 = _vector(1.35 * strength, angle + rng.gauss(0.0, 4.0))
        elif kind == "wide":
            frame.width *= 1.75 * strength / frame.width
        elif kind == "cloud":
            frame.loss_mag += 0.6 * strength
            frame.sky *= 1.0 + 0.2 * strength
        elif kind == "gradient":
            frame.sky_cells = tuple(
                old + 0.45 * strength * part for old, part in zip(frame.sky_cells, shape, strict=True)
            )
        elif kind == "leak":
            frame.sky_cells = tuple(
                old + 0.4 * strength * part for old, part in zip(frame.sky_cells, shape, strict=True)
            )
        else:
            frame.elongation = math.sqrt(1.0 + (1.35 * strength / 1.471) ** 2)


@dataclass(slots=True)
class Camera:
    """Makes a record of each frame of a rig, as the worker does that compares it with a baseline."""

    rig: Rig
    rng: random.Random
    target: str = "M 31"
    _made: int = 0
    _moment: datetime = START
    _stars: dict[int, tuple[ReferenceStar, ...]] = field(default_factory=dict)

    def take(self, frame: Frame, baseline: Baseline) -> Examined:
        """Return the record of a frame.

        Parameters:
            frame: what is true of it.
            baseline: to compare it with.
        """
        self._made += 1
        self._moment += timedelta(seconds=frame.gap_s)
        frame_id = f"{hash((self.target, self._made)) & 0xFFFF:04x}{self._made:012x}"
        rig, rng = self.rig, self.rng
        width_px = rig.fwhm_px * frame.width * (1.0 + rng.gauss(0.0, 0.03 / math.sqrt(max(rig.stars / 10, 1))))
        stars = max(round(rig.stars * 10 ** (-0.3 * max(frame.loss_mag - 0.3, 0.0))), 2)
        noise_px2 = 0.25 * width_px**2 / math.sqrt(stars)
        plus, cross = (
            own + path * rig.fwhm_px**2 + rng.gauss(0.0, noise_px2)
            for own, path in zip(rig.own_px2, frame.trail_px2, strict=True)
        )
        cells_adu = self._cells_adu(frame)
        level_adu = rig.pedestal_adu + rig.sky_adu * frame.sky * (1.0 + rng.gauss(0.0, 0.01))
        length_px = math.sqrt(math.hypot(plus, cross))
        values: dict[str, float | None] = dict.fromkeys(KEYS)
        values |= {
            "background_adu": level_adu,
            "sky_above_pedestal_adu": level_adu - rig.pedestal_adu,
            "sky_adu_s": (level_adu - rig.pedestal_adu) / 60.0,
            "background_noise_adu": rig.noise_adu * math.sqrt(frame.sky),
            "background_gradient_adu": max(cells_adu) - min(cells_adu),
            "fwhm_px": width_px,
            "fwhm_minor_px": width_px,
            "fwhm_arcsec": width_px * rig.scale_arcsec_px,
            "elongation": max(frame.elongation, math.sqrt(1.0 + (length_px / width_px / 1.471) ** 2)),
            "angle_coherence": 0.95 if length_px > 0.6 * width_px else 0.3,
            "trail_length_px": length_px,
            "trail_plus_px2": plus,
            "trail_cross_px2": cross,
            "star_count": 3.0 * stars,
            "star_count_measured": float(stars),
            "extinction_scatter_mag": 0.05,
            "sky_saturation_fraction": min(level_adu / 65535.0, 1.0),
        }
        flux = 1000.0 * 10 ** (-0.4 * frame.loss_mag)
        values |= self._related(frame, flux, stars, baseline)
        return Examined(
            arrival=Arrival(path=Path(f"/night/{frame_id}.fits"), root=Path("/night"), size_bytes=9, mtime_ns=1,
                            first_seen_utc=self._moment, settled_utc=self._moment, how="scan"),
            frame_id=frame_id, sha256=frame_id * 4,
            meta=FrameMeta(kind="light", target=self.target, filter="L", camera="cam", exposure_s=60.0,
                           date_obs_utc=self._moment),
            sensor_shape=(2000, 3000), sensor_px_per_px=1,
            measurements=Measurements(
                frame_id=frame_id, values=values, why_missing={}, streaks=(),
                field_grid=tuple(
                    FieldCell(column=place % COLUMNS, row=place // COLUMNS, star_count=5, sky_adu=level_adu + cell,
                              fwhm_px=None, elongation=None, angle_deg=None)
                    for place, cell in enumerate(cells_adu)
                ),
                bright_stars=(
                    ReferenceStar(x_px=float(frame.turned), y_px=float(frame.field), flux_adu_s=flux),
                ),
            ),
            grade=Grade(frame_id=frame_id, label="good", probabilities={**dict.fromkeys(CLASSES, 0.0), "good": 1.0},
                        fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=1.0, in_domain=1.0,
                        why_unknown="", model="none"),
            models=(), timings_s={},
        )  # fmt: skip

    def _cells_adu(self, frame: Frame) -> list[float]:
        """Return the sky of the cells beyond the level, as the sensor sees it."""
        rig = self.rig
        light = [rig.sky_adu * (nebula + other) for nebula, other in zip(rig.nebula, frame.sky_cells, strict=True)]
        if frame.turned:
            light.reverse()
        return [
            sky + glow + self.rng.gauss(0.0, 0.05 * rig.noise_adu)
            for sky, glow in zip(light, rig.glow_adu, strict=True)
        ]

    def _related(self, frame: Frame, flux: float, stars: int, baseline: Baseline) -> dict[str, float | None]:
        """Return the numbers relative to the reference stars: the first one tells orientation, field and light."""
        if not baseline.reference_stars:
            return {}
        first = baseline.reference_stars[0]
        if first.y_px != float(frame.field) or stars < 3:
            return {}
        transparency = flux / first.flux_adu_s
        return {
            "transparency": transparency,
            "extinction_mag": -2.5 * math.log10(transparency),
            "matched_star_count": float(max(stars, 10)),
            "field_turn_deg": 180.0 if first.x_px != float(frame.turned) else 0.0,
            "offset_x_px": self.rng.gauss(0.0, 5.0),
            "offset_y_px": self.rng.gauss(0.0, 5.0),
        }


def _vector(length: float, angle_deg: float) -> tuple[float, float]:
    """Return a length and direction as a vector of twice the angle."""
    double = math.radians(2 * angle_deg)
    return length**2 * math.cos(double), length**2 * math.sin(double)


def _slope(rng: random.Random, range_: float) -> tuple[float, ...]:
    """Return an even slope over the cells in any direction, peak to valley from corner to corner."""
    angle = rng.uniform(0.0, 2 * math.pi)
    along = [
        (column / (COLUMNS - 1) - 0.5) * math.cos(angle) + (row / (ROWS - 1) - 0.5) * math.sin(angle)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    return tuple(range_ * place / (max(along) - min(along)) for place in along)


def _blob(rng: random.Random, peak: float) -> tuple[float, ...]:
    """Return a nebula somewhere in the field."""
    x, y, size = rng.uniform(2, 5), rng.uniform(1, 4), rng.uniform(1.0, 2.5)
    return tuple(
        peak * math.exp(-0.5 * ((column - x) ** 2 + (row - y) ** 2) / size**2)
        for row in range(ROWS)
        for column in range(COLUMNS)
    )


def _corner(rng: random.Random) -> tuple[float, ...]:
    """Return a glow that falls off from one corner, 1 at its peak."""
    x, y, size = rng.choice((0, COLUMNS - 1)), rng.choice((0, ROWS - 1)), rng.uniform(1.5, 3.0)
    return tuple(math.exp(-math.hypot(column - x, row - y) / size) for row in range(ROWS) for column in range(COLUMNS))
