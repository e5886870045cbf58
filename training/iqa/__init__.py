"""The quality model: simulated rigs, self-organising map, dual-input network, calibration, export, scores."""
