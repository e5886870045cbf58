"""Open a trained model with its card, check it, choose where it runs, warm it up, run it.

The only door to onnxruntime.
"""

from .card import Card, TensorSpec, seal
from .model import IDENTITY_DIGITS, Model, open_model, verify_model
from .store import list_models, source_part_of

__all__ = [
    "IDENTITY_DIGITS",
    "Card",
    "Model",
    "TensorSpec",
    "list_models",
    "open_model",
    "seal",
    "source_part_of",
    "verify_model",
]
