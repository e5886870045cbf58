"""A field as one FITS file (image, star table, mask), with its provenance, and as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.visualization import AsinhStretch, ImageNormalize, PercentileInterval
from astropy.wcs import WCS

from training.survey.field import Field
from training.survey.pointings import Pointing, split_of
from training.survey.sources import Pair

LAYOUT_VERSION = 1


def write_field(path: Path, field: Field, header: fits.Header, pointing: Pointing, pair: Pair, sources: str) -> None:
    """Write image, catalogue and mask into one file, atomically.

    Parameters:
        header: of the survey image; its world coordinates are kept.
        sources: where image and catalogue came from.
    """
    primary = WCS(header).celestial.to_header()
    primary["LAYOUT"] = (LAYOUT_VERSION, "image, STARS, MASK")
    primary["SPLIT"] = (split_of(pointing.ra_deg, pointing.dec_deg), "by cell of sky")
    primary["TARGET"] = (pointing.name, "name of the field")
    primary["GALLAT"] = (round(pointing.galactic_latitude_deg, 3), "galactic latitude, deg")
    primary["SURVEY"], primary["CATALOG"] = pair.survey, f"{pair.catalogue} {pair.magnitude}"
    primary["SCALE"] = (pair.scale_arcsec_px, "arcsec per pixel")
    primary["SKYADU"], primary["NOISEADU"] = round(field.level_adu, 5), round(field.noise_adu, 6)
    primary["FWHM"] = (round(field.fwhm_px, 3), "of the stars, px")
    primary["ZEROMAG"] = (round(field.zero_point_mag, 4), "magnitude of one count")
    primary["ZEROSCAT"] = (round(field.zero_point_scatter_mag, 4), "scatter of single stars, mag")
    primary["SOURCE"], primary["LICENCE"] = sources, pair.licence
    hdus = fits.HDUList(
        [
            fits.PrimaryHDU(field.pixels, primary),
            fits.BinTableHDU(np.asarray(field.stars), name="STARS"),
            fits.CompImageHDU(field.mask, name="MASK", compression_type="RICE_1"),
        ]
    )
    partial = path.with_suffix(".part")
    hdus.writeto(partial, overwrite=True, checksum=True)
    partial.replace(path)


def draw_overlay(path: Path, field: Field, header: fits.Header) -> None:
    """Draw the image with its world coordinates, the stars in the mask as circles and the fainter ones as dots."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(projection=WCS(header).celestial)
    norm = ImageNormalize(field.pixels, interval=PercentileInterval(99.5), stretch=AsinhStretch(0.05))
    axes.imshow(field.pixels, cmap="gray", norm=norm, origin="lower")
    axes.contour(field.mask, levels=[0.5], colors="tab:cyan", linewidths=0.6)
    faint = field.stars[~field.stars["in_mask"]]
    axes.plot(faint["x_px"], faint["y_px"], ".", color="tab:orange", markersize=2)
    axes.set_title(f"{int(field.stars['in_mask'].sum())} stars in the mask (cyan), {len(faint)} below SNR 3 (orange)")
    figure.savefig(path)
