"""Where lists go, and which Siril their scripts are for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from astro_monitor.listing import look, siril_version
from astro_monitor.monitor import lists_folder, rig_folder
from astro_monitor.settings import load


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, None), ({"beside": True}, "night-lists"), ({"folder": "elsewhere", "beside": True}, "elsewhere")],
)
def test_lists_lie_with_the_log_or_where_they_are_wished(tmp_path, given, wanted):
    """Beside the capture folder is on its drive, where links to content can be made; inside it is never."""
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


def test_a_look_reads_each_folder_once_and_tells_what_is_there(tmp_path, monkeypatch):
    for name in ("a.fits", "b.fits", "L/c.fits"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "dead.fits").symlink_to(tmp_path / "nothing.fits")
    (tmp_path / "folder.fits").mkdir()
    asked: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: asked.append(str(folder)) or scan(folder))
    names = ("a.fits", "b.fits", "gone.fits", "dead.fits", "folder.fits", "L/c.fits", "no folder/d.fits")
    found = look(str(tmp_path / name) for name in names)
    assert {Path(path).name for path, there in found.items() if there} == {"a.fits", "b.fits", "c.fits"}
    assert len(found) == len(names)
    assert sorted(asked) == sorted(str(tmp_path / name) for name in (".", "L", "no folder"))


def test_nothing_is_known_of_a_folder_that_cannot_be_read(monkeypatch):
    def refuse(folder: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", refuse)
    assert look(["/captures/a.fits"]) == {}
