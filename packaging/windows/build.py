"""Make the Windows installer: ``python packaging/windows/build.py --wheel dist/astro_monitor-*.whl``.

It puts together what the installer copies (the embeddable Python of python.org, astro-monitor and what it needs) and
runs ``makensis`` on ``installer.nsi``. It works on Windows and on Linux (Debian package ``nsis``): packages are chosen
for Windows by ``uv``, wherever it runs. The version is that of the wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

PYTHON_VERSION = "3.13.9"
"""The bundled Python; the newest patch of the newest version that ``pyproject.toml`` allows."""

PYTHON_URL = "https://www.python.org/ftp/python/{version}/python-{version}-embed-amd64.zip"

EXTRAS = "raw,tiff"
"""Extras that the installer contains: users of the installer cannot add them later."""

_NUMBERS = re.compile(r"\d+")


class CannotBuild(Exception):
    """The installer cannot be made; the message says why."""


def numbers(version: str) -> str:
    """Return a version as the four numbers that Windows wants.

    Parameters:
        version: such as ``0.2.0`` or ``0.2.0.dev0``; what follows the third number is left out.
    """
    padded = [*_NUMBERS.findall(version)[:3], "0", "0", "0"]
    return ".".join([*padded[:3], "0"])


def wheel_version(wheel: Path) -> str:
    """Return the version in the name of a wheel.

    Raises:
        CannotBuild: it is no wheel of astro-monitor.
    """
    name, _, rest = wheel.name.partition("-")
    if name != "astro_monitor" or wheel.suffix != ".whl":
        raise CannotBuild(f"{wheel} is no wheel of astro-monitor; run packaging/release.py first")
    return rest.split("-")[0]


def fetch_python(target: Path) -> Path:
    """Download the embeddable Python, unless it is there.

    Parameters:
        target: folder for downloads.

    Returns:
        the archive.
    """
    url = PYTHON_URL.format(version=PYTHON_VERSION)
    archive = target / url.rsplit("/", 1)[1]
    if not archive.is_file():
        target.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url) as answer, archive.open("wb") as file:  # noqa: S310 - the address is a constant
            shutil.copyfileobj(answer, file)
    return archive


def unpack_python(archive: Path, folder: Path) -> None:
    """Unpack the embeddable Python, and let it find the packages next to it, and nothing else.

    Parameters:
        archive: of python.org.
        folder: a new folder.

    Raises:
        CannotBuild: the archive is not what it should be.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    path_files = sorted(folder.glob("python*._pth"))
    if len(path_files) != 1 or not (folder / "python.exe").is_file():
        raise CannotBuild(f"{archive} is no embeddable Python")
    (path_file,) = path_files
    # Isolated: neither the registry nor the environment of the user adds folders.
    path_file.write_text(f"{path_file.stem}.zip\n.\n..\\packages\n", "utf-8")


def install_packages(wheel: Path, folder: Path) -> None:
    """Put astro-monitor and what it needs on Windows into a folder; only wheels, nothing is built.

    Raises:
        CannotBuild: a package has no build for Windows.
    """
    minor = ".".join(PYTHON_VERSION.split(".")[:2])
    _run(
        "uv", "pip", "install", "--quiet", "--target", str(folder), "--only-binary", ":all:", "--link-mode", "copy",
        "--python-platform", "x86_64-pc-windows-msvc", "--python-version", minor,
        "--override", str(REPOSITORY / "packaging" / "cpu-only.txt"),
        f"astro-monitor[{EXTRAS}] @ {wheel.resolve().as_uri()}", "onnxruntime>=1.22",
    )  # fmt: skip


def compile_installer(payload: Path, version: str, target: Path) -> None:
    """Run ``makensis``.

    Parameters:
        payload: folder with ``python`` and ``packages``.
        version: of astro-monitor.
        target: the installer.

    Raises:
        CannotBuild: ``makensis`` is not here, or refuses the script.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    values = {
        "VERSION": version,
        "VERSION_NUMBERS": numbers(version),
        "PAYLOAD": str(payload.resolve()),
        "LICENSE": str(REPOSITORY / "LICENSE"),
        "OUTFILE": str(target.resolve()),
    }
    # -WX: warnings are errors.
    _run(
        "makensis", "-V2", "-WX", *(f"-D{name}={value}" for name, value in values.items()), str(HERE / "installer.nsi")
    )


def _run(*command: str) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise CannotBuild(f"{command[0]} is not installed")
    done = subprocess.run([program, *command[1:]], check=False)
    if done.returncode:
        raise CannotBuild(f"{' '.join(command[:3])} … ended with {done.returncode}")


def main(arguments: list[str] | None = None) -> None:
    """Make the installer."""
    parser = argparse.ArgumentParser(description="Make the Windows installer.")
    parser.add_argument("--wheel", type=Path, required=True, help="wheel of astro-monitor, from packaging/release.py")
    parser.add_argument("--python", type=Path, help="embeddable Python; default: downloaded from python.org")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "windows", help="working folder")
    options = parser.parse_args(arguments)
    payload = options.out / "payload"
    try:
        version = wheel_version(options.wheel)
        archive = options.python or fetch_python(options.out)
        shutil.rmtree(payload, ignore_errors=True)
        unpack_python(archive, payload / "python")
        install_packages(options.wheel, payload / "packages")
        installer = options.out / f"astro-monitor-{version}-setup.exe"
        compile_installer(payload, version, installer)
    except (CannotBuild, OSError) as error:
        sys.exit(f"cannot build the installer: {error}")
    for path in (archive, installer):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
