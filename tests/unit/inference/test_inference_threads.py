"""A verdict must not depend on how many cores a worker has."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.inference import open_model, source_part_of


@pytest.mark.parametrize("name", ["star-unet", "quality", source_part_of("quality")])
def test_a_model_returns_the_same_bits_with_any_number_of_threads(name: str) -> None:
    models = [open_model(name, provider="cpu", threads=threads) for threads in (1, 2, 5)]
    chance = np.random.default_rng(20261128)
    inputs = {}
    for spec in models[0].card.inputs:
        shape = tuple(size if isinstance(size, int) else 1 for size in spec.example or spec.shape)
        values = chance.standard_normal(shape)
        inputs[spec.name] = (values > 0.0 if spec.name == "valid" else 20.0 * values).astype(spec.dtype)
    first, *others = [model.run(inputs) for model in models]
    for other in others:
        assert all(np.array_equal(first[key], other[key], equal_nan=True) for key in first)
