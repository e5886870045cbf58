"""The chain from sources to probabilities, against the same steps written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH

pytest.importorskip("keras", reason="needs the 'train' extra")
pytest.importorskip("galsim", reason="needs the 'train' extra")
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
    from training.iqa.network import MEMBERS, grouping_model

    rng = np.random.default_rng(4)
    rows = np.zeros((1, MOST_SOURCES, SOURCE_LENGTH), np.float32)
    used = 90
    rows[0, :used] = rng.normal(0, 1, (used, SOURCE_LENGTH))
    valid = (np.arange(MOST_SOURCES) < used).astype(np.float32)[None]
    image, mask, histogram, error = (np.asarray(part) for part in grouping_model(source_map)([rows, valid]))

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


@pytest.mark.filterwarnings("ignore")
def test_a_frame_without_sources_is_all_masked(source_map):
    from training.iqa.network import grouping_model

    rows = np.zeros((1, MOST_SOURCES, SOURCE_LENGTH), np.float32)
    valid = np.zeros((1, MOST_SOURCES), np.float32)
    image, mask, histogram, error = (np.asarray(part) for part in grouping_model(source_map)([rows, valid]))
    assert not image.any()
    assert not mask.any()
    assert not histogram.any()
    assert not error.any()


@pytest.mark.filterwarnings("ignore")
def test_training_goes_on_from_networks_that_are_there(tmp_path):
    import io

    import keras

    from astro_monitor.grade.statistics import STATISTICS_LENGTH
    from training.iqa.grouping import CLUSTERS
    from training.iqa.network import TILES, head_model
    from training.iqa.train import Examples, Recipe, _train_one

    rng = np.random.default_rng(5)
    data = Examples(
        image=rng.random((8, TILES, 25, 25)).astype(np.float16), mask=np.ones((8, TILES), np.float32),
        histogram=np.full((8, CLUSTERS), 1 / CLUSTERS, np.float32), error=np.ones(8, np.float32),
        statistics=rng.random((8, 2, STATISTICS_LENGTH)).astype(np.float32), label=np.arange(8) % 5,
        faults=rng.integers(0, 2, (8, 3)).astype(np.float32), cause=np.zeros(8, np.int64), rig=np.arange(8),
    )  # fmt: skip
    before = head_model(np.full(STATISTICS_LENGTH, 0.5), np.ones(STATISTICS_LENGTH), parts="both", dropout=0.2)
    (tmp_path / "before").mkdir()
    before.save(tmp_path / "before" / "head-both-0.keras")
    recipe = Recipe(epochs=1, batch=8, learning_rate=1e-9, start=str(tmp_path / "before"))
    _train_one(recipe, 0, data, data, tmp_path / "head-both-0.keras", io.StringIO())
    after = keras.models.load_model(tmp_path / "head-both-0.keras")
    weights = [(old, new) for old, new in zip(before.trainable_weights, after.trainable_weights, strict=True)]
    assert all(np.allclose(np.asarray(old), np.asarray(new), atol=1e-5) for old, new in weights)
