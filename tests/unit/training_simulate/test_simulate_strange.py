"""Pictures of what is no night sky."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
from training.simulate.strange import KINDS, SHAPE, strange_frame


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_picture_of_its_seed(kind: str) -> None:
    first, again, other = strange_frame(kind, 1), strange_frame(kind, 1), strange_frame(kind, 2)
    assert first.shape == SHAPE
    assert first.dtype == np.uint16
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.2


def test_kinds_differ() -> None:
    assert np.std(strange_frame("moon", 3).astype(float)) > 20 * np.std(strange_frame("noise", 3).astype(float))
    assert np.median(strange_frame("flat", 3)) > 5000 > np.median(strange_frame("dark", 3))
