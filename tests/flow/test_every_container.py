"""One exposure in every container that is read, through all stages and real models: the same stars, and kept."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import lz4.block
import numpy as np
import pytest
import tifffile
import zstandard
from astropy.io import fits

from astro_monitor.archive import find_frames, grade_files
from astro_monitor.clock import SystemClock
from astro_monitor.demo import Rig, Sky, demo_night, render_exposure
from astro_monitor.settings import Settings
from astro_monitor.testing.tiff import EXIF_OF_A_NIGHT, dng_bytes, tiff_bytes

pytestmark = pytest.mark.slow

RIG = Rig(height_px=720, width_px=960)
CARDS = {"IMAGETYP": "LIGHT", "EXPTIME": 60.0, "OBJECT": "M 31", "DATE-OBS": "2024-03-01T22:00:00"}


@pytest.fixture(scope="module")
def light() -> np.ndarray:
    exposure = next(one for one in demo_night(10) if one.expected == "good")
    return render_exposure(RIG, Sky.seeded(RIG, stars=500), exposure)


def grade(folder: Path) -> dict[str, dict[str, Any]]:
    done = grade_files(find_frames([folder]), Settings(), SystemClock())
    return {document.body["relative_path"]: document.body for _, document, _ in done}


def saved(*units: Any) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file)
    return file.getvalue()


def xisf(pixels: np.ndarray, codec: str) -> bytes:
    """As INDI and N.I.N.A. write it: bytes shuffled where the codec says so."""
    data = pixels.tobytes()
    if codec.endswith("+sh"):
        data = np.frombuffer(data, np.uint8).reshape(-1, 2).T.tobytes()
    pack = {"lz4": lz4.block.compress, "lz4hc": lz4.block.compress, "zstd": zstandard.compress, "": bytes}
    name = codec.removesuffix("+sh")
    how: dict[str, Any] = {"store_size": False} if name.startswith("lz4") else {}
    block = pack[name](data, **how)
    packing = f' compression="{codec}:{len(data)}{":2" if "+" in codec else ""}"' if codec else ""
    quoted = {key: f"'{value}'" if isinstance(value, str) else value for key, value in CARDS.items()}
    keywords = "".join(f'<FITSKeyword name="{key}" value="{value}" comment=""/>' for key, value in quoted.items())
    height, width = pixels.shape
    header = (
        f'<xisf version="1.0"><Image geometry="{width}:{height}:1" sampleFormat="UInt16"{packing} '
        f'location="attachment:4096:{len(block)}">{keywords}</Image></xisf>'
    ).encode()
    return (b"XISF0100" + len(header).to_bytes(4, "little") + bytes(4) + header).ljust(4096, b"\0") + block


def tiles(pixels: np.ndarray, codec: str) -> bytes:
    stored = pixels.astype(np.int32) if codec == "PLIO_1" else pixels
    image = fits.CompImageHDU(stored, fits.Header(CARDS), compression_type=codec, tile_shape=(16, pixels.shape[1]))
    return saved(fits.PrimaryHDU(), image)


def zipped_tiff(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack", compression="zlib", predictor=True, metadata=None)
    return file.getvalue()


def test_every_container_has_the_same_stars(tmp_path, light) -> None:
    plain = saved(fits.PrimaryHDU(light, fits.Header(CARDS)))
    half = len(plain) // 2
    files = {
        "plain.fits": plain,
        "members.fits.gz": gzip.compress(plain[:half]) + gzip.compress(plain[half:]) + bytes(5000),
        "zip.tif": zipped_tiff(light),
        "exif.tiff": tiff_bytes(light, order=">", exif=EXIF_OF_A_NIGHT),
        **{f"{codec or 'none'}.xisf": xisf(light, codec) for codec in ("", "lz4", "lz4+sh", "lz4hc+sh", "zstd+sh")},
        **{f"{codec}.fits.fz": tiles(light, codec)
           for codec in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")},
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = grade(tmp_path)
    assert found.keys() == files.keys()
    assert {body["decision"] for body in found.values()} == {"keep"}
    for key in ("star_count", "fwhm_px", "background_adu"):
        assert len({body["measurements"][key] for body in found.values()}) == 1, key


def test_a_camera_raw_frame_is_kept_and_cubes_are_named(tmp_path, light) -> None:
    pytest.importorskip("rawpy")
    (tmp_path / "IMG_0001.DNG").write_bytes(dng_bytes(np.minimum(light, 16_383)))
    cubes = {"first.fits": np.stack([light] * 3), "last.fits": np.stack([light] * 3, -1)}
    for name, cube in cubes.items():
        (tmp_path / name).write_bytes(saved(fits.PrimaryHDU(cube, fits.Header(CARDS))))
    found = grade(tmp_path)
    raw = found["IMG_0001.DNG"]
    assert (raw["decision"], raw["meta"]["bayer"], raw["meta"]["exposure_s"]) == ("keep", "RGGB", 120.5)
    assert raw["measurements"]["pedestal_adu"] == 512.0
    for name, cube in cubes.items():
        assert found[name]["kind"] == "cube"
        assert f"a cube of shape {cube.shape}" in found[name]["sentence"]
