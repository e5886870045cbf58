"""The network: a U-shape that never works at full resolution.

A 4 × 4 convolution with stride 4 turns 16 pixels into 16 channels, so nothing is lost, and everything after it is 16
times smaller than the frame. That is what makes mapping a whole frame as cheap as a classical source extractor.

At the bottom every place learns what its surroundings look like on the average: whether a source one pixel wide is a
star or a hot pixel depends on how wide the others are.

Shapes below are for an input of (batch, H, W, 1); H and W are multiples of 32.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers

from astro_monitor.detect.peaks import CHANNELS
from astro_monitor.detect.tiles import CELL_PX
from astro_monitor.detect.unet import INPUT, OUTPUT

SURROUNDINGS_CELLS = 9
"""Side of the square of 1/32 cells that is averaged: 288 pixels."""


def build(stem: int = 16, wide: int = 32) -> keras.Model:
    """The star U-Net.

    Parameters:
        stem: channels at a quarter of the resolution.
        wide: channels below.

    Returns:
        A model with one output, (batch, H/4, W/4, 8): the channels of ``CHANNELS``, all without a final activation.
    """
    pixels = keras.Input((None, None, 1), name=INPUT)
    x = _conv(pixels, stem, kernel=CELL_PX, stride=CELL_PX)  # 1/4
    quarter = _separable(_separable(x, stem), stem)
    eighth = _conv(quarter, wide, stride=2)  # 1/8
    sixteenth = _conv(_conv(eighth, wide, stride=2), wide)  # 1/16
    x = _conv(_conv(sixteenth, wide, stride=2), wide)  # 1/32: far enough to tell a trail from a row of stars
    x = _add(layers.AveragePooling2D(SURROUNDINGS_CELLS, 1, "same")(x), x)
    x = _conv(_add(sixteenth, Double()(x)), wide)
    x = _add(eighth, Double()(x))
    x = _add(quarter, Double()(_conv(x, stem, kernel=1, active=False)))
    # Rare things start out improbable, else the first steps only learn that the sky is dark.
    # One convolution for all maps, and no sigmoid or softmax in the graph: who reads the maps needs those in few cells.
    start = keras.initializers.Constant([-4.0, 0.0, 0.0, -4.0, -4.0, 0.0, 0.0, 0.0])
    maps = layers.Conv2D(len(CHANNELS), 1, bias_initializer=start, name=OUTPUT)(x)
    return keras.Model(pixels, maps, name="star-unet")


@keras.saving.register_keras_serializable("star-unet")
class Double(layers.Layer):
    """Twice the height and width by repeating; becomes one cheap node, unlike Keras' own layer."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(batch, h, w, c) to (batch, 2h, 2w, c)."""
        size = tf.shape(x)
        return tf.image.resize(x, (size[1] * 2, size[2] * 2), method="nearest")

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Height and width stay free."""
        return (shape[0], None, None, shape[3])


def _conv(
    x: keras.KerasTensor, channels: int, kernel: int = 3, stride: int = 1, *, active: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, stride, "same", use_bias=False, kernel_initializer="he_normal")(x)
    # The exporter folds the normalisation into the convolution: it costs nothing at run time.
    x = layers.BatchNormalization(momentum=0.98)(x)
    return layers.ReLU()(x) if active else x


def _separable(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """Each channel over its neighbourhood, then all channels of a cell: a third of the time of doing both at once."""
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.98)(x))
    return _conv(x, channels, kernel=1)


def _add(skip: keras.KerasTensor, x: keras.KerasTensor) -> keras.KerasTensor:
    """Bring in what another place of the U knows. Adding is cheaper than joining channels: it becomes part of the
    convolution."""
    return layers.ReLU()(layers.Add()([_conv(skip, x.shape[-1], kernel=1, active=False), x]))
