"""Images and catalogues from public services, through astroquery; the only place that reaches the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from numpy.typing import NDArray

from training.survey.pointings import Pointing


class SurveyError(Exception):
    """A service gave nothing that can be used; the sentence says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class SurveyImage:
    """One image.

    Attributes:
        pixels: (H, W) float32, in the survey's units.
        header: with its world coordinates.
        source: where it came from, for the provenance.
    """

    pixels: NDArray[np.float32]
    header: fits.Header
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class StarCatalogue:
    """Stars around a position.

    Attributes:
        ra_deg, dec_deg: (N,) ICRS.
        magnitude: (N,) in the band of the pair; finite.
        names: (N,) of the catalogue.
        source: where it came from.
    """

    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A survey and the catalogue that was made from the same plates, or in the same band at about the same time.

    Attributes:
        survey: name of the survey at SkyView.
        catalogue, magnitude, identifier: table of VizieR and its columns.
        scale_arcsec_px: sampling of the survey.
        dec_range_deg: part of the sky it covers.
        licence: what its makers ask for.
    """

    survey: str
    catalogue: str
    magnitude: str
    identifier: str
    scale_arcsec_px: float
    dec_range_deg: tuple[float, float]
    licence: str


PAIRS = {
    "2mass-j": Pair(
        survey="2MASS-J", catalogue="II/246/out", magnitude="Jmag", identifier="2MASS", scale_arcsec_px=1.0,
        dec_range_deg=(-90, 90), licence="2MASS: public, acknowledgement asked (UMass, IPAC/Caltech, NASA, NSF)",
    ),
    "dss2-red": Pair(
        survey="DSS2 Red", catalogue="I/305/out", magnitude="Fmag", identifier="GSC2.3", scale_arcsec_px=1.0,
        dec_range_deg=(-90, 90), licence="DSS: free for research and education (STScI, AAO, ROE)",
    ),
    "sdss-r": Pair(
        survey="SDSSr", catalogue="V/147/sdss12", magnitude="rmag", identifier="SDSS12", scale_arcsec_px=0.4,
        dec_range_deg=(-10, 70), licence="SDSS: public domain with acknowledgement",
    ),
}  # fmt: skip
"""Each image with stars of its own band. The catalogue of another band names stars that the image does not show."""


class ImageSource(Protocol):
    """Gives images."""

    def image(self, pointing: Pointing, size_px: int) -> SurveyImage:
        """Give the image of a field, ``size_px`` a side.

        Raises:
            SurveyError: there is none.
        """


class CatalogueSource(Protocol):
    """Gives stars."""

    def stars(self, pointing: Pointing, radius_deg: float) -> StarCatalogue:
        """Give all stars within a radius.

        Raises:
            SurveyError: there are none.
        """


class SkyView:
    """Images of SkyView (https://skyview.gsfc.nasa.gov)."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def image(self, pointing: Pointing, size_px: int) -> SurveyImage:
        """Ask for one image in gnomonic projection at the survey's own sampling."""
        from astroquery.skyview import SkyView as Service

        side = size_px * self._pair.scale_arcsec_px / 3600
        # A string would be looked up as the name of an object.
        where = SkyCoord(pointing.ra_deg * units.deg, pointing.dec_deg * units.deg)
        asked = {"position": where, "survey": self._pair.survey, "coordinates": "ICRS", "pixels": str(size_px)}
        side_deg = side * units.deg
        try:
            found = Service.get_images(**asked, width=side_deg, height=side_deg, cache=False, show_progress=False)
        except Exception as error:  # the services fail in many ways, all of them: no image
            raise SurveyError(
                f"SkyView gave no {self._pair.survey} image at {pointing.name}: {_first_line(error)}"
            ) from error
        if not found:
            raise SurveyError(f"SkyView has no {self._pair.survey} image at {pointing.name}")
        return survey_image(found[0], f"SkyView {self._pair.survey}")


class Vizier:
    """Catalogues of VizieR (https://vizier.cds.unistra.fr)."""

    def __init__(self, pair: Pair, faintest_mag: float = 25.0) -> None:
        self._pair, self._faintest_mag = pair, faintest_mag

    def stars(self, pointing: Pointing, radius_deg: float) -> StarCatalogue:
        """Ask for all rows around a position; without a limit on rows."""
        from astroquery.vizier import Vizier as Service

        pair = self._pair
        service = Service(columns=["_RAJ2000", "_DEJ2000", pair.magnitude, pair.identifier], row_limit=-1)
        where = SkyCoord(pointing.ra_deg * units.deg, pointing.dec_deg * units.deg)
        try:
            tables = service.query_region(where, radius=radius_deg * units.deg, catalog=pair.catalogue, cache=False)
        except Exception as error:
            raise SurveyError(f"VizieR gave no {pair.catalogue} for {pointing.name}: {_first_line(error)}") from error
        if not tables:
            raise SurveyError(f"VizieR has no stars of {pair.catalogue} at {pointing.name}")
        return star_catalogue(tables[0], pair, self._faintest_mag)


def survey_image(opened: fits.HDUList, source: str) -> SurveyImage:
    """Take the image out of a downloaded file.

    Raises:
        SurveyError: it is no image, or an empty one, as SkyView sends for fields a survey does not cover.
    """
    hdu = opened[0]
    pixels = None if hdu.data is None else np.squeeze(np.asarray(hdu.data, np.float32))
    if pixels is None or pixels.ndim != 2:
        raise SurveyError(f"{source} is no image")
    finite = np.isfinite(pixels)
    if finite.mean() < 0.99 or float(np.ptp(pixels[finite])) == 0:
        raise SurveyError(f"{source} does not cover the field")
    return SurveyImage(np.where(finite, pixels, np.median(pixels[finite])), hdu.header, source)


def star_catalogue(table: Any, pair: Pair, faintest_mag: float = math.inf) -> StarCatalogue:
    """Take positions, magnitudes and names out of a VizieR table; rows without a magnitude are left out.

    Raises:
        SurveyError: a column is missing.
    """
    # VizieR puts an underscore before what it computes, and before names that begin with a digit.
    columns = {name.lstrip("_"): name for name in reversed(table.colnames)}
    if not {"RAJ2000", "DEJ2000", pair.magnitude} <= set(columns):
        raise SurveyError(f"the table of {pair.catalogue} has no column {pair.magnitude}, or no positions")
    ra, dec, identifier = columns["RAJ2000"], columns["DEJ2000"], columns.get(pair.identifier)
    magnitude = np.ma.filled(np.ma.asarray(table[columns[pair.magnitude]], np.float64), np.nan)
    some = np.isfinite(magnitude) & (magnitude <= faintest_mag)
    return StarCatalogue(
        np.asarray(table[ra], np.float64)[some],
        np.asarray(table[dec], np.float64)[some],
        magnitude[some],
        tuple(str(name) for name in table[identifier][some]) if identifier else ("",) * int(some.sum()),
        f"VizieR {pair.catalogue} {pair.magnitude}",
    )


def _first_line(error: Exception) -> str:
    return f"{error}".partition("\n")[0][:200] or type(error).__name__
