"""What the house promises about itself: contracts, quiet imports, a README and a CI that say the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("tensorflow", "keras", "tf2onnx", "onnx", "intrasom", "galsim", "sklearn", "matplotlib", "scipy")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


def readme_command(repository, name: str) -> str:
    text = (repository / "README.md").read_text("utf-8")
    return re.search(rf"<!-- command: {name} -->\n```sh\n(.+?)\n```", text).group(1)


def test_import_contracts_hold(repository) -> None:
    done = subprocess.run(
        ["lint-imports", "--no-cache"], cwd=repository, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_importing_does_nothing_and_prints_nothing() -> None:
    code = (
        "import logging, sys, threading; import astro_monitor.pipeline, astro_monitor.cli.app, astro_monitor.monitor;"
        "assert threading.active_count() == 1; assert not logging.getLogger().handlers;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = run(code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_daemon_without_a_worker_loads_no_models_and_no_astropy() -> None:
    done = run(
        "import sys; import astro_monitor.monitor; print([n for n in ('onnxruntime', 'astropy') if n in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_archive_and_stages_load_astropy_only_where_it_is_needed() -> None:
    done = run("import sys; import astro_monitor.archive, astro_monitor.pipeline; print('astropy' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_ci_runs_the_test_command_of_the_readme(repository) -> None:
    script = (repository / ".ci" / "run").read_text("utf-8")
    assert "readme_command test" in script
    assert readme_command(repository, "test").endswith("pytest")


def test_no_module_is_longer_than_400_lines_without_a_reason(repository) -> None:
    long = {
        str(path.relative_to(repository)): lines
        for folder in ("astro_monitor", "training")
        for path in (repository / folder).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_tracked_files_are_small(repository) -> None:
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True).stdout
    paths = [repository / os.fsdecode(name) for name in names.split(b"\0") if name]
    assert not [str(path) for path in paths if path.exists() and path.stat().st_size > 5_000_000]
    models = sum(path.stat().st_size for path in (repository / "astro_monitor" / "models").glob("*.onnx"))
    assert 0 < models <= 10_000_000
