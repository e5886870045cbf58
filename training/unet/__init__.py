"""The star U-Net: targets from the simulator's truth, a pool of tiles, network, training, evaluation, export."""
