"""A verdict on what a file held before is taken back, with the warning that rested on it, when the file changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.documents import Document
from astro_monitor.nightlog import NightLog
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, Failed, Skipped
from astro_monitor.session import Session
from astro_monitor.settings import load
from astro_monitor.testing.light import invented

NIGHT = Path("/night")
KNOWN = 6
BEGAN = datetime(2026, 3, 20, 21, tzinfo=UTC)


SETTINGS = load(None, {"judge": {"max_fwhm_px": 8.0, "alert_n": 1}})
"""Two suspect frames in a row open a warning."""


@pytest.fixture
def session(night_log: NightLog, announced: list[Document]) -> Session:
    return Session(SETTINGS, night_log, SystemClock(), announce=announced.append)


def frame(name: str, content: bytes, *, good: bool = True, minute: int | None = 0, size_bytes: int = 9) -> Examined:
    """A frame that was exposed at this minute; bad ones are blurred."""
    now = datetime.now(UTC)
    arrival = Arrival(path=NIGHT / name, root=NIGHT, size_bytes=size_bytes, mtime_ns=1, first_seen_utc=now,
                      settled_utc=now, how="poll")  # fmt: skip
    found = invented(arrival, content, good=0.96)
    if not good:
        values = found.measurements.values | {"fwhm_px": 15.0}
        probabilities = {**dict.fromkeys(CLASSES, 0.01), "bad_seeing": 0.96}
        grade = replace(found.grade, label="bad_seeing", probabilities=probabilities, cause="none",
                        fault_scores={**dict.fromkeys(FAULTS, 0.0), "seeing": 0.98})  # fmt: skip
        found = replace(found, grade=grade, measurements=replace(found.measurements, values=values))
    exposed = None if minute is None else BEGAN + timedelta(minutes=minute)
    return replace(found, meta=replace(found.meta, date_obs_utc=exposed))


def begin(session: Session) -> None:
    """Let the rig be known, by good frames of the hour before."""
    for number in range(KNOWN):
        session.take(frame(f"known {number}.fits", b"known %d" % number, minute=number - 60))


def listed(night_log: NightLog) -> dict[str, str]:
    """Frames that are there or may be, with their decisions; the folder itself is not there in these tests."""
    rows = (row for row in night_log.judged_frames() if row.paths)
    return {row.frame_id: row.decision for row in rows if not row.body.relative_path.startswith("known")}


def kinds(announced) -> list[str]:
    """Kinds of what was said of frames and warnings, but for the frames that let the rig be known."""
    return [
        document.kind
        for document in announced
        if document.kind.startswith(("frame", "alert"))
        and not document.body.get("relative_path", "").startswith("known")
    ]


def test_an_early_verdict_and_its_warning_are_taken_back(session, night_log, announced) -> None:
    begin(session)
    early = [frame(f"{number}.fits", b"half %d" % number, good=False, minute=number) for number in range(2)]
    for one in early:
        session.take(one)
    assert kinds(announced) == ["frame.judged", "frame.judged", "alert.opened"]
    opened = announced[-1].body
    whole = [frame(f"{number}.fits", b"whole %d" % number, minute=number) for number in range(2)]
    first = session.take(whole[0])
    assert first.kind == "frame.judged"
    assert kinds(announced)[3:] == ["frame.judged", "alert.closed", "frame.revised"]
    closed, revised = announced[-2].body, announced[-1].body
    assert closed["alert_id"] == opened["alert_id"]
    assert "before its file was complete" in closed["sentence"]
    assert revised["frame_id"] == early[0].frame_id
    assert (revised["old_decision"], revised["new_decision"], revised["by"]) == ("reject", "reject", "rules")
    assert revised["replaced_by"] == whole[0].frame_id
    session.take(whole[1])
    assert kinds(announced)[6:] == ["frame.judged", "frame.revised"]
    assert set(listed(night_log)) == {one.frame_id for one in whole}
    assert session.counts.judged == KNOWN + 2
    assert session.counts.judged == session.counts.kept + session.counts.review + session.counts.rejected
    assert night_log.snapshot()[-1].kind == "frame.judged"
    assert all(document.kind != "alert.opened" for document in night_log.snapshot())


def test_real_trouble_stays_reported(session, announced) -> None:
    begin(session)
    for number in range(3):
        session.take(frame(f"{number}.fits", b"bad %d" % number, good=False, minute=number))
    session.take(frame("1.fits", b"whole", minute=1))
    assert "alert.closed" not in kinds(announced)
    session.take(frame("0.fits", b"whole, and bad", good=False, minute=0))
    assert kinds(announced)[-2:] == ["frame.judged", "frame.revised"]
    assert "alert.closed" not in kinds(announced)


def test_trouble_after_a_warning_that_was_withdrawn_is_no_repeat(session, announced) -> None:
    begin(session)
    for number in range(2):
        session.take(frame(f"{number}.fits", b"half %d" % number, good=False, minute=number))
    session.take(frame("0.fits", b"whole", minute=0))
    for number in range(2, 5):
        session.take(frame(f"{number}.fits", b"bad %d" % number, good=False, minute=number))
    opened = [document.body for document in announced if document.kind == "alert.opened"]
    assert [body["repeat"] for body in opened] == [False, False]
    assert len({body["alert_id"] for body in opened}) == 2


def test_it_holds_over_a_restart(night_log, announced) -> None:
    def start() -> Session:
        return Session(SETTINGS, night_log, SystemClock(), announce=announced.append)

    session = start()
    begin(session)
    early = [frame(f"{number}.fits", b"half %d" % number, good=False, minute=number) for number in range(2)]
    for one in early:
        session.take(one)
    start().take(frame("1.fits", b"whole", minute=1))
    assert kinds(announced)[3:] == ["frame.judged", "alert.closed", "frame.revised"]
    assert announced[-1].body["frame_id"] == early[1].frame_id


def test_a_file_that_the_next_exposure_overwrites_has_nothing_taken_back(session, night_log, announced) -> None:
    """As previews are written, each night, again and again under one name."""
    begin(session)
    for minute in range(4):
        session.take(frame("preview.fits", b"exposure %d" % minute, good=False, minute=minute))
    assert "frame.revised" not in kinds(announced)
    assert kinds(announced).count("alert.opened") == 1
    assert "alert.closed" not in kinds(announced)
    assert len(listed(night_log)) == 1


def test_content_that_is_elsewhere_too_keeps_its_verdict(session, night_log, announced) -> None:
    first = frame("a.fits", b"one")
    session.take(first)
    session.take(replace(first, arrival=replace(first.arrival, path=NIGHT / "copy.fits")))
    second = frame("a.fits", b"two")
    session.take(second)
    assert "frame.revised" not in kinds(announced)
    assert set(listed(night_log)) == {first.frame_id, second.frame_id}


def test_frames_without_a_time_are_one_exposure_when_they_are_as_long(session, announced) -> None:
    session.take(frame("a.fits", b"half", minute=None))
    session.take(frame("a.fits", b"whole", minute=None))
    assert kinds(announced)[-1] == "frame.revised"
    session.take(frame("a.fits", b"longer", minute=None, size_bytes=99))
    assert kinds(announced)[-1] == "frame.judged"


def test_a_decision_by_hand_goes_over_to_the_same_exposure_with_another_header(session, night_log, announced) -> None:
    before, after = frame("a.fits", b"without wcs"), frame("a.fits", b"with wcs")
    session.take(before)
    session.revise(before.frame_id, "reject", "astronomer", "a plane")
    session.take(after)
    replaced, carried = announced[-2].body, announced[-1].body
    assert (replaced["frame_id"], replaced["replaced_by"]) == (before.frame_id, after.frame_id)
    assert (carried["frame_id"], carried["new_decision"], carried["by"]) == (after.frame_id, "reject", "astronomer")
    assert carried["why"] == "Decided before the file was changed: a plane"
    row = night_log.frame(after.frame_id)
    assert (row.decision, row.decided_by, row.weight) == ("reject", "astronomer", 0.0)


def test_a_frame_that_could_not_be_read_in_between_is_replaced_too(session, night_log, announced) -> None:
    early = frame("a.fits", b"half", good=False)
    session.take(early)
    session.take(
        Failed(arrival=early.arrival, frame_id=None, stage="read", kind="incomplete", known=True, retryable=True,
               sentence="The file changed while it was read; it is tried again.", timings_s={})
    )  # fmt: skip
    whole = frame("a.fits", b"whole")
    session.take(whole)
    assert announced[-1].body["replaced_by"] == whole.frame_id
    assert set(listed(night_log)) == {whole.frame_id}


def test_a_picture_that_turns_out_to_be_a_dark_replaces_the_verdict(session, night_log, announced) -> None:
    early = frame("a.fits", b"half", good=False)
    session.take(early)
    dark = Skipped(arrival=early.arrival, frame_id="d" * 16, sha256="d" * 64, meta=replace(early.meta, kind="dark"),
                   sensor_shape=(40, 40), sentence="IMAGETYP says this is a dark frame.", timings_s={})  # fmt: skip
    session.take(dark)
    assert kinds(announced)[-2:] == ["frame.skipped", "frame.revised"]
    assert (session.counts.judged, session.counts.skipped) == (0, 1)


def test_content_that_comes_back_counts_again(session, night_log, announced) -> None:
    """As when a file is restored that a program has written into."""
    first, second = frame("a.fits", b"first"), frame("a.fits", b"second", good=False)
    for one in (first, second, first):
        session.take(one)
    back, gone = announced[-1].body, announced[-2].body
    assert (gone["frame_id"], gone["replaced_by"]) == (second.frame_id, first.frame_id)
    assert (back["frame_id"], back["replaced_by"], back["new_decision"]) == (first.frame_id, "", "keep")
    assert set(listed(night_log)) == {first.frame_id}
    assert session.counts.judged == session.counts.kept == 1
    session.take(second)
    assert set(listed(night_log)) == {second.frame_id}
    assert session.counts.judged == session.counts.rejected == 1


def test_a_replaced_frame_says_no_longer_what_is_normal(session, night_log) -> None:
    for number in range(6):
        session.take(frame(f"{number}.fits", b"%d" % number, minute=number))
    (before,) = session.baselines()
    session.take(frame("3.fits", b"whole", minute=3))
    (after,) = session.baselines()
    assert before.size == after.size == 6


@pytest.mark.parametrize("lost", [True, False])
def test_the_numbers_of_a_session_leave_replaced_frames_out(tmp_path, lost: bool) -> None:
    path = tmp_path / "log.sqlite"
    with NightLog.open(path, "a" * 32, SystemClock()) as night_log:
        session = Session(SETTINGS, night_log, SystemClock(), announce=lambda document: None)
        session.start("watch", tmp_path, [])
        session.take(frame("a.fits", b"half"))
        session.take(frame("b.fits", b"other", minute=1))
        session.take(frame("a.fits", b"whole"))
        if not lost:
            session.stop("stopped", "It is over.")
    with NightLog.open(path, "b" * 32, SystemClock()) as night_log:
        night_log.close_lost_sessions()
        stopped = [document.body for document in night_log.documents(kind="session.stopped")]
    assert [(body["frames_judged"], body["reason"]) for body in stopped] == [(2, "lost" if lost else "stopped")]
