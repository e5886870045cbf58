"""Tools for tests, also of plugin authors: a daemon in a thread, a camera, workers that misbehave.

It is the top layer, and never imported at run time.
"""
