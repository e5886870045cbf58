"""Thousands of damaged and hostile files through the real worker: each gets its outcome, and nothing else happens.

Long form: ``pytest --long tests/faults/test_hostile_frames.py`` (3,000 files, about three minutes). The scanner of
headers has a coverage-guided fuzzer besides: ``python tests/faults/fuzz_header.py``.
"""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import lz4.block
import numpy as np
import psutil
import pytest
import tifffile
import zstandard
from astropy.io import fits

from astro_monitor.records import Arrival, Baseline, Examined, Failed, Outcome
from astro_monitor.settings import Settings, WorkerSettings
from astro_monitor.testing.tiff import EXIF_OF_A_NIGHT, dng_bytes, tiff_bytes
from astro_monitor.worker import Looked, WorkerLane

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MEMORY_MB = 1500
GROWTH_MB = 400
BLOCK = 2880

KEYWORDS = (
    "SIMPLE BITPIX NAXIS NAXIS1 NAXIS2 NAXIS3 BZERO BSCALE BLANK PCOUNT GCOUNT GROUPS XTENSION TFIELDS "
    "TFORM1 TTYPE1 THEAP ZIMAGE ZBITPIX ZNAXIS ZNAXIS1 ZNAXIS2 ZTILE1 ZTILE2 ZCMPTYPE ZNAME1 ZVAL1 "
    "DATASUM CHECKSUM CONTINUE END EXPTIME DATE-OBS IMAGETYP FILTER XPIXSZ FOCALLEN GAIN OBJECT RA DEC "
    "BAYERPAT XBINNING SATURATE PEDESTAL EGAIN CCD-TEMP AIRMASS SITELAT SITELONG PIERSIDE ROWORDER "
    "CRVAL1 CD1_1 STACKCNT"
).split()
VALUES = (
    "-1", "0", "1", "7", "8", "16", "-32", "999", "65535", "65536", "1000000", "2147483648", "9223372036854775808",
    "1E308", "-1E308", "NAN", "INF", "T", "F", "''", "'", "'\xff\xfe'", "'2026-13-45T99:99:99'", "", "'=1+1'", "(1,2)",
)  # fmt: skip
OTHER_FORMATS = {
    "png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(500),
    "zip": b"PK\x03\x04" + bytes(500),
    "elf": b"\x7fELF" + bytes(500),
    "html": b"<html><script>alert(1)</script></html>",
    "text": b"SIMPLE is nothing",
    "empty": b"",
    "zeros": bytes(20_000),
    "tiff": b"II*\x00" + bytes(500),
    "ser": b"LUCAM-RECORDER" + bytes(500),
    "avi": b"RIFF\0\0\0\0AVI " + bytes(500),
    "cr3": b"\0\0\0\x18ftypcrx " + bytes(500),
    "raf": b"FUJIFILMCCD-RAW " + bytes(500),
}


def saved(*units: object) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


PACK = {
    "zlib": zlib.compress,
    "lz4": lambda data: lz4.block.compress(data, store_size=False),
    "zstd": zstandard.compress,
}


def xisf(values: np.ndarray, codec: str) -> bytes:
    block = PACK[codec](values.tobytes()) if codec else values.tobytes()
    how = f' compression="{codec}:{values.nbytes}"' if codec else ""
    header = (
        f'<xisf version="1.0"><Image geometry="{values.shape[1]}:{values.shape[0]}:1" sampleFormat="UInt16" '
        f'location="attachment:1024:{len(block)}"{how}><FITSKeyword name="EXPTIME" value="3" comment=""/></Image>'
        "</xisf>"
    ).encode()
    return (b"XISF0100" + len(header).to_bytes(4, "little") + bytes(4) + header).ljust(1024, b"\0") + block


def tiles(values: np.ndarray, codec: str) -> bytes:
    image = fits.CompImageHDU(values, compression_type=codec, tile_shape=(20, values.shape[1]))
    return saved(fits.PrimaryHDU(), image)


def tiff_zip(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", compression="zlib", predictor=True, rowsperstrip=20)
    return file.getvalue()


def seeds() -> dict[str, bytes]:
    rng = np.random.default_rng(20261121)
    values = rng.normal(1000, 30, (200, 240)).astype(np.uint16)
    unit = fits.PrimaryHDU(values)
    unit.header.update(EXPTIME=60.0, IMAGETYP="LIGHT", FILTER="L", XPIXSZ=3.76, FOCALLEN=530.0, GAIN=100, OBJECT="M 31")
    unit.header["DATE-OBS"] = "2026-03-20T22:13:05.123"
    plain = saved(unit)
    return {
        "plain": plain,
        "float": saved(fits.PrimaryHDU(values.astype("f4"), unit.header)),
        "extension": saved(fits.PrimaryHDU(), fits.ImageHDU(values)),
        "gzip": gzip.compress(plain, mtime=0),
        "rice": saved(fits.PrimaryHDU(), fits.CompImageHDU(values, compression_type="RICE_1")),
        "xisf": xisf(values, ""),
        **{f"xisf {codec}": xisf(values, codec) for codec in PACK},
        "hcompress": tiles(values, "HCOMPRESS_1"),
        "plio": tiles(values.astype("i4"), "PLIO_1"),
        "gzip tiles": tiles(values, "GZIP_2"),
        "tiff": tiff_bytes(values, exif=EXIF_OF_A_NIGHT),
        "tiff zip": tiff_zip(values),
        "dng": dng_bytes(values),
    }


def hostile(seeds: dict[str, bytes], chance: random.Random, number: int) -> tuple[str, bytes]:
    """Make one file; the ways take turns, what exactly happens is left to chance."""
    name = chance.choice(sorted(seeds))
    data = bytearray(seeds[name])
    match number % 10:
        case 0:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            block = chance.randrange(len(data) // BLOCK + 1) * BLOCK
            del data[max(block + chance.choice((-1, 0, 1)), 0) :]
        case 2 | 3 | 4:
            for _ in range(chance.randint(1, 3)):
                data = bytearray(with_lie(bytes(data), chance))
        case 5:
            begin = chance.randrange(min(len(data), 6000))
            data[begin : begin + chance.randint(1, 200)] = chance.randbytes(chance.randint(0, 200))
        case 6:
            name, content = chance.choice(sorted(OTHER_FORMATS.items()))
            data = bytearray(content)
        case 7:
            data = bytearray(flooded(seeds["plain"], chance))
        case 8:
            data = bytearray(bomb(chance))
        case _:
            first, second = sorted(chance.sample(range(len(data)), 2))
            data = data[:first] + data[second:] + data[first:second]
    ending = {"gzip": ".fits.gz", "rice": ".fits.fz", "xisf": ".xisf", "tiff": ".tif", "dng": ".dng"}.get(
        name.split()[0], ".fits"
    )
    return f"{number:05d}{ending}", bytes(data)


def with_lie(content: bytes, chance: random.Random) -> bytes:
    """Change what a file says of itself, in the way of its format."""
    if content.startswith(b"XISF"):
        numbers = list(re.finditer(rb"\d+", content[16:1024]))
        found = chance.choice(numbers)
        value = chance.choice((b"0", b"1", b"7", b"65535", b"4294967296", b"99999999999999", b"-1", b"x"))
        changed = content[: 16 + found.start()] + value + content[16 + found.end() :]
        return changed[:1024] + content[1024:] if len(changed) < len(content) else changed
    if content.startswith(b"II*"):
        directory = struct.unpack("<I", content[4:8])[0]
        entries = struct.unpack("<H", content[directory : directory + 2])[0]
        at = directory + 2 + 12 * chance.randrange(entries) + chance.choice((0, 2, 4, 8, 8, 8))
        value = chance.choice((0, 1, 7, 255, 65_535, 1 << 31, (1 << 32) - 1, len(content), directory))
        return content[:at] + struct.pack("<I", value) + content[at + 4 :]
    return with_card(content, chance.choice(KEYWORDS), chance.choice(VALUES))


def with_card(content: bytes, keyword: str, value: str) -> bytes:
    card = f"{keyword:<8}= {value:>20}"[:80].ljust(80).encode("latin-1")
    at = content.find(f"{keyword:<8}=".encode())
    if at < 0:
        at = content.find(b"END" + b" " * 77)
    return content[:at] + card + content[at + 80 :] if at >= 0 else content


def flooded(plain: bytes, chance: random.Random) -> bytes:
    cards = chance.choice([b"HIERARCH A B C = 1", b"CONTINUE  'more&'", b"COMMENT x", b"OBJECT  = 'A'", b"\xff" * 80])
    return plain[:400] + cards.ljust(80) * chance.choice((100, 5_000, 60_000)) + plain[400:]


def bomb(chance: random.Random) -> bytes:
    """Small files that promise or hide much."""
    side = chance.choice((20_000, 60_000, 1_000_000, 2**31 - 1))
    lies = [f"{key:<8}= {value:>20}".ljust(80) for key, value in
            (("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", side), ("NAXIS2", side))]  # fmt: skip
    head = "".join([*lies, "END".ljust(80)]).ljust(BLOCK).encode()
    match chance.randrange(4):
        case 0:
            return head + bytes(BLOCK)
        case 1:
            return gzip.compress(head + bytes(chance.choice((10, 60)) << 20), mtime=0)
        case 2:
            return xisf(np.zeros((4, 4), np.uint16), chance.choice(sorted(PACK))).replace(
                b"4:4:1", f"{side}:{side}:1".encode()
            )
        case _:
            empty = "".join(card.ljust(80) for card in ("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0", "END"))
            return saved(fits.PrimaryHDU()) + empty.ljust(BLOCK).encode() * 3000


def examine(lane: WorkerLane, path: Path) -> Outcome:
    status = path.stat()
    arrival = Arrival(path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns,
                      first_seen_utc=NOW, settled_utc=NOW, how="scan")  # fmt: skip
    looked = lane.look(arrival)
    return lane.compare(looked, Baseline(key=looked.key)) if isinstance(looked, Looked) else looked


@pytest.mark.slow
def test_thousands_of_hostile_files_each_get_their_outcome(tmp_path, rounds, figures):
    chance, count = random.Random(20261121), rounds(200, 3000)
    sound = seeds()
    told: Counter[str] = Counter()
    peak_mb = 0.0
    with WorkerLane(Settings(worker=WorkerSettings(memory_mb=MEMORY_MB, recycle_frames=10_000))) as lane:
        first = tmp_path / "sound.fits"
        first.write_bytes(sound["plain"])
        assert isinstance(examine(lane, first), Examined)
        idle_mb = psutil.Process(lane.process_id).memory_info().rss / 1e6
        for number in range(count):
            name, content = hostile(sound, chance, number)
            path = tmp_path / name
            path.write_bytes(content)
            outcome = examine(lane, path)
            if isinstance(outcome, Failed):
                assert outcome.known, f"{name}: {outcome.sentence}"
                assert "\n" not in outcome.sentence
            told[outcome.kind if isinstance(outcome, Failed) else type(outcome).__name__] += 1
            if lane.process_id is not None:
                peak_mb = max(peak_mb, psutil.Process(lane.process_id).memory_info().rss / 1e6)
            path.unlink()
        assert isinstance(examine(lane, first), Examined), "sound frames are graded as before"
    assert sum(told.values()) == count
    assert told["worker_lost"] == 0
    assert peak_mb - idle_mb < GROWTH_MB
    figures(f"{count} hostile files: {dict(told)}; the worker grew by {peak_mb - idle_mb:.0f} MB")
