"""Positions of sun and moon, to decide whether a bright sky is dawn, the moon, or neither.

Astropy computes them with its built-in ephemeris (ERFA), accurate to an arcminute, without downloads. Positions are
computed every five minutes and interpolated linearly, because one takes 16 ms.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from ..records import FrameMeta

GRID_S = 300
"""Interval of the computed positions in seconds; linear interpolation between them is accurate to an arcminute."""
AGREES_DEG = 3.0
"""Largest difference between the altitude of the target in the header and that computed from site and time."""
BY_DAY_DEG = -6.0
"""Altitude of the sun above which no frame of stars is taken."""
KEYS = ("sun_altitude_deg", "moon_altitude_deg", "moon_illumination", "moon_separation_deg")
"""Metrics of this module."""


@dataclass(frozen=True, slots=True)
class Site:
    """Latitude and longitude in degrees, east positive."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True)
class _Sky:
    """Altitudes of sun and moon, sidereal angle at the site, position of the moon in degrees, and its illuminated
    fraction.
    """

    sun_deg: float
    moon_deg: float
    sidereal_deg: float
    moon_ra_deg: float
    moon_dec_deg: float
    moon_lit: float


def sun_and_moon(meta: FrameMeta, own_site: Site | None) -> dict[str, float] | str:
    """Return the metrics ``KEYS`` of a frame.

    Parameters:
        meta: time, pointing and site in the header.
        own_site: the site in the settings, which takes precedence.

    Returns:
        the numbers that can be computed; or the reason why there are none.
    """
    moment = meta.date_obs_utc
    if moment is None:
        return "the header does not tell when the frame was taken"
    site = own_site or _site_of(meta, moment)
    if site is None:
        return "neither the header nor the settings tell the site (site.latitude_deg, site.longitude_deg)"
    sky = _interpolated_sky(site, moment)
    values = {"sun_altitude_deg": sky.sun_deg, "moon_altitude_deg": sky.moon_deg, "moon_illumination": sky.moon_lit}
    if meta.ra_deg is not None and meta.dec_deg is not None:
        values["moon_separation_deg"] = _separation_deg(meta.ra_deg, meta.dec_deg, sky.moon_ra_deg, sky.moon_dec_deg)
    return values


def _site_of(meta: FrameMeta, moment: datetime) -> Site | None:
    """Return the site in the header. Programs disagree about the sign of longitude, which is inferred from the sky."""
    if meta.site_lat_deg is None or meta.site_lon_deg is None or (meta.site_lat_deg == meta.site_lon_deg == 0.0):
        return None
    longitude = (meta.site_lon_deg + 180.0) % 360.0 - 180.0
    written, turned = Site(meta.site_lat_deg, longitude), Site(meta.site_lat_deg, -longitude)
    if meta.altitude_deg is not None and meta.ra_deg is not None and meta.dec_deg is not None:
        misses = {
            abs(_altitude(meta.ra_deg, meta.dec_deg, site, _interpolated_sky(site, moment)) - meta.altitude_deg): site
            for site in (turned, written)
        }
        return misses[min(misses)] if min(misses) <= AGREES_DEG else None
    by_day = _interpolated_sky(written, moment).sun_deg > BY_DAY_DEG
    return turned if by_day and _interpolated_sky(turned, moment).sun_deg <= BY_DAY_DEG else written


def _interpolated_sky(site: Site, moment: datetime) -> _Sky:
    """Return the positions of Sun and Moon and the sidereal time at a moment, interpolated between times of a grid."""
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    before = math.floor(seconds / GRID_S) * GRID_S
    early, late = _sky_at(site, before), _sky_at(site, before + GRID_S)
    share = (seconds - before) / GRID_S
    return _Sky(*(
        _interpolated(getattr(early, name), getattr(late, name), share, turns=name in ("sidereal_deg", "moon_ra_deg"))
        for name in _Sky.__dataclass_fields__
    ))  # fmt: skip


def _interpolated(early: float, late: float, share: float, *, turns: bool) -> float:
    """Return a value between an earlier and a later one; with ``turns``, of an angle along its shorter arc."""
    step = (late - early + 180.0) % 360.0 - 180.0 if turns else late - early
    return early + share * step


@functools.lru_cache(maxsize=256)
def _sky_at(site: Site, seconds: int) -> _Sky:
    """Return the positions of Sun and Moon and the sidereal time at a Unix time, computed by astropy."""
    # The import takes one second, so it is done only for rigs with a known site.
    from astropy.coordinates import AltAz, EarthLocation, get_body
    from astropy.time import Time
    from astropy.units import deg
    from astropy.utils import iers

    with (
        warnings.catch_warnings(),
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
    ):
        warnings.simplefilter("ignore")  # about polar motion beyond its table: fractions of an arcsecond
        location = EarthLocation.from_geodetic(site.longitude_deg * deg, site.latitude_deg * deg)
        time = Time(seconds, format="unix", location=location)
        horizon = AltAz(obstime=time, location=location)
        sun, moon = get_body("sun", time, location), get_body("moon", time, location)
        apart = math.radians(float(sun.separation(moon).deg))
        return _Sky(
            sun_deg=float(sun.transform_to(horizon).alt.deg),
            moon_deg=float(moon.transform_to(horizon).alt.deg),
            sidereal_deg=float(time.sidereal_time("mean").deg),
            moon_ra_deg=float(moon.ra.deg),
            moon_dec_deg=float(moon.dec.deg),
            moon_lit=0.5 * (1.0 - math.cos(apart)),
        )


def _altitude(ra_deg: float, dec_deg: float, site: Site, sky: _Sky) -> float:
    """Return the altitude of a position from its hour angle, without refraction."""
    hour, dec, latitude = (
        math.radians(angle_deg) for angle_deg in (sky.sidereal_deg - ra_deg, dec_deg, site.latitude_deg)
    )
    sine = math.sin(latitude) * math.sin(dec) + math.cos(latitude) * math.cos(dec) * math.cos(hour)
    return math.degrees(math.asin(min(max(sine, -1.0), 1.0)))


def _separation_deg(ra_deg: float, dec_deg: float, other_ra_deg: float, other_dec_deg: float) -> float:
    """Return the angle between two positions on the sky in degrees."""
    from astropy.coordinates import angular_separation

    angles_rad = (math.radians(angle_deg) for angle_deg in (ra_deg, dec_deg, other_ra_deg, other_dec_deg))
    return math.degrees(float(angular_separation(*angles_rad)))
