"""Recorded verdicts: two recordings of the same code are the same, and a comparison finds what differs."""

from __future__ import annotations

import copy
import json

import pytest

from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of
from benchmarks.recorded import main, record_night
from benchmarks.recorded_differences import compare

JUDGED = {
    "night": "demo",
    "kind": "frame.judged",
    "frame": "a.fits",
    "body": {"decision": "keep", "measurements": {"fwhm_px": 2.5}, "reasons": [{"rule": "none", "value": 1.0}]},
}
ALERT = {"night": "demo", "kind": "alert.opened", "frame": "b.fits", "body": {"kind": "seeing", "evidence": ["1", "2"]}}


def written(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def with_body(line, **fields):
    changed = copy.deepcopy(line)
    changed["body"].update(fields)
    return changed


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Three frames of the demonstration, and a file that is not a frame."""
    folder, rig = tmp_path_factory.mktemp("night"), Rig(height_px=240, width_px=320)
    sky = Sky.seeded(rig)
    for exposure in list(demo_night())[:3]:
        path = folder / f"{exposure.index}.fits"
        write_fits(path, render_exposure(rig, sky, exposure), cards_of(rig, exposure))
    (folder / "damaged.fits").write_bytes(b"not a frame".ljust(2880))
    return folder


@pytest.mark.slow
def test_two_recordings_of_the_same_frames_are_equal_and_hold_no_path_of_this_computer(night, tmp_path):
    recordings = [list(record_night("demo", night)) for _ in range(2)]
    assert recordings[0] == recordings[1]
    assert {line["frame"] for line in recordings[0]} == {"1.fits", "2.fits", "3.fits", "damaged.fits"}
    assert {line["kind"] for line in recordings[0]} >= {"frame.judged", "frame.failed"}
    assert str(night) not in json.dumps(recordings[0])


def test_a_number_that_differs_in_its_last_digit_is_found(tmp_path, capsys):
    before = written(tmp_path / "before.jsonl", JUDGED, ALERT)
    after = written(tmp_path / "after.jsonl", with_body(JUDGED, measurements={"fwhm_px": 2.50001}), ALERT)
    assert main(["compare", str(before), str(after)]) == 1
    assert "demo: a.fits frame.judged: measurements.fwhm_px: 2.5 → 2.50001" in capsys.readouterr().out


def test_equal_recordings_give_exit_code_0(tmp_path, capsys):
    before, after = (written(tmp_path / f"{name}.jsonl", JUDGED, ALERT) for name in ("before", "after"))
    assert main(["compare", str(before), str(after)]) == 0
    assert "2 documents before, 2 after: no difference" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        pytest.param([JUDGED], "demo: b.fits alert.opened: only in before.jsonl", id="alert lost"),
        pytest.param(
            [JUDGED, ALERT, ALERT], "demo: b.fits alert.opened (number 2): only in after.jsonl", id="alert twice"
        ),
        pytest.param(
            [ALERT, JUDGED],
            "demo: the documents are in another order, first at a.fits frame.judged",
            id="another order",
        ),
        pytest.param(
            [JUDGED, with_body(ALERT, evidence=["1"])],
            'demo: b.fits alert.opened: evidence[1]: "2" → absent',
            id="shorter list",
        ),
        pytest.param(
            [with_body(JUDGED, reasons=[]), ALERT], "demo: a.fits frame.judged: reasons: absent → []", id="no reasons"
        ),
    ],
)
def test_each_kind_of_difference_is_found(tmp_path, after, sentence):
    before = written(tmp_path / "before.jsonl", JUDGED, ALERT)
    report = compare(before, written(tmp_path / "after.jsonl", *after))
    assert report.differs
    assert sentence in report.sentences


def test_shared_fields_leaves_out_what_only_one_version_has_and_names_it(tmp_path):
    new_kind = {"night": "demo", "kind": "plugin.disabled", "frame": "b.fits", "body": {"name": "x"}}
    before = written(tmp_path / "before.jsonl", JUDGED, ALERT)
    after = written(tmp_path / "after.jsonl", with_body(JUDGED, field={"ra_deg": 1.0}), ALERT, new_kind)
    assert compare(before, after).differs
    report = compare(before, after, shared_fields=True)
    assert not report.differs
    assert report.sentences[:2] == (
        "not compared, because only one recording has it: plugin.disabled",
        "not compared, because only one recording has it: frame.judged field",
    )


def test_shared_fields_still_compares_what_only_some_documents_of_a_kind_have(tmp_path):
    other = {**with_body(JUDGED, note="once"), "frame": "c.fits"}
    before = written(tmp_path / "before.jsonl", JUDGED, other)
    after = written(tmp_path / "after.jsonl", with_body(JUDGED, note="once"), other)
    assert compare(before, after, shared_fields=True).differs


def test_a_field_can_be_left_out_and_the_report_names_it(tmp_path):
    before = written(tmp_path / "before.jsonl", JUDGED, ALERT)
    after = written(tmp_path / "after.jsonl", with_body(JUDGED, reasons=[{"rule": "none", "value": 2.0}]), ALERT)
    assert compare(before, after).differs
    report = compare(before, after, ignore=["reasons[].value"])
    assert (report.differs, report.sentences[0]) == (False, "not compared, as asked: reasons[].value")


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n", "utf-8")
    with pytest.raises(SystemExit, match="record it again"):
        compare(broken, broken)
