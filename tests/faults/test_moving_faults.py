"""``move-rejected`` is killed at every step it takes with files; then it is run again: nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from astro_monitor.files import carry_out, key_of, plan, undo

FRAMES = 5
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from astro_monitor.files import carry_out, key_of, plan, undo
import hashlib

root, state, step, what = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
files = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.glob("*.fits")}
key = key_of(state)
taken = 0

def count(event, _):
    global taken
    if event in ("open", "os.link", "os.remove", "os.rename", "os.mkdir"):
        taken += 1
        if taken == step:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
goal = root / "rejected"
for _ in carry_out(plan(files, root, goal), root, goal, key) if what == "apply" else undo(root, goal, key):
    pass
"""
"""Kills itself right before its n-th step with a file: an audit hook is called for each one."""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.fits")}


def judged(root: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.glob("*.fits")}


@pytest.mark.slow
def test_forty_kills_lose_and_double_nothing(tmp_path) -> None:
    state, root = tmp_path / "state", tmp_path / "night"
    state.mkdir()
    root.mkdir()
    every = {f"{number}.fits": os.urandom(2000) for number in range(FRAMES)}
    for name, content in every.items():
        (root / name).write_bytes(content)
    goal, key, killed = root / "rejected", key_of(state), 0
    for number in range(40):
        # Both ways in turn, at steps 1 to 20: from before the first file to the middle of the last ones.
        what, step = ("apply", "undo")[number % 2], number // 2 + 1
        run = subprocess.run(
            [sys.executable, "-c", KILLED_RUN, str(root), str(state), str(step), what],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode in (0, -signal.SIGKILL), run.stderr
        killed += run.returncode != 0
        assert contents(root) | contents(goal) == every
        if what == "apply":
            assert all(not one.sentence for one in carry_out(plan(judged(root), root, goal), root, goal, key))
            assert (contents(root), contents(goal)) == ({}, every)
        else:
            assert all(not one.sentence for one in undo(root, goal, key))
            assert (contents(root), contents(goal)) == (every, {})
    assert killed >= 38
