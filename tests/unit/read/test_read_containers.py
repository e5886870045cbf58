"""The same image in every wrapping of FITS: extensions, gzip, tiles; and wrappings that are damaged."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.errors import FrameError, Unreadable, Unsupported
from astro_monitor.read import Limits, Reader

VALUES = np.random.default_rng(1).normal(1000, 30, (120, 150)).astype(np.uint16)


def kind_of_failure(path: Path, arrive) -> str:
    with pytest.raises(FrameError) as caught:
        Reader().read(arrive(path))
    assert str(caught.value).endswith(".")
    return caught.value.kind


def fits_bytes(values: np.ndarray, **cards: object) -> bytes:
    import io

    unit = fits.PrimaryHDU(values)
    unit.header.update(cards)
    file = io.BytesIO()
    unit.writeto(file, checksum=True)
    return file.getvalue()


def test_first_usable_extension(tmp_path, arrive) -> None:
    path = tmp_path / "mosaic.fits"
    primary = fits.PrimaryHDU()
    primary.header["EXPTIME"] = 12.5
    primary.header["FILTER"] = "Ha"
    image = fits.ImageHDU(VALUES)
    image.header["FILTER"] = "OIII"
    fits.HDUList([primary, fits.ImageHDU(np.zeros((8, 8), "i2")), image]).writeto(path)
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, VALUES)
    assert frame.hdu == 2
    assert (frame.meta.exposure_s, frame.meta.filter) == (12.5, "OIII")
    assert "extension 2" in frame.meta.notes[-1]


@pytest.mark.parametrize("name", ["frame.fits.gz", "frame.fits"])
def test_gzip_is_known_by_its_bytes(tmp_path, arrive, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(fits_bytes(VALUES, EXPTIME=7.0)))
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, VALUES)
    assert frame.meta.exposure_s == 7.0


def test_gzip_of_a_file_with_the_image_in_an_extension(tmp_path, arrive) -> None:
    import io

    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(np.zeros(5000, "u1")), fits.ImageHDU(VALUES)]).writeto(file)
    path = tmp_path / "mosaic.fits.gz"
    path.write_bytes(gzip.compress(file.getvalue()))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_cut_gzip(tmp_path, arrive, part: float) -> None:
    path = tmp_path / "frame.fits.gz"
    whole = gzip.compress(fits_bytes(VALUES))
    path.write_bytes(whole[: int(len(whole) * part)])
    assert kind_of_failure(path, arrive) == "truncated"


def test_damaged_gzip(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits.gz"
    whole = bytearray(gzip.compress(fits_bytes(VALUES)))
    whole[len(whole) // 2 :: 50] = bytes(len(whole[len(whole) // 2 :: 50]))
    path.write_bytes(whole)
    assert kind_of_failure(path, arrive) in ("corrupt_gzip", "checksum")
    whole = bytearray(gzip.compress(fits_bytes(VALUES)))
    whole[-6] ^= 1
    path.write_bytes(whole)
    assert kind_of_failure(path, arrive) == "corrupt_gzip"


def test_a_gzip_bomb_is_refused_before_it_grows(tmp_path, arrive) -> None:
    path = tmp_path / "bomb.fits.gz"
    header = fits_bytes(np.zeros((64, 64), "u1"))[:2880]
    header = header.replace(f"NAXIS1  = {64:>20}".encode(), f"NAXIS1  = {10_000:>20}".encode())
    header = header.replace(f"NAXIS2  = {64:>20}".encode(), f"NAXIS2  = {10_000:>20}".encode())
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(header)] + [packer.compress(bytes(1_000_000)) for _ in range(100)]
    path.write_bytes(b"".join([*parts, packer.flush()]))
    tracemalloc.start()
    try:
        assert kind_of_failure(path, arrive) == "bomb"
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
def test_tiles(tmp_path, arrive, codec: str, dtype: str) -> None:
    path = tmp_path / "frame.fits.fz"
    values = VALUES.astype(dtype)
    image = fits.CompImageHDU(values, compression_type=codec, quantize_level=0.0 if dtype == "f4" else 16.0)
    if dtype == "f4" and codec == "RICE_1":
        image = fits.CompImageHDU(values, compression_type=codec)
    image.header["EXPTIME"] = 3.0
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)
    frame = Reader().read(arrive(path))
    np.testing.assert_allclose(frame.pixels, values, atol=0 if dtype != "f4" else 8)
    assert frame.meta.exposure_s == 3.0
    assert frame.hdu == 1
    assert frame.pixels.dtype == (np.float32 if dtype == "f4" else np.uint16)


@pytest.mark.parametrize("codec", ["HCOMPRESS_1", "PLIO_1"])
def test_rare_codecs_are_left_alone(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.fits.fz"
    tile = {"tile_shape": (30, 30)} if codec.startswith("H") else {}
    fits.CompImageHDU((VALUES // 8).astype("i2"), compression_type=codec, **tile).writeto(path)
    assert kind_of_failure(path, arrive) == "codec"


def tiled_bytes(codec: str = "RICE_1") -> bytearray:
    import io

    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(VALUES, compression_type=codec)]).writeto(file)
    return bytearray(file.getvalue())


def test_tiles_whose_header_lies(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits.fz"
    content = tiled_bytes()
    lie = content.replace(f"ZNAXIS2 = {120:>20}".encode(), f"ZNAXIS2 = {60_000:>20}".encode())
    assert lie != content
    path.write_bytes(lie)
    assert kind_of_failure(path, arrive) == "bad_header"
    lie = content.replace(f"ZNAXIS1 = {150:>20}".encode(), f"ZNAXIS1 = {65_000:>20}".encode())
    path.write_bytes(lie)
    assert kind_of_failure(path, arrive) in ("bad_header", "corrupt_tiles")


def test_a_tile_that_grows_without_end(tmp_path, arrive) -> None:
    content = tiled_bytes("GZIP_1")
    with fits.open(__import__("io").BytesIO(content), disable_image_compression=True) as units:
        table_at = units[1]._data_offset
        heap_at = table_at + units[1].header["NAXIS1"] * units[1].header["NAXIS2"]
    bomb = gzip.compress(bytes(1_000_000), mtime=0)
    content[heap_at : heap_at + len(bomb)] = bomb
    content[table_at : table_at + 4] = len(bomb).to_bytes(4, "big")
    path = tmp_path / "frame.fits.fz"
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == "bomb"


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1"])
def test_damaged_tiles(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.fits.fz"
    content = tiled_bytes(codec)
    content[5760:6000] = b"\xff" * 240
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == "corrupt_tiles"


@pytest.mark.parametrize("where", [0, 5000, -1])
def test_datasum_finds_one_changed_byte(tmp_path, arrive, where: int) -> None:
    path = tmp_path / "frame.fits"
    content = bytearray(fits_bytes(VALUES))
    path.write_bytes(content)
    Reader().read(arrive(path))
    start = content.index(b"END" + b" " * 77) // 2880 * 2880 + 2880
    content[start + where if where >= 0 else start + VALUES.nbytes - 1] ^= 4
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == "checksum"


def test_a_keyword_added_without_a_new_checksum_does_no_harm(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(fits_bytes(VALUES).replace(b"COMMENT", b"HISTORY").replace(b"EXTEND ", b"EXTENT "))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


def test_limits_are_checked_before_anything_is_read(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(fits_bytes(VALUES))
    for limits in (Limits(max_file_bytes=1000), Limits(max_pixels=1000), Limits(max_side_px=100)):
        with pytest.raises(Unsupported) as caught:
            Reader(limits).read(arrive(path))
        assert caught.value.kind == "too_large"


def test_gzip_around_tiles_is_refused(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits.fz.gz"
    path.write_bytes(gzip.compress(bytes(tiled_bytes())))
    assert kind_of_failure(path, arrive) == "compressed_twice"


def test_unreadable_and_unsupported_are_value_errors() -> None:
    assert issubclass(Unreadable, ValueError)
    assert issubclass(Unsupported, ValueError)


def test_parameters_after_an_image_are_not_pixels(tmp_path, arrive) -> None:
    import io

    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(VALUES)]).writeto(file)
    content = file.getvalue().replace(f"PCOUNT  = {0:>20}".encode(), f"PCOUNT  = {7:>20}".encode())
    path = tmp_path / "frame.fits"
    path.write_bytes(content)
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)
    path.write_bytes(content.replace(f"GCOUNT  = {1:>20}".encode(), f"GCOUNT  = {0:>20}".encode()))
    assert kind_of_failure(path, arrive) == "no_image"
