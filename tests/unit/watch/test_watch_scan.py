"""Walking the folder: regular files with the names of frames, and nothing that leads elsewhere."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from astro_monitor.watch.mounts import file_system, is_remote
from astro_monitor.watch.names import NameRules
from astro_monitor.watch.probe import look_into
from astro_monitor.watch.scan import MAX_DEPTH, Tree, identity, sighting_of
from astro_monitor.watch.settle import Sighting

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
35 21 0:30 / /home/me/shares rw - tmpfs tmpfs rw
36 35 0:31 / /home/me/shares/my\\040nas rw,relatime shared:9 - cifs //nas/share rw,vers=3.0
37 21 0:32 / /home/me/cloud rw - fuse.rclone remote: rw
38 21 0:33 / /home/me/cloud rw - fuse.sshfs other: rw
39 21 8:17 / /mnt/windows rw - fuseblk /dev/sdb1 rw
broken line
"""


def tree(root: Path, **options: bool) -> Tree:
    return Tree(str(root), NameRules(), **options)


def names(root: Path, **options: bool) -> list[str]:
    result = tree(root, **options).scan(str(root), lambda: False)
    return sorted(os.path.relpath(path, root) for path in result.files)


def test_frames_are_found_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*("d" * 20))
    deep.mkdir(parents=True)
    for path in (tmp_path / "a.fits", deep / "b.fit", tmp_path / "d" / "c.txt"):
        path.write_bytes(b"x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "h.fits").write_bytes(b"x")
    assert names(tmp_path) == ["a.fits", "d/" * 20 + "b.fit"]


def test_a_walk_says_when_folders_are_deeper_than_it_goes(tmp_path: Path) -> None:
    inside = tmp_path.joinpath(*("d" * MAX_DEPTH))
    (inside / "e" / "f").mkdir(parents=True)
    (inside / "a.fits").write_bytes(b"x")
    (inside / "e" / "b.fits").write_bytes(b"x")
    result = tree(tmp_path).scan(str(tmp_path), lambda: False)
    assert list(result.files) == [str(inside / "a.fits")]
    assert result.too_deep == str(inside / "e")
    assert result.complete
    assert not tree(tmp_path).is_too_deep(str(inside / "a.fits"))
    assert tree(tmp_path).is_too_deep(str(inside / "e" / "b.fits"))
    assert tree(inside).scan(str(inside), lambda: False).too_deep == ""


def test_an_entry_that_is_not_understood_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.fits", "b.fits", "c.fits", "d.fits"):
        (tmp_path / name).write_bytes(name.encode())
    known = {(tmp_path / name).stat().st_ino: name for name in ("a.fits", "b.fits", "c.fits", "d.fits")}
    errors = {"b.fits": OverflowError("timestamp out of range"), "c.fits": OSError(errno.EMFILE, "Too many open files")}

    def odd(status: os.stat_result) -> Sighting:
        error = errors.get(known[status.st_ino])
        if error is not None:
            raise error
        return sighting_of(status)

    monkeypatch.setattr("astro_monitor.watch.scan.sighting_of", odd)
    result = tree(tmp_path).scan(str(tmp_path), lambda: False)
    assert sorted(result.files) == [str(tmp_path / "a.fits"), str(tmp_path / "d.fits")]
    assert list(result.unforeseen) == [str(tmp_path / "b.fits")]
    assert (result.complete, result.fault) == (False, "too many files are open")


def test_links_pipes_and_sockets_are_not_files(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "o.fits").write_bytes(b"x")
    (root / "link.fits").symlink_to(outside / "o.fits")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.fits")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s.fits"))
    assert names(root) == []
    assert names(root, follow_links=True) == []
    for name in ("link.fits", "pipe.fits", "s.fits", "nothing.fits"):
        assert tree(root).sight(str(root / name)) is None
        assert tree(root, follow_links=True).sight(str(root / name)) is None


def test_links_that_stay_inside_are_followed_when_asked_for_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.fits").write_bytes(b"x")
    (tmp_path / "b.fits").symlink_to(tmp_path / "real" / "a.fits")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.fits").symlink_to(tmp_path / "nowhere.fits")
    assert names(tmp_path) == ["real/a.fits"]
    assert names(tmp_path, follow_links=True) == ["b.fits", "real/a.fits"]
    assert tree(tmp_path, follow_links=True).sight(str(tmp_path / "b.fits")) is not None


def test_a_folder_with_the_name_of_a_frame_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "night.fits").mkdir()
    (tmp_path / "night.fits" / "a.fits").write_bytes(b"x")
    assert names(tmp_path) == ["night.fits/a.fits"]
    assert tree(tmp_path).sight(str(tmp_path / "night.fits")) is None


def test_names_that_are_no_unicode_are_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.fits"
    Path(os.fsdecode(path)).write_bytes(b"x")
    (result,) = tree(tmp_path).scan(str(tmp_path), lambda: False).files
    assert os.fsencode(result) == path


def test_a_folder_that_cannot_be_listed_leaves_the_scan_incomplete(tmp_path: Path) -> None:
    assert tree(tmp_path).scan(str(tmp_path), lambda: False).complete
    assert not tree(tmp_path).scan(str(tmp_path / "gone"), lambda: False).complete
    assert not tree(tmp_path).scan(str(tmp_path), lambda: True).complete


def test_paths_of_events_count_only_inside_the_tree(tmp_path: Path) -> None:
    watched_tree = tree(tmp_path)
    assert watched_tree.counts(str(tmp_path / "n" / "a.fits"))
    assert not watched_tree.counts(str(tmp_path / ".n" / "a.fits"))
    assert not watched_tree.counts(str(tmp_path))
    assert not watched_tree.counts("/elsewhere/a.fits")
    assert watched_tree.counts_as_folder(str(tmp_path / "n"))
    assert not watched_tree.counts_as_folder(str(tmp_path / "n" / ".git"))
    assert not watched_tree.counts_as_folder("/elsewhere")


def test_the_identity_of_a_folder_is_that_of_its_inode(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    assert identity(str(tmp_path)) == identity(str(tmp_path / "link")) is not None
    assert identity(str(tmp_path / "file")) is None
    assert identity(str(tmp_path / "gone")) is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/night", "ext4"),
        ("/home/me/shares/x", "tmpfs"),
        ("/home/me/shares/my nas/night", "cifs"),
        ("/home/me/shares/my nas", "cifs"),
        ("/home/me/shares/my nasty", "tmpfs"),
        ("/home/me/cloud/x", "fuse.sshfs"),
        ("/mnt/windows", "fuseblk"),
    ],
)
def test_the_kind_of_a_file_system_is_that_of_the_innermost_mount(path: str, kind: str) -> None:
    assert file_system(path, MOUNTS) == kind


def test_shares_are_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS, "utf-8")
    monkeypatch.setattr("astro_monitor.watch.mounts.MOUNTS", table)
    remote = {path: is_remote(Path(path)) for path in ("/data", "/home/me/shares/my nas/x", "/home/me/cloud", "/mnt")}
    assert remote == {"/data": False, "/home/me/shares/my nas/x": True, "/home/me/cloud": True, "/mnt": False}
    monkeypatch.setattr("astro_monitor.watch.mounts.MOUNTS", tmp_path / "none")
    assert not is_remote(Path("/home/me/cloud"))


def test_a_pipe_in_the_place_of_a_file_does_not_hold_up_the_look(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.fits")
    with pytest.raises(OSError, match="not a plain file"):
        look_into(str(tmp_path / "a.fits"), 10)
    (tmp_path / "b.fits").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="not a plain file"):
        look_into(str(tmp_path / "b.fits"), 10)
