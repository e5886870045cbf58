# Recipes for developers: `just --list` shows them, `just RECIPE` runs one. `just` comes with the development environment
# (.venv-dev/bin/just); all recipes use that environment, whether it is activated or not.

set windows-shell := ["powershell.exe", "-NoLogo", "-Command"]

python := if os_family() == "windows" { "python" } else { "python3" }
bin := justfile_directory() / ".venv-dev" / if os_family() == "windows" { "Scripts" } else { "bin" }
export PATH := bin + (if os_family() == "windows" { ";" } else { ":" }) + env("PATH")

[private]
default:
    @just --list --unsorted

# create the environment .venv-dev with everything, and check each commit from now on
setup:
    {{ python }} -m venv .venv-dev
    {{ bin / "python" }} -m pip install --editable ".[dev]"
    {{ bin / "pre-commit" }} install

# run the tests: all, or those named, such as `just test tests/unit/read`
test *tests:
    pytest {{ tests }}

# run the tests that take no longer than a few minutes in all: units and architecture
quick *options:
    pytest tests/architecture tests/unit -m "not training and not slow" {{ options }}

# check format, rules of style and import contracts; changes nothing
lint:
    ruff format --check .
    ruff check .
    lint-imports

# bring the code into its format and make the safe corrections
format:
    ruff format .
    ruff check --fix .

# check types, for this computer and for Windows
types:
    mypy
    mypy --platform win32 --no-warn-unreachable --package astro_monitor

# measure which lines and branches the quick tests reach, and compare with the floor in pyproject.toml
coverage *options:
    coverage erase
    coverage run -m pytest tests/architecture tests/unit -m "not training and not slow" -q {{ options }}
    coverage combine --quiet
    coverage report --skip-covered --sort=cover

# run the quick tests with the oldest dependencies that pyproject.toml allows (in .venv-oldest)
oldest *tests:
    python .ci/environments.py oldest {{ tests }}

# run the quick tests with each supported Python that is installed here (in .venv-py3.12 and so on)
pythons *tests:
    python .ci/environments.py pythons {{ tests }}

# build the documentation with strict links
docs:
    mkdocs build --strict

# measure the time of a verdict against its budget; the other benchmarks are in benchmarks/README.md
bench *options:
    python -m benchmarks.verdict {{ options }}

# build wheel and sdist into dist/, check them, and grade frames with the wheel in a fresh environment
release:
    python packaging/release.py

# show the change log of the next version
changes version="0.0":
    towncrier build --draft --version {{ version }}

# run what CI runs, on a clean checkout
ci:
    bash .ci/run

# build the example plugin as a wheel, install it apart, and run its tests with the installed one
plugin:
    pip wheel --quiet --no-deps --wheel-dir build/plugin plugins/pgm-camera
    pip install --quiet --no-deps --no-index --find-links build/plugin --upgrade --target build/plugin/site astro-monitor-pgm-camera
    python .ci/sample_plugin.py build/plugin/site plugins/pgm-camera/tests
