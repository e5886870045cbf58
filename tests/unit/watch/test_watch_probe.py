"""One look into a file."""

from __future__ import annotations

import os
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
        (WHOLE, Look(knows_length=True)),
        (WHOLE + bytes(5000), Look(knows_length=True)),
        (WHOLE[: 2880 + 3200], Look(knows_length=True)),
        (b"", Look(missing="is empty")),
        (b"SIMPLE", Look(missing="has no complete header", knows_length=True)),
        (bytes(10_000), Look(missing="has no complete header", knows_length=True)),
        (WHOLE[:400], Look(missing="has no complete header", knows_length=True)),
        (WHOLE[:2000], Look(missing="has 2,000 of 6,080 bytes", knows_length=True)),
        (WHOLE[:2880], Look(missing="has 2,880 of 6,080 bytes", knows_length=True)),
        (WHOLE[: 2880 + 3199], Look(missing="has 6,079 of 6,080 bytes", knows_length=True)),
        (WHOLE[: 2880 + 3201], Look(knows_length=True, unfilled=True)),
        (WHOLE[:-1], Look(knows_length=True, unfilled=True)),
        (small_fits(value=0), Look(knows_length=True, zeros=True)),
        (WHOLE[:4000] + bytes(2760), Look(knows_length=True, unfilled=True, zeros=True)),
        (b"this is no FITS file at all", Look()),
        (b"\x89PNG\r\n", Look()),
    ],
)
def test_a_look_returns_what_is_missing(tmp_path: Path, content: bytes, expected: Look) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    assert replace(look_into(str(path), len(content)), digest="") == expected


def test_a_file_of_another_kind_gives_no_length(tmp_path: Path) -> None:
    path = tmp_path / "a.fits.gz"
    path.write_bytes(WHOLE[:5000])
    assert replace(look_into(str(path), 5000), digest="") == Look()


def test_a_defect_of_the_scanner_leaves_the_file_to_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(head: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("astro_monitor.formats.known.fits.scan_hdus", broken)
    path = tmp_path / "a.fits"
    path.write_bytes(WHOLE[:5000])
    assert replace(look_into(str(path), 5000), digest="") == Look()
    assert "please report" in caplog.text


def test_a_file_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_into(str(tmp_path / "a.fits"), 1)


def camera_fits(side_px: int = 700) -> bytes:
    """Unsigned 16-bit pixels around a sky of 1,000, as cameras write them: no byte pair is zero."""
    offset = b"BZERO   =                32768".ljust(80)
    whole = small_fits(side_px, value=0x83)
    return whole.replace(b"END".ljust(80) + b" " * 80, offset + b"END".ljust(80), 1)


def xisf(pixels: bytes, place: int = 4096) -> bytes:
    """A monolithic file: a header, nothing up to the next page, and one block."""
    xml = f'<xisf><Image geometry="1:1:1" location="attachment:{place}:{len(pixels)}"/></xisf>'.encode()
    head = b"XISF0100" + len(xml).to_bytes(4, "little") + bytes(4) + xml
    return head + bytes(place - len(head)) + pixels


@pytest.mark.parametrize("begin", [0, 65_536, 300_001, 900_000, 979_000])
@pytest.mark.parametrize("hole", ["sparse", "zeros"])
def test_what_a_camera_has_not_written_yet_is_missing(tmp_path: Path, begin: int, hole: str) -> None:
    """Zero bytes are exactly half of full scale there."""
    path, content = tmp_path / "a.fits", camera_fits()
    with path.open("wb") as file:
        if hole == "sparse":
            file.truncate(len(content))
        file.write(content[: 2880 + begin])
        file.seek(0 if hole == "sparse" else 20_000, os.SEEK_CUR)
        if hole == "zeros":
            file.seek(2880 + begin)
            file.write(bytes(20_000))
        else:
            file.seek(2880 + begin + 20_000)
        file.write(content[file.tell() :])
    assert path.stat().st_size >= len(content)
    look = look_into(str(path), len(content))
    assert look.missing == "has parts that were never written"
    path.write_bytes(content)
    whole = look_into(str(path), len(content))
    assert (whole.missing, whole.unfilled, whole.zeros) == ("", False, False)
    assert whole.digest != look.digest


def test_zeros_between_the_header_and_the_data_of_an_xisf_file_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.xisf"
    for content, zeros in (
        (xisf(b"\x07" * 300_000), False),
        (xisf(b"\x07" * 300_000) + bytes(5000), False),
        (xisf(b"\x07" * 150_000 + bytes(150_000)), True),
        (xisf(bytes(10_000) + b"\x07" * 290_000), True),
    ):
        path.write_bytes(content)
        assert look_into(str(path), len(content)).zeros is zeros


@pytest.mark.parametrize("content", [b"XISF0100", b"XISF0100" + b"\xff" * 8, b"XISF0100" + bytes(8) + b"<xisf/>"])
def test_a_damaged_xisf_file_is_left_to_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xisf"
    path.write_bytes(content)
    assert replace(look_into(str(path), len(content)), digest="") == Look()


def test_what_the_file_system_knows_to_be_unwritten_is_more_than_zeros(tmp_path: Path) -> None:
    path, content = tmp_path / "a.fits", small_fits(300)
    with path.open("wb") as file:
        file.truncate(len(content))
        file.write(content[:100_000])
    assert look_into(str(path), len(content)).unfilled
    path.write_bytes(content[:100_000] + bytes(len(content) - 100_000))
    look = look_into(str(path), len(content))
    assert (look.unfilled, look.zeros) == (False, True)
