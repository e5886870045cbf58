"""Faults injected into real good frames: exact labels with the noise, the optics and the sky of a real telescope."""
