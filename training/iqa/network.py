"""The networks: sources to groups (no weights to learn), and the dual-input network behind them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH, STAMP_PX
from astro_monitor.grade.statistics import STATISTICS_LENGTH
from astro_monitor.records import CAUSES, CLASSES, FAULTS
from training.iqa.grouping import CLUSTERS, STAMP_LENGTH, SourceMap

MEMBERS = 8
"""So many members nearest to the centre of a cluster are averaged in its tile of the representative image."""

TILES = CLUSTERS + 1

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


def head_model(mean: Any, deviation: Any, *, parts: str = "both", dropout: float = 0.25) -> keras.Model:
    """The dual-input network, from representative image and statistics to logits.

    Parameters:
        mean, deviation: (``STATISTICS_LENGTH``,) of the training statistics.
        parts: ``both``, or ``image`` or ``statistics`` alone for the ablation.
        dropout: before the last common layer.
    """
    image = keras.Input((TILES, STAMP_PX, STAMP_PX), name="image")
    mask = keras.Input((TILES,), name="mask")
    histogram = keras.Input((CLUSTERS,), name="histogram")
    statistics = keras.Input((STATISTICS_LENGTH,), name="statistics")
    decay = keras.regularizers.L2(1e-5)

    tile = keras.Sequential(
        [
            keras.Input((STAMP_PX, STAMP_PX, 1)),
            layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(24, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(24, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
        ],
        name="tile",
    )
    tiles = tile(ops.reshape(image, (-1, STAMP_PX, STAMP_PX, 1)))
    tiles = ops.reshape(tiles, (-1, TILES, 16)) * mask[..., None]
    seen = layers.Concatenate()([layers.Flatten()(tiles), mask, ops.sqrt(histogram)])
    seen = layers.Dropout(dropout)(seen)
    seen = layers.Dense(64, activation="relu", kernel_regularizer=decay)(seen)

    numbers = (statistics - mean) / deviation
    numbers = ops.clip(numbers, -6.0, 6.0)
    numbers = layers.Dropout(0.5 * dropout)(numbers)
    numbers = layers.Dense(192, activation="relu", kernel_regularizer=decay)(numbers)
    numbers = layers.Dropout(dropout)(numbers)
    numbers = layers.Dense(96, activation="relu", kernel_regularizer=decay)(numbers)

    both = {"both": [seen, numbers], "image": [seen, seen], "statistics": [numbers, numbers]}[parts]
    common = layers.Concatenate()(both)
    common = layers.Dropout(dropout)(common)
    common = layers.Dense(96, activation="relu", kernel_regularizer=decay)(common)
    outputs = {
        "class_logits": layers.Dense(len(CLASSES), name="class_logits")(common),
        "fault_logits": layers.Dense(len(FAULTS), name="fault_logits")(common),
        "cause_logits": layers.Dense(len(CAUSES), name="cause_logits")(common),
    }
    return keras.Model([image, mask, histogram, statistics], outputs)


def whole_model(source_map: SourceMap, heads: list[keras.Model], temperatures: dict[str, float]) -> keras.Model:
    """The shipped chain: sources and statistics in, calibrated probabilities and quantisation error out.

    Parameters:
        heads: networks trained with different seeds; their logits are averaged.
        temperatures: for ``class``, ``fault`` and ``cause``; logits are divided by them.
    """
    rows = keras.Input((MOST_SOURCES, SOURCE_LENGTH), name="sources")
    valid = keras.Input((MOST_SOURCES,), name="valid")
    statistics = keras.Input((STATISTICS_LENGTH,), name="statistics")
    image, mask, histogram, error = Grouping(source_map, name="grouping")(rows, valid)
    answers = [head([image, mask, histogram, statistics]) for head in heads]

    def mean(name: str) -> Any:
        return sum(answer[f"{name}_logits"] for answer in answers) / (len(answers) * temperatures[name])

    outputs = {
        "class": layers.Activation("softmax", name="class")(mean("class")),
        "fault": layers.Activation("sigmoid", name="fault")(mean("fault")),
        "cause": layers.Activation("softmax", name="cause")(mean("cause")),
        "quantisation_error": layers.Activation("linear", name="quantisation_error")(error),
        "clusters": layers.Activation("linear", name="clusters")(histogram),
    }
    return keras.Model([rows, valid, statistics], outputs)
