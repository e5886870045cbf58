"""Documents about what surrounds the frames: what other programs observed, and plugins that were disabled."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, FiniteFloat

from .base import Body
from .vocabulary import Subject

MOST_VALUES = 64
"""Values in one observation: a weather station has about twenty."""

LONGEST_TEXT = 200
"""Characters of a text value."""


_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z", re.ASCII)
"""Python itself would take any letter for the T, also a line break."""


def _in_utc(text: str) -> str:
    """Check the form of a moment: ISO 8601 in UTC, ending in ``Z``."""
    if not _UTC.fullmatch(text):
        raise ValueError("a moment is written in UTC and ends in Z, such as 2026-11-20T21:14:03.250Z")
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a moment is written as 2026-11-20T21:14:03.250Z") from error
    return text


Moment = Annotated[str, Field(max_length=40), AfterValidator(_in_utc)]


def _each_once(values: list[ObservedValue]) -> list[ObservedValue]:
    """Return the observed values unchanged; raise ValueError if a key occurs twice."""
    keys = [value.key for value in values]
    if len(set(keys)) < len(keys):
        raise ValueError("each key may appear once")
    return values


class ObservedValue(Body):
    """One value that another program reports.

    Attributes:
        key: its name in lower case, with underscores: ``rms_ra``, ``cloud_cover``.
        value: a number, text, true or false; ``null`` when it is not known.
        unit: of a number: ``arcsec``, ``degC``, ``m/s``; empty for text and for numbers without one.
    """

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    value: bool | FiniteFloat | Annotated[str, Field(max_length=LONGEST_TEXT)] | None
    unit: Annotated[str, Field(max_length=16)] = ""


class ContextObserved(Body):
    """What a guider, mount, focuser, weather station or sequencer reports, as another program has sent it.

    Attributes:
        subject: what was observed.
        source: the program or device that observed it, such as ``PHD2``.
        observed_at: when, UTC.
        values: at most 64, each key once.
        by: name of the key of the client that sent it; empty where no keys are used.
    """

    subject: Subject
    source: Annotated[str, Field(min_length=1, max_length=100)]
    observed_at: Moment
    values: Annotated[list[ObservedValue], Field(min_length=1, max_length=MOST_VALUES), AfterValidator(_each_once)]
    by: str = ""


class PluginDisabled(Body):
    """A plugin failed too often and is no longer called by this daemon.

    Attributes:
        name: of the plugin.
        version: of its distribution; empty when it has none.
        failures: errors that were counted.
        last_error: the last of them.
        sentence: what happened, and what to do.
    """

    name: str
    version: str
    failures: int
    last_error: str
    sentence: str
