"""Headers of XISF files: properties alone, keywords with and without quotes, text beyond ASCII; the same as in FITS."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.read import Reader

PIXELS = np.random.default_rng(1).normal(1000, 30, (64, 80)).astype(np.uint16)


def xisf_file(inside: str, metadata: str = "", *, image: str = "", coding: str = "utf-8", declared: str = "UTF-8"):
    raw = PIXELS.astype("<u2").tobytes()
    text = (
        f'<?xml version="1.0" encoding="{declared}"?><xisf version="1.0" xmlns="http://www.pixinsight.com/xisf">'
        f'<Image geometry="80:64:1" sampleFormat="UInt16" location="attachment:8192:{len(raw)}" {image}>{inside}'
        f"</Image><Metadata>{metadata}</Metadata></xisf>"
    ).encode(coding)
    return (b"XISF0100" + len(text).to_bytes(4, "little") + bytes(4) + text).ljust(8192, b"\0") + raw


def opened(tmp_path, arrive, content: bytes):
    path = tmp_path / "x.xisf"
    path.write_bytes(content)
    return Reader().open(arrive(path)).meta


def prop(name: str, value: str, kind: str = "String") -> str:
    return f'<Property id="{name}" type="{kind}">{value}</Property>'


def scalar(name: str, value: str, kind: str = "Float32") -> str:
    return f'<Property id="{name}" type="{kind}" value="{value}"/>'


def test_properties_alone(tmp_path, arrive) -> None:
    inside = "".join([
        scalar("Observation:Time:Start", "2024-03-01T22:00:00.5Z", "TimePoint"),
        scalar("Instrument:ExposureTime", "60"),
        prop("Instrument:Filter:Name", "Hα 7nm"), prop("Observation:Object:Name", "σ Octantis"),
        scalar("Observation:Object:RA", "317.2"), scalar("Observation:Object:Dec", "-88.95"),
        prop("Instrument:Camera:Name", "ASI2600"), scalar("Instrument:Camera:XBinning", "2", "Int32"),
        scalar("Instrument:Sensor:XPixelSize", "7.52"), scalar("Instrument:Sensor:Temperature", "-10"),
        prop("Instrument:Telescope:Name", "Takahashi µ250"), scalar("Instrument:Telescope:FocalLength", "2.5"),
        scalar("Observation:Location:Latitude", "48.1"), scalar("Instrument:Camera:Gain", "0.25"),
    ])  # fmt: skip
    made = prop("XISF:CreatorApplication", "N.I.N.A. 3.1")
    frame_meta = opened(tmp_path, arrive, xisf_file(inside, made, image='imageType="Light"'))
    assert frame_meta.date_obs_utc == datetime(2024, 3, 1, 22, 0, 0, 500_000, tzinfo=UTC)
    assert (frame_meta.exposure_s, frame_meta.filter, frame_meta.target, frame_meta.kind) == (
        60.0,
        "Hα 7nm",
        "σ Octantis",
        "light",
    )
    assert (frame_meta.ra_deg, frame_meta.dec_deg, frame_meta.site_lat_deg, frame_meta.e_per_adu) == (
        317.2,
        -88.95,
        48.1,
        0.25,
    )
    assert (frame_meta.camera, frame_meta.telescope, frame_meta.program) == ("ASI2600", "Takahashi µ250", "N.I.N.A.")
    assert (frame_meta.binning, frame_meta.pixel_um, frame_meta.focal_mm, frame_meta.sensor_temp_c) == (
        2,
        7.52,
        2500.0,
        -10.0,
    )
    assert frame_meta.notes == ()


def test_keywords_count_before_properties(tmp_path, arrive) -> None:
    inside = '<FITSKeyword name="EXPTIME" value="30" comment="s"/>' + scalar("Instrument:ExposureTime", "60")
    assert opened(tmp_path, arrive, xisf_file(inside)).exposure_s == 30.0


def test_values_without_quotes(tmp_path, arrive) -> None:
    values = {"DATE-OBS": "2024-03-01T22:00:00", "FILTER": "Ha/OIII", "OBJECT": "Barnard's Star", "IMAGETYP": "LIGHT",
              "EXPTIME": "60.", "CCD-TEMP": "-10.0"}  # fmt: skip
    inside = "".join(f'<FITSKeyword name="{k}" value="{v}" comment="a / b"/>' for k, v in values.items())
    frame_meta = opened(tmp_path, arrive, xisf_file(inside))
    assert frame_meta.date_obs_utc == datetime(2024, 3, 1, 22, 0, tzinfo=UTC)
    assert (frame_meta.filter, frame_meta.target, frame_meta.kind) == ("Ha/OIII", "Barnard's Star", "light")
    assert (frame_meta.exposure_s, frame_meta.sensor_temp_c) == (60.0, -10.0)


@pytest.mark.parametrize("name", ["Café nebula", "Schärfe µ", "Ünterwegs °C"])
@pytest.mark.parametrize(("coding", "declared"), [("utf-8", "UTF-8"), ("latin-1", "UTF-8"), ("latin-1", "ISO-8859-1")])
def test_text_is_the_same_as_in_fits(tmp_path, arrive, name: str, coding: str, declared: str) -> None:
    keyword = f'<FITSKeyword name="OBJECT" value="\'{name}\'" comment=""/>'
    ours = opened(tmp_path, arrive, xisf_file(keyword, coding=coding, declared=declared)).target
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(PIXELS, fits.Header({"OBJECT": "@" * 20})).writeto(path)
    path.write_bytes(path.read_bytes().replace(b"@" * 20, name.encode(coding).ljust(20)))
    assert ours == Reader().open(arrive(path)).meta.target == name


@pytest.mark.parametrize(
    ("image", "metadata", "kind"),
    [
        ('imageType="MasterLight"', "", "product"), ('imageType="DefectMap"', "", "defect_map"),
        ('imageType="Flat"', "", "flat"), ('imageType="RejectionMapHigh"', "", "defect_map"),
        ("", prop("XISF:CreatorApplication", "PixInsight 1.9.3"), "product"),
        ("", prop("XISF:CreatorModule", "ImageCalibration module version 1.9.9"), "product"),
        ("", prop("XISF:CreatorApplication", "INDIGO 2.0-300"), "light"),
    ],
)  # fmt: skip
def test_marks_of_the_file(tmp_path, arrive, image: str, metadata: str, kind: str) -> None:
    light = "<FITSKeyword name=\"IMAGETYP\" value=\"'LIGHT'\" comment=''/>"
    keywords = light if "imageType" not in image or kind == "product" else ""
    assert opened(tmp_path, arrive, xisf_file(keywords, metadata, image=image)).kind == kind


def test_history_and_pedestal(tmp_path, arrive) -> None:
    inside = (
        "<FITSKeyword name='HISTORY' value='' comment='Dark Subtraction'/><FITSKeyword name='X' value='' comment=''/>"
    )
    assert opened(tmp_path, arrive, xisf_file(inside)).pedestal_adu == 0.0
    assert opened(tmp_path, arrive, xisf_file("", image='offset="100"')).pedestal_adu == 100.0


@pytest.mark.timeout(30)
def test_megabytes_of_text_cost_no_time(tmp_path, arrive) -> None:
    long = {
        "DATE-OBS": " _" * 100_000, "EXPTIME": "1" * 100_000, "CCDSUM": "2 " * 50_000, "OBJECT": "flat" * 50_000,
        "HISTORY": "flat dark bias " * 30_000, "CALSTAT": "B" * 50_000, "BIASSEC": "[ " * 50_000,
    }  # fmt: skip
    inside = "".join(f'<FITSKeyword name="{k}" value="{v}" comment="{v}"/>' for k, v in long.items())
    raw = PIXELS.astype("<u2").tobytes()
    text = (
        f'<xisf version="1.0"><Image geometry="80:64:1" sampleFormat="UInt16" location="attachment:4190000:{len(raw)}">'
        f"{inside}</Image></xisf>"
    ).encode()
    content = (b"XISF0100" + len(text).to_bytes(4, "little") + bytes(4) + text).ljust(4_190_000, b"\0") + raw
    frame_meta = opened(tmp_path, arrive, content)
    assert frame_meta.date_obs_utc is None
    assert len(frame_meta.notes) <= 20
