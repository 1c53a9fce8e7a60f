"""An executor of a framework's own, as a program: python3 executor.py. It subscribes with its agent and does as the messages and
the tasks say; what it gets goes to its standard output, a line each.

A task's `data` is what it does: "run" until it is killed, "finish", "fail", "quit" (the process ends with status 3), "deaf" (it
runs, and KILL changes nothing). A message is sent back, with "echo " before it; "exit" ends the process with status 0."""
import base64
import http.client
import json
import os
import sys
import time
import uuid

HOST, PORT = os.environ["MESOS_AGENT_ENDPOINT"].split(":")
PATH = "/" + os.environ["MESOS_SLAVE_PID"].partition("@")[0] + "/api/v1/executor"
IDS = {"framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
       "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]}}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def post(kind, **body):
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=60)
    connection.request("POST", PATH, json.dumps({"type": kind, **IDS, kind.lower(): body}), JSON)
    return connection.getresponse()


def update(task, state, **fields):
    status = {"task_id": task, "state": state, "source": "SOURCE_EXECUTOR", "timestamp": time.time(),
              "uuid": base64.b64encode(uuid.uuid4().bytes).decode(), "executor_id": IDS["executor_id"], **fields}
    answer = post("UPDATE", status=status)
    print("UPDATE", state, answer.status, answer.read().decode(), flush=True)


def launch(task):
    what = base64.b64decode(task.get("data", "")).decode()
    update(task["task_id"], "TASK_RUNNING", data=base64.b64encode(b"it runs").decode(),
           labels={"labels": [{"key": "of", "value": "mine"}]}, message="here it is")
    if what == "quit":
        os._exit(3)
    if what in ("finish", "fail"):
        update(task["task_id"], {"finish": "TASK_FINISHED", "fail": "TASK_FAILED"}[what], message=what)
        return
    running[task["task_id"]["value"]] = what


def records(answer):
    buffer = b""
    while data := answer.read1(65536):
        buffer += data
        while True:
            line, newline, rest = buffer.partition(b"\n")
            if not newline or len(rest) < int(line):
                break
            yield json.loads(rest[:int(line)])
            buffer = rest[int(line):]


running = {}
stream = post("SUBSCRIBE", unacknowledged_tasks=[], unacknowledged_updates=[])
print("SUBSCRIBE", stream.status, flush=True)
for event in records(stream):
    print(json.dumps(event), flush=True)
    if event["type"] == "LAUNCH":
        launch(event["launch"]["task"])
    elif event["type"] == "KILL" and running.get(event["kill"]["task_id"]["value"]) == "run":
        del running[event["kill"]["task_id"]["value"]]
        update(event["kill"]["task_id"], "TASK_KILLED")
    elif event["type"] == "MESSAGE":
        data = base64.b64decode(event["message"]["data"])
        if data == b"exit":
            sys.exit(0)
        post("MESSAGE", data=base64.b64encode(b"echo " + data).decode()).read()
    elif event["type"] == "SHUTDOWN":
        if "deaf" in running.values():
            continue
        for name in running:
            update({"value": name}, "TASK_KILLED")
        sys.exit(0)
