"""Files are put in the order of their exposures, whatever form the date and the file have."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.archive.order import exposure_started
from astro_monitor.records import Arrival

START = datetime(2024, 3, 1, 22, 0, tzinfo=UTC)
WRITTEN = datetime(2025, 1, 1, tzinfo=UTC)


def arrival(path: Path, mtime_ns: int = int(WRITTEN.timestamp() * 1e9)) -> Arrival:
    return Arrival(
        path=path, root=path.parent, size_bytes=path.stat().st_size, mtime_ns=mtime_ns, first_seen_utc=WRITTEN,
        settled_utc=WRITTEN, how="named",
    )  # fmt: skip


def saved(path: Path, **cards: object) -> Path:
    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword.replace("_", "-")] = value
    fits.PrimaryHDU(np.zeros((64, 64), np.uint16), header).writeto(path)
    return path


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE_OBS": "2024-03-01T22:00:00"}, {"DATE_OBS": "01/03/24", "UT": "22:00:00"},
        {"DATE_OBS": "2024/03/01 22:00"}, {"DATE_END": "2024-03-01T22:01:00", "EXPTIME": 60.0},
        {"MJD_OBS": 60370.916666666664},
    ],
)  # fmt: skip
def test_every_spelling_of_the_date(tmp_path, cards) -> None:
    found = exposure_started(arrival(saved(tmp_path / "x.fits", **cards)))
    assert abs((found - START).total_seconds()) < 0.01


def test_gzip_xisf_and_extensions(tmp_path) -> None:
    plain = saved(tmp_path / "x.fits", DATE_OBS="2024-03-01T22:00:00")
    packed = tmp_path / "x.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    extended = tmp_path / "e.fits"
    header = fits.Header({"DATE-OBS": "2024-03-01T22:00:00"})
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((64, 64), "i2"), header)]).writeto(extended)
    text = (
        b'<xisf version="1.0"><Image geometry="64:64:1" sampleFormat="UInt16" location="attachment:4096:8192">'
        b'<Property id="Observation:Time:Start" type="TimePoint" value="2024-03-01T22:00:00Z"/></Image></xisf>'
    )
    modern = tmp_path / "x.xisf"
    modern.write_bytes(b"XISF0100" + len(text).to_bytes(4, "little") + bytes(4) + text)
    for path in (packed, extended, modern):
        assert exposure_started(arrival(path)) == START


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b broken", b"XISF0100", b"SIMPLE  =", bytes(9000)])
def test_without_a_date_the_time_of_writing_counts(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    assert exposure_started(arrival(path)) == WRITTEN
    assert exposure_started(arrival(path, mtime_ns=10**30)).year == 9999
