"""The source part of the quality model: sources to groups of the map. It has no weights to learn.

The shipped one (0.6.0) ends in the image sides of that version's heads, which saw the representative image; the head of
today does not need them, and a source part made here ends in the middle of the mean image instead.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from astro_monitor.grade.grader import SOURCE_PREPROCESSING_VERSION
from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH, SOURCE_NUMBERS, STAMP_PX
from astro_monitor.inference import Card, source_part_of
from training.export import Arrays, from_keras, parity, ship
from training.iqa.grouping import CLUSTERS, STAMP_LENGTH, SourceMap

MEMBERS = 8
"""So many members nearest to the centre of a cluster are averaged in its tile of the representative image."""

TILES = CLUSTERS + 1
FEATURES_SIDE = 16
"""Side of the middle of the mean image that a new source part passes on."""
SUMMARY = (
    "Describes the sources of a frame for the quality model: a self-organising map (15 x 15, hexagonal, 20 clusters) "
    "groups them, and tells how far they are from its units. Needs no other frame, so it runs once for each frame; the "
    "head compares."
)

_FAR = 1e6


@keras.saving.register_keras_serializable("iqa")
class Grouping(layers.Layer):  # type: ignore[misc]  # keras has no types
    """Finds the best unit of the map for each source, and makes the representative image.

    Outputs: the image (21, 25, 25): one tile for each cluster and one for all sources together; a mask (21) of tiles
    that have members; the histogram (20) of members over all sources; and the mean quantisation error.
    """

    def __init__(self, source_map: SourceMap, **options: Any) -> None:
        super().__init__(trainable=False, **options)
        of_unit = np.eye(CLUSTERS, dtype=np.float32)[source_map.cluster_of_unit]
        self._scale = ops.convert_to_tensor(source_map.scale)
        self._offset = ops.convert_to_tensor(source_map.offset)
        self._units = ops.convert_to_tensor(np.ascontiguousarray(-2 * source_map.codebook.T))
        self._unit_norm = ops.convert_to_tensor((source_map.codebook**2).sum(axis=1))
        self._of_unit = ops.convert_to_tensor(of_unit)
        self._centres = ops.convert_to_tensor(np.ascontiguousarray(-2 * source_map.centres.T))
        self._centre_norm = ops.convert_to_tensor((source_map.centres**2).sum(axis=1))
        self._units_count = len(source_map.codebook)

    def call(self, rows: Any, valid: Any) -> tuple[Any, Any, Any, Any]:
        scaled = rows * self._scale + self._offset
        norm = ops.sum(ops.square(scaled), axis=-1)
        to_units = ops.matmul(scaled, self._units) + self._unit_norm
        best = tf.argmin(to_units, axis=-1)
        error = ops.sqrt(ops.maximum(ops.min(to_units, axis=-1) + norm, 0.0))
        member = ops.matmul(ops.one_hot(best, self._units_count), self._of_unit) * valid[..., None]
        to_centres = ops.matmul(scaled, self._centres) + self._centre_norm + norm[..., None]
        nearness = ops.transpose((member - 1.0) * _FAR - to_centres, (0, 2, 1))
        least = tf.math.top_k(nearness, MEMBERS).values[..., -1:]
        chosen = ops.cast(nearness >= ops.maximum(least, -0.5 * _FAR), "float32")
        share = chosen / ops.maximum(ops.sum(chosen, axis=-1, keepdims=True), 1.0)
        count = ops.sum(valid, axis=-1, keepdims=True)
        members = ops.sum(member, axis=1)
        everyone = (valid / ops.maximum(count, 1.0))[:, None, :]
        image = ops.matmul(ops.concatenate([share, everyone], axis=1), rows[..., :STAMP_LENGTH])
        mask = ops.cast(ops.concatenate([members, count], axis=1) > 0.5, "float32")
        return (
            ops.reshape(image, (-1, TILES, STAMP_PX, STAMP_PX)),
            mask,
            members / ops.maximum(count, 1.0),
            ops.sum(error * valid, axis=-1, keepdims=True) / ops.maximum(count, 1.0),
        )


def grouping_model(source_map: SourceMap) -> keras.Model:
    """Sources to representative image, mask, histogram and quantisation error."""
    rows = keras.Input((MOST_SOURCES, SOURCE_LENGTH), name="sources")
    valid = keras.Input((MOST_SOURCES,), name="valid")
    return keras.Model([rows, valid], Grouping(source_map, name="grouping")(rows, valid))


def source_part(source_map: SourceMap) -> keras.Model:
    """Build the source part: sources to the middle of their mean image, clusters and quantisation error."""
    rows = keras.Input((MOST_SOURCES, SOURCE_LENGTH), name="sources")
    valid = keras.Input((MOST_SOURCES,), name="valid")
    image, _, histogram, error = Grouping(source_map, name="grouping")(rows, valid)
    edge = (STAMP_PX - FEATURES_SIDE) // 2
    middle = image[:, -1, edge : edge + FEATURES_SIDE, edge : edge + FEATURES_SIDE]
    outputs = {
        "source_features": layers.Reshape((FEATURES_SIDE**2,), name="source_features")(middle),
        "quantisation_error": layers.Activation("linear", name="quantisation_error")(error),
        "clusters": layers.Activation("linear", name="clusters")(histogram),
    }
    return keras.Model([rows, valid], outputs)


def export_source_part(source_map: SourceMap, models: Path, version: str) -> Card:
    """Write a new source part with its card; a head that fits it has to be trained then.

    Parameters:
        source_map: the trained map.
        models: folder that it goes to.
        version: of the model.

    Raises:
        ModelError: the written model cannot be opened.
    """
    settings = ("vectors", "seed", "rough_epochs", "fine_epochs")
    network = source_part(source_map)
    proto = from_keras(network)

    def reference(inputs: Arrays) -> Arrays:
        """Return what the network itself says."""
        said = network([inputs["sources"], inputs["valid"]], training=False)
        return {name: np.asarray(value) for name, value in said.items()}

    return ship(
        proto,
        models,
        {"sources": (1, MOST_SOURCES, SOURCE_LENGTH), "valid": (1, MOST_SOURCES)},
        name=source_part_of("quality"),
        version=version,
        summary=SUMMARY,
        licence="BSD-3-Clause",
        preprocessing_version=SOURCE_PREPROCESSING_VERSION,
        parameters={
            "map": [15, 15],
            "clusters": CLUSTERS,
            "source_numbers": list(SOURCE_NUMBERS),
            "map_quantisation_error": source_map.quantisation_error,
            "map_topographic_error": source_map.topographic_error,
        },
        recipe={"map": {"with": "IntraSOM", **{name: getattr(source_map, name) for name in settings}}},
        data_manifest_sha256=hashlib.sha256(source_map.codebook.tobytes()).hexdigest(),
        parity_max_abs_diff=float(parity(reference, proto, [_random_inputs(count) for count in (0, 3, 128)]).max()),
    )


def _random_inputs(count: int) -> Arrays:
    """Return a table of ``count`` random sources."""
    rng = np.random.default_rng(count)
    rows, valid = np.zeros((1, MOST_SOURCES, SOURCE_LENGTH), np.float32), np.zeros((1, MOST_SOURCES), np.float32)
    rows[0, :count], valid[0, :count] = rng.normal(0, 0.5, (count, SOURCE_LENGTH)), 1
    return {"sources": rows, "valid": valid}
