"""Where lists go, and which Siril their scripts are for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from astro_monitor.lists import ListedFrame, owner_of, write_lists
from astro_monitor.monitor import lists_folder, rig_folder
from astro_monitor.settings import load
from astro_monitor.sinks import siril_version
from astro_monitor.sinks.presence import present_files


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, None), ({"beside": True}, "night-lists"), ({"folder": "elsewhere", "beside": True}, "elsewhere")],
)
def test_lists_lie_with_the_log_or_where_they_are_wished(tmp_path, given, wanted):
    """A folder next to the capture folder is on its drive, so hard links work; a folder inside it is refused."""
    root = tmp_path / "night"
    root.mkdir()
    given = {key: str(tmp_path / value) if key == "folder" else value for key, value in given.items()}
    settings = load(None, {"state_folder": tmp_path / "state", "lists": given})
    folder = lists_folder(settings, root)
    assert folder == (rig_folder(settings, root) / "lists" if wanted is None else tmp_path / wanted)
    assert not folder.is_relative_to(root)


@pytest.mark.parametrize(
    ("said", "version"), [("siril 1.0.6", (1, 0)), ("siril 1.4.0-beta2\n", (1, 4)), ("", None), ("no version", None)]
)
def test_the_installed_siril_says_its_version(tmp_path, monkeypatch, said, version):
    program = tmp_path / "siril-cli"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    siril_version.cache_clear()
    assert siril_version("auto") == version
    siril_version.cache_clear()


def test_a_version_may_be_given_and_none_be_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    siril_version.cache_clear()
    assert (siril_version("1.2"), siril_version("unknown"), siril_version("auto")) == ((1, 2), None, None)
    siril_version.cache_clear()


def test_a_check_reads_each_folder_once_and_returns_which_files_exist(tmp_path, monkeypatch):
    for name in ("a.fits", "b.fits", "L/c.fits"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "dead.fits").symlink_to(tmp_path / "nothing.fits")
    (tmp_path / "folder.fits").mkdir()
    listed: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(str(folder)) or scan(folder))
    names = ("a.fits", "b.fits", "gone.fits", "dead.fits", "folder.fits", "L/c.fits", "no folder/d.fits")
    existing = present_files(str(tmp_path / name) for name in names)
    assert {Path(path).name for path, there in existing.items() if there} == {"a.fits", "b.fits", "c.fits"}
    assert len(existing) == len(names)
    assert sorted(listed) == sorted(str(tmp_path / name) for name in (".", "L", "no folder"))


def test_nothing_is_known_of_a_folder_that_cannot_be_read(monkeypatch):
    def refuse(folder: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", refuse)
    assert present_files(["/captures/a.fits"]) == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("how", ["pipe", "link", "dangling link", "folder"])
@pytest.mark.parametrize(
    "name",
    ["state/lists-owner", "lists/.astro-monitor-owner.json", "lists/index.json", "lists/STACK/frames.csv",
     "lists/STACK/siril/.lights.json", "lists/STACK/siril", "lists/STACK/siril/lights"],
)  # fmt: skip
def test_nothing_that_stands_in_the_place_of_a_list_is_waited_for_or_followed(tmp_path, name, how):
    (tmp_path / "state").mkdir()
    folder, victim = tmp_path / "lists", tmp_path / "victim"
    frames = [
        ListedFrame(
            file=f"/night/{number}.fits", frame_id=f"{number:016x}", decision="keep", weight=0.5, label="good",
            target="M 31", filter="L", exposure_s=60.0, width_px=30, height_px=20,
            date_obs_utc="2026-03-01T20:00:00Z", reasons=(), numbers={}, seq=number,
        )
        for number in range(3)
    ]  # fmt: skip
    write_lists(frames, folder, owner=owner_of(tmp_path / "state"))
    (stack,) = (path.name for path in folder.iterdir() if path.is_dir())
    place = tmp_path / name.replace("STACK", stack)
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    match how:
        case "pipe":
            os.mkfifo(place)
        case "link":
            victim.write_text("of a user")
            place.symlink_to(victim)
        case "dangling link":
            place.symlink_to(victim)
        case "folder":
            place.mkdir()
            (place / "note.txt").write_text("of a user")
    write_lists(frames, folder, owner=owner_of(tmp_path / "state"))
    lists = [path for path in folder.rglob("frames.csv") if path.is_file() and not path.is_symlink()]
    assert lists
    assert victim.exists() == (how == "link")
    assert how != "link" or victim.read_text() == "of a user"
    assert how != "folder" or [path.read_text() for path in tmp_path.rglob("note.txt")] == ["of a user"]
    assert how != "link" or [path.readlink() for path in tmp_path.rglob("*") if path.is_symlink()].count(victim) == 1
