"""The README's own first command, in a copy of the checkout and a fresh virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

pytestmark = [pytest.mark.external, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_demo_command_of_the_readme(repository, tmp_path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    command = re.search(r"<!-- command: demo -->\n```sh\n(.+?)\n```", text).group(1)
    if not os.environ.get("CI"):
        pytest.skip("installs from the package index; runs in CI, or with CI=true")
    copy = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository, capture_output=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.decode().split("\0")):
        if (repository / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, copy / name)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": ""}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=800,
    )  # fmt: skip
    said = done.stdout[-4000:]
    assert done.returncode == 0, said + done.stderr[-2000:]
    right, total = map(int, re.search(r"(\d+) of (\d+) frames got the class", said).groups())
    assert total == 30
    assert right >= 27, said
    assert "OPENED" in done.stdout
    assert "CLOSED" in done.stdout
    assert re.search(r"Stacking lists: \S+", said)
