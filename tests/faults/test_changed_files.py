"""Files that change after their verdict, under whatever size and time: the real daemon sees it and corrects itself."""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from pathlib import Path

import pytest

from astro_monitor.documents import Document
from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.halfway import HALFWAY
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings
from astro_monitor.watch import settle

JUDGE = {"max_fwhm_px": 8.0, "alert_n": 1}
KNOWN = 6


def float_frame(minute: int, seed: int, side: int = 120) -> bytes:
    """Float pixels, of which some may be zero: nothing in the file says that they were not written yet."""
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -32",
        "NAXIS   =                    2",
        f"NAXIS1  = {side:20d}",
        f"NAXIS2  = {side:20d}",
        f"DATE-OBS= '2026-03-20T21:{minute:02d}:00'",
        "END",
    ]
    head = "".join(card.ljust(80) for card in cards).encode()
    chance = random.Random(seed)
    data = b"".join(b"\x43" + chance.randbytes(3) for _ in range(side * side))
    return head + b" " * (-len(head) % 2880) + data + bytes(-len(data) % 2880)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    return folder


def watching(captures: Path, tmp_path: Path, mode: str, pipeline: str = LIGHT_PIPELINE) -> RunningMonitor:
    settings = private_settings(
        tmp_path / "state", watch={"mode": mode, "poll_s": 0.3, "quiet_s": 0.2}, judge=JUDGE,
        lists={"formats": ["csv"]},
    )  # fmt: skip
    return RunningMonitor(captures, settings, pipeline=pipeline)


def documents_of(running: RunningMonitor, kind: str) -> list[Document]:
    return [document for document in running.documents if document.kind == kind]


def listed(folder: Path) -> dict[str, str]:
    """Name and decision of each frame in all lists."""
    found: dict[str, str] = {}
    for path in folder.rglob("frames.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert row["file"] not in found, "no file is listed twice"
                found[row["file"]] = row["decision"]
    return {Path(path).name: decision for path, decision in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["events", "polling"])
def test_an_early_verdict_and_its_warning_are_corrected(captures, tmp_path, monkeypatch, mode) -> None:
    """A writer that pauses for longer than any file is waited for, with everything scaled down."""
    monkeypatch.setattr(settle, "DOUBTFUL_QUIET_S", 0.5)
    with watching(captures, tmp_path, mode, HALFWAY) as running:
        for number in range(KNOWN):
            (captures / f"known{number}.fits").write_bytes(float_frame(number, number))
        running.wait_for_outcomes(KNOWN)
        whole = {f"{number}.fits": float_frame(30 + number, 100 + number) for number in range(2)}
        for name, content in whole.items():
            half = len(content) // 2
            (captures / name).write_bytes(content[:2880] + bytes(half - 2880) + content[half:])
            running.wait_for_outcomes(KNOWN + 1 + list(whole).index(name))
        early = {document.body["relative_path"]: document.body for document in running.outcomes()[KNOWN:]}
        assert {body["decision"] for body in early.values()} == {"reject"}
        running.wait_for(lambda: documents_of(running, "alert.opened") != [], "a warning")
        assert [document.body["kind"] for document in documents_of(running, "alert.opened")] == ["seeing"]
        for name, content in whole.items():
            with (captures / name).open("r+b") as file:
                file.write(content)
        running.wait_for_outcomes(KNOWN + 4)
        running.wait_for(lambda: len(documents_of(running, "frame.revised")) == 2, "two revisions")
        running.wait_for(
            lambda: documents_of(running, "list.written")[-1].body["kept"] == KNOWN + 2, "lists of the whole frames"
        )
        late = {document.body["relative_path"]: document.body for document in running.outcomes()[-2:]}
        assert {body["decision"] for body in late.values()} == {"keep"}
        replaced = {
            document.body["frame_id"]: document.body["replaced_by"]
            for document in documents_of(running, "frame.revised")
        }
        assert replaced == {early[name]["frame_id"]: late[name]["frame_id"] for name in whole}
        (closed,) = documents_of(running, "alert.closed")
        assert closed.body["alert_id"] == documents_of(running, "alert.opened")[0].body["alert_id"]
        assert listed(running.monitor.lists_folder) == dict.fromkeys(
            [*(f"known{number}.fits" for number in range(KNOWN)), *whole], "keep"
        )
    stopped = running.documents[-1].body
    assert (stopped["frames_judged"], stopped["frames_failed"]) == (KNOWN + 2, 0)


def put(path: Path, content: bytes, time_s: int) -> None:
    path.write_bytes(content)
    os.utime(path, (time_s, time_s))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["events", "polling"])
@pytest.mark.parametrize("way", ["replaced", "rewritten"])
def test_other_content_under_the_same_name_size_and_time_is_judged(captures, tmp_path, mode, way) -> None:
    """Once while the daemon runs, once while it does not; a hard link and a chmod are no reason to look again."""
    contents, moment_s = [float_frame(1, seed) for seed in range(3)], int(time.time()) - 100
    frame = captures / "a.fits"

    def change(content: bytes) -> None:
        other = captures / ".other" if way == "replaced" else frame
        put(other, content, moment_s)
        other.replace(frame)

    put(frame, contents[0], moment_s)
    with watching(captures, tmp_path, mode) as running:
        running.wait_for_outcomes(1)
        change(contents[1])
        running.wait_for_outcomes(2)
        frame.chmod(0o600)
        (tmp_path / "link.fits").hardlink_to(frame)
    change(contents[2])
    with watching(captures, tmp_path, mode) as running:
        running.wait_for_outcomes(1)
        frame.chmod(0o644)
    with watching(captures, tmp_path, mode) as running:
        put(captures / "b.fits", float_frame(2, 9), moment_s)
        running.wait_for_outcomes(1)
        assert running.outcomes()[0].body["relative_path"] == "b.fits"
    with NightLogReader.read(running.monitor.night_log_path) as log:
        assert sum(1 for _ in log.documents(kind="frame.judged")) == 4


ODD_TIMES_S = (10413792000, 253402300800, 67767976233532799, 2**62, -1, -62135596801, -(2**40))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="times before 1970 and sparse files are made otherwise there")
def test_no_time_and_no_size_of_a_file_ends_the_daemon(captures, tmp_path) -> None:
    names = {"a_first.fits", "z_last.fits"}
    put(captures / "a_first.fits", float_frame(0, 0), 1_700_000_000)
    for number, moment_s in enumerate(ODD_TIMES_S):
        path = captures / f"time{number}.fits"
        path.write_bytes(float_frame(1 + number, 1 + number))
        try:
            os.utime(path, (moment_s, moment_s))
        except (OSError, OverflowError):
            path.unlink()  # this file system does not hold such a time
            continue
        names.add(path.name)
    with watching(captures, tmp_path, "events") as running:
        running.wait_for_outcomes(len(names) - 1)
        sparse = captures / "sparse.fits.gz"
        sparse.write_bytes(b"\x1f\x8b\x08")
        for size_bytes in (2**63 - 1, 2**62, 2**50, 2**43):
            try:
                os.truncate(sparse, size_bytes)
                break
            except OSError:
                continue
        os.utime(captures / "a_first.fits", (10413792000, 10413792000))
        put(captures / "z_last.fits", float_frame(40, 40), 10413792000)
        running.wait_for_outcomes(len(names))
    assert {document.body["relative_path"] for document in documents_of(running, "frame.judged")} == names
    assert len(names) > 3
    with watching(captures, tmp_path, "polling") as running:
        put(captures / "later.fits", float_frame(41, 41), 1_700_000_000)
        running.wait_for_outcomes(1)
        assert running.outcomes()[0].body["relative_path"] == "later.fits"
