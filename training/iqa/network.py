"""The networks of the head: a frame next to its baseline to classes, and whether it is a night sky at all."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from astro_monitor.grade.alone import ALONE
from astro_monitor.grade.pictures import FIELD_SIDE, PROFILE_CHANNELS, PROFILE_SIDE
from astro_monitor.grade.skymaps import MAP_CHANNELS, MAP_COLUMNS, MAP_ROWS
from astro_monitor.grade.statistics import ALONE_LENGTH, STATISTICS_LENGTH
from astro_monitor.records import CAUSES, CLASSES, FAULTS
from training.iqa.targets import PHYSICAL

CLUSTERS, FEATURES, TILES = 20, 256, 9
"""Clusters of the map; numbers of the representative image; parts of the field with a profile of their own."""

PARTS = ("statistics", "map", "profile", "kernel", "field", "sky", "image")
"""Sides of the head that can be left out. ``image`` is the representative image, which the shipped head lacks."""
SHIPPED_PARTS = PARTS[:-1]

SITE_ROWS = tuple(place for place, name in enumerate(ALONE) if name.endswith(("_site", "_default")))
"""Places of the numbers that need a pixel scale or a setting: a header says nothing of what a picture shows."""

_LARGEST = 6.0
"""Standardised numbers are cut off here."""


def head_model(
    mean: Any, deviation: Any, *, parts: tuple[str, ...] = SHIPPED_PARTS, dropout: float = 0.2, name: str = "head"
) -> keras.Model:
    """Build one network, from what :class:`~astro_monitor.grade.inputs.HeadInputs` holds to logits.

    Parameters:
        mean, deviation: (``STATISTICS_LENGTH``,) of the training statistics.
        parts: sides of the network, some of ``PARTS``.
        dropout: before the last common layer.
        name: of the network.
    """
    inputs = _inputs()
    decay = keras.regularizers.L2(1e-5)
    sides = []
    if "statistics" in parts:
        numbers = ops.clip((inputs["statistics"] - mean) / deviation, -_LARGEST, _LARGEST)
        numbers = layers.Dropout(0.5 * dropout)(numbers)
        numbers = layers.Dense(192, activation="relu", kernel_regularizer=decay)(numbers)
        numbers = layers.Dropout(dropout)(numbers)
        sides.append(layers.Dense(96, activation="relu", kernel_regularizer=decay)(numbers))
    if "map" in parts:
        sides += [ops.sqrt(ops.maximum(inputs["clusters"], 0.0)), 0.1 * inputs["quantisation_error"]]
    if "profile" in parts or "kernel" in parts:
        sides.append(_profile_side(inputs["profiles"], kernel="kernel" in parts, profile="profile" in parts))
    if "field" in parts:
        sides.append(_field_side(inputs["field"]))
    if "sky" in parts:
        sky = layers.Conv2D(12, 3, padding="same", activation="relu")(inputs["sky"])
        sky = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(sky)
        sides.append(layers.Dense(24, activation="relu")(layers.Flatten()(sky)))
    if "image" in parts:
        sides.append(layers.Dense(48, activation="relu")(layers.Dropout(dropout)(inputs["features"])))
    common = layers.Concatenate()(sides) if len(sides) > 1 else sides[0]
    common = layers.Dropout(dropout)(common)
    common = layers.Dense(96, activation="relu", kernel_regularizer=decay)(common)
    sizes = {"class": len(CLASSES), "fault": len(FAULTS), "cause": len(CAUSES), "physical": len(PHYSICAL)}
    outputs = {key: layers.Dense(size, name=key)(common) for key, size in sizes.items()}
    return keras.Model(inputs, outputs, name=name)


def familiar_model(mean: Any, deviation: Any) -> keras.Model:
    """Build the network that tells night skies from other pictures, by what a frame is by itself: one logit.

    Parameters:
        mean, deviation: (``STATISTICS_LENGTH``,) of the training statistics.
    """
    inputs = _inputs()
    seen = np.ones(ALONE_LENGTH, np.float32)
    for place in SITE_ROWS:
        seen[[place, len(ALONE) + place]] = 0.0
    alone = (inputs["statistics"][:, :ALONE_LENGTH] - mean[:ALONE_LENGTH]) / deviation[:ALONE_LENGTH]
    alone = ops.clip(alone, -_LARGEST, _LARGEST) * seen
    sides = [alone, ops.sqrt(ops.maximum(inputs["clusters"], 0.0)), 0.3 * inputs["quantisation_error"]]
    common = layers.Dropout(0.1)(layers.Concatenate()(sides))
    common = layers.Dense(48, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4))(common)
    common = layers.Dropout(0.2)(common)
    common = layers.Dense(24, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4))(common)
    return keras.Model(inputs, layers.Dense(1, name="night")(common), name="night_sky")


def whole_model(
    heads: list[keras.Model], familiar: keras.Model, temperatures: dict[str, float], edge: float, scale: float
) -> keras.Model:
    """Build what ships: inputs of a frame, in the order of ``HeadInputs``, to calibrated probabilities.

    Parameters:
        heads: networks trained with different seeds; their logits are averaged.
        familiar: tells night skies from other pictures.
        temperatures: for ``class``, ``fault`` and ``cause``; logits are divided by them.
        edge, scale: logit of ``familiar`` that becomes 0.5, and by how much it is divided.
    """
    inputs = {name: tensor for name, tensor in _inputs().items() if name != "features"}
    nothing = ops.zeros((1, FEATURES)) * inputs["quantisation_error"]
    answers = [head(inputs | {"features": nothing}) for head in heads]

    def mean(name: str) -> Any:
        """Return the calibrated mean of a logit over the networks."""
        return sum(answer[name] for answer in answers) / (len(answers) * temperatures[name])

    night = (familiar(inputs | {"features": nothing}) - edge) / scale
    outputs = {
        "class": layers.Activation("softmax", name="class")(mean("class")),
        "fault": layers.Activation("sigmoid", name="fault")(mean("fault")),
        "cause": layers.Activation("softmax", name="cause")(mean("cause")),
        "familiar": layers.Activation("sigmoid", name="familiar")(night),
    }
    return keras.Model(list(inputs.values()), outputs)


def _inputs() -> dict[str, Any]:
    """Return the inputs of all networks, by name."""
    shapes: dict[str, tuple[int, ...]] = {
        "statistics": (STATISTICS_LENGTH,),
        "clusters": (CLUSTERS,),
        "quantisation_error": (1,),
        "profiles": (PROFILE_SIDE, PROFILE_SIDE, len(PROFILE_CHANNELS)),
        "field": (TILES, FIELD_SIDE, FIELD_SIDE),
        "sky": (MAP_ROWS, MAP_COLUMNS, len(MAP_CHANNELS)),
        "features": (FEATURES,),
    }
    return {name: keras.Input(shape, name=name) for name, shape in shapes.items()}


def _profile_side(profiles: Any, *, kernel: bool, profile: bool) -> Any:
    """Return what the profile now, the usual one, their difference and the kernel say."""
    now, usual, of_kernel = (profiles[..., place : place + 1] for place in range(len(PROFILE_CHANNELS)))
    known = ops.cast(ops.max(usual, axis=(1, 2, 3), keepdims=True) > 0, "float32")
    channels = [now, usual, (now - usual) * known] if profile else []
    seen = layers.Concatenate()([*channels, of_kernel]) if kernel and profile else of_kernel if kernel else None
    seen = layers.Concatenate()(channels) if seen is None else seen
    seen = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(seen)
    seen = layers.Conv2D(24, 3, strides=2, padding="same", activation="relu")(seen)
    seen = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(seen)
    return layers.Dense(40, activation="relu")(layers.Flatten()(seen))


def _field_side(field: Any) -> Any:
    """Return what the profiles in the parts of the field say, each looked at alike."""
    tile = keras.Sequential(
        [
            keras.Input((FIELD_SIDE, FIELD_SIDE, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
        ],
        name="tile",
    )
    tiles = tile(ops.reshape(field, (-1, FIELD_SIDE, FIELD_SIDE, 1)))
    return layers.Dense(24, activation="relu")(ops.reshape(tiles, (-1, TILES * 8)))
