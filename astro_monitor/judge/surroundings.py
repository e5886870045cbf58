"""What other programs have reported about the guider and the wind, for the causes of trails.

A program may report while a frame is exposed, from another thread; what is kept is bounded, and lost with a restart.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..baseline import median

REPORTS = 2000
"""Reports that are kept: an exposure of half an hour with a guider that reports each second."""
SLACK_S = 5.0
"""Reports so many seconds before and after an exposure still belong to it: clocks of computers differ."""
KEYS: Mapping[str, tuple[tuple[str, ...], Mapping[str, float]]] = {
    "guider": (("rms_ra", "rms_dec"), {"arcsec": 1.0}),
    "weather": (("wind_speed", "wind_gust"), {"m/s": 1.0, "km/h": 1 / 3.6, "kn": 0.514, "mph": 0.447}),
}
"""Values that tell something, by subject, with the factors of their units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What was reported during one exposure; ``None``: nothing.

    Attributes:
        rms_ra_arcsec, rms_dec_arcsec: scatter of the guide star along both axes, median of the reports.
        wind_m_s: strongest wind or gust.
    """

    rms_ra_arcsec: float | None = None
    rms_dec_arcsec: float | None = None
    wind_m_s: float | None = None


NOTHING_REPORTED = Reported()


@dataclass(slots=True)
class Surroundings:
    """The latest reports, oldest first: moment, key, value."""

    _reports: deque[tuple[float, str, float]] = field(default_factory=lambda: deque(maxlen=REPORTS))

    def hear(self, subject: str, moment_s: float, values: Iterable[tuple[str, object, str]]) -> None:
        """Keep what a report says about guiding and wind. For any thread.

        Parameters:
            subject: what was observed, such as ``guider``.
            moment_s: when, seconds since the epoch.
            values: key, value and unit of each; what is not known here is ignored.
        """
        keys, units = KEYS.get(subject, ((), {}))
        for key, value, unit in values:
            if key in keys and unit in units and isinstance(value, int | float) and not isinstance(value, bool):
                if 0.0 <= value < math.inf:
                    self._reports.append((moment_s, key, units[unit] * value))

    def during(self, start_s: float, seconds: float) -> Reported:
        """Return what was reported during an exposure.

        Parameters:
            start_s: its start, seconds since the epoch. seconds: its length.
        """
        found: dict[str, list[float]] = {}
        for moment_s, key, value in tuple(self._reports):
            if start_s - SLACK_S <= moment_s <= start_s + seconds + SLACK_S:
                found.setdefault(key, []).append(value)
        wind = [*found.get("wind_speed", ()), *found.get("wind_gust", ())]
        return Reported(
            rms_ra_arcsec=median(found["rms_ra"]) if "rms_ra" in found else None,
            rms_dec_arcsec=median(found["rms_dec"]) if "rms_dec" in found else None,
            wind_m_s=max(wind, default=None),
        )
