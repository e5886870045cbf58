"""However a night went, the lists that were kept in step are those that are made from the log in one go."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from astro_monitor.clock import SystemClock
from astro_monitor.lists import write_lists
from astro_monitor.nightlog import NightLog
from astro_monitor.records import Arrival
from astro_monitor.session import Session
from astro_monitor.settings import ListSettings, Settings
from astro_monitor.sinks import ListSink, listed_frames
from astro_monitor.testing.light import LightPipeline

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FORMATS = ("csv", "json", "dss", "pixinsight", "text")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 5), st.integers(0, 5), st.sampled_from(["M 31", "M 42"])),
        st.tuples(st.just("revise"), st.integers(0, 5), st.sampled_from(["keep", "review", "reject"]), st.just("")),
        st.tuples(st.just("write"), st.just(0), st.just(0), st.just("")),
        st.tuples(st.just("lose a list"), st.just(0), st.just(0), st.just("")),
    ),
    min_size=1,
    max_size=25,
)


def content_of(number: int) -> bytes:
    return f"content {number}".encode()


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
@example(
    # The copy of a frame gives its name to another frame: the first one is to be found under its old name again.
    steps=[("take", 0, 0, "M 31"), ("take", 0, 1, "M 31"), ("write", 0, 0, ""), ("take", 1, 1, "M 31")]
)
def test_lists_kept_in_step_are_those_made_in_one_go(steps):
    with tempfile.TemporaryDirectory() as place, NightLog.open(":memory:", "s" * 32, SystemClock()) as log:
        captures, lists, fresh = (Path(place) / name for name in ("captures", "lists", "fresh"))
        captures.mkdir()
        chosen = Settings(lists=ListSettings(formats=FORMATS))
        session = Session(chosen, log, SystemClock(), announce=lambda document: None)
        sink = ListSink(log, lists, chosen.lists, roots=(captures,))
        for what, first, second, third in steps:
            match what:
                case "take":
                    path = captures / f"{second}.fits"
                    path.write_bytes(content_of(first))
                    arrival = Arrival(path=path, root=captures, size_bytes=9, mtime_ns=1, first_seen_utc=NOW,
                                      settled_utc=NOW, how="scan")  # fmt: skip
                    outcome = LightPipeline().examine(arrival)
                    session.take(replace(outcome, meta=replace(outcome.meta, target=third)))
                case "revise":
                    frame_id = hashlib.sha256(content_of(first)).hexdigest()[:16]
                    if log.has_content(frame_id):
                        session.revise(frame_id, second, "astronomer", "so it is")
                case "write":
                    sink.flush()
                case "lose a list":
                    for path in list(lists.rglob("frames.csv"))[:1]:
                        path.unlink()
                        sink.write(force=True)
        sink.write(force=True)
        write_lists(listed_frames(log), fresh, FORMATS)
        assert tree(lists) == tree(fresh)


def tree(folder: Path) -> dict[str, bytes | str]:
    """Give files and links, without the generation, which counts the changes on the way."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and name != "index.json":
            found[name] = path.read_bytes()
    return found
