"""The star finder beside others: the figures, and that all of them see the same frames."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytest.importorskip("photutils", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from training.unet.command import DEFAULT_MODELS  # noqa: E402
from training.unet.rivals import FIELDS, FINDERS, SNR_EDGES, Count, compare, draw_kind, markdown, summary  # noqa: E402

BINS = len(SNR_EDGES) - 1


def count(shares: list[float], sources: int = 100, false: int = 0) -> Count:
    found = np.array([round(share * sources) for share in shares])
    total = int(found.sum())
    return Count(np.full(BINS, sources), found, total + false, total)


def test_completeness_is_reached_between_two_bins():
    shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 1.0, 1.0, 1.0, 1.0]
    reached = count(shares).complete_from_snr
    below, above = math.sqrt(8 * 10), math.sqrt(10 * 14)
    assert reached == pytest.approx(math.sqrt(below * above))


def test_completeness_that_is_lost_again_among_bright_ones_is_never_reached():
    assert math.isinf(count([1.0] * (BINS - 1) + [0.5]).complete_from_snr)
    assert count([1.0] * BINS).complete_from_snr == pytest.approx(math.sqrt(3 * 4))


def test_every_false_detection_counts_against_the_faint_ones():
    clean, dirty = count([0.5] * BINS), count([0.5] * BINS, false=300)
    assert clean.product == pytest.approx(0.5)
    assert dirty.product == pytest.approx(0.25)
    assert dirty.purity == pytest.approx(500 / 800)


@pytest.mark.parametrize("kind", FIELDS)
def test_each_kind_of_field_is_what_it_says(kind):
    frame = draw_kind(kind, "test", 5)
    label = frame.labels.label
    assert ("tracking" in label) == (kind == "trailed")
    assert (label == "bad_seeing") == (kind == "blurred")
    assert not frame.streaks
    packed = np.count_nonzero(frame.stars["snr"] >= 5) * (15 * frame.rig.f0_px) ** 2 / frame.pixels.size
    if kind in ("clean", "crowded"):
        assert (packed > 0.9) == (kind == "crowded")


def test_settings_are_chosen_on_one_set_and_reported_on_the_other():
    chosen = {
        finder: {kind: {"a": count([0.9] * BINS), "b": count([0.5] * BINS)} for kind in FIELDS} for finder in FINDERS
    }
    shown = {
        finder: {kind: {"a": count([0.4] * BINS), "b": count([1.0] * BINS)} for kind in FIELDS} for finder in FINDERS
    }
    table = summary(chosen, shown)
    assert table["clean"]["sep"]["best_setting"] == "a"
    assert table["clean"]["sep"]["completeness_snr_3_10"] == pytest.approx(0.4)
    assert table["clean"]["sep"]["snr_at_90_percent"] is None
    assert "| clean | sep | 0.400 | 1.000 | 0.400 |" in markdown(table)


def test_all_finders_are_counted_on_the_same_sources():
    total = compare(DEFAULT_MODELS, "test", 1, 31, workers=1)
    for kind in FIELDS:
        sources = {tuple(c.sources) for finder in FINDERS for c in total[finder][kind].values()}
        assert len(sources) == 1
    assert any(c.found.sum() for c in total["star-unet"]["clean"].values())
