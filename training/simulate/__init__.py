"""Makes frames with truth for training and evaluation: rigs, skies, faults, and what each pixel and star really is."""

from training.simulate.conditions import Condition, draw_condition
from training.simulate.labels import AMBIGUOUS, Labels, Strengths, classify
from training.simulate.motion import Motion
from training.simulate.nights import simulate_night
from training.simulate.priors import draw_rig, rig_from_seed
from training.simulate.render import STAR_DTYPE, SimFrame, render
from training.simulate.rigs import Rig, rig_split
from training.simulate.sky import StarField, draw_field
from training.simulate.write import write_light, write_truth

__all__ = [
    "AMBIGUOUS",
    "STAR_DTYPE",
    "Condition",
    "Labels",
    "Motion",
    "Rig",
    "SimFrame",
    "StarField",
    "Strengths",
    "classify",
    "draw_condition",
    "draw_field",
    "draw_rig",
    "render",
    "rig_from_seed",
    "rig_split",
    "simulate_night",
    "write_light",
    "write_truth",
]
