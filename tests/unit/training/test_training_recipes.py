"""Values of a recipe that are given on the command line."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from training.recipes import with_changes


@dataclass(frozen=True)
class Recipe:
    epochs: int = 3
    rate: float = 0.1
    parts: str = "both"


def test_values_take_the_type_of_the_present_ones() -> None:
    assert with_changes(Recipe(), ["epochs=5", "rate=2e-3", "parts=image"]) == Recipe(5, 2e-3, "image")
    assert with_changes(Recipe(epochs=7), []) == Recipe(epochs=7)


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no value 'epoch'; it has epochs, rate, parts"):
        with_changes(Recipe(), ["epoch=5"])
