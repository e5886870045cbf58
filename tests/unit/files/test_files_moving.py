"""Moving rejected frames: nothing lost, nothing overwritten, everything can be brought back, and nothing else moves."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from astro_monitor.errors import ConfigError
from astro_monitor.files import carry_out, key_of, plan, undo
from astro_monitor.files import moving as moving_module
from astro_monitor.files.manifest import MANIFEST, _mac


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("a.fits", "b.fits", "L/c.fits"):
        path = tmp_path / "night" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "night"


@pytest.fixture
def key(tmp_path) -> bytes:
    (tmp_path / "state").mkdir()
    return key_of(tmp_path / "state")


def content(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.fits")}


def judged(*files: Path) -> dict[Path, str]:
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "0" * 64 for file in files}


def move(root: Path, goal: Path, key: bytes, *names: str) -> list[str]:
    """Move frames aside; return what is said of each."""
    moves = plan(judged(*(root / name for name in names)), root, goal)
    return [one.sentence for one in carry_out(moves, root, goal, key)]


def test_what_moves_and_back_is_the_same(root, key) -> None:
    before, goal = content(root), root / "rejected"
    moves = plan(judged(root / "b.fits", root / "L/c.fits"), root, goal)
    assert content(root) == before
    assert [one.sentence for one in carry_out(moves, root, goal, key)] == ["", ""]
    assert content(root) == {"a.fits": "a.fits", "rejected/b.fits": "b.fits", "rejected/L/c.fits": "L/c.fits"}
    assert plan(judged(goal / "b.fits"), root, goal) == []
    assert all(not one.sentence for one in undo(root, goal, key))
    assert content(root) == before
    assert not (goal / MANIFEST).exists()


def test_what_is_not_the_content_that_was_judged_stays(root, key) -> None:
    goal = root / "rejected"
    moves = plan(judged(root / "a.fits", root / "b.fits"), root, goal)
    (root / "a.fits").write_text("x.fits")
    assert [bool(one.sentence) for one in carry_out(moves, root, goal, key)] == [True, False]
    assert content(root) == {"a.fits": "x.fits", "rejected/b.fits": "b.fits", "L/c.fits": "L/c.fits"}
    (goal / "b.fits").write_text("y.fits")
    (back,) = undo(root, goal, key)
    assert "not what was moved there" in back.sentence
    assert (goal / "b.fits").read_text() == "y.fits"


def test_nothing_is_overwritten(root, key) -> None:
    goal = root / "rejected"
    goal.mkdir()
    (goal / "a.fits").write_text("another night")
    (said,) = move(root, goal, key, "a.fits")
    assert "another file of that name" in said
    assert (root / "a.fits").read_text() == "a.fits"
    assert (goal / "a.fits").read_text() == "another night"


def test_undo_leaves_a_new_file_of_the_old_name_alone(root, key) -> None:
    goal = root / "rejected"
    move(root, goal, key, "a.fits")
    (root / "a.fits").write_text("new")
    (back,) = undo(root, goal, key)
    assert "stays" in back.sentence
    assert (root / "a.fits").read_text() == "new"
    assert (goal / "a.fits").read_text() == "a.fits"
    assert (goal / MANIFEST).exists()


def forged(root: Path, goal: Path, key: bytes, source: Path, to: Path, how: str) -> None:
    """Add a line that this program would not write, or change one."""
    if how == "unsigned":
        line = {"from": str(source), "to": str(to)}
    elif how == "other key":
        line = signed_line(root, source, to, b"k" * 32)
    elif how == "other root":
        line = signed_line(root.parent, source, to, key)
    else:
        line = signed_line(root, source, to, key) | {"from": str(source)}
        line["to"] = str(to.with_name("changed.fits"))
        to.with_name("changed.fits").write_text("x")
    with (goal / MANIFEST).open("a", encoding="utf-8") as manifest:
        manifest.write(json.dumps(line) + "\n")


def signed_line(root: Path, source: Path, to: Path, key: bytes) -> dict[str, str]:
    sha256 = hashlib.sha256(to.read_bytes()).hexdigest()
    line = {"time": "", "root": str(root), "from": str(source), "to": str(to), "sha256": sha256}
    return line | {"hmac": _mac(line, key)}


@pytest.mark.parametrize("how", ["unsigned", "other key", "other root", "changed"])
def test_undo_follows_only_lines_that_were_signed_for_this_folder(root, key, tmp_path, how) -> None:
    goal = root / "rejected"
    move(root, goal, key, "a.fits")
    (goal / "planted.fits").write_text("planted")
    forged(root, goal, key, root / "planted.fits", goal / "planted.fits", how)
    said = {one.source.name: one.sentence for one in undo(root, goal, key)}
    assert said.pop("a.fits") == ""
    assert all("was not written by this watch" in one for one in said.values())
    assert len(said) == 1
    assert (goal / "planted.fits").exists()
    assert not (root / "planted.fits").exists()
    assert (root / "a.fits").exists()


@pytest.mark.parametrize("where", ["source", "goal"])
def test_undo_stays_within_its_folders_also_when_a_line_is_signed(root, key, tmp_path, where) -> None:
    goal, outside = root / "rejected", tmp_path / "outside"
    outside.mkdir()
    (outside / "x.fits").write_text("x")
    (root / "link").symlink_to(outside)
    move(root, goal, key, "a.fits")
    (goal / "y.fits").write_text("y")
    (goal / "link").symlink_to(outside)
    pairs = {
        "source": [(outside / "y.fits", goal / "y.fits"), (root / "link" / "y.fits", goal / "y.fits"),
                   (root / ".." / "outside" / "y.fits", goal / "y.fits")],
        "goal": [(root / "z.fits", outside / "x.fits"), (root / "z.fits", goal / "link" / "x.fits")],
    }[where]  # fmt: skip
    with (goal / MANIFEST).open("a", encoding="utf-8") as manifest:
        for source, to in pairs:
            manifest.write(json.dumps(signed_line(root, source, to, key)) + "\n")
    list(undo(root, goal, key))
    assert sorted(path.name for path in outside.iterdir()) == ["x.fits"]
    assert (goal / "y.fits").exists()
    assert (root / "a.fits").exists()
    assert not (root / "z.fits").exists()


def test_a_crash_between_manifest_and_move_loses_nothing(root, key) -> None:
    goal, before = root / "rejected", content(root)
    moving = carry_out(plan(judged(root / "a.fits", root / "b.fits"), root, goal), root, goal, key)
    next(moving)
    del moving
    with (goal / MANIFEST).open("a", encoding="utf-8") as manifest:
        manifest.write('{"from": "/t')
    assert move(root, goal, key, "b.fits") == [""]
    assert len(list(undo(root, goal, key))) == 2
    assert content(root) == before


@pytest.mark.parametrize("next_run", ["apply", "undo"])
def test_a_crash_between_the_two_names_is_finished_by_the_next_run(root, key, monkeypatch, next_run) -> None:
    goal, before = root / "rejected", content(root)

    def die(self, missing_ok=False):
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            move(root, goal, key, "a.fits")
    assert (root / "a.fits").samefile(goal / "a.fits")
    if next_run == "apply":
        # The watch may have seen the new name by now, so that the plan holds nothing.
        (done,) = carry_out([], root, goal, key)
        assert done.sentence == ""
        assert content(root) == {"rejected/a.fits": "a.fits", "b.fits": "b.fits", "L/c.fits": "L/c.fits"}
    assert [one.sentence for one in undo(root, goal, key)] == [""]
    assert content(root) == before


def test_one_file_seen_under_two_names_of_one_folder_is_not_taken_away(root, key, monkeypatch) -> None:
    """A bind mount shows the same name twice; a second name elsewhere makes it look half moved."""
    os.link(root / "a.fits", root / "L" / "a.fits")
    monkeypatch.setattr(Path, "samefile", lambda self, other: True)
    assert not moving_module._is_half_done(root / "a.fits", root / "L" / "a.fits")


def test_links_missing_and_foreign_files_stay(root, tmp_path) -> None:
    (root / "link.fits").symlink_to(root / "a.fits")
    (tmp_path / "elsewhere.fits").write_text("x")
    files = judged(root / "link.fits", root / "gone.fits", tmp_path / "elsewhere.fits")
    assert plan(files, root, root / "rejected") == []


def test_a_disk_without_second_names_is_served_too(root, key, monkeypatch) -> None:
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert move(root, root / "rejected", key, "a.fits") == [""]
    assert (root / "rejected" / "a.fits").read_text() == "a.fits"


def test_another_disk_is_refused_for_that_file(root, key, monkeypatch) -> None:
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (said,) = move(root, root / "rejected", key, "a.fits")
    assert "it lies on another disk; it stays" in said
    assert (root / "a.fits").exists()


def test_without_a_manifest_there_is_nothing_to_undo(root, key) -> None:
    with pytest.raises(ConfigError, match="nothing was moved back"):
        list(undo(root, root / "rejected", key))


def test_the_key_is_private_made_once_and_never_a_link(tmp_path) -> None:
    assert key_of(tmp_path) == key_of(tmp_path)
    assert (tmp_path / "moved.key").stat().st_mode & 0o077 == 0
    (tmp_path / "moved.key").unlink()
    (tmp_path / "other").write_bytes(b"k" * 32)
    (tmp_path / "moved.key").symlink_to(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"moved\.key"):
        key_of(tmp_path)
    (tmp_path / "moved.key").unlink()
    (tmp_path / "moved.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="not a key"):
        key_of(tmp_path)


def test_lines_without_end_and_without_sense_are_passed_over(root, key, tmp_path) -> None:
    goal = tmp_path / "rejected"
    list(carry_out(plan(judged(root / "a.fits"), root, goal), root, goal, key))
    with (goal / MANIFEST).open("ab") as manifest:
        manifest.write(b"[" * 300_000 + b"\n" + b'{"from": "' + b"x" * 300_000 + b'", "to": "y"}\n[1]\n')
    assert [move.goal for move in undo(root, goal, key)] == [root / "a.fits"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_manifest_that_is_a_pipe_holds_nothing_up(root, key, tmp_path) -> None:
    goal = tmp_path / "rejected"
    goal.mkdir()
    os.mkfifo(goal / MANIFEST)
    with pytest.raises(ConfigError, match="a pipe"):
        list(undo(root, goal, key))
    with pytest.raises(ConfigError, match="a pipe"):
        list(carry_out(plan(judged(root / "a.fits"), root, goal), root, goal, key))
