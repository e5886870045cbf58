"""Whatever is kept in whatever order: the limit holds, the newest is there, and nothing comes back changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.errors import NotKept
from astro_monitor.framestore import LOOKS, FrameFolder

LIMIT_BYTES = 100_000
KEPT = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 60_000)), max_size=40)


def outcome(files: FrameFolder, frame_id: str) -> bytes | str:
    try:
        return files.get(frame_id)
    except NotKept as missing:
        return missing.reason


@settings(max_examples=60, deadline=None)
@given(kept=KEPT)
def test_a_folder_stays_within_its_limit_and_gives_back_what_it_holds(kept: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = FrameFolder(Path(folder), LOOKS, LIMIT_BYTES)
        last: dict[str, bytes] = {}
        for number, size in kept:
            frame_id, content = f"{number:016x}", bytes([size % 251]) * size
            files.keep(frame_id, content)
            last[frame_id] = content
            assert sum(path.stat().st_size for path in files.folder.iterdir()) <= LIMIT_BYTES
            assert files.get(frame_id) == content
        for frame_id, content in last.items():
            assert outcome(files, frame_id) in (content, "absent")


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=80), data=st.binary(max_size=100))
def test_no_text_makes_a_file_outside_the_folder(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = FrameFolder(Path(folder) / "night", LOOKS, LIMIT_BYTES)
        try:
            files.keep(name, data)
        except ValueError:
            assert not list(Path(folder).iterdir())
        else:
            assert files.get(name) == data


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_whatever_lies_in_the_place_of_a_look_is_a_look_or_reported(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = FrameFolder(Path(folder), LOOKS, LIMIT_BYTES)
        files.folder.mkdir()
        (files.folder / f"{0:016x}.look").write_bytes(data)
        assert outcome(files, f"{0:016x}") == "damaged"
