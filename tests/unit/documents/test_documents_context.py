"""Observations of other programs: bounded, with units, at a moment in UTC."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from astro_monitor.documents import ContextObserved
from astro_monitor.documents.context import LONGEST_TEXT, MOST_VALUES

OBSERVED = {
    "subject": "weather",
    "source": "station",
    "observed_at": "2026-11-20T21:14:03Z",
    "values": [{"key": "temperature", "value": -3.5, "unit": "degC"}, {"key": "rain", "value": False}],
}


def test_values_keep_their_type():
    body = ContextObserved.model_validate(OBSERVED)
    assert [(value.key, value.value, value.unit) for value in body.values] == [
        ("temperature", -3.5, "degC"),
        ("rain", False, ""),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": "dome"},
        {"source": ""},
        {"observed_at": "2026-11-20T21:14:03"},
        {"observed_at": "yesterday Z"},
        {"observed_at": "2026-11-20\n21:14:03Z"},
        {"observed_at": "2026-11-20\x1b21:14:03Z"},
        {"observed_at": "2026-11-31T21:14:03Z"},
        {"values": []},
        {"values": [{"key": "x", "value": 1.0}] * (MOST_VALUES + 1)},
        {"values": [{"key": "Not A Key", "value": 1.0}]},
        {"values": [{"key": "x", "value": float("nan")}]},
        {"values": [{"key": "x", "value": "long" * LONGEST_TEXT}]},
        {"values": [{"key": "x", "value": [1.0]}]},
        {"values": [{"key": "x", "value": 1.0}, {"key": "x", "value": 2.0}]},
        {"another": 1},
    ],
    ids=str,
)
def test_odd_observations_are_refused(odd):
    with pytest.raises(ValidationError):
        ContextObserved.model_validate(OBSERVED | odd)
