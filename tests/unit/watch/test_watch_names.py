"""Names that count and names that do not."""

from __future__ import annotations

import os

import pytest

from astro_monitor.formats import built_in_formats
from astro_monitor.formats import row as row_module
from astro_monitor.watch import NameRules

RULES = NameRules()


@pytest.mark.parametrize(
    "name",
    [
        "NGC7000_Light_OIII_120s_Gain100_-10C_Bin1_0042.fits",
        "Light_M42_240.0s_Bin1_ISO1600_20230212-195555_0001.FIT",
        "Light_M 94_10.0s_IRCUT_20250326-212046.fit",
        "M27-001R.fts",
        "a.Fits.GZ",
        "a.fit.gz",
        "a.fits.fz",
        "a.fit.fz",
        "a.xisf",
        "a.tif",
        "a.TIFF",
        "M31[2x2](1).fits",
        "état.fits",
        "-rf.fits",
        "temporary.partly.fits",
        os.fsdecode(b"\xff\xfe.fits"),
        "0123456789abcdef0123456789abcdef0.fits",
        "deadbeef.fits",
    ],
)
def test_a_frame_is_a_frame(name: str) -> None:
    assert RULES.is_frame(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "fits",
        "a.fits.txt",
        "a.jpg",
        "a.ser",
        "a.txt",
        "a.log",
        "a.fits.bz2",
        "a.gz",
        ".fits",
        ".hidden.fits",
        "a.fits.tmp",
        "a.fits.part",
        "a.fits.partial",
        "a.fits.filepart",
        "a.tmp.fits",
        "a.TMP.FITS",
        "~a.fits",
        ".~a.fits",
        ".syncthing.a.fits.tmp",
        "a.syncthing.b.fits",
        "~syncthing~a.fits.tmp",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301.fits",
        "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}.fits",
        "3F2504E04F8911D39A0C0305E82C3301.xisf",
    ],
)
def test_what_is_no_frame_is_skipped(name: str) -> None:
    assert not RULES.is_frame(name)


def test_a_users_patterns_are_for_files_and_folders_in_any_case() -> None:
    rules = NameRules(("*_Test*", "flats"))
    assert not rules.is_frame("a_TEST_1.fits")
    assert not rules.is_folder("FLATS")
    assert rules.is_frame("a.fits")
    assert rules.allow(["night", "lights"])
    assert not rules.allow(["night", "flats", "lights"])


@pytest.mark.parametrize("name", [".git", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found"])
def test_folders_of_the_system_are_not_looked_into(name: str) -> None:
    assert not RULES.is_folder(name)


def test_only_fits_files_give_their_length() -> None:
    formats = built_in_formats()
    assert formats.format_of_name("/n/a.FITS").tells_length
    assert formats.format_of_name("a.fits.fz").tells_length
    assert not formats.format_of_name("a.fits.gz").tells_length
    assert not formats.format_of_name("a.xisf").tells_length


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ser", "SER videos"),
        ("a.AVI", "AVI videos"),
        ("a.mp4", "videos"),
        ("IMG_0001.JPG", "JPEG pictures"),
        ("a.b.png", "PNG pictures"),
        ("a.fits.bz2", "archives and packed frames"),
        ("a.xisf.gz", "archives and packed frames"),
        ("night.zip", "archives and packed frames"),
        ("a.heic", "pictures of this kind"),
    ],
)
def test_files_that_are_not_read_have_a_kind_and_a_sentence(name: str, kind: str) -> None:
    found = RULES.unread_kind(name)
    assert found.name == kind
    assert found.sentence.startswith(f"{kind} are not read; ")


@pytest.mark.parametrize(
    "name", ["a.fits", "a.xisf", "a.tif", "a.txt", "a.log", "a.csv", "a.json", "noending", "", "jpg", ".hidden.jpg",
             "a.jpg.part", "~a.jpg", "a.tmp.jpg"]
)  # fmt: skip
def test_frames_texts_and_temporary_files_are_not_spoken_of(name: str) -> None:
    assert RULES.unread_kind(name) is None
    assert NameRules(("*.jpg",)).unread_kind("a.jpg") is None


def test_camera_raw_counts_as_far_as_it_can_be_read(monkeypatch) -> None:
    monkeypatch.setattr(row_module, "_is_installed", lambda package: False)
    formats = built_in_formats.__wrapped__()
    assert ".cr3" not in formats.endings
    assert "pip install 'astro-monitor[raw]'" in formats.kind_not_read("IMG_0001.CR3").sentence
    monkeypatch.setattr(row_module, "_is_installed", lambda package: True)
    formats = built_in_formats.__wrapped__()
    assert {".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf"} <= set(formats.endings)
    assert formats.kind_not_read("IMG_0001.CR3") is None
