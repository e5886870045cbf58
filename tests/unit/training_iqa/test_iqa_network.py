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
