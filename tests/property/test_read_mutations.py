"""Whatever happens to a file's bytes, reading ends in a frame or in one of our errors, within bounds."""

from __future__ import annotations

import gzip
import io
import tempfile
import time
import tracemalloc
import zlib
from datetime import UTC, datetime
from pathlib import Path

import lz4.block
import numpy as np
import pytest
import tifffile
import zstandard
from astropy.io import fits
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from astro_monitor.errors import FrameError
from astro_monitor.fitsheader import scan_hdus
from astro_monitor.read import Limits, Reader, exposure_start
from astro_monitor.read.exif import read_exif
from astro_monitor.records import Arrival, Frame
from astro_monitor.testing.tiff import EXIF_OF_A_NIGHT, tiff_bytes

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIMITS = Limits(max_pixels=1_000_000, free_inflation_bytes=4 << 20)
VALUES = np.random.default_rng(1).normal(1000, 30, (70, 80)).astype(np.uint16)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def saved(*units: object) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


def frame_with(values: np.ndarray) -> fits.PrimaryHDU:
    unit = fits.PrimaryHDU(values)
    unit.header.update(
        EXPTIME=60.0, IMAGETYP="Light Frame", FILTER="Ha", XPIXSZ=3.76, FOCALLEN=530.0, GAIN=100, OBJECT="M 31"
    )
    unit.header["DATE-OBS"] = "2024-05-04T22:13:05.123"
    unit.header["RA"] = "20 58 48"
    unit.header["DEC"] = "+44 20 00"
    return unit


PACK = {
    "zlib": zlib.compress,
    "lz4": lambda data: lz4.block.compress(data, store_size=False),
    "zstd": zstandard.compress,
}


def xisf(values: np.ndarray, codec: str) -> bytes:
    block = PACK[codec](values.tobytes())
    header = (
        f'<xisf version="1.0"><Image geometry="80:70:1" sampleFormat="UInt16" location="attachment:1024:{len(block)}"'
        f' compression="{codec}:{values.nbytes}"><FITSKeyword name="EXPTIME" value="3" comment=""/></Image></xisf>'
    ).encode()
    return (b"XISF0100" + len(header).to_bytes(4, "little") + bytes(4) + header).ljust(1024, b"\0") + block


def tiff_zip(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", compression="zlib", predictor=True, rowsperstrip=20)
    return file.getvalue()


PLAIN = saved(frame_with(VALUES))
SEEDS = {
    "plain": PLAIN,
    "float": saved(frame_with(VALUES.astype("f4"))),
    "double": saved(frame_with(VALUES.astype("f8"))),
    "extension": saved(fits.PrimaryHDU(), fits.ImageHDU(VALUES)),
    "gzip": gzip.compress(PLAIN, mtime=0),
    **{f"xisf_{codec}": xisf(VALUES, codec) for codec in PACK},
    "tiff": tiff_bytes(VALUES, exif=EXIF_OF_A_NIGHT),
    "tiff_zip": tiff_zip(VALUES),
    "rice": saved(fits.PrimaryHDU(), fits.CompImageHDU(VALUES, compression_type="RICE_1")),
    "gzip_tiles": saved(fits.PrimaryHDU(), fits.CompImageHDU(VALUES, compression_type="GZIP_2")),
}


def outcome(content: bytes) -> Frame | FrameError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.fits"
        path.write_bytes(content)
        arrival = Arrival(
            path=path, root=path.parent, size_bytes=len(content), mtime_ns=0, first_seen_utc=NOW,
            settled_utc=NOW, how="named",
        )  # fmt: skip
        found: Frame | FrameError
        try:
            found = Reader(LIMITS).read(arrival)
        except FrameError as error:
            found = error
    if isinstance(found, FrameError):
        assert found.kind.replace("_", "").isalpha()
        assert str(found).endswith(".")
        assert "\n" not in str(found)
    else:
        check(found)
    return found


def check(frame: Frame) -> None:
    assert frame.pixels.dtype in (np.uint16, np.float32)
    assert np.isfinite(frame.pixels).all()
    assert np.isfinite(frame.saturation_adu)
    assert frame.saturation_adu > 0
    assert 0.0 <= frame.bad_pixel_fraction < 1.0
    assert frame.pixels.size <= LIMITS.max_pixels


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS.keys())
def test_the_seeds_are_frames(seed: bytes) -> None:
    assert isinstance(outcome(seed), Frame)


@QUICK
@given(
    name=st.sampled_from(sorted(SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=12)), min_size=1, max_size=6),
)
def test_changed_bytes(name: str, changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(SEEDS[name])
    for where, what in changes:
        start = where % len(content)
        content[start : start + len(what)] = what
    outcome(bytes(content))


@QUICK
@given(name=st.sampled_from(sorted(SEEDS)), end=st.integers(0, 40_000))
def test_cut_files(name: str, end: int) -> None:
    outcome(SEEDS[name][: end % len(SEEDS[name])])


CARD_VALUES = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(lambda number: repr(number).upper()),
    st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60).map(lambda text: f"'{text}'"),
    st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60),
    st.sampled_from(["T", "F", "", "0", "-1", "7", "999", "65536", "1E308", "'", "''", "NAN"]),
)
LAYOUT_KEYWORDS = [
    "SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BZERO", "BSCALE", "BLANK", "PCOUNT", "GCOUNT",
    "GROUPS", "XTENSION", "TFIELDS", "TFORM1", "TTYPE1", "THEAP", "ZIMAGE", "ZBITPIX", "ZNAXIS", "ZNAXIS1",
    "ZNAXIS2", "ZTILE1", "ZTILE2", "ZCMPTYPE", "ZNAME1", "ZVAL1", "ZVAL2", "DATASUM", "CONTINUE", "END",
]  # fmt: skip
MEANING_KEYWORDS = [
    "EXPTIME", "DATE-OBS", "IMAGETYP", "FILTER", "XPIXSZ", "FOCALLEN", "GAIN", "OBJECT", "RA", "DEC", "SCALE",
    "BAYERPAT", "XBINNING", "SATURATE", "PEDESTAL", "CTYPE1", "CD1_1", "CCDSUM", "STACKCNT", "CCD-TEMP", "JD",
    "AIRMASS", "SITELAT", "SWCREATE", "PIERSIDE", "ROWORDER", "TIME-OBS", "DATE-AVG", "MJD-OBS",
]  # fmt: skip


def with_card(content: bytes, keyword: str, value: str) -> bytes:
    """Put a card in front of the last END, or in place of the same keyword."""
    card = f"{keyword:<8}= {value}".replace("\n", " ")[:80].ljust(80).encode("latin-1")
    at = content.find(f"{keyword:<8}=".encode())
    if at >= 0:
        return content[:at] + card + content[at + 80 :]
    end = content.rfind(b"END" + b" " * 77)
    room = content[end + 80 : end + 160]
    if room.strip():
        return content
    return content[:end] + card + content[end : end + 80] + content[end + 160 :]


@QUICK
@given(
    name=st.sampled_from(["plain", "float", "double", "extension", "rice", "gzip_tiles"]),
    keyword=st.sampled_from(LAYOUT_KEYWORDS),
    value=CARD_VALUES,
)
@example(name="rice", keyword="ZTILE1", value="-5")
@example(name="rice", keyword="ZBITPIX", value="-64")
@example(name="gzip_tiles", keyword="TFORM1", value="'1PB(999999999)'")
@example(name="plain", keyword="BITPIX", value="64")
def test_lying_layouts(name: str, keyword: str, value: str) -> None:
    outcome(with_card(SEEDS[name], keyword, value))


@QUICK
@given(
    cards=st.dictionaries(st.sampled_from(MEANING_KEYWORDS), CARD_VALUES, min_size=1, max_size=5),
)
def test_absurd_meanings_never_lose_a_frame(cards: dict[str, str]) -> None:
    content = PLAIN
    for keyword, value in cards.items():
        content = with_card(content, keyword, value)
    frame = outcome(content)
    assert isinstance(frame, Frame)
    for field in frame.meta.sources:
        value = getattr(frame.meta, field)
        assert value is not None
        assert not isinstance(value, float) or np.isfinite(value)


MAGICS = [b"", b"SIMPLE  =", b"\x1f\x8b\x08", b"XISF0100", b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0"]


@QUICK
@given(content=st.binary(max_size=6000), magic=st.sampled_from(MAGICS))
def test_noise(content: bytes, magic: bytes) -> None:
    outcome(magic + content)


@QUICK
@given(content=st.binary(max_size=9000))
def test_the_scanner_says_a_length_or_why_not(content: bytes) -> None:
    for whole in (content, PLAIN[:320] + content, PLAIN[:2880] + content):
        try:
            assert all(hdu.data_bytes >= 0 for hdu in scan_hdus(lambda at, count, file=whole: file[at : at + count]))
        except FrameError:
            continue


def test_lies_cost_neither_time_nor_memory() -> None:
    liars = [
        with_card(with_card(PLAIN, "NAXIS1", "60000"), "NAXIS2", "60000"),
        with_card(with_card(PLAIN, "NAXIS1", "1000000"), "NAXIS2", "1000000"),
        with_card(SEEDS["rice"], "ZNAXIS2", "60000"),
        with_card(with_card(SEEDS["rice"], "ZNAXIS1", "2000000"), "ZNAXIS2", "2000000"),
        gzip.compress(with_card(with_card(PLAIN, "NAXIS1", "1000"), "NAXIS2", "900") + bytes(50_000_000)),
        PLAIN[:2880].replace(b"END", b"   ") + b" " * 20_000_000,
        PLAIN[:2880].replace(b"END" + b" " * 77, b"HIERARCH A B = 1".ljust(80)) * 20_000,
    ]
    for liar in liars:
        tracemalloc.start()
        began = time.perf_counter()
        try:
            assert isinstance(outcome(liar), FrameError)
            assert tracemalloc.get_traced_memory()[1] < len(liar) + (16 << 20)
            assert time.perf_counter() - began < 5.0
        finally:
            tracemalloc.stop()


def box(name: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + name + content


EXIF_SEEDS = {
    "tiff": tiff_bytes(VALUES[:2, :2], exif=EXIF_OF_A_NIGHT),
    "cr3": box(b"ftyp", b"crx \0\0\0\1")
    + box(
        b"moov",
        box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
            + box(b"CMT2", tiff_bytes(VALUES[:2, :2], entries=EXIF_OF_A_NIGHT))),
    ),
    "raf": b"FUJIFILMCCD-RAW ".ljust(84, b"\0")
    + (92).to_bytes(4, "big") + bytes(4)
    + b"\xff\xd8\xff\xe1\x02\x00Exif\0\0" + tiff_bytes(VALUES[:2, :2], exif=EXIF_OF_A_NIGHT),
}  # fmt: skip


@QUICK
@given(
    name=st.sampled_from(sorted(EXIF_SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=12)), max_size=6),
)
def test_exif_is_read_or_left_but_never_raises(name: str, changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(EXIF_SEEDS[name])
    for where, what in changes:
        start = where % len(content)
        content[start : start + len(what)] = what
    with tempfile.TemporaryFile() as file:
        file.write(content)

        def read_at(offset: int, count: int) -> bytes:
            file.seek(offset)
            return file.read(count)

        found = read_exif(read_at)
        exposure_start(read_at)
    if not changes:
        assert found.header.value("EXPTIME") == 120.5
    assert all(isinstance(found.header.value(keyword), str | float) for keyword in found.header.cards)
