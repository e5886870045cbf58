"""``astro-monitor lists`` on a night that was watched: what is there now, weights, never into the capture folder."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from astropy.io import fits
from rich.console import Console

from astro_monitor.cli.commands.lists import run_lists
from astro_monitor.cli.commands.review import run_review
from astro_monitor.clock import SystemClock
from astro_monitor.errors import ConfigError
from astro_monitor.monitor import rig_folder
from astro_monitor.nightlog import NightLog
from astro_monitor.records import Arrival
from astro_monitor.session import Session
from astro_monitor.settings import Settings, load
from astro_monitor.sinks import ListSink
from astro_monitor.testing.folders import small_fits
from astro_monitor.testing.light import invented

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def captures(tmp_path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path) -> Settings:
    return load(None, {"state_folder": tmp_path / "state"})


def watch(captures: Path, settings: Settings, *, good: float = 0.96, count: int = 4) -> list[Path]:
    """Write frames and let a session judge them."""
    place = rig_folder(settings, captures)
    place.mkdir(parents=True)
    paths = []
    with NightLog.open(place / "nightlog.sqlite", "s" * 32, SystemClock()) as log:
        session = Session(settings, log, SystemClock(), announce=lambda document: None)
        for number in range(count):
            path = captures / f"{number}.fits"
            path.write_bytes(small_fits()[:-8] + number.to_bytes(8, "big"))
            arrival = Arrival(path=path, root=captures, size_bytes=path.stat().st_size, mtime_ns=1,
                              first_seen_utc=NOW, settled_utc=NOW, how="scan")  # fmt: skip
            session.take(invented(arrival, path.read_bytes(), good=good))
            paths.append(path)
    return paths


def lists(captures: Path, settings: Settings, output: Path | None = None, copies: Path | None = None) -> str:
    printed = io.StringIO()
    run_lists(captures, output, settings, copies=copies, out=Console(file=printed, width=200))
    return printed.getvalue()


def test_deleted_frames_are_in_no_list_at_once(captures, settings, tmp_path):
    paths = watch(captures, settings)
    said = lists(captures, settings)
    assert "4 of 4 frames kept, " in said
    assert " min, as much as " in said
    assert ": accepted.txt, deepskystacker.dssfilelist, frames.csv, frames.json, " in said
    folder = rig_folder(settings, captures) / "lists"
    assert len(list(folder.rglob("siril/lights/*"))) == 4
    paths[1].unlink()
    paths[2].rename(tmp_path / "elsewhere.fits")
    assert f"2 judged frames no longer in {captures}, so in no list." in lists(captures, settings)
    (found,) = folder.rglob("frames.json")
    assert {frame["file"] for frame in json.loads(found.read_text())["accepted"]} == {str(paths[0]), str(paths[3])}
    assert all(link.exists() for link in folder.rglob("lights/*"))
    (tmp_path / "elsewhere.fits").rename(paths[2])
    assert f"1 judged frame no longer in {captures}" in lists(captures, settings)
    assert len(list(folder.rglob("siril/lights/*"))) == 3


@pytest.mark.parametrize("inside", [".", "copies", "a/../b"])
@pytest.mark.parametrize("through_link", [False, True])
@pytest.mark.parametrize("what", ["copies", "output"])
def test_no_output_goes_into_the_capture_folder(captures, settings, tmp_path, inside, through_link, what):
    paths = watch(captures, settings)
    top = captures
    if through_link:
        top = tmp_path / "link"
        top.symlink_to(captures)
    with pytest.raises(ConfigError, match=r"inside the capture folder.*choose a place outside"):
        lists(captures, settings, **{what: top / inside})
    assert sorted(captures.iterdir()) == paths


def test_a_frame_that_is_kept_by_hand_is_weighed_with_the_others(captures, settings, tmp_path):
    """A soft frame that the rules did not keep counts (2.5 / 3)² next to four sharper ones, and not 1."""
    watch(captures, settings)
    path = captures / "soft.fits"
    path.write_bytes(small_fits()[:-8] + (9).to_bytes(8, "big"))
    arrival = Arrival(path=path, root=captures, size_bytes=path.stat().st_size, mtime_ns=1, first_seen_utc=NOW,
                      settled_utc=NOW, how="scan")  # fmt: skip
    outcome = invented(arrival, path.read_bytes(), good=0.02)
    outcome.measurements.values["fwhm_px"] = 3.6
    with NightLog.open(rig_folder(settings, captures) / "nightlog.sqlite", "t" * 32, SystemClock()) as log:
        session = Session(settings, log, SystemClock(), announce=lambda document: None)
        judged = session.take(outcome)
        assert judged.body["decision"] != "keep"
        assert judged.body["weight"] == 0.0
        session.revise(judged.body["frame_id"], "keep", "astronomer", "good enough")
    assert "5 of 5 kept frames copied" in lists(captures, settings, copies=tmp_path / "copies")
    with fits.open(tmp_path / "copies" / "soft.fits") as hdus:
        assert hdus[0].header["SSWEIGHT"] == pytest.approx((2.5 / 3.0) ** 2, abs=1e-3)
    with fits.open(tmp_path / "copies" / "0.fits") as hdus:
        assert hdus[0].header["SSWEIGHT"] == 1.0


def test_a_watch_that_begins_brings_the_lists_of_an_earlier_run_into_order(captures, settings):
    """Frames went while nothing was watched, and a list is missing: no new frame is needed to mend that."""
    paths = watch(captures, settings)
    lists(captures, settings)
    place = rig_folder(settings, captures)
    paths[0].unlink()
    (broken,) = (place / "lists").rglob("frames.csv")
    broken.unlink()
    with NightLog.open(place / "nightlog.sqlite", "t" * 32, SystemClock()) as log:
        ListSink(log, place / "lists", settings.lists, roots=(captures,), state=place, ending=lambda: True).flush()
        assert broken.is_file()
    assert str(paths[0]) not in broken.read_text("utf-8")
    assert all(link.exists() for link in (place / "lists").rglob("lights/*"))


def test_lists_of_a_capture_folder_that_is_away_stay_as_they_are(captures, settings, tmp_path):
    watch(captures, settings)
    lists(captures, settings)
    captures.rename(tmp_path / "away")
    with pytest.raises(ConfigError, match="connect its disk"):
        lists(captures, settings)
    assert len(list(rig_folder(settings, captures).rglob("siril/lights/*"))) == 4


def test_frames_that_are_gone_wait_for_no_look_and_say_so(captures, settings):
    def review(*, everything: bool) -> str:
        printed = io.StringIO()
        run_review(captures, [], None, "", settings, everything=everything, out=Console(file=printed, width=200))
        return printed.getvalue()

    paths = watch(captures, settings, good=0.6)
    assert [path.name in review(everything=False) for path in paths] == [True] * 4
    paths[1].unlink()
    waiting, everything = review(everything=False), review(everything=True)
    assert [path.name in waiting for path in paths] == [True, False, True, True]
    assert everything.count("(no longer there)") == 1
    assert f"astro-monitor review {captures} FILE --keep" in waiting
