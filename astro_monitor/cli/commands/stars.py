"""``astro-monitor stars``: list the sources of one file, without a verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from ...catalogue import csv_text, fits_bytes, region_text
from ...errors import ConfigError, Unsupported
from ...pipeline import FoundSources, find_sources
from ...plain import because, counted
from ...preview import overlay_png
from ...records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR, Arrival, Measurements, SourceTable
from ...settings import Settings
from ...worker.limits import limit_resources
from ..options import FILES, ConfigOption, LogOption, err, out, settings_of

SECTION = FILES


def command(
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
    run_stars(
        image,
        settings_of(config, None, log_level),
        output=output,
        form=form,
        overlay=overlay,
        stars_only=stars_only,
        min_snr=min_snr,
        overwrite=overwrite,
        out=out,
        err=err,
    )


Format = Literal["csv", "fits", "regions"]
FORMAT_OF_ENDING: dict[str, Format] = {
    ".csv": "csv", ".txt": "csv", ".fits": "fits", ".fit": "fits", ".fts": "fits", ".reg": "regions"
}  # fmt: skip


def run_stars(
    image: Path,
    settings: Settings,
    *,
    output: Path | None,
    form: Format | None,
    overlay: Path | None,
    stars_only: bool,
    min_snr: float,
    overwrite: bool,
    out: Console,
    err: Console,
) -> None:
    """Find the sources of one file and write them.

    Parameters:
        image: the file; it is only read.
        settings: models and limits.
        output: where the table goes; ``None``: standard output.
        form: of the table; ``None``: by the ending of ``output``, else CSV.
        overlay: where a picture with marks goes; ``None``: none is made.
        stars_only: leave out extended sources and artefacts.
        min_snr: leave out sources with a lower signal to noise.
        overwrite: replace files that are there.
        out, err: the screen; the summary goes to ``err`` when the table goes to standard output.

    Raises:
        ConfigError: no such file, or an output that would overwrite one.
        FrameError: the file cannot be read or searched.
    """
    if not image.is_file():
        raise ConfigError(f"{image} is no file; name one image" if image.exists() else f"{image} does not exist")
    chosen = form or _format_of(output)
    if output is not None and overlay is not None and output.absolute() == overlay.absolute():
        raise ConfigError(f"{output} cannot be both the table and the picture; give two names")
    for target in (output, overlay):
        _refuse_to_overwrite(target, image, overwrite)
    sources = _sources_of_file(image, settings)
    table = sources.look.sources
    # Sources that could not be measured have no signal to noise: any limit leaves them out.
    wanted = (table.snr >= min_snr) | (min_snr == 0)
    table = table.chosen(wanted & ((table.kind == KIND_STAR) | (not stars_only)))
    data = _encoded(chosen, table, image, sources)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        _write(output, data)
    if overlay is not None:
        top = sources.frame.meta.row_order == "TOP-DOWN"
        pixels, px, (left, low) = sources.frame.pixels, sources.frame.sensor_px_per_px, sources.frame.origin_px
        shown = replace(table, x_px=table.x_px - left, y_px=table.y_px - low)
        _write(overlay, overlay_png(pixels, px, shown, sources.look.measurements.streaks, first_row_on_top=top))
    screen = err if output is None else out
    screen.print(_summary(image, table, sources), markup=False)
    for what, path in (("Table", output), ("Picture", overlay)):
        if path is not None:
            screen.print(f"{what}: {path}", markup=False)


def _sources_of_file(image: Path, settings: Settings) -> FoundSources:
    """Return the sources that the detector finds in an image file, within the memory limit of the worker."""
    status, now = image.stat(), datetime.now(UTC)
    arrival = Arrival(
        path=image.absolute(),
        root=image.absolute().parent,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        first_seen_utc=now,
        settled_utc=now,
        how="named",
    )
    # A hostile file may cost this process its life, but not the computer its memory.
    try:
        return find_sources(arrival, settings, lambda: _limit_memory(settings.worker.memory_mb))
    except MemoryError as error:
        raise Unsupported("the image needs more memory than allowed; raise worker.memory_mb") from error


def _limit_memory(memory_mb: int) -> None:
    """Limit the memory of this process before it reads an image."""
    limit_resources(memory_mb, may_write=True)


def _format_of(output: Path | None) -> Format:
    """Return the format of a table of sources from the ending of the output file; CSV without an output file."""
    if output is None:
        return "csv"
    form = FORMAT_OF_ENDING.get(output.suffix.lower())
    if form is None:
        raise ConfigError(f"the name {output} gives no format; end it in .csv, .fits or .reg, or use --format")
    return form


def _refuse_to_overwrite(target: Path | None, image: Path, overwrite: bool) -> None:
    """Raise ConfigError if the output file is the image itself, or exists and may not be overwritten."""
    if target is None or not target.exists():
        return
    if target.samefile(image):
        raise ConfigError(f"{target} is the image itself; choose another name for the output")
    if not overwrite:
        raise ConfigError(f"{target} is there already; choose another name, or give --overwrite")


def _encoded(form: Format, table: SourceTable, image: Path, sources: FoundSources) -> bytes:
    """Return the table of sources as the bytes of a FITS, CSV or region file."""
    if form == "fits":
        return fits_bytes(table, image_name=image.name, model=sources.look.models[0])
    text = csv_text(table) if form == "csv" else region_text(table)
    return text.encode("utf-8")


def _write(path: Path, data: bytes) -> None:
    """Write the table of sources to a file; raise ConfigError if it cannot be written."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {because(error)}; check the folder") from error


def _summary(image: Path, table: SourceTable, sources: FoundSources) -> str:
    """Return one sentence on the sources of an image: their counts, trails, star width, and sky positions if any."""
    height, width = sources.look.sensor_shape
    counts = [
        counted(table.count(KIND_STAR), "star"),
        counted(table.count(KIND_EXTENDED), "extended source"),
        counted(table.count(KIND_ARTEFACT), "artefact"),
    ]
    trails = counted(len(sources.look.measurements.streaks), "trail")
    parts = [f"{', '.join(counts)} and {trails} in {image.name} ({width} × {height} px)"]
    parts.append(_width_text(sources.look.measurements))
    parts.append("with sky positions" if table.has_sky_positions else "no plate solution in the header")
    return "; ".join(parts) + "."


def _width_text(measurements: Measurements) -> str:
    """Return a sentence about the width of the stars, in the numbers and words of ``watch``."""
    values = measurements.values
    if values["fwhm_px"] is None:
        return f"no FWHM: {measurements.why_missing['fwhm_px']}"
    arcsec, gauss_px = values["fwhm_arcsec"], values["fwhm_gauss_px"]
    text = f"FWHM {values['fwhm_px']:.2f} px" + (f" ({arcsec:.2f}″)" if arcsec is not None else "")
    return text + (f", Gauss {gauss_px:.2f} px" if gauss_px is not None else "")
