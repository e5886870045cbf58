"""What all tests share: where real frames are, and a watch over threads that are left running."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


LONG_LIMIT_S = 7200.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run the fault tests in their long form: minutes to an hour each"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LONG_LIMIT_S))


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Give a function that chooses between the quick number of rounds and the long one (``--long``)."""
    long = bool(request.config.getoption("--long"))
    return lambda quick, all_of_them: all_of_them if long else quick


_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a function that keeps a sentence with measured figures, told after the tests; nothing is decided by them."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for sentence in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(f"measured: {sentence}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_frames() -> Path:
    """The folder of real frames, which are not part of the repository."""
    folder = Path(os.environ.get("ASTRO_MONITOR_REAL_FRAMES", REPOSITORY.parent / "shared" / "frames"))
    if not folder.is_dir():
        pytest.skip("the real frames are not here; set ASTRO_MONITOR_REAL_FRAMES to their folder")
    return folder


@pytest.fixture(autouse=True)
def _private_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests away from the settings and night logs of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(home))
    for variable in list(os.environ):
        if variable.startswith("ASTRO_MONITOR_") and variable != "ASTRO_MONITOR_REAL_FRAMES":
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def _small_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the reserve of hundreds of night logs from filling the disk of whoever runs the tests."""
    monkeypatch.setattr("astro_monitor.nightlog.reserve.RESERVE_BYTES", 1 << 16)


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a thread of ours running."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(timeout=5.0)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture
def need_program() -> object:
    """Give a function that skips the test when a program is missing; in CI a missing program is a failure."""
    import shutil

    def need(name: str, package: str) -> str:
        found = shutil.which(name)
        if found is None and os.environ.get("CI"):
            pytest.fail(f"{name} is missing in CI; .ci/run must install {package}")
        if found is None:
            pytest.skip(f"{name} is not installed (Debian package {package})")
        return str(found)

    return need
