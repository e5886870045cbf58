"""Observations of other programs: logged and broadcast, at a bounded pace."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock
from ..documents import ContextObserved, Document
from ..errors import TooFrequent
from ..nightlog import NightLog

OBSERVATIONS_PER_S = 2.0
"""Pace that may last: a guider each second, and the rest each few seconds. A night of ten hours then logs 30 MB."""

BYTES_OF_ONE = 1024
"""A longer observation counts as several: twenty values of a weather station have about as much. The longest that a
request can carry would else make 4 GB in a night."""

BURST = 60
"""Observations that may come at once, such as after a lost connection."""


class Observations:
    """Takes in observations, in the thread of the publisher.

    Parameters:
        night_log: where they are kept.
        announce: called with each document after it is safe.
        clock: the source of time.
        heard: called with each document as well, for the judge.
    """

    def __init__(
        self,
        night_log: NightLog,
        announce: Callable[[Document], None],
        clock: Clock,
        *,
        heard: Callable[[Document], None] = lambda document: None,
    ) -> None:
        self._log = night_log
        self._heard = heard
        self._announce = announce
        self._clock = clock
        self._left = float(BURST)
        self._counted_s = clock.monotonic()

    def take(self, observation: ContextObserved) -> Document:
        """Log and announce one observation.

        Returns:
            its ``context.observed`` document.

        Raises:
            TooFrequent: more came than may be logged.
            NightLogError: it cannot be written down.
        """
        count = min(1.0 + len(observation.model_dump_json()) // BYTES_OF_ONE, float(BURST))
        now_s = self._clock.monotonic()
        self._left = min(self._left + OBSERVATIONS_PER_S * (now_s - self._counted_s), float(BURST))
        self._counted_s = now_s
        if self._left < count:
            raise TooFrequent(
                f"more than {OBSERVATIONS_PER_S:g} observations in a second; send means over some seconds"
            )
        self._left -= count
        document = self._log.append("context.observed", observation)
        self._heard(document)
        self._announce(document)
        return document
