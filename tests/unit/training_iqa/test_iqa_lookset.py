"""The file of one rig's looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.testing.looks import same, small_look

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from training.iqa.lookset import load_looks, store_looks  # noqa: E402

TRUTH = {"label": "good", "excess_f": 0.1}


def test_looks_are_read_back_as_they_were_but_for_the_pictures(tmp_path):
    look = small_look()
    store_looks(tmp_path / "train" / "1.looks", {"seed": 7, "f0_px": 2.5}, [(look, TRUTH), (look, TRUTH)])
    kept = load_looks(tmp_path / "train" / "1.looks")
    assert kept.rig == {"seed": 7, "f0_px": 2.5}
    assert [truth for _, truth in kept.frames] == [TRUTH, TRUTH]
    read = kept.frames[1][0]
    assert read.cutouts == ()
    assert not read.picture.pixels.size
    assert np.allclose(read.source_features.mean_image, look.source_features.mean_image, rtol=1e-3, atol=1e-6)
    restored = replace(
        read, cutouts=look.cutouts, picture=look.picture,
        source_features=replace(read.source_features, mean_image=look.source_features.mean_image),
    )  # fmt: skip
    assert same(restored, look)


def test_a_measurement_that_is_new_since_is_missing_with_a_reason(tmp_path):
    look = small_look()
    values = {key: value for key, value in look.measurements.values.items() if key != "fwhm_px"}
    store_looks(tmp_path / "1.looks", {}, [(replace(look, measurements=replace(look.measurements, values=values)), {})])
    ((read, _),) = load_looks(tmp_path / "1.looks").frames
    assert read.measurements.values["fwhm_px"] is None
    assert read.measurements.why_missing["fwhm_px"] == "not measured when the data were made"


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="no looks of a rig"):
        load_looks(tmp_path / "other")


def test_a_rig_that_cannot_be_made_is_left_out(tmp_path, monkeypatch, caplog):
    from training.iqa import lookset

    def fail(job):
        raise RuntimeError("no condition")

    monkeypatch.setattr(lookset, "_build", fail)
    path = tmp_path / "1.looks"
    assert lookset._built((path, "train", 1, None)) == (path, 0)
    assert "left out" in caplog.text
