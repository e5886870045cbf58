"""A night is judged again from its looks, also when its files are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.demo.writer import write_night
from astro_monitor.framestore import FrameStore
from astro_monitor.looks import encode
from astro_monitor.memory import past_of
from astro_monitor.nightlog import NightLog
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import Arrival, Look, baseline_key
from astro_monitor.regrade import JudgedAgain, judge_again
from astro_monitor.session import Session
from astro_monitor.settings import KeepSettings, ModelSettings, Settings, SiteSettings

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FRAMES = 10
SETTINGS = Settings(models=ModelSettings(provider="cpu"))


def arrival(path: Path) -> Arrival:
    status = path.stat()
    return Arrival(path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns,
                   first_seen_utc=NOW, settled_utc=NOW, how="scan")  # fmt: skip


class Night:
    """Frames that were judged, whose looks are kept."""

    def __init__(self, folder: Path) -> None:
        captures = folder / "captures"
        captures.mkdir()
        write_night(captures, FRAMES, 0.0)
        self.files = sorted(captures.rglob("*.fits"))
        self.store = FrameStore(folder, KeepSettings())
        self.log = NightLog.open(":memory:", "s" * 32, SystemClock())
        session = Session(SETTINGS, self.log, SystemClock(), announce=lambda document: None)
        pipeline = Pipeline.open(SETTINGS)
        for path in self.files:
            look = pipeline.look(arrival(path))
            assert isinstance(look, Look)
            assert self.store.keep_look(look.frame_id, encode(look))
            session.take(pipeline.compare(look, session.baseline_for(baseline_key(look.meta, look.sensor_shape))))
        session.stop("stopped", "The end.")

    def again(self, settings: Settings = SETTINGS) -> list[JudgedAgain]:
        rows = sorted(self.log.judged_frames(), key=lambda row: row.seq)
        past = past_of(self.log, [rows[0].night])
        return list(judge_again(rows, settings, past, store=self.store))


@contextmanager
def without_files(night: Night) -> Iterator[None]:
    away = {path: path.rename(path.with_suffix(".away")) for path in night.files}
    yield
    for path, moved in away.items():
        moved.rename(path)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return Night(tmp_path_factory.mktemp("again"))


def test_looks_lead_to_the_same_verdicts_as_the_files_did(night: Night) -> None:
    with without_files(night):
        again = night.again()
    assert len(again) == FRAMES
    assert [(one.now, one.changed) for one in again] == [(one.row.rules_decision, False) for one in again]
    graded = [one.verdict.weight for one in again if one.verdict is not None]
    assert graded == [one.row.body.weight for one in again]


def test_looks_that_another_site_would_not_see_are_not_used(night: Night) -> None:
    elsewhere = SiteSettings(latitude_deg=-30.0, longitude_deg=120.0)
    with without_files(night):
        again = night.again(SETTINGS.model_copy(update={"site": elsewhere}))
    assert {one.sentence for one in again} == {"the frame is no longer where it was"}


def test_a_damaged_look_costs_a_reading_of_its_file(night: Night) -> None:
    rows = sorted(night.log.judged_frames(), key=lambda row: row.seq)
    kept = night.store.look(rows[2].frame_id)
    night.store.keep_look(rows[2].frame_id, kept[:-1])
    again = night.again()
    night.store.keep_look(rows[2].frame_id, kept)
    assert [one.changed for one in again] == [False] * FRAMES
