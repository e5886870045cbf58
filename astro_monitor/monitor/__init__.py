"""The daemon: processes, threads, queues and the orderly stop. It never parses a frame."""

from .daemon import Monitor, check_root, lists_folder, rig_folder

__all__ = ["Monitor", "check_root", "lists_folder", "rig_folder"]
