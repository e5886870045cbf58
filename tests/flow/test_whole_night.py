"""A whole night through the real daemon and the real models, with a restart in the middle."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.running import RunningMonitor, private_settings

RIG = Rig(height_px=720, width_px=960)
FRAMES = 20

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def night() -> dict[str, tuple]:
    sky = Sky.seeded(RIG, stars=600)
    return {
        f"frame_{exposure.index:03d}.fits": (exposure, render_exposure(RIG, sky, exposure))
        for exposure in demo_night(FRAMES)
    }


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_night_with_a_restart(tmp_path, night) -> None:
    capture = tmp_path / "capture"
    capture.mkdir()
    settings = private_settings(tmp_path / "state")
    names = list(night)
    half = FRAMES // 2

    def expose(name: str) -> None:
        exposure, pixels = night[name]
        write_fits(capture / name, pixels, cards_of(RIG, exposure))

    with RunningMonitor(capture, settings) as first:
        for count, name in enumerate(names[:half], 1):
            expose(name)
            first.wait_for_outcomes(count)
    # Two frames arrive while nobody watches.
    expose(names[half])
    expose(names[half + 1])
    before = tree(capture)
    with RunningMonitor(capture, settings) as second:
        second.wait_for_outcomes(2)
        for count, name in enumerate(names[half + 2 :], 3):
            expose(name)
            second.wait_for_outcomes(count)
        # A copy under another name is the same frame: noted, not judged again.
        (capture / "copy.fits").write_bytes((capture / names[0]).read_bytes())
        expose_last = capture / "last.fits"
        exposure, pixels = night[names[-1]]
        write_fits(expose_last, pixels[::-1].copy(), cards_of(RIG, exposure))
        second.wait_for_outcomes(FRAMES - half + 1)

    outcomes = first.outcomes() + second.outcomes()
    assert [document.kind for document in outcomes] == ["frame.judged"] * (FRAMES + 1)
    assert len({document.body["sha256"] for document in outcomes}) == FRAMES + 1

    expected = [night[name][0].expected for name in names]
    found = [document.body["class"] for document in outcomes[:FRAMES]]
    right = sum(want == got for want, got in zip(expected, found, strict=True))
    assert right >= FRAMES - 2, list(zip(names, expected, found, strict=True))
    kept_bad = [
        n
        for n, want, d in zip(names, expected, outcomes, strict=False)
        if want != "good" and d.body["decision"] == "keep"
    ]
    assert len(kept_bad) <= 1, kept_bad
    streaked = next(d for n, d in zip(names, outcomes, strict=False) if night[n][0].satellite)
    assert "streak" in streaked.body["flags"]
    assert streaked.body["decision"] == "keep"

    kinds = [document.kind for document in first.documents + second.documents]
    assert "alert.opened" in kinds
    assert "alert.closed" in kinds

    with NightLogReader.read(first.monitor.night_log_path) as log:
        sequence = [document.seq for document in log.after(0, 10_000)]
        assert sequence == list(range(1, len(sequence) + 1))
        kept = sorted(row.body.frame_id for row in log.judged_frames() if row.decision == "keep")

    (table,) = second.monitor.lists_folder.rglob("frames.csv")
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert sorted(row["frame_id"] for row in rows if row["decision"] == "keep") == kept
    assert json.loads(table.with_suffix(".json").read_text("utf-8"))

    after = tree(capture)
    assert {name: after[name] for name in before} == before
    assert set(after) == {*names, "copy.fits", "last.fits"}
