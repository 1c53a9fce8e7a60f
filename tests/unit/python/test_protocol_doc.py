"""docs/protocol.md names all that a client can say or be told: what it leaves out is out of the contract."""

import re
from pathlib import Path

import pytest
from zmesos.messages import messages

DOC = (Path(__file__).resolve().parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"\w+", DOC))
ENUMS = {
    "Code": messages.Code,
    "TaskState": messages.TaskState,
    "EventClass": messages.EventClass,
    "RetryPolicy.Outcome": messages.RetryPolicy.Outcome,
    "Release.Action": messages.Release.Action,
    "Orphan.Action": messages.Orphan.Action,
    "Consumer.AfterTimeout": messages.Consumer.AfterTimeout,
    "UnconfirmedUpdate.Outcome": messages.UnconfirmedUpdate.Outcome,
    "Constraint.Operator": messages.Constraint.Operator,
    "Operation.State": messages.Operation.State,
}


@pytest.mark.parametrize("name", ENUMS)
def test_every_value_is_named(name):
    assert set(ENUMS[name].keys()) - WORDS == set()


@pytest.mark.parametrize("message", [messages.RetryPolicy, messages.TaskSpec, messages.Release, messages.Backup,
                                     messages.Teardown, messages.Suppress, messages.Revive, messages.ShutdownExecutor,
                                     messages.SendMessage, messages.Executor, messages.RequestResources,
                                     messages.ReconcileOperations, messages.ReconcileOperations.Operation,
                                     messages.TeardownReply, messages.UpdateFramework,
                                     messages.Consumer, messages.Confirm, messages.Confirm.Update,
                                     messages.Unconfirmed, messages.UnconfirmedUpdates,
                                     messages.UnconfirmedUpdate, messages.Snapshot, messages.Replay, messages.Tail,
                                     messages.SnapshotPage, messages.ReplayPage, messages.TailCount,
                                     messages.Operate, messages.OperationSpec, messages.GetOperations,
                                     messages.ListOperations, messages.CancelOperations,
                                     messages.ListAgents, messages.Agents, messages.Agent, messages.Amounts])
def test_every_field_of_what_is_asked_for_is_named(message):
    assert {field.name for field in message.DESCRIPTOR.fields} - WORDS == set()


def test_every_operation_and_result_is_named():
    for message, group in ((messages.Request, "operation"), (messages.Reply, "result")):
        fields = message.DESCRIPTOR.oneofs_by_name[group].fields
        assert [field.name for field in fields if f"`{field.name}`" not in DOC] == []


def test_what_marks_a_task_is_named():
    for field in ("held", "adopted", "retry_ns", "replaced", "restored_ns", "strays", "kept_ms",
                  "unconfirmed_since_ns",
                  "held_operations", "obstacle", "converted_resources", "sent"):
        assert f"`{field}`" in DOC


def test_every_class_of_events_has_its_topic():
    rows = [line.split(" | ") for line in DOC.splitlines() if line.startswith(("| `task/", "| `operation/", "| `mesos/", "| `zmesos/"))]
    classes = {name for row in rows for name in re.findall(r"[A-Z_]+", row[1])}
    assert classes == set(messages.EventClass.keys())
