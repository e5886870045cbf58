"""TIFF as capture programs and processors write it, with the pixels that tifffile finds; and damaged ones."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from astro_monitor.errors import FrameError
from astro_monitor.read import Limits, Reader
from astro_monitor.read import tiff as tiff_module
from astro_monitor.testing.tiff import ASCII, EXIF_OF_A_NIGHT, SHORT, tiff_bytes

VALUES = np.random.default_rng(1).normal(1000, 30, (120, 150)).astype(np.uint16)


def kind_of_failure(path: Path, arrive) -> str:
    with pytest.raises(FrameError) as caught:
        Reader().read(arrive(path))
    assert str(caught.value).endswith(".")
    return caught.value.kind


def written(values: np.ndarray, **how: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **how)
    return file.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "i4", "f4", "f8"])
def test_every_kind_of_number(tmp_path, arrive, order: str, dtype: str) -> None:
    path = tmp_path / "frame.tif"
    values = (VALUES % 251).astype(dtype) if dtype == "u1" else VALUES.astype(dtype)
    path.write_bytes(tiff_bytes(values, order=order))
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, values)
    np.testing.assert_array_equal(frame.pixels, tifffile.imread(path))
    assert frame.pixels.dtype == (np.uint16 if dtype in ("u1", "u2", "i2") else np.float32)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize(
    "how",
    [
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "packbits"},
        {"compression": "zlib", "predictor": True, "tile": (32, 64)},
        {"tile": (32, 64)},
        {"rowsperstrip": 7},
        {"bigtiff": True},
        {"byteorder": ">", "compression": "zlib", "predictor": True},
        {"byteorder": ">", "rowsperstrip": 7},
    ],
    ids=str,
)
def test_the_forms_that_programs_offer(tmp_path, arrive, dtype: str, how: dict[str, object]) -> None:
    path = tmp_path / "frame.tiff"
    values = (VALUES % 251).astype(dtype) if dtype == "u1" else VALUES.astype(dtype)
    path.write_bytes(written(values, photometric="minisblack", metadata=None, **how))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, values)


def test_white_may_be_zero(tmp_path, arrive) -> None:
    path = tmp_path / "frame.tif"
    path.write_bytes(written(65_535 - VALUES, photometric="miniswhite", metadata=None))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


def test_what_the_tags_say(tmp_path, arrive) -> None:
    path = tmp_path / "frame.tif"
    entries = ((271, ASCII, "ZWO"), (272, ASCII, "ZWO ASI294MC"), (306, ASCII, "2020:01:01 00:00:00"))
    path.write_bytes(tiff_bytes(VALUES, entries=entries, exif=EXIF_OF_A_NIGHT))
    meta = Reader().read(arrive(path)).meta
    assert (meta.exposure_s, meta.gain, meta.focal_mm, meta.camera) == (120.5, 1600.0, 135.0, "ZWO ASI294MC")
    assert meta.date_obs_utc.isoformat() == "2024-03-01T22:30:05.250000+00:00"
    assert meta.sources["exposure_s"] == "EXIF ExposureTime"


def test_a_header_in_the_description(tmp_path, arrive) -> None:
    path = tmp_path / "frame.tif"
    header = "SIMPLE  = T\nEXPTIME = 300.0 / seconds\nOBJECT  = 'M 31'\nFILTER  = 'Ha'\nIMAGETYP= 'Dark'\n"
    path.write_bytes(tiff_bytes(VALUES, entries=((270, ASCII, header),)))
    meta = Reader().read(arrive(path)).meta
    assert (meta.exposure_s, meta.target, meta.filter, meta.kind) == (300.0, "M 31", "Ha", "dark")


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (written(np.stack([VALUES] * 3, -1), photometric="rgb"), "(120, 150, 3)"),
        (written(np.stack([VALUES] * 3), photometric="rgb", planarconfig="separate"), "(3, 120, 150)"),
        (written(np.stack([VALUES] * 5), photometric="minisblack"), "(2, 120, 150)"),
    ],
    ids=["colours last", "colours first", "pages"],
)
def test_colour_pictures_and_stacks_are_cubes(tmp_path, arrive, content: bytes, shape: str) -> None:
    path = tmp_path / "frame.tif"
    path.write_bytes(content)
    opened = Reader().open(arrive(path))
    assert opened.meta.kind == "product"
    with pytest.raises(FrameError) as caught:
        opened.frame()
    assert caught.value.kind == "cube"
    if "2" not in shape[:2]:
        assert shape in str(caught.value)


def test_a_small_picture_next_to_the_image_is_ignored(tmp_path, arrive) -> None:
    path = tmp_path / "frame.tif"
    with tifffile.TiffWriter(path) as file:
        file.write((VALUES[:64, :64] // 8).astype(np.uint8), photometric="minisblack", metadata=None)
        file.write(VALUES, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


def test_holes_are_filled_and_counted(tmp_path, arrive) -> None:
    path = tmp_path / "frame.tif"
    values = VALUES.astype("f4")
    values[3, :15] = np.nan
    path.write_bytes(tiff_bytes(values))
    frame = Reader().read(arrive(path))
    assert frame.bad_pixel_fraction == 15 / values.size
    assert np.isfinite(frame.pixels).all()


def with_entry(content: bytes, tag: int, value: int) -> bytes:
    """Change the number in a directory of a file of ``tiff_bytes``."""
    directory = struct.unpack("<I", content[4:8])[0]
    count = struct.unpack("<H", content[directory : directory + 2])[0]
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack("<H", content[at : at + 2])[0] == tag:
            return content[: at + 8] + struct.pack("<I", value) + content[at + 12 :]
    raise LookupError(tag)


PLAIN = tiff_bytes(VALUES)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PLAIN[:20], "corrupt_tiff"),
        (PLAIN[:8] + b"\xff" * 500, "corrupt_tiff"),
        (b"II*\0" + bytes(500), "corrupt_tiff"),
        (b"II*\0" + b"\xff" * 500, "corrupt_tiff"),
        (b"II+\0" + bytes(500), "corrupt_tiff"),
        (with_entry(PLAIN, 273, 1_000_000), "truncated"),
        (with_entry(PLAIN, 279, 1_000), "corrupt_tiff"),
        (with_entry(PLAIN, 256, 60_000), "corrupt_tiff"),
        (with_entry(PLAIN, 256, 4_000_000_000), "too_large"),
        (with_entry(PLAIN, 256, 10), "too_small"),
        (with_entry(PLAIN, 259, 7), "codec"),
        (with_entry(PLAIN, 259, 8), "corrupt_tiff"),
        (with_entry(PLAIN, 259, 5), "corrupt_tiff"),
        (with_entry(PLAIN, 262, 8), "tiff"),
        (with_entry(PLAIN, 277, 60_000), "too_large"),
        (with_entry(PLAIN, 339, 6), "tiff"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_read(tmp_path, arrive, content: bytes, kind: str) -> None:
    path = tmp_path / "frame.tif"
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == kind


def test_bombs_are_refused_before_they_grow(tmp_path, arrive) -> None:
    path = tmp_path / "bomb.tif"
    packed = zlib.compress(bytes(400_000_000), 1)
    lie = with_entry(with_entry(tiff_bytes(np.zeros((100, 100), "u2")), 259, 8), 279, len(packed))
    whole = with_entry(with_entry(with_entry(lie, 256, 14_000), 257, 14_000), 278, 14_000)
    for content, kind in ((with_entry(lie, 273, len(lie)), "bomb"), (with_entry(whole, 273, len(whole)), "bomb")):
        path.write_bytes(content + packed)
        tracemalloc.start()
        try:
            with pytest.raises(FrameError) as caught:
                Reader(Limits(max_inflation=50)).read(arrive(path))
            assert caught.value.kind == kind
            assert tracemalloc.get_traced_memory()[1] < len(packed) + (8 << 20)
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        written(VALUES, photometric="minisblack", compression="lzw"),
        written(VALUES, photometric="minisblack", compression="packbits"),
        written(VALUES.astype("f4"), photometric="minisblack", compression="zlib", predictor=True),
    ],
    ids=["LZW", "PackBits", "differences of floats"],
)
def test_without_the_package_that_it_needs_one_sentence_names_it(tmp_path, arrive, monkeypatch, content) -> None:
    path = tmp_path / "frame.tif"
    path.write_bytes(content)
    monkeypatch.setattr(tiff_module, "find_spec", lambda name: None)
    with pytest.raises(FrameError, match=r"astro-monitor\[tiff\]") as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "needs_extra"


@pytest.mark.parametrize(
    ("dtype", "how"),
    [
        ("f4", {"compression": "zlib"}),
        ("u2", {"compression": "zlib"}),
        ("u2", {"compression": "zlib", "predictor": True}),
    ],
)
def test_the_usual_forms_need_no_other_package(tmp_path, dtype: str, how: dict[str, object]) -> None:
    path, copy = tmp_path / "frame.tif", tmp_path / "pixels.npy"
    path.write_bytes(written(VALUES.astype(dtype), photometric="minisblack", metadata=None, **how))
    code = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from datetime import UTC, datetime; from pathlib import Path; import numpy as np\n"
        "from astro_monitor.read import Reader; from astro_monitor.records import Arrival\n"
        "path, now = Path(sys.argv[1]), datetime.now(UTC)\n"
        "arrival = Arrival(path=path, root=path.parent, size_bytes=0, mtime_ns=0, first_seen_utc=now,"
        " settled_utc=now, how='named')\n"
        "np.save(sys.argv[2], Reader().read(arrival).pixels)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), str(copy)], check=True, timeout=60)
    np.testing.assert_array_equal(np.load(copy), VALUES)


def test_directories_that_go_in_circles_end(tmp_path, arrive) -> None:
    content = bytearray(PLAIN)
    directory = struct.unpack("<I", content[4:8])[0]
    count = struct.unpack("<H", content[directory : directory + 2])[0]
    content[directory + 2 + 12 * count :][:4] = struct.pack("<I", directory)
    path = tmp_path / "frame.tif"
    path.write_bytes(content[: directory + 2 + 12 * count] + struct.pack("<I", directory))
    assert kind_of_failure(path, arrive) in ("cube", "corrupt_tiff")
    path.write_bytes(tiff_bytes(VALUES, exif=((34665, SHORT, 8), *EXIF_OF_A_NIGHT)))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)
