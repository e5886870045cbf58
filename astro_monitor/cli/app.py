"""The Typer application: one function per command, each a few lines that call a room."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .. import __version__, logs
from ..errors import AstroMonitorError, ConfigError
from ..settings import Settings, load
from .page import Page, Screen, as_paragraphs, never_fail_on_letters
from .stopping import stop_on_signals

out = Screen()
err = Screen(stderr=True)

app = typer.Typer(
    name="astro-monitor",
    help="The night watch for telescopes: grades every frame as it is written, and says what is wrong.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First time? Run 'astro-monitor demo'. Then 'astro-monitor watch FOLDER' with your capture folder.",
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML); see 'astro-monitor config'.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where night log and lists are kept; else the setting state_folder.")
]
LogOption = Annotated[
    str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR: what goes to standard error.")
]
UtcOption = Annotated[bool, typer.Option("--utc", help="Times in UTC in place of local time.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Documents, one JSON object per line, on standard output.")]
ArrayOption = Annotated[bool, typer.Option("--json", help="A JSON array on standard output.")]


def _settings(
    config: Path | None, state: Path | None, log_level: str | None, *, utc: bool = False, **flags: Any
) -> Settings:
    given: dict[str, Any] = {key: value for key, value in flags.items() if value not in (None, {})}
    if utc:
        given["times"] = "utc"
    if state is not None:
        given["state_folder"] = state
    if log_level is not None:
        given["log_level"] = log_level.upper()
    settings = load(config, given)
    logs.to_stderr(settings.log_level, utc=settings.times == "utc")
    return settings


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        out.print(f"astro-monitor {__version__}")
        raise typer.Exit


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="The folder into which frames are written (sub-folders included).")],
    state: StateOption = None,
    config: ConfigOption = None,
    address: Annotated[
        str | None, typer.Option(help="ZeroMQ address of the broadcast; port 0 picks one; else publish.address.")
    ] = None,
    control: Annotated[
        str | None, typer.Option(help="ZeroMQ address for snapshot and replay; else publish.control_address.")
    ] = None,
    polling: Annotated[
        bool, typer.Option("--polling", help="Look at the folder regularly: for network shares.")
    ] = False,
    ignore_existing: Annotated[bool, typer.Option(help="Leave frames alone that are already there.")] = False,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = None,
) -> None:
    """Watch FOLDER for a night: grade each new frame, warn, and keep the stacking lists. Ctrl-C ends it.

    Nothing is ever written into FOLDER. Frames already there are graded first; a restart continues where it stopped.
    """
    from .watching import run_watch

    settings = _settings(
        config,
        state,
        log_level,
        utc=utc,
        watch={
            **({"mode": "polling"} if polling else {}),
            **({"existing": "ignore"} if ignore_existing else {}),
        },
        publish={
            **({"address": address} if address else {}),
            **({"control_address": control} if control else {}),
        },
    )
    run_watch(folder, settings, stop_on_signals(), as_json=as_json, out=out, err=err)


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option(help="Where the demonstration is kept; default: a new folder.")] = None,
    frames: Annotated[int, typer.Option(min=10, max=500, help="Number of frames in the night.")] = 30,
    seconds_per_frame: Annotated[float, typer.Option(min=0.1, max=60.0, help="Pace of the camera.")] = 2.0,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Show a simulated night through the real daemon: a drift, a cloud, a satellite and a focus loss.

    A second process writes frames as a capture program does; they are watched, graded with the shipped models and
    listed for stacking. It ends by itself within two minutes and says where everything is.
    """
    from .demonstration import run_demo

    settings = _settings(None, None, log_level, utc=utc)
    run_demo(
        settings,
        folder,
        stop_on_signals(),
        frames=frames,
        seconds_per_frame=seconds_per_frame,
        as_json=as_json,
        out=out,
    )


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with frames (sub-folders included).")],
    config: ConfigOption = None,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Grade files that are already there, in the order of their exposures, as the live watch would have.

    Prints a table, or with --json a frame.judged, frame.skipped or frame.failed document per line, and a frame.revised
    where a second look decided otherwise. Files are only read.
    """
    from .grading import run_grade

    run_grade(paths, _settings(config, None, log_level, utc=utc), stop_on_signals(), as_json=as_json, out=out, err=err)


@app.command()
def stars(
    image: Annotated[Path, typer.Argument(help="One image; it is only read.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the table here (.csv, .fits or .reg); default: CSV on the screen."),
    ] = None,
    form: Annotated[
        Literal["csv", "fits", "regions"] | None, typer.Option("--format", help="Default: by the ending of --output.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Write a picture (PNG) of the image with all sources and trails marked.")
    ] = None,
    stars_only: Annotated[bool, typer.Option("--stars-only", help="Leave out extended sources and artefacts.")] = False,
    min_snr: Annotated[float, typer.Option(min=0.0, help="Leave out sources with a lower signal to noise.")] = 0.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace output files that are there.")] = False,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """List the stars and other sources of one image: position, flux, SNR, FWHM, kind.

    Columns: number, x_px, y_px (the first pixel is 0), ra_deg, dec_deg (with a plate solution in the header), flux_adu,
    peak_adu, snr, fwhm_px, hfr_px, elongation, angle_deg, saturated, kind, note. An empty field was not measured; the
    note says why. DS9 regions are in image coordinates.
    """
    from .finding import run_stars

    run_stars(
        image,
        _settings(config, None, log_level),
        output=output,
        form=form,
        overlay=overlay,
        stars_only=stars_only,
        min_snr=min_snr,
        overwrite=overwrite,
        out=out,
        err=err,
    )


@app.command()
def tail(
    address: Annotated[str | None, typer.Option(help="Broadcast address of the daemon; else publish.address.")] = None,
    control: Annotated[
        str | None, typer.Option(help="Control address of the daemon; else publish.control_address.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Show what was logged before, too.")] = False,
    config: ConfigOption = None,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = None,
) -> None:
    """Subscribe to a running daemon and print its documents as they come. Ctrl-C ends it."""
    from .tailing import run_tail

    flags = {**({"address": address} if address else {}), **({"control_address": control} if control else {})}
    settings = _settings(config, None, log_level, utc=utc, publish=flags)
    run_tail(settings, stop_on_signals(), history=history, as_json=as_json, out=out)


@app.command()
def lists(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    state: StateOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the lists into this folder; else where watch writes them.")
    ] = None,
    copies: Annotated[
        Path | None,
        typer.Option("--weighted-copies", help="Also copy the kept frames here, with SSWEIGHT in their headers."),
    ] = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Rebuild the stacking lists of a watched folder from its night log, and say where they are."""
    from .listing import run_lists

    run_lists(folder, output, _settings(config, state, log_level), copies=copies, out=out)


@app.command()
def review(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    frames: Annotated[
        list[str] | None, typer.Argument(help="File names, patterns such as '*_L_*', paths or frame ids.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put these frames on the list of frames to stack.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Take these frames off it.")] = False,
    undecided: Annotated[bool, typer.Option("--undecided", help="Put these frames up for a look again.")] = False,
    why: Annotated[str, typer.Option(help="One sentence, kept with the decision.")] = "",
    show_all: Annotated[bool, typer.Option("--all", help="Show every frame, not only those that wait.")] = False,
    state: StateOption = None,
    control: Annotated[str | None, typer.Option(help="Control address of the daemon, while it runs.")] = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Show which frames wait for a look, or decide on some by hand. Lists follow at once, and no frame is touched.

    Works during and after a watch. The first verdict stays in the log, so every decision can be undone.
    """
    from .reviewing import Word, run_review

    asked: dict[Word, bool] = {"keep": keep, "reject": reject, "review": undecided}
    words = [word for word, wanted in asked.items() if wanted]
    if len(words) > 1:
        raise ConfigError("give one of --keep, --reject and --undecided")
    settings = _settings(config, state, log_level, publish={"control_address": control} if control else {})
    run_review(folder, frames or [], words[0] if words else None, why, settings, everything=show_all, out=out)


@app.command()
def diff(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    night: Annotated[str, typer.Option(help="Date on which the night began, 'last' or 'all'.")] = "last",
    learn: Annotated[bool, typer.Option("--learn", help="Suggest settings that agree with your decisions.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per frame on standard output.")] = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Judge a past night again, with the models and settings of today or of --config, and show what would change.

    Try a new model or limit before you use it. Frames are only read; log and lists stay as they are.
    """
    from .comparing import run_diff

    settings = _settings(config, state, log_level)
    run_diff(folder, night, settings, stop_on_signals(), as_json=as_json, learn=learn, out=out, err=err)


@app.command(name="move-rejected")
def move_rejected(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    to: Annotated[Path | None, typer.Option(help="Where they go; default: rejected/ in FOLDER.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Move them; without this nothing is touched.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what was moved.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Move rejected frames aside: the only command that touches your files, and only with --apply or --undo.

    Files are renamed, never copied, changed or overwritten; a manifest next to them records where each one was.
    """
    from .moving import run_move

    run_move(folder, to, _settings(config, state, log_level), apply=apply, take_back=undo, out=out)


@app.command()
def models(
    verify: Annotated[bool, typer.Option("--verify", help="Load each model and run it once.")] = False,
    config: ConfigOption = None,
    as_json: ArrayOption = False,
) -> None:
    """List the models with their versions, hashes and scores."""
    from .listing import run_models

    run_models(_settings(config, None, "WARNING"), verify=verify, as_json=as_json, out=out)


@app.command()
def doctor(
    folder: Annotated[Path | None, typer.Argument(help="The capture folder you are going to watch.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Ask the daemon that runs now how it is.")] = False,
    address: Annotated[str | None, typer.Option(help="With --running: its broadcast address.")] = None,
    control: Annotated[str | None, typer.Option(help="With --running: its control address.")] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    as_json: ArrayOption = False,
) -> None:
    """Check folder, watcher, models, provider, ports, disk and clock; say what is wrong and what to do.

    With --running: ask the daemon itself; the exit code is 1 when something keeps it from its work.
    """
    from .checking import run_doctor

    flags = {**({"address": address} if address else {}), **({"control_address": control} if control else {})}
    run_doctor(folder, _settings(config, state, "ERROR", publish=flags), running=running, as_json=as_json, out=out)


@app.command()
def keys(
    folder: Annotated[Path, typer.Argument(help="A private folder for the keys; made when missing.")],
    client: Annotated[list[str] | None, typer.Option(help="Name of a client to make keys for; repeatable.")] = None,
    renew: Annotated[
        list[str] | None, typer.Option(help="Replace the keys of this client, or of 'server'; repeatable.")
    ] = None,
) -> None:
    """Make CURVE keys: one pair for the daemon, one for each client. Needed beyond this machine only.

    To shut a client out, remove its .public file; it counts at once. Renewed keys of a client count at once, too; those
    of the server at the daemon's next start, and every client then needs the new server.public.
    """
    from .listing import run_keys

    run_keys(folder, client or [], renew or [], out=out)


@app.command()
def config(
    write: Annotated[
        Path | None, typer.Option(help="Write the defaults to this file; an existing one is kept.")
    ] = None,
    config_file: ConfigOption = None,
    action: Annotated[Literal["show", "default"], typer.Option(help="Settings in force, or the defaults.")] = "show",
) -> None:
    """Show the settings in force as TOML with what each means, or write a file with the defaults.

    Your own file is read by itself when it lies at the place that this command names first. Every setting with its
    meaning, unit, range, environment variable and an example: docs/reference/settings.md.
    """
    from .listing import run_config

    in_force = action == "show" and write is None
    run_config(load(config_file) if in_force else Settings(), write, portable=not in_force, out=out)


for _command in app.registered_commands:
    # Typer would keep the line breaks of the source, whatever the width of the terminal.
    _command.help = as_paragraphs(_command.callback.__doc__ or "") if _command.callback else None


def main() -> None:
    """Entry point: run the command; an error is one sentence on standard error and its exit code."""
    never_fail_on_letters()
    try:
        app()
    except AstroMonitorError as error:
        _fail(error)
    except BrokenPipeError:
        # The reader of standard output has gone (for instance 'head'): that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(error: AstroMonitorError) -> None:
    Page.on(err).line(f"astro-monitor: {error}", style="red")
    sys.exit(error.exit_code)
