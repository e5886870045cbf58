"""The networks: of the head, of the source part, and what mirrors leave as it is."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH
from astro_monitor.grade.statistics import STATISTICS_LENGTH

pytest.importorskip("keras", reason="needs the 'train' extra")
pytestmark = [pytest.mark.training, pytest.mark.slow]


@pytest.fixture(scope="module")
def source_map():
    from training.iqa.grouping import CLUSTERS, SourceMap

    rng = np.random.default_rng(3)
    codebook = rng.normal(0, 1, (225, SOURCE_LENGTH)).astype(np.float32)
    of_unit = rng.permutation(np.arange(225) % CLUSTERS)
    centres = np.stack([codebook[of_unit == number].mean(axis=0) for number in range(CLUSTERS)])
    return SourceMap(
        scale=rng.uniform(0.5, 2, SOURCE_LENGTH).astype(np.float32),
        offset=rng.normal(0, 0.1, SOURCE_LENGTH).astype(np.float32),
        codebook=codebook,
        cluster_of_unit=of_unit,
        centres=centres.astype(np.float32),
        quantisation_error=1.0,
        topographic_error=0.1,
    )


@pytest.mark.filterwarnings("ignore")
def test_grouping_is_nearest_unit_and_mean_of_nearest_members(source_map):
    from training.iqa.grouping import CLUSTERS, STAMP_LENGTH
    from training.iqa.source_part import MEMBERS, Grouping

    rng = np.random.default_rng(4)
    rows = np.zeros((2, MOST_SOURCES, SOURCE_LENGTH), np.float32)
    used = 90
    rows[0, :used] = rng.normal(0, 1, (used, SOURCE_LENGTH))
    valid = np.zeros((2, MOST_SOURCES), np.float32)
    valid[0, :used] = 1
    image, mask, histogram, error = (np.asarray(part) for part in Grouping(source_map)(rows, valid))

    scaled = rows[0, :used].astype(np.float64) * source_map.scale + source_map.offset
    distance = ((scaled[:, None] - source_map.codebook[None].astype(np.float64)) ** 2).sum(axis=2)
    cluster = source_map.cluster_of_unit[distance.argmin(axis=1)]
    for number in range(CLUSTERS):
        members = np.flatnonzero(cluster == number)
        assert histogram[0, number] == pytest.approx(len(members) / used, abs=1e-6)
        assert mask[0, number] == (len(members) > 0)
        if len(members):
            far = ((scaled[members] - source_map.centres[number]) ** 2).sum(axis=1)
            nearest = members[np.argsort(far)[:MEMBERS]]
            wanted = rows[0, nearest, :STAMP_LENGTH].mean(axis=0)
            np.testing.assert_allclose(image[0, number].ravel(), wanted, atol=1e-5)
    np.testing.assert_allclose(image[0, CLUSTERS].ravel(), rows[0, :used, :STAMP_LENGTH].mean(axis=0), atol=1e-5)
    assert error[0, 0] == pytest.approx(np.sqrt(distance.min(axis=1)).mean(), rel=1e-4)
    # The second frame has no sources.
    assert not image[1].any()
    assert not mask[1].any()
    assert not histogram[1].any()
    assert not error[1].any()


def batch(count: int) -> dict[str, np.ndarray]:
    """Return random inputs of the head."""
    rng = np.random.default_rng(count)
    shapes = {"statistics": (STATISTICS_LENGTH,), "clusters": (20,), "quantisation_error": (1,),
              "profiles": (25, 25, 3), "field": (9, 13, 13), "sky": (6, 8, 3), "features": (256,)}  # fmt: skip
    return {name: rng.random((count, *shape), np.float32) for name, shape in shapes.items()}


@pytest.mark.filterwarnings("ignore")
def test_a_side_that_is_left_out_changes_nothing():
    from training.iqa.network import head_model

    head = head_model(np.zeros(STATISTICS_LENGTH), np.ones(STATISTICS_LENGTH), parts=("statistics", "profile"))
    inputs = batch(3)
    before = np.asarray(head(inputs, training=False)["class"])
    assert before.shape == (3, 5)
    unseen = {name: np.zeros_like(inputs[name]) for name in ("clusters", "field", "sky", "features")}
    unseen["profiles"] = inputs["profiles"] * np.array([1, 1, 0], np.float32)
    assert np.array_equal(np.asarray(head(inputs | unseen, training=False)["class"]), before)
    dark = {"profiles": np.zeros_like(inputs["profiles"])}
    assert not np.array_equal(np.asarray(head(inputs | dark, training=False)["class"]), before)


def test_pictures_are_mirrored_together():
    from training.iqa.train import mirrored

    inputs = batch(64)
    inputs["sky"] = np.broadcast_to(np.arange(8, dtype=np.float32)[None, None, :, None], (64, 6, 8, 3)).copy()
    columns = np.arange(25, dtype=np.float32)
    inputs["profiles"] = np.broadcast_to(columns[None, None, :, None], (64, 25, 25, 3)).copy()
    tiles = np.arange(9).reshape(3, 3)[None, :, :, None, None] % 3
    inputs["field"] = np.broadcast_to(tiles.astype(np.float32), (64, 3, 3, 13, 13)).reshape(64, 9, 13, 13).copy()
    made = mirrored(inputs, np.random.default_rng(1))
    sideways = made["sky"][:, 0, 0, 0] == 7
    assert 10 < sideways.sum() < 54
    turned = made["profiles"][:, 0, 0, 0] != made["profiles"][:, -1, 0, 0]
    assert 10 < turned.sum() < 54
    upright = ~turned
    assert np.array_equal(made["profiles"][upright, 0, 0, 0] == 24, sideways[upright])
    assert np.array_equal(made["field"][upright, 0, 0, 0] == 2, sideways[upright])
    assert np.array_equal(made["statistics"], inputs["statistics"])
    assert inputs["sky"][0, 0, 0, 0] == 0
