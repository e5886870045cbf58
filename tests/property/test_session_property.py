"""Whatever numbers a header or a measurement holds: each file has its document, and later frames their verdict."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args, get_type_hints

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from astro_monitor import metrics
from astro_monitor.clock import SystemClock
from astro_monitor.documents import Document, decode, encode
from astro_monitor.nightlog import NightLog
from astro_monitor.records import Arrival, Examined, FrameMeta, Outcome, Skipped
from astro_monitor.session import Session
from astro_monitor.settings import ListSettings, Settings
from astro_monitor.sinks import ListSink
from astro_monitor.testing.light import invented
from astro_monitor.worker.wire import Compare, pack, unpack

NOW = datetime(2026, 3, 20, 21, tzinfo=UTC)

ODD = [
    0.0,
    -0.0,
    1e308,
    -1e308,
    5e-324,
    1e-300,
    2.0**63,
    2.0**64,
    -1.0,
    1e19,
    float("nan"),
    float("inf"),
    float("-inf"),
]
FLOATS = st.one_of(st.sampled_from(ODD), st.floats())
INTEGERS = st.one_of(st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400]), st.integers())
TEXTS = st.one_of(st.sampled_from(["", "\x00", "\x1b[2J", "\ud800", "M 31\n", "é" * 80]), st.text(max_size=20))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])
MOMENTS = st.one_of(
    st.builds(datetime, st.sampled_from([1, 2, 1970, 2262, 9998, 9999]), st.sampled_from([1, 12]),
              st.sampled_from([1, 31]), st.sampled_from([0, 23]), tzinfo=ZONES),
    st.datetimes(timezones=ZONES),
)  # fmt: skip
LAST = datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))
"""Its UTC lies behind the end of the calendar."""
BY_TYPE = {float: FLOATS, int: INTEGERS, str: TEXTS, datetime: MOMENTS}


def values_of(hint: object) -> st.SearchStrategy[object]:
    options = [one for one in get_args(hint) if one is not type(None)] or [hint]
    return st.one_of(*(BY_TYPE[one] for one in options if one in BY_TYPE))


HINTS = {
    name: hint
    for name, hint in get_type_hints(FrameMeta).items()
    if any(one in BY_TYPE for one in (*get_args(hint), hint)) and name not in ("kind", "sources", "notes")
}
METAS = st.builds(
    lambda changes: replace(FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0), **changes),
    st.fixed_dictionaries({}, optional={name: values_of(hint) for name, hint in HINTS.items()}),
)
MEASURED = st.dictionaries(st.sampled_from(sorted(metrics.KEYS)), FLOATS, max_size=6)


def arrival(name: str, size_bytes: int, mtime_ns: int) -> Arrival:
    return Arrival(
        path=Path("/night") / name, root=Path("/night"), size_bytes=size_bytes, mtime_ns=mtime_ns, first_seen_utc=NOW,
        settled_utc=NOW, how="scan", ctime_ns=mtime_ns, file_no=size_bytes,
    )  # fmt: skip


def plain(number: int) -> Examined:
    return invented(arrival(f"{number}.fits", 9, 1), b"plain %d" % number, good=0.96)


def assert_told(log: NightLog, document: Document, outcome: Outcome) -> None:
    assert document.kind in ("frame.judged", "frame.skipped", "frame.failed")
    assert document.body["relative_path"] == outcome.arrival.path.name
    assert decode(encode(document)) == document
    assert log.already_done(outcome.arrival.path, outcome.arrival.size_bytes, outcome.arrival.mtime_ns)
    if document.kind == "frame.failed":
        assert document.body["sentence"].endswith("please report this file")


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(metas=st.lists(METAS, min_size=1, max_size=3), measured=MEASURED, size=INTEGERS, mtime=INTEGERS, score=FLOATS)
@example(metas=[FrameMeta(kind="light", exposure_s=1e308)] * 3, measured={"fwhm_px": 1e308}, size=9, mtime=1, score=1.0)
@example(metas=[FrameMeta(kind="light", gain=float("nan"), binning=2**70)], measured={}, size=2**70, mtime=2**70,
         score=float("nan"))  # fmt: skip
@example(metas=[FrameMeta(kind="light", date_obs_utc=LAST)], measured={}, size=0, mtime=0, score=1.0)
def test_no_number_ends_the_loop_or_spoils_the_frames_after_it(metas, measured, size, mtime, score) -> None:
    with (
        TemporaryDirectory() as name,
        NightLog.open(":memory:", "s" * 32, SystemClock(), longitude_deg=11.0) as log,
    ):
        folder = Path(name)
        announced: list[Document] = []
        session = Session(Settings(), log, SystemClock(), announce=announced.append)
        session.start("watch", Path("/night"), [])
        for number in range(6):
            session.take(plain(number))
        for number, meta in enumerate(metas):
            odd = invented(arrival(f"odd{number}.fits", size, mtime), b"odd %d" % number, good=0.96)
            values = {**odd.measurements.values, **measured}
            odd = replace(
                odd, meta=meta, measurements=replace(odd.measurements, values=values),
                grade=replace(odd.grade, in_domain=score), timings_s={"total": score},
            )  # fmt: skip
            assert_told(log, session.take(odd), odd)
            # What is normal goes to the worker with the next frame, where no number may be without an end.
            for baseline in session.baselines():
                unpack(pack(Compare(arrival=odd.arrival, key=baseline.key, version=1, baseline=(baseline,), look=b"")))
        for number in range(6, 9):
            document = session.take(plain(number))
            assert (document.kind, document.body["decision"]) == ("frame.judged", "keep")
        report = partial(session.record, "list.written")
        ListSink(log, folder, ListSettings(), report=report).write(force=True)
        session.stop("stopped", "It is over.")
        assert [document.doc_id for document in log.documents()] == [document.doc_id for document in announced]
        assert session.counts.judged + session.counts.failed == 9 + len(metas)


@settings(max_examples=60, deadline=None)
@given(meta=METAS, shape=st.tuples(INTEGERS, INTEGERS), size=INTEGERS, mtime=INTEGERS)
def test_files_that_are_no_lights_are_reported_whatever_their_headers_say(meta, shape, size, mtime) -> None:
    outcome = Skipped(
        arrival=arrival("dark.fits", size, mtime), frame_id="ab" * 8, sha256="ab" * 32, meta=replace(meta, kind="dark"),
        sensor_shape=shape, sentence="IMAGETYP says this is a dark frame, so it is not graded.", timings_s={},
    )  # fmt: skip
    with NightLog.open(":memory:", "s" * 32, SystemClock()) as log:
        session = Session(Settings(), log, SystemClock(), announce=lambda document: None)
        assert_told(log, session.take(outcome), outcome)
        assert next(log.documents()).body["relative_path"] == "dark.fits"


def test_all_numbers_of_a_header_are_tried() -> None:
    assert {field.name for field in fields(FrameMeta)} - set(HINTS) == {"kind", "sources", "notes"}
