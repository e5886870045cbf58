"""One typed tree of settings: file (TOML), environment (``ASTRO_MONITOR_…``), flags. Each default is written here once.

Unknown keys are refused. ``configs/default.toml`` is generated from this module and compared by a test.
"""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_origin

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .complaints import complaint, leaves, nearest
from .errors import ConfigError
from .plain import because, shown

log = logging.getLogger(__name__)

PREFIX = "ASTRO_MONITOR_"


Merge = Literal["rig", "pointing", "filter", "exposure", "gain", "offset", "angle"]
"""Properties in which frames of one stack may differ, when the user allows it."""

Provider = Literal["auto", "cpu", "cuda"]
"""What the models run on."""

BacklogOrder = Literal["newest_first", "in_order"]
"""Order in which frames that wait are graded."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class WatchSettings(_Section):
    """How the capture folder is watched."""

    mode: Literal["auto", "events", "polling"] = Field(
        "auto", description="auto: events, and polling on network shares"
    )
    quiet_s: float = Field(2.0, gt=0, le=600, description="a file without close evidence must be unchanged this long")
    quiet_network_s: float = Field(5.0, gt=0, le=600, description="the same on a network share")
    rescan_s: float = Field(10.0, gt=0, le=3600, description="full rescan of the folder each so many seconds")
    poll_s: float = Field(2.0, gt=0, le=3600, description="polling: look at the folder each so many seconds")
    give_up_s: float = Field(600.0, gt=0, description="a short file unchanged this long is reported as failed")
    existing: Literal["grade", "ignore"] = Field("grade", description="what to do with frames already there at start")
    follow_links: bool = Field(False, description="follow symbolic links that stay inside the folder")
    ignore: tuple[str, ...] = Field(
        (), description="file or folder name patterns to skip, such as '*_test*'", examples=[("*_test*", "flats")]
    )


class WorkerSettings(_Section):
    """The processes that parse frames."""

    processes: int = Field(
        0,
        ge=0,
        le=64,
        description="most workers that look at frames in parallel, while several frames wait; 0: one for each core, "
        "fewer where there is less than 2 GB of memory for each",
        examples=[1],
    )
    memory_mb: int = Field(3000, ge=256, description="address space limit of each worker above its start, in MB")
    timeout_s: float = Field(60.0, gt=0, description="a frame may take this long before its worker is ended")
    tries: int = Field(
        3, ge=1, le=10, description="tries in a row for a frame with which the worker is lost; others follow later"
    )
    recycle_frames: int = Field(500, ge=1, description="a worker is replaced by a new one after so many frames")
    threads: int = Field(
        0,
        ge=0,
        le=64,
        description="threads for the models of one worker; 0: all cores; for the second and later workers a share",
        examples=[2],
    )
    max_pixels: int = Field(200_000_000, ge=4096, description="frames with more pixels are refused")
    rare_codecs: bool = Field(
        True, description="read FITS tiles packed by HCOMPRESS and PLIO, whose decoders had memory faults in the past"
    )


class ModelSettings(_Section):
    """Which models are used, and on what."""

    star_finder: str = Field("star-unet", description="name of the star finder")
    quality: str = Field("quality", description="name of the quality model")
    folder: Path | None = Field(None, description="a folder of models in place of the shipped ones")
    provider: Provider = Field("auto", description="auto: CUDA when a driver is there, else CPU")


class SiteSettings(_Section):
    """Usual values of this site and rig, until the rig has a history of its own."""

    normal_fwhm_arcsec: float = Field(3.0, gt=0, le=60, description="usual FWHM of a good frame")
    scale_arcsec_px: float | None = Field(
        None, gt=0, le=120, description="pixel scale, where headers do not give it", examples=[1.41]
    )
    latitude_deg: float | None = Field(
        None, ge=-90, le=90, description="with the longitude: for the positions of sun and moon; overrides headers",
        examples=[48.14],
    )  # fmt: skip
    longitude_deg: float | None = Field(
        None, ge=-180, le=180, description="east positive: nights change at noon there; without: noon on this computer",
        examples=[11.58],
    )  # fmt: skip


class JudgeSettings(_Section):
    """Limits of the rules. Relative ones need a baseline of five frames."""

    max_fwhm_arcsec: float | None = Field(None, gt=0, description="wider stars: rejected", examples=[4.5])
    max_fwhm_px: float | None = Field(None, gt=0, description="wider stars: rejected", examples=[6.0])
    max_elongation: float | None = Field(None, gt=1, description="more elongated stars (a/b): rejected", examples=[1.6])
    max_background_adu: float | None = Field(None, gt=0, description="a brighter sky: rejected", examples=[20000.0])
    min_stars: int = Field(0, ge=0, description="fewer stars than this: review", examples=[50])
    grade_calibrated: bool = Field(
        False, description="grade single frames whose CALSTAT names a flat; otherwise they are skipped as products"
    )
    moving_targets: tuple[str, ...] = Field(
        (),
        description="targets tracked at their own rate, such as '2024 YR4*': trailed stars are usual there; names of "
        "comets (C/…, 12P) are known",
        examples=[("2024 YR4*", "Ceres")],
    )
    reject_probability: float = Field(
        0.5, gt=0, lt=1, description="a bad class counts against a frame from this probability on", examples=[0.7]
    )
    alert_of: int = Field(3, ge=1, le=20, description="alerts look at the last M frames …")
    alert_n: int = Field(2, ge=1, le=20, description="… and open at N bad ones among them")
    alert_close: int = Field(2, ge=1, le=20, description="good frames in a row that close an alert")
    alert_cooldown_s: float = Field(
        600.0, ge=0, description="the same trouble back within this time is marked as a repeat"
    )


class PublishSettings(_Section):
    """Where documents are broadcast."""

    enabled: bool = Field(True, description="broadcast at all")
    address: str = Field("tcp://127.0.0.1:5556", description="XPUB socket; port 0 lets the system choose")
    control_address: str = Field("tcp://127.0.0.1:5557", description="ROUTER socket for snapshot and replay")
    heartbeat_s: float = Field(1.0, gt=0, le=60, description="seconds between heartbeats")
    keys_folder: Path | None = Field(None, description="CURVE keys; needed for any address beyond this machine")
    accept_reviews: bool = Field(True, description="let clients decide on frames by hand (astro-monitor review)")
    accept_observations: bool = Field(True, description="let clients report weather, guiding and the like for the log")


class KeepSettings(_Section):
    """What is kept of each frame next to the night log. The oldest files are removed first."""

    looks_mb: int = Field(
        2000, ge=0, le=10_000_000, description="looks, with which a night is judged again without its frames, in MB"
    )
    previews_mb: int = Field(500, ge=0, le=10_000_000, description="previews of frames, in MB; 0 of either: none")


class HealthSettings(_Section):
    """Pages for monitoring the daemon: /healthz, /readyz, /metrics (Prometheus)."""

    address: str = Field(
        "", description="such as 127.0.0.1:9464, on this computer only; empty: not served", examples=["127.0.0.1:9464"]
    )


class ListSettings(_Section):
    """Where stacking lists go."""

    folder: Path | None = Field(None, description="default: lists/ in the night's state folder")
    formats: tuple[str, ...] = Field(
        ("csv", "json", "dss", "siril", "pixinsight", "text"), description="which lists to write; plugins add others"
    )
    beside: bool = Field(
        False, description="write lists next to the capture folder, into NAME-lists, if folder is not set"
    )
    siril: Literal["auto", "unknown", "1.0", "1.2", "1.4"] = Field(
        "auto", description="Siril that runs the scripts, to weight the stack; auto: the one installed here"
    )
    merge: tuple[Merge, ...] = Field(
        (), description="what frames of one stack may differ in: rig, pointing, filter, exposure, gain, offset, angle"
    )
    min_weight: float = Field(
        0.1,
        ge=0,
        le=1,
        description="kept frames that would count less than this part of the best ones of their list are listed for "
        "review; 0: none",
    )


class PluginSettings(_Section):
    """Installed plugins that run inside the daemon and its worker; see 'astro-monitor plugins'."""

    on: tuple[str, ...] = Field(
        (),
        description="plugins to run, in this order; an installed one that is not named is off",
        examples=[("sample",)],
    )


class Settings(_Section):
    """The whole tree."""

    state_folder: Path = Field(
        default_factory=lambda: platformdirs.user_state_path("astro-monitor"),
        description="night log, lists and the watcher's memory; never inside a capture folder",
    )
    backlog: BacklogOrder = Field("newest_first", description="order of frames that wait")
    times: Literal["local", "utc"] = Field("local", description="times on the screen: of this computer, or UTC")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="what goes to standard error")
    log_file: bool = Field(True, description="watch also writes it to a file next to the night log: at most 6 × 2 MB")
    watch: WatchSettings = WatchSettings()
    worker: WorkerSettings = WorkerSettings()
    models: ModelSettings = ModelSettings()
    site: SiteSettings = SiteSettings()
    judge: JudgeSettings = JudgeSettings()
    publish: PublishSettings = PublishSettings()
    lists: ListSettings = ListSettings()
    keep: KeepSettings = KeepSettings()
    health: HealthSettings = HealthSettings()
    plugins: PluginSettings = PluginSettings()


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return one tree of settings laid over another, section by section."""
    merged = dict(base)
    for key, value in over.items():
        merged[key] = (
            _merge(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
        )
    return merged


def variable(path: Sequence[str]) -> str:
    """Name the environment variable of a setting: two underscores stand for one step down.

    Parameters:
        path: such as ``("watch", "quiet_s")``.
    """
    return PREFIX + "__".join(path).upper()


def default_file() -> Path:
    """Return the path of the user's own settings file, which is read when no other one is named."""
    return platformdirs.user_config_path("astro-monitor") / "config.toml"


def _environment() -> dict[str, Any]:
    """``ASTRO_MONITOR_WATCH__QUIET_S=3`` sets ``watch.quiet_s``; a list is written as ``a,b``.

    A name that looks like a setting but is none is refused. Any other name only causes a warning: it may belong to
    another program, as container managers give every program variables with the name of each service.

    Raises:
        ConfigError: a variable looks like a setting and is none.
    """
    known = {variable(path): path for path in leaves(Settings)}
    tree: dict[str, Any] = {}
    for name, value in os.environ.items():
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            _refuse_or_warn(name, known)
            continue
        *sections, key = known[name]
        branch, model = tree, Settings
        for step in sections:
            branch, model = branch.setdefault(step, {}), type(model.model_fields[step].default)
        is_list = get_origin(model.model_fields[key].annotation) is tuple
        branch[key] = [part.strip() for part in value.split(",") if part.strip()] if is_list else value
    return tree


def _refuse_or_warn(name: str, known: Iterable[str]) -> None:
    """Raise ConfigError for an environment variable close to a setting's name; log a warning for other unknown ones."""
    near = nearest(
        name.removeprefix(PREFIX), (variable_name.removeprefix(PREFIX).lower() for variable_name in known)
    ).upper()
    meant = f"; did you mean {PREFIX}{near}?" if near else ""
    sentence = f"the environment variable {shown(name)} is no setting{meant}"
    if near or "__" in name.removeprefix(PREFIX):
        raise ConfigError(f"{sentence}{' U' if near else '; u'}nset it or correct its name")
    log.warning("%s; it is not used", sentence)


def load(path: Path | None = None, flags: dict[str, Any] | None = None) -> Settings:
    """Build the settings: defaults, then the file, then the environment, then flags.

    Parameters:
        path: a TOML file; ``None`` for the user's own file when there is one.
        flags: nested overrides from the command line.

    Raises:
        ConfigError: unreadable file, unknown key, or a value out of its range; the sentence names the key.
    """
    tree: dict[str, Any] = {}
    chosen = path or default_file()
    if path is not None or chosen.is_file():
        try:
            tree = tomllib.loads(chosen.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"settings file {chosen} cannot be read: {because(error)}; check the path") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"settings file {chosen} is not UTF-8 text; save it as UTF-8") from error
        except ValueError as error:
            raise ConfigError(f"settings file {chosen} is not valid TOML: {error}") from error
    given = flags or {}
    environment = _environment()

    def origin(place: tuple[str, ...]) -> str:
        if _holds(given, place):
            return "given on the command line"
        if _holds(environment, place):
            return f"environment variable {variable(place)}"
        return f"in {chosen}" if _holds(tree, place) else ""

    try:
        return Settings.model_validate(_merge(_merge(tree, environment), given))
    except ValidationError as error:
        raise ConfigError(complaint(error, Settings, origin)) from error


def _holds(tree: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Return whether there is a value at a path, or the path leads into one."""
    branch: Any = tree
    for step in path:
        if not isinstance(branch, Mapping):
            return True
        if step not in branch:
            return False
        branch = branch[step]
    return True


def as_toml(settings: Settings, *, portable: bool = False) -> str:
    """Write settings as TOML with the meaning of each above it.

    A setting without a value appears as a comment, because TOML has no null.

    Parameters:
        settings: the whole tree.
        portable: the state folder, which differs from machine to machine, appears as a comment, too.
    """
    lines = ["# Settings of astro-monitor. Every key may be left out; the values below are then in force."]
    sections = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, _Section):
            sections.append((name, value))
            continue
        lines += ["", f"# {field.description}", toml_line(name, value, comment=portable and name == "state_folder")]
    for name, section in sections:
        lines += ["", f"[{name}]"]
        for key, field in type(section).model_fields.items():
            value = getattr(section, key)
            lines += [f"# {field.description}", toml_line(key, value, comment=value is None)]
    return "\n".join(lines) + "\n"


def toml_line(key: str, value: Any, *, comment: bool = False) -> str:
    """Write one setting as a line of TOML.

    Parameters:
        key: without its section.
        value: text, number, path or a tuple of texts.
        comment: the key alone, as a comment.
    """
    if comment:
        return f"# {key} ="
    if isinstance(value, bool):
        return f"{key} = {str(value).lower()}"
    if isinstance(value, tuple):
        return f"{key} = [{', '.join(json.dumps(item) for item in value)}]"
    return f"{key} = {json.dumps(str(value) if isinstance(value, Path) else value)}"
