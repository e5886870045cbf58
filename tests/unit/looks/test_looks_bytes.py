"""A look survives as bytes to the last digit; other bytes are refused, at no cost."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import zstandard

from astro_monitor.errors import LookDamaged, LookError, LookOfAnotherVersion
from astro_monitor.looks import MAX_LOOK_BYTES, decode, encode
from astro_monitor.looks.layout import HEAD, LENGTHS, LIMITS, MAGIC, SECTIONS
from astro_monitor.records import LOOK_VERSION
from astro_monitor.testing.looks import same, small_look


def sections_of(data: bytes) -> list[bytes]:
    """Return the inflated sections of a look."""
    start, contents = HEAD.size + len(SECTIONS) * LENGTHS.size, []
    for number in range(len(SECTIONS)):
        packed, _ = LENGTHS.unpack_from(data, HEAD.size + number * LENGTHS.size)
        contents.append(zstandard.decompress(data[start : start + packed]))
        start += packed
    return contents


def look_of(contents: list[bytes]) -> bytes:
    """Return the bytes of a look with these sections, all lengths and the checksum right."""
    packed = [zstandard.compress(content) for content in contents]
    lengths = [LENGTHS.pack(len(part), len(content)) for part, content in zip(packed, contents, strict=True)]
    return sealed(b"".join((*lengths, *packed)))


def sealed(rest: bytes, version: int = LOOK_VERSION) -> bytes:
    return HEAD.pack(MAGIC, version, zlib.crc32(rest)) + rest


def test_a_look_survives_to_the_last_digit():
    look = small_look()
    assert same(decode(encode(look)), look)


def test_arrays_of_a_look_that_was_read_cannot_be_written_to():
    look = decode(encode(small_look()))
    arrays = (look.picture.pixels, look.sky.level_adu, look.sources.x_px, look.source_features.features)
    assert not any(array.flags.writeable for array in arrays)


def test_without_pictures_everything_that_a_verdict_needs_is_there():
    look = small_look()
    read = decode(encode(look), pictures=False)
    assert same(read.measurements, look.measurements)
    assert same(read.source_features, look.source_features)
    assert (read.meta, read.arrival, read.models) == (look.meta, look.arrival, look.models)
    assert read.cutouts == ()
    assert read.picture.pixels.size == len(read.sources) == 0


def test_a_number_that_is_not_finite_where_it_must_be_is_no_look():
    with pytest.raises(LookError, match="not finite"):
        encode(small_look(timings_s={"total": float("inf")}))


def test_a_frame_of_more_than_any_is_no_look():
    pixels = np.zeros((2000, 2000), np.uint16)
    with pytest.raises(LookError, match="too large"):
        encode(small_look(picture=replace(small_look().picture, pixels=pixels)))


def test_another_version_says_so():
    data = bytearray(encode(small_look()))
    struct.pack_into(">H", data, len(MAGIC), LOOK_VERSION + 1)
    with pytest.raises(LookOfAnotherVersion, match=f"version {LOOK_VERSION + 1}"):
        decode(bytes(data))


def test_a_look_with_other_numbers_than_are_measured_is_of_another_version():
    contents = sections_of(encode(small_look()))
    contents[0] = contents[0].replace(b'"fwhm_px"', b'"fwhm_qx"')
    with pytest.raises(LookOfAnotherVersion, match="other numbers"):
        decode(look_of(contents))


def test_any_changed_byte_and_any_cut_is_noticed():
    data = encode(small_look())
    rng = np.random.default_rng(5)
    for at in (*range(HEAD.size + 40), *rng.integers(0, len(data), 200).tolist()):
        changed = bytearray(data)
        changed[at] ^= int(rng.integers(1, 256))
        with pytest.raises((LookDamaged, LookOfAnotherVersion)):
            decode(bytes(changed))
    for length in (0, 3, HEAD.size, HEAD.size + 5, 200, len(data) - 1):
        with pytest.raises(LookDamaged):
            decode(data[:length])
    with pytest.raises(LookDamaged):
        decode(data + b"\0")


@pytest.mark.parametrize("number", range(len(SECTIONS)))
def test_sections_of_other_content_are_refused_whatever_their_checksum_says(number):
    good = sections_of(encode(small_look()))
    rng = np.random.default_rng(number)
    others = [b"", b"\xff" * 64, b"\0" * 64, b"{}", b"[" * 5000, rng.bytes(300), good[number][:-1], good[number] + b"x"]
    for content in others:
        contents = list(good)
        contents[number] = content
        with pytest.raises((LookDamaged, LookOfAnotherVersion)):
            decode(look_of(contents))


def test_random_changes_inside_sections_never_raise_anything_else():
    good = sections_of(encode(small_look()))
    rng = np.random.default_rng(9)
    for _ in range(400):
        number = int(rng.integers(len(good)))
        content = bytearray(good[number])
        for _ in range(int(rng.integers(1, 4))):
            content[int(rng.integers(min(len(content), 400)))] = int(rng.integers(256))
        contents = list(good)
        contents[number] = bytes(content)
        try:
            decode(look_of(contents))
        except LookError:
            continue


def test_a_section_that_would_inflate_beyond_its_limit_is_not_inflated():
    contents = sections_of(encode(small_look()))
    bomb = zstandard.compress(bytes(LIMITS["pictures"] + 1))
    packed = [*(zstandard.compress(content) for content in contents[:3]), bomb]
    for told in (LIMITS["pictures"] + 1, 1000):
        sizes = [*(len(content) for content in contents[:3]), told]
        lengths = [LENGTHS.pack(len(part), size) for part, size in zip(packed, sizes, strict=True)]
        with pytest.raises(LookDamaged, match="length"):
            decode(sealed(b"".join((*lengths, *packed))))


def test_an_array_that_claims_to_be_huge_is_not_made():
    contents = sections_of(encode(small_look()))
    contents[3] = struct.pack(">BBII", 0, 2, 0xFFFFFFFF, 0xFFFFFFFF) + bytes(100)
    with pytest.raises(LookDamaged, match="too early"):
        decode(look_of(contents))


def test_more_bytes_than_any_look_has_are_refused_unread():
    with pytest.raises(LookDamaged, match="too long"):
        decode(bytes(MAX_LOOK_BYTES + 1))
