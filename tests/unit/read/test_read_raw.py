"""Camera raw: real DNG files, written here, through LibRaw; and the EXIF of containers that only cameras write."""

from __future__ import annotations

import struct
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.errors import FrameError
from astro_monitor.formats.known.raw import RAW_ENDINGS
from astro_monitor.read import Limits, Reader, exposure_start
from astro_monitor.read import raw as raw_module
from astro_monitor.read.exif import read_exif
from astro_monitor.read.raw import is_raw
from astro_monitor.testing.tiff import ASCII, EXIF_OF_A_NIGHT, LONG, RATIONAL, SHORT, dng_bytes, tiff_bytes

pytest.importorskip("rawpy")
VALUES = np.random.default_rng(1).normal(3000, 200, (140, 180)).astype(np.uint16)
XTRANS_CELL = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"


def kind_of_failure(path: Path, arrive) -> str:
    with pytest.raises(FrameError) as caught:
        Reader().read(arrive(path))
    assert str(caught.value).endswith(".")
    return caught.value.kind


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_sensors_own_numbers(tmp_path, arrive, order: str) -> None:
    path = tmp_path / "IMG_0001.DNG"
    path.write_bytes(dng_bytes(VALUES, order=order))
    opened = Reader().open(arrive(path))
    frame = opened.frame()
    meta = frame.meta
    assert opened.sensor_shape == VALUES.shape
    assert (meta.bayer, meta.pedestal_adu, meta.saturation_adu) == ("RGGB", 512.0, 16_383.0)
    assert (meta.exposure_s, meta.gain, meta.focal_mm) == (120.5, 1600.0, 135.0)
    assert (meta.camera, meta.telescope) == ("Maker Camera 7", "A lens of 135 mm")
    assert meta.date_obs_utc == datetime(2024, 3, 1, 22, 30, 5, 250_000, tzinfo=UTC)
    assert meta.sources["exposure_s"] == "EXIF ExposureTime"
    assert frame.sensor_px_per_px == 2
    expected = VALUES.reshape(70, 2, 90, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(frame.pixels, expected, atol=0.5)
    assert frame.saturation_adu == pytest.approx(0.8 * 16_383)


@pytest.mark.parametrize("cell", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("active", [(0, 0, 140, 180), (4, 6, 136, 180), (3, 6, 139, 180), (4, 5, 140, 179)])
def test_colours_are_those_of_the_visible_area(tmp_path, arrive, cell: str, active: tuple[int, int, int, int]) -> None:
    """Each colour has a level of its own, which shows where its pixels are."""
    levels = {"R": 1000, "G": 2000, "B": 3000}
    top, left, _, _ = active
    rows, columns = np.indices(VALUES.shape)
    which = ((rows - top) % 2) * 2 + (columns - left) % 2
    values = np.array([levels[letter] for letter in cell], np.uint16)[which]
    path = tmp_path / "a.dng"
    path.write_bytes(dng_bytes(values, cell=cell, active=active))
    image = raw_module.read_raw(np.frombuffer(path.read_bytes(), np.uint8), Limits())
    corner = image.values[:2, :2].reshape(-1)
    assert image.bayer == "".join({level: letter for letter, level in levels.items()}[int(one)] for one in corner)
    frame = Reader().read(arrive(path))
    assert (frame.pixels == 2000).all()


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, 2), (2, 1)])
def test_an_x_trans_sensor_is_read_in_cells_of_three_by_three(tmp_path, arrive, shift: tuple[int, int]) -> None:
    levels = {"R": 1000, "G": 2000, "B": 3000}
    cell = np.roll(np.array(list(XTRANS_CELL)).reshape(6, 6), shift, (0, 1))
    values = np.vectorize(levels.get)(np.tile(cell, (24, 30))).astype(np.uint16)
    path = tmp_path / "a.dng"
    path.write_bytes(dng_bytes(values, cell="".join(cell.reshape(-1)), cell_side=6))
    frame = Reader().read(arrive(path))
    assert (frame.meta.bayer, frame.sensor_px_per_px) == ("XTRANS", 3)
    assert frame.pixels.shape == (frame.sensor_shape[0] // 3, frame.sensor_shape[1] // 3)
    assert (frame.pixels == 2000).all()


def test_a_sensor_without_colours(tmp_path, arrive) -> None:
    entries = ((271, ASCII, "Maker"), (272, ASCII, "Mono"), (50706, 1, (1, 4, 0, 0)), (50708, ASCII, "Mono"))
    path = tmp_path / "mono.dng"
    path.write_bytes(tiff_bytes(VALUES, entries=entries, photometric=34892))
    frame = Reader().read(arrive(path))
    assert frame.meta.bayer is None
    np.testing.assert_array_equal(frame.pixels, VALUES)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_iso_beyond_sixteen_bits_and_a_clock_without_zone(tmp_path, arrive, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-3")
    time.tzset()
    path = tmp_path / "a.dng"
    exif = ((34855, SHORT, 65_535), (34866, LONG, 102_400), (36867, ASCII, "2024:03:01 23:30:05"))
    path.write_bytes(dng_bytes(VALUES, exif=exif))
    meta = Reader().read(arrive(path)).meta
    monkeypatch.undo()
    time.tzset()
    assert meta.gain == 102_400.0
    assert meta.exposure_s is None
    assert meta.date_obs_utc == datetime(2024, 3, 1, 20, 30, 5, tzinfo=UTC)
    assert "time zone of this computer" in meta.sources["date_obs_utc"]


@pytest.mark.parametrize(
    "exif",
    [
        ((33434, RATIONAL, Fraction(0)), (34855, SHORT, 0), (36867, ASCII, "0000:00:00 00:00:00")),
        ((36867, ASCII, "    :  :     :  :  "), (36881, ASCII, "+99:99")),
        ((36867, ASCII, "9999:12:31 23:59:59"), (37386, RATIONAL, Fraction(2**31))),
        ((36867, ASCII, ""), (42036, ASCII, "\N{SNOWMAN}" * 50_000)),
    ],
)
def test_absurd_exif_costs_no_frame(tmp_path, arrive, exif) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(dng_bytes(VALUES, exif=exif))
    meta = Reader().read(arrive(path)).meta
    assert meta.exposure_s is None
    assert meta.date_obs_utc is None


def test_without_rawpy_one_sentence_names_the_extra(tmp_path, arrive, monkeypatch) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(dng_bytes(VALUES))
    monkeypatch.setattr(raw_module, "find_spec", lambda name: None)
    with pytest.raises(FrameError, match=r"pip install 'astro-monitor\[raw\]'") as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "needs_extra"


CONTENT = dng_bytes(VALUES)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (CONTENT[:8] + bytes(len(CONTENT) - 8), {"corrupt_raw", "raw"}),
        (CONTENT[: len(CONTENT) // 2], {"corrupt_raw", "raw", "truncated"}),
        (b"FUJIFILMCCD-RAW " + bytes(5000), {"corrupt_raw", "raw"}),
        (b"\0\0\0\x18ftypcrx " + bytes(5000), {"corrupt_raw", "raw"}),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(5000), {"corrupt_raw", "raw"}),
        (b"IIRO" + bytes(5000), {"corrupt_raw", "raw"}),
        (dng_bytes(VALUES[:40, :40]), {"too_small"}),
    ],
    ids=str,
)
def test_what_is_not_read(tmp_path, arrive, content: bytes, kinds: set[str]) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) in kinds


def test_limits_come_before_the_pixels(tmp_path, arrive) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(CONTENT)
    with pytest.raises(FrameError) as caught:
        Reader(Limits(max_pixels=10_000)).read(arrive(path))
    assert caught.value.kind == "too_large"


def test_raw_files_are_known_by_bytes_and_name() -> None:
    assert {".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf"} <= set(RAW_ENDINGS)
    tiff = b"II*\0" + bytes(28)
    assert is_raw(tiff, "a.NEF", is_dng=False)
    assert is_raw(tiff, "a.tif", is_dng=True)
    assert not is_raw(tiff, "a.tif", is_dng=False)
    assert is_raw(b"\0\0\0\x18ftypcrx \0\0\0\1".ljust(32, b"\0"), "whatever", is_dng=False)
    assert not is_raw(b"SIMPLE  =".ljust(32), "a.nef", is_dng=False)


def reader_of(content: bytes):
    return lambda offset, count: content[offset : offset + count]


def exif_block() -> bytes:
    """A TIFF structure as it lies in a JPEG: the image of it is of no interest."""
    return tiff_bytes(
        np.zeros((1, 1), np.uint16),
        entries=((271, ASCII, "FUJIFILM"), (272, ASCII, "X-T3")),
        exif=EXIF_OF_A_NIGHT,
    )


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def test_the_exif_of_a_raf_file_is_in_its_preview() -> None:
    segment = b"Exif\0\0" + exif_block()
    preview = b"\xff\xd8\xff\xe0\0\4ab\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + b"\xff\xd9"
    front = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 160, len(preview))
    exif = read_exif(reader_of(front.ljust(160, b"\0") + preview))
    assert exif.header.value("INSTRUME") == "FUJIFILM X-T3"
    assert exif.header.value("EXPTIME") == 120.5


def test_the_exif_of_a_cr3_file_is_in_its_boxes() -> None:
    camera = tiff_bytes(np.zeros((1, 1), np.uint16), entries=((271, ASCII, "Canon"), (272, ASCII, "Canon EOS R6")))
    inner = tiff_bytes(np.zeros((1, 1), np.uint16), entries=EXIF_OF_A_NIGHT)
    identity = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    metadata = box(b"uuid", identity + box(b"CNCV", b"x" * 30) + box(b"CMT1", camera) + box(b"CMT2", inner))
    content = box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", metadata + box(b"mvhd", bytes(40))) + box(b"mdat", b"")
    exif = read_exif(reader_of(content))
    assert exif.header.value("INSTRUME") == "Canon EOS R6"
    assert exif.header.value("ISOSPEED") == 1600.0
    assert exif.header.value("DATE-OBS") == "2024-03-01T22:30:05.250000"


def test_the_start_is_known_by_the_first_bytes() -> None:
    for content in (dng_bytes(VALUES), tiff_bytes(VALUES, order=">", exif=EXIF_OF_A_NIGHT)):
        assert exposure_start(reader_of(content)) == datetime(2024, 3, 1, 22, 30, 5, 250_000, tzinfo=UTC)
    assert exposure_start(reader_of(tiff_bytes(VALUES))) is None
    assert exposure_start(reader_of(b"II*\0" + b"\xff" * 500)) is None


def test_boxes_and_segments_that_lead_nowhere_end() -> None:
    for content in (
        box(b"ftyp", b"crx ") + struct.pack(">I", 0) + b"moov",
        box(b"ftyp", b"crx ") + struct.pack(">I", 1) + b"moov" + bytes(8),
        box(b"ftyp", b"crx ") + box(b"moov", struct.pack(">I", 8) + b"uuid") * 1000,
        b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 92, 9) + b"\xff\xd8" + b"\xff\xe0\0\0" * 1000,
        b"II*\0" + struct.pack("<I", 4_000_000_000),
        b"II*\0" + struct.pack("<IH", 8, 65_535) + b"\xff" * 100,
    ):
        assert read_exif(reader_of(content)).header.cards == {}
