"""Moving rejected frames: nothing lost, nothing overwritten, everything can be brought back."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from astro_monitor.archive import carry_out, plan, undo
from astro_monitor.archive.moving import MANIFEST
from astro_monitor.errors import ConfigError


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("a.fits", "b.fits", "L/c.fits"):
        path = tmp_path / "night" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "night"


def content(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.fits")}


def test_what_moves_and_back_is_the_same(root) -> None:
    before, goal = content(root), root / "rejected"
    moves = plan([root / "b.fits", root / "L/c.fits"], root, goal)
    assert content(root) == before
    assert [move.sentence for move in carry_out(moves, goal)] == ["", ""]
    assert content(root) == {"a.fits": "a.fits", "rejected/b.fits": "b.fits", "rejected/L/c.fits": "L/c.fits"}
    assert plan([goal / "b.fits"], root, goal) == []
    assert all(not move.sentence for move in undo(goal))
    assert content(root) == before
    assert not (goal / MANIFEST).exists()


def test_nothing_is_overwritten(root) -> None:
    goal = root / "rejected"
    goal.mkdir()
    (goal / "a.fits").write_text("another night")
    (move,) = carry_out(plan([root / "a.fits"], root, goal), goal)
    assert "another file of that name" in move.sentence
    assert (root / "a.fits").read_text() == "a.fits"
    assert (goal / "a.fits").read_text() == "another night"


def test_undo_leaves_a_new_file_of_the_old_name_alone(root) -> None:
    goal = root / "rejected"
    list(carry_out(plan([root / "a.fits"], root, goal), goal))
    (root / "a.fits").write_text("new")
    (move,) = undo(goal)
    assert "stays" in move.sentence
    assert (root / "a.fits").read_text() == "new"
    assert (goal / "a.fits").read_text() == "a.fits"
    assert (goal / MANIFEST).exists()


def test_a_crash_between_manifest_and_move_loses_nothing(root) -> None:
    goal = root / "rejected"
    moving = carry_out(plan([root / "a.fits", root / "b.fits"], root, goal), goal)
    next(moving)
    moving.close()
    with (goal / MANIFEST).open("a", encoding="utf-8") as manifest:
        manifest.write(json.dumps({"from": str(root / "b.fits"), "to": str(goal / "b.fits")}) + '\n{"from": "/t')
    before = {"a.fits": "a.fits", "b.fits": "b.fits", "L/c.fits": "L/c.fits"}
    assert len(list(undo(goal))) == 1
    assert content(root) == before


def test_links_missing_and_foreign_files_stay(root, tmp_path) -> None:
    (root / "link.fits").symlink_to(root / "a.fits")
    (tmp_path / "elsewhere.fits").write_text("x")
    files = [root / "link.fits", root / "gone.fits", tmp_path / "elsewhere.fits"]
    assert plan(files, root, root / "rejected") == []


def test_a_disk_without_second_names_is_served_too(root, monkeypatch) -> None:
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (move,) = carry_out(plan([root / "a.fits"], root, root / "rejected"), root / "rejected")
    assert move.sentence == ""
    assert (root / "rejected" / "a.fits").read_text() == "a.fits"


def test_another_disk_is_refused_for_that_file(root, monkeypatch) -> None:
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (move,) = carry_out(plan([root / "a.fits"], root, root / "rejected"), root / "rejected")
    assert "Invalid cross-device link; it stays" in move.sentence
    assert (root / "a.fits").exists()


def test_without_a_manifest_there_is_nothing_to_undo(root) -> None:
    with pytest.raises(ConfigError, match="nothing was moved back"):
        list(undo(root / "rejected"))
