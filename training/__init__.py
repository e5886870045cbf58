"""Produces the models that astro-monitor ships; runs from a checkout, never part of the wheel."""
