"""Records survive the trip to the worker and back; anything else is refused."""

from __future__ import annotations

import dataclasses
import io
import math
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor import metrics
from astro_monitor.looks import MAX_LOOK_BYTES
from astro_monitor.records import (
    CLASSES,
    FAULTS,
    Arrival,
    Baseline,
    BaselineKey,
    Examined,
    Failed,
    FieldCell,
    FixedLine,
    FrameMeta,
    Grade,
    Measurements,
    ReferenceStar,
    Skipped,
    Spread,
    Streak,
)
from astro_monitor.settings import Settings, WatchSettings
from astro_monitor.worker import wire

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=13)), timezone(timedelta(minutes=-210))])
)
paths = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=3).map(
    lambda parts: Path(os.fsdecode(b"/".join(part.replace(b"\0", b"0") for part in parts)))
)
integers = st.integers(0, 2**63 - 1)
arrivals = st.builds(
    Arrival, path=paths, root=paths, size_bytes=integers, mtime_ns=integers, first_seen_utc=moments, settled_utc=moments
)
optional_numbers = st.none() | numbers
metas = st.builds(
    FrameMeta,
    target=st.none() | texts,
    date_obs_utc=st.none() | moments,
    exposure_s=optional_numbers,
    sources=st.dictionaries(texts, texts, max_size=3),
    notes=st.lists(texts, max_size=3).map(tuple),
)
stars = st.builds(ReferenceStar, x_px=numbers, y_px=numbers, flux_adu_s=numbers)
streaks = st.builds(
    Streak, x0_px=numbers, y0_px=numbers, x1_px=numbers, y1_px=numbers, angle_deg=numbers, length_px=numbers,
    width_px=numbers,
)  # fmt: skip
cells = st.builds(
    FieldCell, column=st.integers(0, 7), row=st.integers(0, 5), star_count=st.integers(0, 9), sky_adu=numbers,
    fwhm_px=optional_numbers, elongation=optional_numbers, angle_deg=optional_numbers,
)  # fmt: skip
measurements = st.builds(
    Measurements,
    frame_id=texts,
    values=st.fixed_dictionaries(dict.fromkeys(metrics.KEYS, optional_numbers)),
    why_missing=st.dictionaries(texts, texts, max_size=3),
    field_grid=st.lists(cells, max_size=3).map(tuple),
    bright_stars=st.lists(stars, max_size=3).map(tuple),
    streaks=st.lists(streaks, max_size=2).map(tuple),
    fixed_streaks=st.lists(streaks, max_size=2).map(tuple),
)
grades = st.builds(
    Grade, frame_id=texts, label=texts, probabilities=st.fixed_dictionaries(dict.fromkeys(CLASSES, numbers)),
    fault_scores=st.fixed_dictionaries(dict.fromkeys(FAULTS, numbers)), cause=texts, cause_probability=numbers,
    in_domain=numbers, why_unknown=texts, model=texts,
)  # fmt: skip
timings = st.dictionaries(texts, numbers, max_size=3)
shapes = st.tuples(integers, integers)
examined = st.builds(
    Examined, arrival=arrivals, frame_id=texts, sha256=texts, meta=metas, sensor_shape=shapes,
    sensor_px_per_px=st.sampled_from([1, 2]), measurements=measurements, grade=grades,
    models=st.lists(texts, max_size=2).map(tuple), timings_s=timings,
)  # fmt: skip
skipped = st.builds(
    Skipped, arrival=arrivals, frame_id=texts, sha256=texts, meta=metas, sensor_shape=shapes, sentence=texts,
    timings_s=timings,
)  # fmt: skip
failed = st.builds(
    Failed, arrival=arrivals, frame_id=st.none() | texts, stage=texts, kind=texts, known=st.booleans(),
    retryable=st.booleans(), sentence=texts, timings_s=timings,
)  # fmt: skip
keys = st.builds(
    BaselineKey, rig=texts, target=texts, filter=texts, exposure_s=numbers, gain=numbers, binning=integers,
    height=integers, width=integers,
)  # fmt: skip
fixed_lines = st.builds(
    FixedLine, x0_px=numbers, y0_px=numbers, x1_px=numbers, y1_px=numbers, width_px=numbers, on_sky=st.booleans()
)
baselines = st.builds(
    Baseline, key=keys, size=integers, spreads=st.dictionaries(texts, st.builds(Spread, median=numbers, mad=numbers)),
    reference_stars=st.lists(stars, max_size=3).map(tuple), fixed_lines=st.lists(fixed_lines, max_size=2).map(tuple),
)  # fmt: skip
questions = st.builds(
    wire.Compare,
    arrival=arrivals,
    key=keys,
    version=integers,
    baseline=st.lists(baselines, max_size=1).map(tuple),
    look=st.binary(max_size=40),
) | st.builds(wire.LookAt, arrival=arrivals)
looks = st.builds(wire.Looked, arrival=arrivals, frame_id=texts, key=keys, look=st.binary(max_size=40))


@settings(max_examples=60, deadline=None)
@given(record=st.one_of(examined, skipped, failed, questions, looks), number=integers)
def test_every_record_comes_back_unchanged(record: wire.Record, number: int) -> None:
    back, back_number = wire.unpack(wire.pack(record, number))
    assert back == record
    assert type(back) is type(record)
    assert back_number == number


def test_settings_and_greetings_come_back_unchanged() -> None:
    chosen = Settings(watch=WatchSettings(ignore=("a*", "b*")), state_folder=Path("/somewhere"))
    for record in (
        chosen,
        wire.Ready(models=({"name": "a", "version": "1"},)),
        wire.Refused(error="ModelError", sentence="it is not there"),
    ):
        assert wire.unpack(wire.pack(record))[0] == record


KEY = BaselineKey(rig="rig", target="m 31", filter="l", exposure_s=60.0, gain=0.0, binning=1, height=100, width=100)


@pytest.fixture
def failure() -> Failed:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    arrival = Arrival(
        path=Path("/n/a.fits"), root=Path("/n"), size_bytes=1, mtime_ns=2, first_seen_utc=moment,
        settled_utc=moment, how="event",
    )  # fmt: skip
    return Failed(
        arrival=arrival, frame_id=None, stage="read", kind="unreadable", known=True, retryable=False,
        sentence="s", timings_s={"total": 1.5},
    )  # fmt: skip


def test_bytes_where_none_belong_and_none_where_some_do_are_no_message(failure: Failed) -> None:
    looked = wire.pack(wire.Looked(arrival=failure.arrival, frame_id="ab", key=KEY, look=b"abc"))
    assert looked.endswith(b"\0abc")
    for raw in (wire.pack(failure) + b"\0abc", wire.pack(failure) + b"\0", looked[: -len(b"\0abc")]):
        with pytest.raises(wire.WireError):
            wire.unpack(raw)


def test_bytes_of_more_than_any_look_are_no_message(failure: Failed) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(
            wire.pack(wire.Looked(arrival=failure.arrival, frame_id="ab", key=KEY, look=bytes(MAX_LOOK_BYTES + 1)))
        )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_not_sent(failure: Failed, value: float) -> None:
    with pytest.raises(wire.WireError):
        wire.pack(dataclasses.replace(failure, timings_s={"total": value}))


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"1.5"', b"true", b"[1.5]"])
def test_a_number_that_is_not_finite_is_not_taken(failure: Failed, value: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(wire.pack(failure).replace(b"1.5", value))


def test_text_that_is_no_unicode_is_escaped(failure: Failed) -> None:
    back, _ = wire.unpack(wire.pack(dataclasses.replace(failure, sentence="bad \udcff name")))
    assert isinstance(back, Failed)
    assert back.sentence == "bad \\udcff name"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"kind":"failed","number":0,"body":{}}',
        b'{"kind":"failed","number":"0","body":{}}',
        b'{"kind":"os.system","number":0,"body":{}}',
        b'{"kind":["failed"],"number":0,"body":{}}',
        b'{"kind":"failed","number":0,"body":{"' + b"a" * 1000 + b'":' + b"9" * 9000 + b"}}",
        b"cos\nsystem\n(S'true'\ntR.",
    ],
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(raw)


@given(junk=st.binary(max_size=40))
def test_random_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(junk)


def test_messages_follow_each_other_on_a_stream() -> None:
    stream = io.BytesIO()
    wire.send(stream, b"one")
    wire.send(stream, b"")
    stream.seek(0)
    assert [wire.receive(stream), wire.receive(stream), wire.receive(stream)] == [b"one", b"", None]


@pytest.mark.parametrize("raw", [b"\0", b"\0\0\0\x05abc", b"\xff\xff\xff\xff"])
def test_a_broken_stream_is_refused(raw: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.receive(io.BytesIO(raw))


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.send(io.BytesIO(), bytes(wire.MAX_MESSAGE_BYTES + 1))
