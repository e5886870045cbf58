"""Lists are a pure function of the frames, and no name can add to them or take from them."""

from __future__ import annotations

import csv
import io
import os
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.lists import ListedFrame, write_lists
from astro_monitor.lists.grouping import stacks
from astro_monitor.lists.names import is_listable
from astro_monitor.lists.render import csv_bytes, dss_bytes

LETTERS = st.characters(codec=None, exclude_characters="/\0", exclude_categories=()).filter(
    lambda letter: not 0xD800 <= ord(letter) < 0xDC80 and not 0xDCFF < ord(letter) <= 0xDFFF
)
NAMES = st.one_of(
    st.text(LETTERS, min_size=1, max_size=30),
    st.sampled_from(
        ["a\tb", "a\n1\tlight\tx", "a\r\nb", '"', "=1+1", "#GROUPID#1\tx", "#V5WS#a#b", "\udcff", " ", ".", "é"]
    ),
)
FRAMES = st.lists(
    st.builds(
        ListedFrame,
        file=NAMES.map(lambda name: f"/capture/{name}.fits"),
        frame_id=st.integers(0, 12).map(lambda number: f"{number:016x}"),
        decision=st.sampled_from(["keep", "review", "reject"]),
        weight=st.floats(0, 1),
        flags=st.sampled_from([(), ("streak",), ("few_stars",)]),
        reasons=st.lists(st.text(max_size=10), max_size=2).map(tuple),
        target=st.sampled_from(["M 31", "m 31", "M/31", "=x", "星", "\udcff", ""]),
        filter=st.sampled_from(["L", "l", "Ha"]),
        exposure_s=st.sampled_from([None, 60.0]),
        date_obs_utc=st.sampled_from(["", "2026-03-01T20:00:00.000Z", "2026-03-01T20:01:00.000Z"]),
        seq=st.integers(0, 20),
    ),
    max_size=12,
)  # fmt: skip


def read_as_deepskystacker_does(content: bytes) -> list[str] | None:
    """The reader of FrameList.cpp: two header lines, then lines of exactly three fields; others are ignored."""
    lines = content.decode("utf-8").splitlines(keepends=False)
    if [line.strip().lower() for line in lines[:2]] != ["dss file list", "checked\ttype\tfile"]:
        return None
    found = []
    for line in lines[2:]:
        fields = line.split("\t")
        if len(fields) == 3 and fields[0] == "1" and fields[1].lower() in ("light", "reflight"):
            found.append(fields[2])
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@settings(max_examples=60, deadline=None)
@given(frames=FRAMES, seed=st.integers(0, 1000))
def test_lists_do_not_depend_on_the_order_and_writing_again_changes_nothing(frames, seed):
    shuffled = frames[:]
    random.Random(seed).shuffle(shuffled)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first = write_lists(frames, Path(one) / "lists")
        write_lists(shuffled, Path(two) / "lists")
        before = contents(Path(one) / "lists")
        assert before == contents(Path(two) / "lists")
        assert write_lists(shuffled, Path(one) / "lists") == first
        assert contents(Path(one) / "lists") == before
        assert [path.name for path in Path(one).iterdir()] == ["lists"]
        assert {name.split("/")[-1] for name in before if "/lights/" in name} <= {
            f"light_{n:05d}{ending}" for n in range(1, 13) for ending in (".fit", ".fits")
        }


@settings(max_examples=60, deadline=None)
@given(before=FRAMES, after=FRAMES)
def test_lists_do_not_depend_on_what_was_there_before(before, after):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write_lists(before, Path(one))
        write_lists(after, Path(one))
        write_lists(after, Path(two))
        grown, fresh = contents(Path(one)), contents(Path(two))
        grown.pop("index.json")
        fresh.pop("index.json")
        assert grown == fresh


@settings(max_examples=200, deadline=None)
@given(frames=FRAMES)
def test_deepskystacker_reads_exactly_the_accepted_frames(frames):
    for stack in stacks(frames):
        content = dss_bytes(stack)
        read = read_as_deepskystacker_does(content)
        accepted = [frame.file for frame in stack.decided("keep") if is_listable(frame.file)]
        assert read == accepted
        assert content.count(b"\treflight\t") == (1 if accepted else 0)
        assert len(set(read)) == len(read)


@settings(max_examples=200, deadline=None)
@given(frames=FRAMES)
def test_csv_has_one_row_for_each_listable_frame_and_no_formula(frames):
    for stack in stacks(frames):
        rows = list(csv.reader(io.StringIO(csv_bytes(stack.frames).decode("utf-8"), newline="")))
        listable = [frame.file for frame in stack.frames if is_listable(frame.file)]
        assert [row[0] for row in rows[1:]] == listable
        assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row)


@settings(max_examples=100, deadline=None)
@given(frames=FRAMES)
def test_every_content_is_in_exactly_one_stack(frames):
    listed = [frame.frame_id for stack in stacks(frames) for frame in stack.frames]
    assert len(listed) == len(set(listed))
