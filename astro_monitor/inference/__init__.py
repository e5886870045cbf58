"""Trained models: open a model with its card, check it, select its provider, warm it up, run it.

Only this package imports onnxruntime.
"""

from .card import Card, TensorSpec, seal
from .model import IDENTITY_DIGITS, Model, identity_of, open_model, verify_model
from .store import list_models, source_part_of

__all__ = [
    "IDENTITY_DIGITS",
    "Card",
    "Model",
    "TensorSpec",
    "identity_of",
    "list_models",
    "open_model",
    "seal",
    "source_part_of",
    "verify_model",
]
