"""Build what a package index takes, and prove that it works: ``python packaging/release.py``.

1. Source distribution, and the wheel from it, so that the source distribution is known to be enough to build from.
2. ``twine check --strict``: the description renders.
3. The contents: licence, type marker and models are there; tests and training are not.
4. The wheel in a fresh virtual environment, outside the checkout: ``astro-monitor --version``, and three simulated
   frames that are graded.

The files are left in ``dist/``. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
VERSION_FILE = REPOSITORY / "astro_monitor" / "version.py"

WHEEL_HOLDS = ("astro_monitor/py.typed", "astro_monitor/models/*.onnx", "*.dist-info/licenses/LICENSE")
SDIST_HOLDS = ("*/pyproject.toml", "*/README.md", "*/LICENSE", "*/astro_monitor/version.py", "*/PKG-INFO")
FOREIGN = ("tests", "training", "benchmarks", "plugins", "docs", "packaging")
"""Folders of the repository that belong in no distribution."""

DEMO_FRAMES = 10
"""The shortest demonstration night."""


class NotReady(Exception):
    """The distributions must not be published; the message says why."""


def version() -> str:
    """Return the version of the checkout."""
    return str(runpy.run_path(str(VERSION_FILE))["__version__"])


def built(folder: Path) -> tuple[Path, Path]:
    """Build both distributions.

    Parameters:
        folder: where they go; older distributions in it are removed.

    Returns:
        the source distribution and the wheel.
    """
    for old in [*folder.glob("astro_monitor-*.tar.gz"), *folder.glob("astro_monitor-*.whl")]:
        old.unlink()
    _run([sys.executable, "-m", "build", "--outdir", str(folder), str(REPOSITORY)])
    (sdist,), (wheel,) = folder.glob("astro_monitor-*.tar.gz"), folder.glob("astro_monitor-*.whl")
    return sdist, wheel


def check_contents(sdist: Path, wheel: Path) -> None:
    """Compare what is in the distributions with what must be and must not be.

    Raises:
        NotReady: a file is missing, or one is there that must not be.
    """
    with tarfile.open(sdist) as archive:
        in_sdist = archive.getnames()
    with zipfile.ZipFile(wheel) as packed:
        in_wheel = packed.namelist()
    for path, names, wanted in ((sdist, in_sdist, SDIST_HOLDS), (wheel, in_wheel, WHEEL_HOLDS)):
        missing = [pattern for pattern in wanted if not any(Path(name).match(pattern) for name in names)]
        if missing:
            raise NotReady(f"{path.name} lacks {', '.join(missing)}")
    roots = {name.split("/")[0] for name in in_wheel}
    foreign = {root for root in roots if root != "astro_monitor" and not root.endswith(".dist-info")}
    foreign |= {name for name in in_sdist if name.count("/") and name.split("/")[1] in FOREIGN}
    if foreign:
        raise NotReady(f"these do not belong in a distribution: {', '.join(sorted(foreign)[:5])}")


def check_install(wheel: Path, folder: Path) -> None:
    """Install the wheel into a fresh virtual environment, and grade a short simulated night with it.

    Parameters:
        wheel: what is installed, with its dependencies from the package index.
        folder: an empty one, outside the checkout.

    Raises:
        NotReady: the installed program does not state its version, or does not grade.
    """
    uv = (sys.executable, "-m", "uv")
    _run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")])
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    _run([*uv, "pip", "install", "--quiet", "--python", str(programs / "python"), str(wheel)])
    # Nothing of the caller's environment or settings may help.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {name: str(folder / "home") for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}

    def run(*command: str) -> str:
        return _run([str(programs / command[0]), *command[1:]], cwd=folder, env=environment)

    printed = run("astro-monitor", "--version").strip()
    if printed != f"astro-monitor {version()}":
        raise NotReady(f"the installed program is '{printed}', not version {version()}")
    captures = folder / "captures"
    captures.mkdir()
    run("python", "-m", "astro_monitor.demo.writer", str(captures), "--frames", str(DEMO_FRAMES),
        "--seconds-per-frame", "0")  # fmt: skip
    chosen = sorted(captures.rglob("*.fits"))[:3]
    printed = run("astro-monitor", "grade", "--json", *map(str, chosen))
    decisions = [json.loads(line)["body"].get("decision") for line in printed.splitlines()]
    if decisions != ["keep"] * len(chosen):
        raise NotReady(f"the installed program decided {decisions} on {len(chosen)} good frames")


def _run(command: Iterable[str], cwd: Path = REPOSITORY, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(list(command), cwd=cwd, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def main(arguments: list[str] | None = None) -> None:
    """Build, check, and say what was made."""
    parser = argparse.ArgumentParser(
        description="Build the wheel and the source distribution, and prove that they work."
    )
    parser.add_argument("--dist", type=Path, default=REPOSITORY / "dist", help="where they go (default: dist/)")
    options = parser.parse_args(arguments)
    try:
        sdist, wheel = built(options.dist)
        _run([sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel)])
        check_contents(sdist, wheel)
        # Windows keeps files of a process that has just ended open for a moment.
        with tempfile.TemporaryDirectory(prefix="astro-monitor-release-", ignore_cleanup_errors=True) as folder:
            check_install(wheel, Path(folder))
    except NotReady as error:
        sys.exit(f"not ready: {error}")
    for path in (sdist, wheel):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
