"""Which night a moment belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_HOURS_PER_DEGREE = 24.0 / 360.0


def night_of(moment: datetime, longitude_deg: float | None = None) -> str:
    """Name the observing night of a moment: the date on which it began, from local noon to local noon.

    This is what observatories and N.I.N.A. (``DATEMINUS12``) do: one night is never split at midnight.

    Parameters:
        moment: a moment with a time zone.
        longitude_deg: longitude of the site, east positive, for mean solar time; ``None``: this computer's own
            time zone, since it usually stands beside the telescope.

    Returns:
        a date such as ``2026-11-20``.
    """
    if longitude_deg is None:
        local = moment.astimezone()
    else:
        local = moment.astimezone(UTC) + timedelta(hours=longitude_deg * _HOURS_PER_DEGREE)
    return (local - timedelta(hours=12)).date().isoformat()
