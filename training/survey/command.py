"""``python -m training survey``: fields of the real sky with catalogue truth, and the star finder beside them."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from training.survey.field import FieldError, make_field
from training.survey.pointings import LEAST_LATITUDE_DEG, Pointing, draw_pointings
from training.survey.sources import PAIRS, CatalogueSource, ImageSource, Pair, SkyView, SurveyError, Vizier
from training.survey.store import draw_overlay, write_field

log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Parameters:
        argv: without the program's name.

    Returns:
        0, or 1 when not one field could be made.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training survey", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/survey"), help="where the fields are kept")
    commands = parser.add_subparsers(required=True)
    fetch = commands.add_parser("fetch", help="download images and catalogues (needs a network); goes on where it was")
    fetch.add_argument("--pair", choices=sorted(PAIRS), default="2mass-j", help="survey and catalogue of one band")
    fetch.add_argument("--fields", type=int, default=20)
    fetch.add_argument("--seed", type=int, default=1)
    fetch.add_argument("--size-px", type=int, default=1024)
    fetch.add_argument("--dense", action="store_true", help="fields near the galactic plane, in place of away from it")
    fetch.add_argument("--least-latitude-deg", type=float, default=LEAST_LATITUDE_DEG)
    fetch.set_defaults(run=_fetch)
    matching = commands.add_parser("crossmatch", help="run the shipped star finder over the fields and count")
    matching.set_defaults(run=_crossmatch)
    return parser


def fetch_fields(
    folder: Path, pointings: Sequence[Pointing], pair: Pair, size_px: int, images: ImageSource, stars: CatalogueSource
) -> int:
    """Make a file and a picture for each pointing; those that are there already are not asked for again.

    Parameters:
        folder: where to.
        images, stars: the services, or what stands for them.

    Returns:
        how many fields are there now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    radius_deg = 0.75 * size_px * pair.scale_arcsec_px / 3600
    there = 0
    for number, pointing in enumerate(pointings, 1):
        path = folder / f"{pointing.name}.fits"
        if not path.exists():
            try:
                image = images.image(pointing, size_px)
                catalogue = stars.stars(pointing, radius_deg)
                field = make_field(image, catalogue)
            except (SurveyError, FieldError) as error:
                log.warning("%d of %d, %s: left out: %s", number, len(pointings), pointing.name, error)
                continue
            draw_overlay(path.with_suffix(".png"), field, image.header)
            write_field(path, field, image.header, pointing, pair, f"{image.source}; {catalogue.source}")
        there += 1
        log.info("%d of %d, %s", number, len(pointings), path.name)
    return there


def _fetch(options: argparse.Namespace) -> int:
    pair = PAIRS[options.pair]
    pointings = draw_pointings(
        options.fields, options.seed, least_latitude_deg=options.least_latitude_deg, dense=options.dense,
        dec_range_deg=pair.dec_range_deg,
    )  # fmt: skip
    there = fetch_fields(options.folder, pointings, pair, options.size_px, SkyView(pair), Vizier(pair))
    log.info("%d of %d fields are in %s", there, len(pointings), options.folder)
    return 0 if there else 1


def _crossmatch(options: argparse.Namespace) -> int:
    from astro_monitor.detect import Detector
    from astro_monitor.inference import open_model
    from training.survey.crossmatch import crossmatch_file, report

    paths = sorted(options.folder.glob("*.fits"))
    if not paths:
        log.error("no fields in %s; fetch some first", options.folder)
        return 1
    finder = Detector(open_model("star-unet", provider="cpu"))
    counts = [crossmatch_file(path, finder)[0] for path in paths]
    (options.folder / "crossmatch.json").write_text(json.dumps([asdict(one) for one in counts], indent=1), "utf-8")
    text = report(counts)
    (options.folder / "crossmatch.md").write_text(text, "utf-8")
    log.info("\n%s", text)
    return 0
