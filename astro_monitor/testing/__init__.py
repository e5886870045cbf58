"""For tests, ours and those of plugin authors: a daemon in a thread, a camera, workers that misbehave.

Never imported at run time: it is the top layer.
"""
