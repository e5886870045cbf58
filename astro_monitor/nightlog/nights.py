"""Which night a moment belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_HOURS_PER_DEGREE = 24.0 / 360.0
"""Local solar time per degree of longitude."""
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""A day from the ends of the calendar, so that a change of zone stays inside it."""


def night_of(moment: datetime, longitude_deg: float | None = None) -> str:
    """Return the observing night of a moment: the date on which it began, from local noon to local noon.

    This is what observatories and N.I.N.A. (``DATEMINUS12``) do: one night is never split at midnight.

    Parameters:
        moment: a moment with a time zone.
        longitude_deg: longitude of the site, east positive, for mean solar time; ``None``: this computer's own
            time zone, since it is usually next to the telescope.

    Returns:
        a date such as ``2026-11-20``.
    """
    moment = min(max(moment, _FIRST), _LAST)
    if longitude_deg is None:
        try:
            local = moment.astimezone()
        except (OverflowError, OSError, ValueError):
            # Some systems know local time from 1970 to 3000 only.
            local = moment.astimezone(UTC)
    else:
        local = moment.astimezone(UTC) + timedelta(hours=longitude_deg * _HOURS_PER_DEGREE)
    return (local - timedelta(hours=12)).date().isoformat()


def written_at(mtime_ns: int, otherwise: datetime) -> datetime:
    """Return the moment of a modification time, for the night of a frame; ``otherwise`` where it is absent, or lies
    outside the calendar.

    Parameters:
        mtime_ns: nanoseconds since 1970; zero and less: absent.
        otherwise: the moment that is taken then.
    """
    if mtime_ns <= 0:
        return otherwise
    try:
        return datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    except (OverflowError, OSError, ValueError):
        return otherwise
