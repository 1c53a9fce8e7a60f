#!/usr/bin/env python3
"""Launches a task on zmesosd and follows it to its end, in JSON. usage: hello.py [CONTROL [EVENTS_JSON]]"""
import json, sys, uuid, zmq

places = sys.argv[1:] + ["tcp://127.0.0.1:5560", "tcp://127.0.0.1:5563"][len(sys.argv) - 1:]
control, events, task = zmq.Context.instance().socket(zmq.REQ), zmq.Context.instance().socket(zmq.SUB), uuid.uuid4().hex
control.connect(places[0]), events.connect(places[1])
events.subscribe(f"task/{task}/")
events.subscribe("zmesos/HEARTBEAT")
events.recv_multipart()  # a heartbeat: from here on nothing is published unheard
control.send_json({"version": 1, "launch": {"tasks": [
    {"id": task, "cpus": 0.1, "mem": 32, "command": {"value": "echo hello"}}]}})
print(json.dumps(control.recv_json()))
state = "QUEUED"
while state not in ("FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"):
    topic, header, body = events.recv_multipart()
    if topic.startswith(b"task/"):
        state = json.loads(body)["state"]
        print(topic.decode(), json.loads(body).get("message", ""))
