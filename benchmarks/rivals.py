"""Star finders to compare with: sep with default and tuned settings, and SExtractor when it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import sep
from numpy.typing import NDArray

SEXTRACTOR_NAMES = ("source-extractor", "sex", "sextractor")
TUNED_MESH_PX, TUNED_SIGMA = 128, 1.35


def read_plainly(path: Path, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Read an unsigned 16-bit FITS image whose data are the last blocks of the file. Not part of any timing."""
    height, width = shape
    size = height * width * 2
    blocks = -(-size // 2880) * 2880
    raw = np.fromfile(path, ">u2", count=height * width, offset=path.stat().st_size - blocks)
    return (raw ^ np.uint16(0x8000)).astype(np.uint16).reshape(shape)


def sep_default(pixels: NDArray[np.uint16]) -> int:
    """Background of 64 pixels, subtracted copy, 1.5 sigma; from 16-bit pixels, as they lie in a file."""
    light = pixels.astype(np.float32)
    sky = sep.Background(light)
    return len(sep.extract(light - sky.back(), 1.5, err=sky.globalrms))


def sep_tuned(pixels: NDArray[np.uint16]) -> int:
    """Background of 128 pixels, subtracted in place, 1.35 sigma."""
    light = pixels.astype(np.float32)
    sky = sep.Background(light, bw=TUNED_MESH_PX, bh=TUNED_MESH_PX)
    sky.subfrom(light)
    return len(sep.extract(light, TUNED_SIGMA, err=sky.globalrms))


class SExtractor:
    """The program as installed, merely detecting: two columns, no catalogue kept, default settings otherwise."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        (folder / "bench.param").write_text("X_IMAGE\nY_IMAGE\n", "ascii")
        # The default 3 × 3 filter of SExtractor, which its packages install in different places.
        (folder / "bench.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n", "ascii")

    @classmethod
    def find(cls) -> SExtractor | None:
        """Look for the program; ``None`` where it is not installed."""
        program = next((found for name in SEXTRACTOR_NAMES if (found := shutil.which(name))), None)
        return cls(program, Path(tempfile.mkdtemp(prefix="bench-sextractor-"))) if program else None

    def detect(self, path: Path) -> None:
        """Detect in one file, from reading it to the end."""
        options = {
            "PARAMETERS_NAME": str(self._folder / "bench.param"),
            "FILTER_NAME": str(self._folder / "bench.conv"),
            "CATALOG_NAME": str(self._folder / "bench.cat"),
            "VERBOSE_TYPE": "QUIET",
            "MEMORY_BUFSIZE": "4096",
            "MEMORY_PIXSTACK": "3000000",
        }
        arguments = [part for key, value in options.items() for part in (f"-{key}", value)]
        subprocess.run([self._program, str(path), "-c", "/dev/null", *arguments], check=True, cwd=self._folder)

    def close(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
