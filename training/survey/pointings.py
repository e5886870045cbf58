"""Where to look: seeded positions, even per area of sky, away from the galactic plane or on it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord

LEAST_LATITUDE_DEG = 10.0
"""Nearer to the galactic plane a catalogue of bright stars leaves most of the stars in an image unnamed."""

SPLIT_CELL_DEG = 5.0
SPLIT_SHARES = (("test", 0.15), ("validation", 0.15))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """One field.

    Attributes:
        number: in the order of drawing.
        ra_deg, dec_deg: its centre, ICRS.
        galactic_latitude_deg: of the centre.
    """

    number: int
    ra_deg: float
    dec_deg: float
    galactic_latitude_deg: float

    @property
    def name(self) -> str:
        """A name that is a file name too, from the position: ``J123456+012345``."""
        where = SkyCoord(self.ra_deg * units.deg, self.dec_deg * units.deg)
        ra = where.ra.to_string(units.hour, sep="", precision=0, pad=True)
        dec = where.dec.to_string(units.deg, sep="", precision=0, pad=True, alwayssign=True)
        return f"J{ra}{dec}"


def draw_pointings(
    count: int,
    seed: int,
    *,
    least_latitude_deg: float = LEAST_LATITUDE_DEG,
    dense: bool = False,
    dec_range_deg: tuple[float, float] = (-90.0, 90.0),
) -> list[Pointing]:
    """Draw positions that are even per area: uniform in right ascension and in the sine of the declination.

    Parameters:
        count: how many. A longer list begins with the shorter ones of the same seed.
        least_latitude_deg: distance from the galactic plane.
        dense: positions nearer to the plane than that, in place of farther.
        dec_range_deg: southern and northern limit, for surveys of a part of the sky.

    Raises:
        ValueError: the limits leave no sky.
    """
    low, high = (math.sin(math.radians(limit)) for limit in dec_range_deg)
    if not low < high or not 0 <= least_latitude_deg < 90:
        raise ValueError(f"no sky between declinations {dec_range_deg} at latitude limit {least_latitude_deg}")
    rng = np.random.default_rng([seed, int(dense)])
    found: list[Pointing] = []
    for _ in range(1000):
        ra_deg, sine = rng.uniform(0, 360, 64), rng.uniform(low, high, 64)
        dec_deg = np.degrees(np.arcsin(sine))
        latitude = SkyCoord(ra_deg * units.deg, dec_deg * units.deg).galactic.b.deg
        wanted = (np.abs(latitude) < least_latitude_deg) == dense
        found += [
            Pointing(number=0, ra_deg=float(ra), dec_deg=float(dec), galactic_latitude_deg=float(b))
            for ra, dec, b in zip(ra_deg[wanted], dec_deg[wanted], latitude[wanted], strict=True)
        ]
        if len(found) >= count:
            return [
                Pointing(number=number, ra_deg=p.ra_deg, dec_deg=p.dec_deg,
                         galactic_latitude_deg=p.galactic_latitude_deg)
                for number, p in enumerate(found[:count])
            ]  # fmt: skip
    raise ValueError(f"almost no sky between declinations {dec_range_deg} at latitude limit {least_latitude_deg}")


def split_of(ra_deg: float, dec_deg: float) -> str:
    """Tell which split a position belongs to: whole cells of sky, 5 degrees a side, so that neighbours stay together.

    Returns:
        ``train``, ``validation`` or ``test``.
    """
    band = math.floor((dec_deg + 90) / SPLIT_CELL_DEG)
    middle = math.radians(-90 + (band + 0.5) * SPLIT_CELL_DEG)
    cells = max(1, round(360 * math.cos(middle) / SPLIT_CELL_DEG))
    cell = math.floor(ra_deg % 360 / 360 * cells)
    place = int.from_bytes(hashlib.sha256(f"sky cell {band} {cell}".encode()).digest()[:4]) / 2**32
    for name, share in SPLIT_SHARES:
        if place < share:
            return name
        place -= share
    return "train"
