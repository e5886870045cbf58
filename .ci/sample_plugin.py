"""Run the tests of a plugin that is installed in a folder of its own: ``sample_plugin.py FOLDER TESTS``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run pytest with the folder on the search path; return its exit code."""
    folder, tests = sys.argv[1:]
    path = os.pathsep.join(filter(None, (str(Path(folder).resolve()), os.environ.get("PYTHONPATH", ""))))
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    return subprocess.run(arguments, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
