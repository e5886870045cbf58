"""Names that count and names that do not."""

from __future__ import annotations

import os

import pytest

from astro_monitor.watch import NameRules
from astro_monitor.watch.names import tells_its_length

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
        "a.cr2",
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


def test_only_fits_files_tell_their_length() -> None:
    assert tells_its_length("/n/a.FITS")
    assert tells_its_length("a.fits.fz")
    assert not tells_its_length("a.fits.gz")
    assert not tells_its_length("a.xisf")
