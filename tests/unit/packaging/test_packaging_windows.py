"""The Windows installer: its script compiles, and its builder puts the right things together."""

from __future__ import annotations

import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def windows(repository):
    return runpy.run_path(str(repository / "packaging" / "windows" / "build.py"))


@pytest.fixture
def embedded(tmp_path):
    """An archive in the form of the embeddable Python."""
    path = tmp_path / "python-embed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("python.exe", "not a program")
        archive.writestr("python313._pth", "python313.zip\n.\n#import site\n")
    return path


@pytest.mark.parametrize(
    ("version", "four"),
    [("0.2.0", "0.2.0.0"), ("0.2.0.dev0", "0.2.0.0"), ("1.10", "1.10.0.0"), ("2.0.1rc3", "2.0.1.0")],
)
def test_windows_wants_four_numbers(windows, version, four) -> None:
    assert windows["numbers"](version) == four


def test_the_version_is_that_of_the_wheel(windows) -> None:
    assert windows["wheel_version"](Path("dist/astro_monitor-0.2.0-py3-none-any.whl")) == "0.2.0"
    with pytest.raises(windows["CannotBuild"], match="no wheel of astro-monitor"):
        windows["wheel_version"](Path("dist/astropy-7.0-py3-none-any.whl"))


def test_the_bundled_python_is_one_that_the_package_allows(windows, repository) -> None:
    text = (repository / "pyproject.toml").read_text("utf-8")
    minor = ".".join(windows["PYTHON_VERSION"].split(".")[:2])
    assert f"Programming Language :: Python :: {minor}" in text


def test_the_bundled_python_sees_the_packages_and_nothing_else(windows, embedded, tmp_path) -> None:
    windows["unpack_python"](embedded, tmp_path / "python")
    lines = (tmp_path / "python" / "python313._pth").read_text("utf-8").splitlines()
    assert lines == ["python313.zip", ".", "..\\packages"]


def test_another_archive_is_refused(windows, tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(windows["CannotBuild"], match="no embeddable Python"):
        windows["unpack_python"](tmp_path / "other.zip", tmp_path / "python")


@pytest.mark.external
def test_the_installer_compiles(windows, embedded, tmp_path, need_program) -> None:
    need_program("makensis", "nsis")
    windows["unpack_python"](embedded, tmp_path / "payload" / "python")
    (tmp_path / "payload" / "packages").mkdir()
    (tmp_path / "payload" / "packages" / "a.py").write_text("")
    windows["compile_installer"](tmp_path / "payload", "0.2.0", tmp_path / "astro-monitor-setup.exe")
    assert (tmp_path / "astro-monitor-setup.exe").read_bytes()[:2] == b"MZ"


def test_the_removal_touches_only_what_the_installer_made(repository) -> None:
    script = (repository / "packaging" / "windows" / "installer.nsi").read_text("utf-8")
    removal = script[script.index('Section "Uninstall"') :]
    removed = [line.split(None, 1)[1] for line in removal.splitlines() if line.strip().startswith(("RMDir", "Delete "))]
    recursive = [what for what in removed if what.startswith("/r")]
    assert recursive == ['/r "$INSTDIR\\python"', '/r "$INSTDIR\\packages"']
    assert not [what for what in removed if "STATE" in what]
    assert "requestexecutionlevel user" in script.lower()


def test_the_installer_removes_no_folder_of_another_program(repository) -> None:
    script = (repository / "packaging" / "windows" / "installer.nsi").read_text("utf-8")
    installing = script[script.index('Section "astro-monitor"') : script.index("SectionEnd")]
    before, _, _ = installing.partition("RMDir /r")
    assert before.index('${IfNot} ${FileExists} "$INSTDIR\\astro-monitor.cmd"') < before.index("Abort")


def test_it_starts_with_the_session_only_when_it_is_wished(repository) -> None:
    script = (repository / "packaging" / "windows" / "installer.nsi").read_text("utf-8")
    before, _, _ = script.partition('CreateShortcut "$SMSTARTUP')
    assert before.rstrip().endswith('${If} $Autostart == "1"')


@pytest.mark.parametrize("name", ["windows-installer.yml", "release.yml"])
def test_the_workflows_run_scripts_that_are_there(repository, name) -> None:
    text = (repository / ".github" / "workflows" / name).read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
    assert all("uses" in step or "run" in step for step in steps)
    scripts = {word for step in steps for word in step.get("run", "").split() if word.startswith("packaging/")}
    assert scripts
    assert all((repository / script).is_file() for script in scripts)


def test_a_builder_that_cannot_build_says_why(repository, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / "packaging" / "windows" / "build.py"), "--wheel", "x.whl"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr
        == "cannot build the installer: x.whl is no wheel of astro-monitor; run packaging/release.py first\n"
    )
