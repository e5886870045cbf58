"""XISF in every form that programs write it, with the same pixels as the ``xisf`` package finds; and damaged ones."""

from __future__ import annotations

import base64
import hashlib
import itertools
import tracemalloc
import warnings
import zlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

import lz4.block
import numpy as np
import pytest
import zstandard
from xisf import XISF

from astro_monitor.errors import FrameError
from astro_monitor.read import Limits, Reader

VALUES = np.random.default_rng(1).normal(1000, 30, (120, 150)).astype(np.uint16)
DTYPES = {"u1": "UInt8", "u2": "UInt16", "u4": "UInt32", "u8": "UInt64", "f4": "Float32", "f8": "Float64"}
PACK = {
    "zlib": zlib.compress,
    "lz4": lambda data: lz4.block.compress(data, store_size=False),
    "lz4hc": lambda data: lz4.block.compress(data, mode="high_compression", store_size=False),
    "zstd": zstandard.compress,
}
DIGESTS = {"sha-1": "sha1", "sha-256": "sha256", "sha-512": "sha512", "sha3-256": "sha3_256", "sha3-512": "sha3_512"}


def kind_of_failure(path: Path, arrive) -> str:
    with pytest.raises(FrameError) as caught:
        Reader().read(arrive(path))
    assert str(caught.value).endswith(".")
    return caught.value.kind


def shuffled(data: bytes, item_bytes: int) -> bytes:
    whole = len(data) // item_bytes * item_bytes
    return np.frombuffer(data[:whole], np.uint8).reshape(-1, item_bytes).T.tobytes() + data[whole:]


def attributes_of(values: np.ndarray) -> dict[str, str]:
    planes = values.shape[0] if values.ndim == 3 else 1
    return {
        "geometry": f"{values.shape[-1]}:{values.shape[-2]}:{planes}",
        "sampleFormat": DTYPES[values.dtype.str[1:]],
    }


def file_of(attributes: dict[str, str], block: bytes = b"", *, inside: str = "", start: int = 4096) -> bytes:
    """Write a whole file around attributes of an image and a block of data."""
    text = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    header = (
        '<?xml version="1.0" encoding="UTF-8"?><!-- XISF --><xisf version="1.0" '
        f'xmlns="http://www.pixinsight.com/xisf"><Image{text}>{inside}'
        '<FITSKeyword name="EXPTIME" value="30.5" comment="s"/>'
        "<FITSKeyword name=\"OBJECT\" value=\"'M 31'\" comment=''/></Image></xisf>"
    ).encode()
    front = b"XISF0100" + len(header).to_bytes(4, "little") + bytes(4) + header
    return front.ljust(start, b"\0") + block


def xisf_bytes(
    values: np.ndarray,
    *,
    codec: str = "",
    shuffle: bool = False,
    start: int = 4096,
    inside: str = "",
    **attributes: str,
) -> bytes:
    block = values.tobytes()
    if shuffle:
        block = shuffled(block, values.itemsize)
    packed = PACK[codec](block) if codec else block
    fields = {**attributes_of(values), "location": f"attachment:{start}:{len(packed)}"}
    if codec:
        fields["compression"] = f"{codec}{'+sh' if shuffle else ''}:{len(block)}" + (
            f":{values.itemsize}" if shuffle else ""
        )
    return file_of({**fields, **attributes}, packed, start=start, inside=inside)


def read_by_xisf(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return XISF(str(path)).read_image(0)[:, :, 0]


@pytest.mark.parametrize("codec", ["zlib", "lz4", "lz4hc", "zstd"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_files_written_by_the_xisf_package_have_its_pixels(tmp_path, arrive, codec, shuffle, dtype) -> None:
    path = tmp_path / "frame.xisf"
    values = (VALUES % 251).astype(dtype) if dtype == "u1" else VALUES.astype(dtype)
    XISF.write(str(path), values[:, :, None], codec=codec, shuffle=shuffle, creator_app="a camera")
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, read_by_xisf(path))
    np.testing.assert_array_equal(frame.pixels, values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("codec", ["", *PACK])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_kind_of_number(tmp_path, arrive, dtype: str, codec: str, shuffle: bool) -> None:
    path = tmp_path / "frame.xisf"
    values = (VALUES % 251).astype(dtype) if dtype == "u1" else VALUES.astype(dtype)
    path.write_bytes(xisf_bytes(values, codec=codec, shuffle=shuffle and bool(codec)))
    frame = Reader().read(arrive(path))
    np.testing.assert_array_equal(frame.pixels, values)
    assert frame.pixels.dtype == (np.uint16 if dtype in ("u1", "u2") else np.float32)
    assert (frame.meta.exposure_s, frame.meta.target) == (30.5, "M 31")


@pytest.mark.parametrize("dtype", ["u2", "u4", "f4", "f8"])
@pytest.mark.parametrize("codec", ["", "lz4"])
def test_big_endian(tmp_path, arrive, dtype: str, codec: str) -> None:
    path = tmp_path / "frame.xisf"
    path.write_bytes(xisf_bytes(VALUES.astype(f">{dtype}"), codec=codec, shuffle=bool(codec), byteOrder="big"))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


@pytest.mark.parametrize("start", [4096, 4097, 4099])
def test_a_block_may_begin_anywhere(tmp_path, arrive, start: int) -> None:
    path = tmp_path / "frame.xisf"
    for dtype in ("u2", "f4"):
        path.write_bytes(xisf_bytes(VALUES.astype(dtype), start=start))
        np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


def test_the_colours_of_the_sensor(tmp_path, arrive) -> None:
    path = tmp_path / "frame.xisf"
    path.write_bytes(xisf_bytes(VALUES, inside='<ColorFilterArray pattern="RGGB" width="2" height="2"/>'))
    frame = Reader().read(arrive(path))
    assert (frame.meta.bayer, frame.sensor_px_per_px, frame.sensor_shape) == ("RGGB", 2, VALUES.shape)
    expected = VALUES.astype(np.float64).reshape(60, 2, 75, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(frame.pixels, expected, atol=0.5)


@pytest.mark.parametrize("codec", PACK)
@pytest.mark.parametrize("shuffle", [False, True])
def test_sub_blocks(tmp_path, arrive, codec: str, shuffle: bool) -> None:
    data = shuffled(VALUES.tobytes(), 2) if shuffle else VALUES.tobytes()
    cuts = [0, 1, 10_001, 25_000, len(data)]
    pieces = [data[low:high] for low, high in itertools.pairwise(cuts)]
    packed = [PACK[codec](piece) for piece in pieces]
    block = b"".join(packed)
    path = tmp_path / "frame.xisf"
    attributes = {
        **attributes_of(VALUES),
        "location": f"attachment:4096:{len(block)}",
        "compression": f"{codec}+sh:{len(data)}:2" if shuffle else f"{codec}:{len(data)}",
        "subblocks": ":".join(f"{len(one)},{len(other)}" for one, other in zip(packed, pieces, strict=True)),
    }
    path.write_bytes(file_of(attributes, block))
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)
    for lie in ("1,1", attributes["subblocks"] + ":0,9", "a,b", ":".join(["0,0"] * 70_000), "1,99999999999"):
        path.write_bytes(file_of({**attributes, "subblocks": lie}, block, start=1_000_000 if len(lie) > 999 else 4096))
        assert kind_of_failure(path, arrive) in ("bad_header", "truncated")


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize("codec", ["", "lz4"])
def test_checksums(tmp_path, arrive, name: str, codec: str) -> None:
    path = tmp_path / "frame.xisf"
    block = xisf_bytes(VALUES, codec=codec)[4096:]
    checksum = f"{name}:{hashlib.new(DIGESTS[name], block).hexdigest()}"
    content = bytearray(xisf_bytes(VALUES, codec=codec, checksum=checksum))
    path.write_bytes(content)
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)
    content[-100] ^= 1
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == "checksum"


@pytest.mark.parametrize("codec", ["", "zlib", "zstd"])
@pytest.mark.parametrize("encoding", ["base64", "hex"])
@pytest.mark.parametrize("embedded", [False, True])
def test_pixels_inside_the_header(tmp_path, arrive, codec: str, encoding: str, embedded: bool) -> None:
    data = VALUES.tobytes()
    packed = PACK[codec](data) if codec else data
    text = base64.b64encode(packed).decode() if encoding == "base64" else packed.hex()
    how = {"compression": f"{codec}:{len(data)}"} if codec else {}
    if embedded:
        more = "".join(f" {key}={quoteattr(value)}" for key, value in how.items())
        content = file_of(
            {**attributes_of(VALUES), "location": "embedded"},
            inside=f'<Data encoding="{encoding}"{more}>\n{text[:99]}\n{text[99:]}\n</Data>',
        )
    else:
        content = file_of({**attributes_of(VALUES), "location": f"inline:{encoding}", **how}, inside=text)
    path = tmp_path / "frame.xisf"
    path.write_bytes(content)
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


@pytest.mark.parametrize("codec", PACK)
def test_blocks_that_hold_more_or_less_than_they_say(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "frame.xisf"
    tall = np.concatenate([VALUES, VALUES])
    for values in (tall, VALUES[:100]):
        block = PACK[codec](values.tobytes())
        attributes = {
            **attributes_of(VALUES),
            "location": f"attachment:4096:{len(block)}",
            "compression": f"{codec}:{VALUES.nbytes}",
        }
        path.write_bytes(file_of(attributes, block))
        assert kind_of_failure(path, arrive) == "corrupt_xisf"
        path.write_bytes(file_of(attributes, block)[:-50])
        assert kind_of_failure(path, arrive) == "truncated"


@pytest.mark.parametrize("codec", PACK)
def test_bombs_are_refused_before_they_grow(tmp_path, arrive, codec: str) -> None:
    path = tmp_path / "bomb.xisf"
    block = PACK[codec](bytes(200_000_000))
    for geometry, kind in (("10000:10000:1", "bomb"), ("100:100:1", "corrupt_xisf")):
        attributes = {
            "geometry": geometry,
            "sampleFormat": "UInt16",
            "location": f"attachment:4096:{len(block)}",
            "compression": f"{codec}:200000000",
        }
        path.write_bytes(file_of(attributes, block))
        limits = Limits(max_inflation=100 if len(block) < 1_000_000 else 20)
        tracemalloc.start()
        try:
            with pytest.raises(FrameError) as caught:
                Reader(limits).read(arrive(path))
            assert caught.value.kind == kind
            assert tracemalloc.get_traced_memory()[1] < len(block) + (8 << 20)
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (xisf_bytes(VALUES, compression="lz4:36000"), "corrupt_xisf"),
        (xisf_bytes(VALUES, compression="zlib:36000"), "corrupt_xisf"),
        (xisf_bytes(VALUES, compression="zstd:36000"), "corrupt_xisf"),
        (xisf_bytes(VALUES, compression="bzip2:36000"), "codec"),
        (xisf_bytes(VALUES, compression="lz4"), "codec"),
        (xisf_bytes(VALUES, compression="lz4+sh:36000"), "bad_header"),
        (xisf_bytes(VALUES, compression="lz4+sh:36000:999"), "bad_header"),
        (xisf_bytes(VALUES, location="embedded"), "xisf"),
        (xisf_bytes(VALUES, location="inline:base64"), "truncated"),
        (xisf_bytes(VALUES, location="url(http://example.org/a.xisb)"), "xisf"),
        (xisf_bytes(VALUES, location="attachment:4096:99999999"), "truncated"),
        (xisf_bytes(VALUES, geometry="151:120:1"), "truncated"),
        (xisf_bytes(VALUES, geometry="70000:120:1"), "too_large"),
        (xisf_bytes(VALUES, geometry="10:10:1"), "too_small"),
        (xisf_bytes(VALUES, geometry="150:120:7:1"), "xisf"),
        (xisf_bytes(VALUES, sampleFormat="Complex32"), "xisf"),
        (xisf_bytes(np.stack([VALUES] * 3)), "cube"),
        (xisf_bytes(VALUES).replace(b"<Image", b"<Imagx"), "bad_header"),
        (xisf_bytes(VALUES).replace(b"Image", b"Imagx"), "no_image"),
        (xisf_bytes(VALUES).replace(b"<!-- XISF -->", b"<!DOCTYPE a> "), "bad_header"),
        (xisf_bytes(VALUES)[:200], "bad_header"),
        (b"XISF0100" + b"\xff" * 64, "bad_header"),
    ],
)
def test_what_is_not_read(tmp_path, arrive, content: bytes, kind: str) -> None:
    path = tmp_path / "frame.xisf"
    path.write_bytes(content)
    assert kind_of_failure(path, arrive) == kind
