"""Print a line for each judged frame and each warning. Needs ``pip install pyzmq`` and nothing of astro-monitor."""

import json
import sys

import zmq

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556")
socket.subscribe("am1/frame/judged/")  # topics match by their beginning
socket.subscribe("am1/alert/")
while True:
    topic, data = socket.recv_multipart()
    document = json.loads(data)
    body = document["body"]
    text = body["sentence"] if "alert_id" in body else f"{body['decision']} {body['class']} {body['file']}"
    safe = "".join(one if one.isprintable() else "?" for one in text)  # a file name may hold escape sequences
    print(document["kind"], safe, flush=True)  # noqa: T201
