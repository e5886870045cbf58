"""Run the quick tests in other environments: ``python .ci/environments.py oldest`` or ``… pythons``.

``oldest``: the lowest version of each direct dependency that pyproject.toml allows, on the oldest Python that is here.
``pythons``: newest dependencies on each supported Python. A Python that is not installed is skipped with a word.

The environments are kept in the root of the checkout (``.venv-oldest``, ``.venv-py3.12``…) and brought up to date.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
PACKAGE = ".[test,raw,tiff]"
TESTS = ("tests/unit", "-m", "not training and not slow", "-q", "-p", "no:cacheprovider")

OLDEST_OPTIONS = ("-W", "ignore::DeprecationWarning")
"""Only direct dependencies are old: what they call in newer packages may be deprecated by now."""


def main(argv: Sequence[str]) -> int:
    """Run the tests and print one line for each environment.

    Parameters:
        argv: without the program's name.

    Returns:
        1 when tests failed, or when no Python was found at all.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("oldest", "pythons"))
    parser.add_argument("tests", nargs=argparse.REMAINDER, help="of pytest; without: the quick tests")
    options = parser.parse_args(argv)
    found = list(_pythons())
    if options.what == "oldest":
        found = found[:1]
    results = {}
    for version, python in found:
        name = "oldest" if options.what == "oldest" else f"py{version}"
        started = time.monotonic()
        results[f"Python {version}, {options.what}"] = (
            _run(name, python, options.tests or TESTS),
            time.monotonic() - started,
        )
    for title, (code, seconds) in results.items():
        print(f"{title}: {'passed' if code == 0 else 'FAILED'} in {seconds:.0f} s")
    return 0 if results and all(code == 0 for code, _ in results.values()) else 1


def _pythons() -> Iterator[tuple[str, str]]:
    """Yield the supported Pythons of this computer, the oldest first: version and path."""
    for version in PYTHONS:
        on_path = shutil.which(f"python{version}")
        of_pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
        works = [path for path in (on_path, *map(str, of_pyenv)) if path and _is(version, path)]
        if works:
            yield version, works[0]
        else:
            print(f"Python {version}: skipped, it is not installed here")


def _is(version: str, path: str) -> bool:
    """Return whether a program is that Python: pyenv has stand-ins that refuse to run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([path, "-c", code], capture_output=True, text=True, check=False).stdout.strip() == version


def _run(name: str, python: str, tests: Sequence[str]) -> int:
    folder = REPOSITORY / f".venv-{name}"
    oldest = name == "oldest"
    resolution = ["--resolution", "lowest-direct"] if oldest else ["--upgrade"]
    subprocess.run(["uv", "venv", "--quiet", "--allow-existing", "--python", python, str(folder)], check=True)
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--reinstall-package", "astro-monitor", *resolution, PACKAGE],
        cwd=REPOSITORY, env={**os.environ, "VIRTUAL_ENV": str(folder)}, check=True,
    )  # fmt: skip
    inside = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [str(inside), "-m", "pytest", *tests, *(OLDEST_OPTIONS if oldest else ())]
    print(" ".join(command), flush=True)
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
