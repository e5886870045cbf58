"""The table and the folder of links for PixInsight, and the plain list of paths."""

from __future__ import annotations

import csv
import io

import pytest

from astro_monitor.lists import ListedFrame, write_lists
from astro_monitor.lists.grouping import stacks
from astro_monitor.lists.pixinsight import COLUMNS, batch_links, subframes_csv
from astro_monitor.lists.render import text_bytes
from astro_monitor.lists.siril import siril_script


def row(number: int, decision: str = "keep", file: str = "", **numbers: float | None) -> ListedFrame:
    return ListedFrame(
        file=file or f"/capture/M 31, light {number}.fits", frame_id=f"{number:016x}", decision=decision,
        weight=0.5 if decision == "keep" else 0.0, label="good", target="M 31", filter="L", exposure_s=60.0,
        width_px=3000, height_px=2000, date_obs_utc=f"2026-03-01T20:{number:02d}:00Z", seq=number,
        numbers={"fwhm_px": 2.5, "fwhm_arcsec": 3.75, "eccentricity": 0.4, "background_adu": 812.0, "star_count": 321.0,
                 **numbers},
    )  # fmt: skip


def table(*frames: ListedFrame) -> tuple[list[str], list[dict[str, str]]]:
    (stack,) = stacks(frames)
    lines = subframes_csv(stack).decode("utf-8").split("\n")
    return lines[:22], list(csv.DictReader(io.StringIO("\n".join(lines[22:]))))


def test_the_table_is_that_of_subframe_selector() -> None:
    head, rows = table(row(1), row(2, "reject", star_count=None))
    assert head[0] == "SubframeSelector module version 1.9.3"
    assert head[1] == "Subframe Scale,1.50000"
    assert head[5] == 'Scale Unit,"Arcseconds (arcsec)"'
    assert [line.split(",")[0] for line in head[7:20]] == [
        "Trimming Factor", "Structure Layers", "Noise Layers", "Hot Pixel Filter Radius",
        "Noise Reduction Filter Radius", "Sensitivity", "Peak Response", "Maximum Star Distortion", "Upper Limit",
        "Pedestal", "Subframe Region", "PSF Type", "Circular PSF",
    ]  # fmt: skip
    assert tuple(rows[0]) == COLUMNS
    assert len(COLUMNS) == 30
    assert [one["Approved"] for one in rows] == ["true", "false"]
    assert rows[0]["File"] == "/capture/M 31, light 1.fits"
    assert (rows[0]["FWHM"], rows[0]["Weight"], rows[1]["Stars"]) == ("3.7500e+00", "5.0000e-01", "0.0000e+00")


def test_without_a_pixel_scale_widths_are_in_pixels() -> None:
    head, rows = table(row(1), row(2, fwhm_arcsec=None))
    assert head[5] == 'Scale Unit,"Pixels (pixel)"'
    assert rows[0]["FWHM"] == "2.5000e+00"


@pytest.mark.parametrize("name", ['/c/a"b.fits', "/c/a\nb.fits"])
def test_no_name_breaks_the_table(name: str) -> None:
    _, rows = table(row(1), row(2, file=name))
    assert [one["Index"] for one in rows] == ["1"]


def test_only_kept_frames_are_linked_and_only_what_wbpp_reads() -> None:
    (stack,) = stacks(
        [row(1), row(2, "reject"), row(3, file="/c/x.xisf"), row(4, file="/c/y.fits.gz"), row(5, "review")]
    )
    assert batch_links(stack) == {"light_00001.fits": "/capture/M 31, light 1.fits", "light_00002.xisf": "/c/x.xisf"}


def test_plain_list_has_one_kept_path_on_each_line() -> None:
    (stack,) = stacks([row(1), row(2, "reject"), row(3, file="/c/b\nad.fits"), row(4, file="/c/ünï.fits")])
    assert text_bytes(stack).decode("utf-8").splitlines() == ["/capture/M 31, light 1.fits", "/c/ünï.fits"]


def test_siril_gets_a_script_for_each_generation() -> None:
    old, new = (siril_script({"light_00001.fit": "/a"}, False, two_pass=two).decode() for two in (False, True))
    assert "requires 1.0.0" in old
    assert "-2pass" not in old
    assert "requires 1.2.0\n" in new
    assert "register light -2pass\nseqapplyreg light -framing=max\nstack r_light" in new


def test_formats_that_are_not_asked_for_leave_nothing(tmp_path) -> None:
    every = write_lists([row(1), row(2)], tmp_path).files
    assert {name.split("/")[1] for name in every} >= {"pixinsight", "accepted.txt", "siril"}
    fewer = write_lists([row(1), row(2)], tmp_path, ["csv"]).files
    assert [path.name for path in tmp_path.rglob("*") if path.is_dir()] == [fewer[0].split("/")[0]]
