"""Open a trained model with its card, check it, choose where it runs, warm it up, run it.

The only door to onnxruntime.
"""

from .card import Card, TensorSpec, seal
from .model import Model, open_model, verify_model
from .store import list_models, source_part

__all__ = ["Card", "Model", "TensorSpec", "list_models", "open_model", "seal", "source_part", "verify_model"]
