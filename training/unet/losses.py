"""The loss: one number from the network's maps and the layers of the target."""

from __future__ import annotations

import tensorflow as tf

from astro_monitor.detect.peaks import CHANNELS, HEAT, STAR, STREAK
from training.unet.targets import LAYERS

HEAT_WEIGHT = 1.0
OFFSET_WEIGHT = 1.0
STAR_WEIGHT = 0.3
STREAK_WEIGHT = 1.0
KIND_WEIGHT = 0.5

FEW_SOURCES = 10.0
"""A tile with fewer sources than this counts less: it has less to teach."""

_AT = {name: place for place, name in enumerate(LAYERS)}
_DX = CHANNELS.index("dx")
_KIND = CHANNELS.index("kind_star")


def star_loss(wanted: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    """Weighted sum of the parts.

    Parameters:
        wanted: (batch, h, w, 9), the layers of ``LAYERS``.
        maps: (batch, h, w, 8), the channels of ``CHANNELS``.
    """
    parts = {name: wanted[..., place] for name, place in _AT.items()}
    valid = parts["valid"]
    return (
        HEAT_WEIGHT * focal(parts["heat"], maps[..., HEAT], parts["weight"] * valid)
        + OFFSET_WEIGHT * _offset(parts, maps[..., _DX : _DX + 2])
        + STAR_WEIGHT * bce_dice(parts["star"], maps[..., STAR], valid)
        + STREAK_WEIGHT * bce_dice(parts["streak"], maps[..., STREAK], valid)
        + KIND_WEIGHT * _kind(parts["kind"], maps[..., _KIND:])
    )


def focal(heat: tf.Tensor, logit: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Penalty-reduced focal loss of CenterNet (Zhou et al. 2019, arXiv:1904.07850), per source of each tile.

    Cells next to a source are punished less for being warm; cells that are already right hardly count. Each tile is
    taken by itself, so that a false star in a sparse field weighs more than one among thousands.
    """
    probability = tf.sigmoid(logit)
    centre = tf.cast(heat >= 0.999, tf.float32)
    found = centre * (1 - probability) ** 2 * tf.nn.softplus(-logit)
    false = (1 - centre) * (1 - heat) ** 4 * probability**2 * tf.nn.softplus(logit)
    per_tile = tf.reduce_sum(weight * (found + false), axis=[1, 2])
    return tf.reduce_mean(per_tile / (tf.reduce_sum(weight * centre, axis=[1, 2]) + FEW_SOURCES))


def bce_dice(mask: tf.Tensor, logit: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy plus soft Dice, the latter with squares in the denominator."""
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(mask, logit)
    probability = tf.sigmoid(logit) * valid
    both = tf.reduce_sum(probability * mask)
    size = tf.reduce_sum(probability**2) + tf.reduce_sum((mask * valid) ** 2)
    return tf.reduce_sum(entropy * valid) / (tf.reduce_sum(valid) + 1) + 1 - (2 * both + 1) / (size + 1)


def _offset(parts: dict[str, tf.Tensor], moved: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of the position, in cells, where a source is near."""
    error = tf.abs(moved[..., 0] - parts["dx"]) + tf.abs(moved[..., 1] - parts["dy"])
    weight = parts["offset_weight"]
    return tf.reduce_sum(error * weight) / (tf.reduce_sum(weight) + 1)


def _kind(kind: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy in the cells of sources; each kind weighs by the root of how rare it is in the batch."""
    there = tf.cast(kind >= 0, tf.float32)
    which = tf.cast(tf.maximum(kind, 0), tf.int32)
    one_hot = tf.one_hot(which, 3) * there[..., None]
    count = tf.reduce_sum(one_hot, axis=[0, 1, 2])
    rarity = tf.sqrt(tf.reduce_sum(count) / (count + 10.0))
    weight = tf.gather(rarity, which) * there
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(which, logits)
    return tf.reduce_sum(entropy * weight) / (tf.reduce_sum(weight) + 1)
