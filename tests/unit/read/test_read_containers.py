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


@pytest.mark.parametrize("tail", [b"", bytes(1), bytes(5000), bytes(3_000_000), b"foreign trailer"])
@pytest.mark.parametrize("between", [b"", bytes(100)])
@pytest.mark.parametrize("piece", [40_000, 5_000, 600])
def test_gzip_of_many_members(tmp_path, arrive, piece: int, between: bytes, tail: bytes) -> None:
    content = fits_bytes(VALUES, EXPTIME=7.0)
    members = [gzip.compress(content[offset : offset + piece]) for offset in range(0, len(content), piece)]
    path = tmp_path / "frame.fits.gz"
    path.write_bytes(between.join([*members, gzip.compress(b"")]) + tail)
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, VALUES)
    assert frame.meta.exposure_s == 7.0


def test_a_cut_or_damaged_last_member(tmp_path, arrive) -> None:
    content = fits_bytes(VALUES)
    members = b"".join(gzip.compress(content[offset : offset + 5000]) for offset in range(0, 40_000, 5000))
    path = tmp_path / "frame.fits.gz"
    path.write_bytes(members[:-2000])
    assert kind_of_failure(path, arrive) == "truncated"
    damaged = bytearray(members)
    damaged[-3000] ^= 0x55
    path.write_bytes(damaged)
    assert kind_of_failure(path, arrive) in ("corrupt_gzip", "checksum")


@pytest.mark.parametrize("inside", [b"", b"x"])
def test_gzip_of_countless_tiny_members(tmp_path, arrive, inside: bytes) -> None:
    path = tmp_path / "frame.fits.gz"
    front = fits_bytes(VALUES)[:3000]
    path.write_bytes(gzip.compress(front) + gzip.compress(inside) * 50_000)
    assert kind_of_failure(path, arrive) == "bomb"


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


CODECS = ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4"])
@pytest.mark.parametrize("tile_shape", [(1, 150), (16, 150), (37, 41), (120, 150)])
def test_every_codec_gives_the_pixels_that_astropy_gives(tmp_path, arrive, codec, dtype, tile_shape) -> None:
    if codec == "HCOMPRESS_1" and min(tile_shape) < 4:
        pytest.skip("HCOMPRESS has no tiles of one row")
    if codec == "PLIO_1" and dtype == "u2":
        pytest.skip("astropy does not write these")
    path = tmp_path / "frame.fits.fz"
    values = (VALUES // 8).astype(dtype) if dtype == "u1" else VALUES.astype(dtype)
    fits.CompImageHDU(values, compression_type=codec, tile_shape=tile_shape).writeto(path)
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, fits.getdata(path, 1))
    np.testing.assert_array_equal(frame.pixels, values)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "PLIO_1"])
@pytest.mark.parametrize("dither", [-1, 1, 2])
def test_rounded_floats_with_holes_are_those_of_astropy(tmp_path, arrive, codec: str, dither: int) -> None:
    path = tmp_path / "frame.fits.fz"
    values = np.random.default_rng(2).normal(1000, 30, (120, 150)).astype("f4")
    values[30:50, 20:60] = np.nan
    values[70:80, 20:60] = 0.0
    fits.CompImageHDU(
        values, compression_type=codec, tile_shape=(20, 150), quantize_method=dither, quantize_level=16.0, dither_seed=7
    ).writeto(path)
    frame = Reader().read(arrive(path))
    expected = np.asarray(fits.getdata(path, 1))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(frame.pixels[finite], expected[finite])
    assert frame.bad_pixel_fraction == np.count_nonzero(~finite) / finite.size
    np.testing.assert_allclose(frame.pixels[finite], values[finite], atol=8)


def test_plio_of_unsigned_numbers_as_cfitsio_writes_it(tmp_path, arrive) -> None:
    """N.I.N.A. uses cfitsio, which does not subtract BZERO from what it packs by PLIO; astropy reads 32768 too much."""
    import io

    values = VALUES.copy()
    values[0, :3] = (0, 32_768, 65_535)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values.astype("i4"), compression_type="PLIO_1")]).writeto(file)
    content = file.getvalue()
    changed = content.replace(f"ZBITPIX = {32:>20}".encode(), f"ZBITPIX = {16:>20}".encode())
    end = changed.rindex(b"END" + b" " * 77, 0, changed.rindex(b"ZCMPTYPE") + 2880)
    cards = f"BZERO   = {32768:>20}".ljust(80).encode() + f"BSCALE  = {1:>20}".ljust(80).encode()
    assert not changed[end + 80 : end + 240].strip()
    path = tmp_path / "frame.fits.fz"
    path.write_bytes(changed[:end] + cards + changed[end : end + 80] + changed[end + 240 :])
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, values)
    assert frame.pixels.dtype == np.uint16


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("unsigned", [False, True])
def test_blank_pixels_of_tiles_are_filled_and_counted_as_those_of_plain_images(
    tmp_path, arrive, codec: str, unsigned: bool
) -> None:
    values = (VALUES.astype(int) - (32_768 if unsigned else 0)).astype("i2")
    values[10:20, 20:60] = -32_768
    plain, tiled = fits.PrimaryHDU(values), fits.CompImageHDU(values, compression_type=codec, tile_shape=(20, 150))
    frames = []
    for path, unit in ((tmp_path / "plain.fits", plain), (tmp_path / "tiled.fits", tiled)):
        unit.header["BLANK"] = -32_768
        unit.writeto(path)
        if unsigned:
            content = path.read_bytes()
            end = content.rindex(b"END" + b" " * 77)
            cards = f"BZERO   = {32768:>20}".ljust(80).encode() + f"BSCALE  = {1:>20}".ljust(80).encode()
            assert not content[end + 80 : end + 240].strip()
            path.write_bytes(content[:end] + cards + content[end : end + 80] + content[end + 240 :])
        frames.append(Reader().read(arrive(path)))
    np.testing.assert_array_equal(frames[0].pixels, frames[1].pixels)
    assert frames[1].bad_pixel_fraction == frames[0].bad_pixel_fraction == pytest.approx(400 / values.size)


@pytest.mark.parametrize("codec", ["HCOMPRESS_1", "PLIO_1"])
def test_rare_codecs_can_be_turned_off(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.fits.fz"
    fits.CompImageHDU((VALUES // 8).astype("i2"), compression_type=codec, tile_shape=(30, 30)).writeto(path)
    Reader().read(arrive(path))
    with pytest.raises(Unsupported, match=r"worker\.rare_codecs") as caught:
        Reader(Limits(rare_codecs=False)).read(arrive(path))
    assert caught.value.kind == "codec"


def tiled_bytes(codec: str = "RICE_1") -> bytearray:
    import io

    file = io.BytesIO()
    values = VALUES.astype("i4") if codec == "PLIO_1" else VALUES
    tile = {"tile_shape": (30, 150)} if codec == "HCOMPRESS_1" else {}
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values, compression_type=codec, **tile)]).writeto(file)
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


def tile_of(content: bytes) -> tuple[int, int, int]:
    """Where the table begins, where its heap begins, and how long the first tile is."""
    import io

    with fits.open(io.BytesIO(content), disable_image_compression=True) as units:
        table_at = units[1]._data_offset
        heap_at = table_at + units[1].header["NAXIS1"] * units[1].header["NAXIS2"]
    return table_at, heap_at, int.from_bytes(content[table_at : table_at + 4], "big")


def with_first_tile(content: bytearray, tile: bytes) -> bytes:
    """Put other bytes in place of the first tile, behind those of the others."""
    table_at, heap_at, _ = tile_of(content)
    offset = content.index(b"PCOUNT  =", 2880)
    heap_bytes = int(content[offset + 10 : offset + 30])
    changed = content[: heap_at + heap_bytes] + tile
    changed[offset : offset + 30] = f"PCOUNT  = {heap_bytes + len(tile):>20}".encode()
    changed[table_at : table_at + 8] = len(tile).to_bytes(4, "big") + heap_bytes.to_bytes(4, "big")
    return bytes(changed).ljust(-(-len(changed) // 2880) * 2880, b"\0")


@pytest.mark.parametrize("codec", ["GZIP_1", "GZIP_2"])
def test_a_tile_in_two_gzip_members(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.fits.fz"
    stored = (VALUES[0].astype(np.int32) - 32768).astype(">i2")
    data = stored.tobytes() if codec == "GZIP_1" else stored.view("u1").reshape(-1, 2).T.tobytes()
    path.write_bytes(
        with_first_tile(tiled_bytes(codec), gzip.compress(data[:100]) + bytes(4) + gzip.compress(data[100:]))
    )
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


@pytest.mark.parametrize(
    ("member", "count"), [(bytes(400), 5), (b"", 100_000), (bytes(20_000_000), 1), (bytes(2_000_000), 8)]
)
def test_gzip_tiles_that_grow_without_end(tmp_path, arrive, member: bytes, count: int) -> None:
    path = tmp_path / "frame.fits.fz"
    content = with_first_tile(tiled_bytes("GZIP_1"), gzip.compress(member) * count)
    path.write_bytes(content)
    tracemalloc.start()
    try:
        assert kind_of_failure(path, arrive) == "bomb"
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content) + (4 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", ["HCOMPRESS_1", "PLIO_1"])
def test_tiles_that_lie_about_themselves(tmp_path, arrive, codec: str) -> None:
    content = tiled_bytes(codec)
    _, heap_at, length = tile_of(content)
    path = tmp_path / "frame.fits.fz"
    lies = {
        "HCOMPRESS_1": [(0, b"\0"), (2, b"\x7f"), (6, b"\x7f"), (5, b"\xff"), (22, b"\xff"), (24, b"\xff")],
        "PLIO_1": [(2, b"\x7f\xff"), (4, b"\x7f\xff"), (6, b"\x7f\xff"), (8, b"\x7f\xff"), (6, b"\0\0")],
    }
    for offset, what in lies[codec]:
        changed = content.copy()
        changed[heap_at + offset : heap_at + offset + len(what)] = what
        path.write_bytes(changed)
        assert kind_of_failure(path, arrive) == "corrupt_tiles", offset
    assert length > 25


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "HCOMPRESS_1", "PLIO_1"])
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


@pytest.mark.parametrize("codec", CODECS)
def test_gzip_around_tiles(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.fits.gz"
    path.write_bytes(gzip.compress(bytes(tiled_bytes(codec))))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)
    content = tiled_bytes(codec)
    content[5760:6000] = b"\xff" * 240
    path.write_bytes(gzip.compress(content))
    assert kind_of_failure(path, arrive) == "corrupt_tiles"


def test_a_bomb_of_tiles_in_gzip_is_refused(tmp_path, arrive) -> None:
    import io

    file = io.BytesIO()
    blank = fits.CompImageHDU(np.zeros((6000, 6000), "u2"), compression_type="GZIP_1", tile_shape=(1000, 6000))
    fits.HDUList([fits.PrimaryHDU(), blank]).writeto(file)
    path = tmp_path / "frame.fits.gz"
    path.write_bytes(gzip.compress(file.getvalue()))
    assert kind_of_failure(path, arrive) == "bomb"


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
