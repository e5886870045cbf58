"""One look into a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from astro_monitor.testing.folders import small_fits
from astro_monitor.watch import Look
from astro_monitor.watch.probe import look_into

WHOLE = small_fits()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (WHOLE, Look(told=True)),
        (WHOLE + bytes(5000), Look(told=True)),
        (WHOLE[: 2880 + 3200], Look(told=True)),
        (b"", Look(missing="is empty")),
        (b"SIMPLE", Look(missing="has no complete header", told=True)),
        (bytes(10_000), Look(missing="has no complete header", told=True)),
        (WHOLE[:400], Look(missing="has no complete header", told=True)),
        (WHOLE[:2000], Look(missing="has 2,000 of 6,080 bytes", told=True)),
        (WHOLE[:2880], Look(missing="has 2,880 of 6,080 bytes", told=True)),
        (WHOLE[: 2880 + 3199], Look(missing="has 6,079 of 6,080 bytes", told=True)),
        (WHOLE[: 2880 + 3201], Look(told=True, unfilled=True)),
        (WHOLE[:-1], Look(told=True, unfilled=True)),
        (small_fits(value=0), Look(told=True, unfilled=True)),
        (WHOLE[:4000] + bytes(2760), Look(told=True, unfilled=True)),
        (b"this is no FITS file at all", Look()),
        (b"\x89PNG\r\n", Look()),
    ],
)
def test_a_look_tells_what_is_missing(tmp_path: Path, content: bytes, expected: Look) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    assert replace(look_into(str(path), len(content)), digest="") == expected


def test_a_file_of_another_kind_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.fits.gz"
    path.write_bytes(WHOLE)
    assert replace(look_into(str(path), len(WHOLE)), digest="") == Look()


def test_a_defect_of_the_scanner_leaves_the_file_to_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(head: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("astro_monitor.watch.probe.scan_hdus", broken)
    path = tmp_path / "a.fits"
    path.write_bytes(WHOLE)
    assert replace(look_into(str(path), len(WHOLE)), digest="") == Look()
    assert "please report" in caplog.text


def test_a_file_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_into(str(tmp_path / "a.fits"), 1)
