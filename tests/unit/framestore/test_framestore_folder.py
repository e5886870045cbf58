"""A folder of frame files gives back what was kept, stays within its limit, and never leaves its folder."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from astro_monitor.errors import NotKept
from astro_monitor.framestore import LOOKS, PREVIEWS, FrameFolder, file_name
from astro_monitor.framestore import folder as folder_module

FRAME = "77ab0c1d9e8f6a54"
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def frame(number: int) -> str:
    return f"{number:016x}"


@pytest.fixture(params=[(LOOKS, b"a look"), (PREVIEWS, JPEG)], ids=["looks", "previews"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[FrameFolder, bytes]:
    kind, content = request.param
    return FrameFolder(tmp_path, kind, 10_000_000), content


def reason_of(files: FrameFolder, frame_id: str) -> str:
    with pytest.raises(NotKept) as caught:
        files.get(frame_id)
    assert str(caught.value)
    return caught.value.reason


def test_what_was_kept_is_given_back(kept: tuple[FrameFolder, bytes]) -> None:
    files, content = kept
    files.keep(FRAME, content)
    assert files.get(FRAME) == content
    assert files.frame_ids() == {FRAME}


def test_a_preview_is_a_file_that_any_viewer_opens(tmp_path: Path) -> None:
    FrameFolder(tmp_path, PREVIEWS, 1_000_000).keep(FRAME, JPEG)
    assert (tmp_path / "previews" / f"{FRAME}.jpg").read_bytes() == JPEG


def test_the_last_one_kept_of_a_frame_counts(kept: tuple[FrameFolder, bytes]) -> None:
    files, content = kept
    files.keep(FRAME, content)
    second = content[:-2] + b"!" + content[-2:]
    files.keep(FRAME, second)
    assert files.get(FRAME) == second


def test_a_frame_of_which_nothing_was_kept_is_reported_as_absent(kept: tuple[FrameFolder, bytes]) -> None:
    assert reason_of(kept[0], FRAME) == "absent"


@pytest.mark.parametrize(
    "name",
    ["", "../../etc/passwd", "/etc/passwd", "..", "77AB0C1D9E8F6A54", "77ab0c1d9e8f6a5", "a" * 65, "77ab0c1d9e8f6a54\n",
     "77ab0c1d9e8f6a54\0", "77ab0c1d9e8f6a54/../x", "con", "٠" * 16, "x" * 100_000],
)  # fmt: skip
def test_no_name_leaves_the_folder(kept: tuple[FrameFolder, bytes], name: str) -> None:
    files, content = kept
    with pytest.raises(ValueError, match="is no frame id"):
        files.keep(name, content)
    assert reason_of(files, name) == "absent"
    with pytest.raises(ValueError, match="is no frame id"):
        file_name(LOOKS, name)


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_file_that_was_cut_off_is_reported_as_damaged(kept: tuple[FrameFolder, bytes], cut: int) -> None:
    files, content = kept
    files.keep(FRAME, content)
    (path,) = files.folder.iterdir()
    path.write_bytes(path.read_bytes()[:cut])
    assert reason_of(files, FRAME) == "damaged"


def test_each_flipped_byte_of_a_look_is_noticed(tmp_path: Path) -> None:
    files = FrameFolder(tmp_path, LOOKS, 1_000_000)
    files.keep(FRAME, b"a look")
    (path,) = files.folder.iterdir()
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        assert reason_of(files, FRAME) == "damaged"


def test_a_link_or_folder_in_the_place_of_a_file_is_not_followed(
    kept: tuple[FrameFolder, bytes], tmp_path: Path
) -> None:
    files, content = kept
    files.keep(FRAME, content)
    (path,) = files.folder.iterdir()
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert reason_of(files, FRAME) == "damaged"
    files.keep(FRAME, content)
    assert not path.is_symlink()
    assert files.get(FRAME) == content
    path.unlink()
    path.mkdir()
    assert reason_of(files, FRAME) == "damaged"


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    files = FrameFolder(tmp_path, LOOKS, 10**12)
    files.folder.mkdir()
    with (files.folder / f"{FRAME}.look").open("wb") as file:
        file.truncate(1 << 40)
    assert reason_of(files, FRAME) == "damaged"


def test_the_oldest_go_first_and_the_limit_holds(kept: tuple[FrameFolder, bytes], tmp_path: Path) -> None:
    _, content = kept
    kind = LOOKS if content == b"a look" else PREVIEWS
    padded = content[:-2] + bytes(100_000) + content[-2:]
    files = FrameFolder(tmp_path, kind, 1_000_000)
    for number in range(40):
        files.keep(frame(number), padded)
        assert sum(path.stat().st_size for path in files.folder.iterdir()) <= 1_000_000
    assert files.frame_ids() == {frame(number) for number in range(32, 40)}


def test_the_number_of_files_is_bounded_too(kept: tuple[FrameFolder, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILES", 100)
    files, content = kept
    for number in range(300):
        files.keep(frame(number), content)
        assert len(list(files.folder.iterdir())) <= 100
    assert frame(299) in files.frame_ids()


def test_several_writers_of_one_folder_keep_its_limit_together(tmp_path: Path) -> None:
    folders = [FrameFolder(tmp_path, LOOKS, 1_000_000) for _ in range(8)]
    for number in range(2000):
        folders[number % 8].keep(frame(number), bytes(1000))
    assert sum(path.stat().st_size for path in folders[0].folder.iterdir()) <= 1_000_000


def test_a_limit_of_zero_keeps_nothing_and_removes_what_was_kept(
    kept: tuple[FrameFolder, bytes], tmp_path: Path
) -> None:
    files, content = kept
    files.keep(FRAME, content)
    own = files.folder / "notes.txt"
    own.write_text("mine")
    FrameFolder(tmp_path, LOOKS if content == b"a look" else PREVIEWS, 0).keep(frame(1), content)
    assert list(files.folder.iterdir()) == [own]


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    files = FrameFolder(tmp_path, PREVIEWS, 200_000)
    files.folder.mkdir()
    others = [files.folder / name for name in ("holiday.jpg", "77ab0c1d9e8f6a54.png", ".hidden", "list.part")]
    for path in others:
        path.write_bytes(bytes(300_000))
    for number in range(20):
        files.keep(frame(number), JPEG[:-2] + bytes(20_000) + JPEG[-2:])
    assert all(path.stat().st_size == 300_000 for path in others)


def test_what_cannot_be_written_leaves_the_earlier_file_and_no_remains(
    kept: tuple[FrameFolder, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, content = kept
    files.keep(FRAME, content)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            files.keep(FRAME, content)
    assert files.get(FRAME) == content
    assert len(list(files.folder.iterdir())) == 1


def test_remains_of_a_process_that_was_killed_are_removed(kept: tuple[FrameFolder, bytes], tmp_path: Path) -> None:
    files, content = kept
    files.folder.mkdir()
    old, fresh = (files.folder / f".{FRAME}.{digit * 32}.part" for digit in "ab")
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    files.keep(FRAME, content)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_the_last_of_the_disk_is_left_to_the_night_log(
    kept: tuple[FrameFolder, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, content = kept
    usage = shutil.disk_usage(files.folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=folder_module.LEAST_FREE_BYTES - 1))
    with pytest.raises(OSError, match="has less than"):
        files.keep(FRAME, content)
    assert not files.frame_ids()


def test_what_is_larger_than_may_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is larger"):
        FrameFolder(tmp_path, LOOKS, 1_000_000).keep(FRAME, bytes(950_000))
    with pytest.raises(ValueError, match="is larger"):
        FrameFolder(tmp_path, LOOKS, 10**12).keep(FRAME, bytes(LOOKS.max_bytes + 1))


def test_one_file_that_cannot_be_removed_does_not_let_the_folder_grow(
    kept: tuple[FrameFolder, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, content = kept
    small = FrameFolder(tmp_path, folder._kind, 40 * (len(content) + folder._kind.overhead_bytes))
    unlink = Path.unlink

    def refuse_the_first(path: Path, missing_ok: bool = False) -> None:
        if path.stem == frame(0):
            raise PermissionError(errno.EACCES, "another program has it open", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse_the_first)
    for number in range(200):
        small.keep(frame(number), content)
    assert 1 < len(small.frame_ids()) <= 41
    assert {frame(0), frame(199)} <= small.frame_ids()
