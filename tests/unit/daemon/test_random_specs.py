"""What zmesosd does not read is passed on as it came: random specifications, with fields nobody knows at every depth, go
through its checks, its memory and its encoding; what the ACCEPT then holds is compared by Python's protobuf.

Run by ctest, which sets ZMESOS_ACCEPT_TOOL and ZMESOS_PROTOC. A run is repeated with ZMESOS_TEST_SEED=<the seed it printed>.
"""
import base64
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[2] / "proto"
sys.path.insert(0, str(HERE.parent / "wire"))

from test_json_referee import fill  # noqa: E402  a message with random fields

SPECS = 300
PORTS_MAX = 8
# What the core decides itself; all other fields of a TaskInfo come from the specification, under the same name.
DECIDED = {"name", "task_id", "agent_id", "resources"}
UNKNOWN_NUMBERS = [998, 1999, 70000]


@pytest.fixture(scope="session")
def types(tmp_path_factory):
    out = tmp_path_factory.mktemp("descriptors") / "all.pb"
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    subprocess.run([os.environ.get("ZMESOS_PROTOC", "protoc"), f"--proto_path={PROTO}", "--include_imports",
                    f"--descriptor_set_out={out}", *files], check=True)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))


@pytest.fixture(scope="session")
def rng():
    seed = int(os.environ.get("ZMESOS_TEST_SEED", 0)) or random.SystemRandom().randrange(1, 2**32)
    print(f"ZMESOS_TEST_SEED={seed}")
    return random.Random(seed)


def varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unknown_field(rng):
    number, wire_type = rng.choice(UNKNOWN_NUMBERS), rng.choice([0, 1, 2, 5])
    tag = varint(number << 3 | wire_type)
    if wire_type == 0:
        return tag + varint(rng.randrange(2**64))
    if wire_type == 2:
        length = rng.choice([0, 1, 5, 200])
        return tag + varint(length) + rng.randbytes(length)
    return tag + rng.randbytes(8 if wire_type == 1 else 4)


def add_unknown(rng, message, count):
    """Fields that no type has, in this message and in those inside. Returns how many there are now."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for child in value if field.label == FieldDescriptor.LABEL_REPEATED else [value]:
                count = add_unknown(rng, child, count)
    if rng.random() < 0.3:
        for _ in range(rng.randrange(1, 3)):
            message.MergeFromString(unknown_field(rng))
            count += 1
    return count


def passed_on(types):
    """The fields of a TaskInfo that come from a specification."""
    info, spec = types("mesos.v1.TaskInfo").DESCRIPTOR, types("zmesos.v1.TaskSpec").DESCRIPTOR
    names = {field.name for field in info.fields} - DECIDED
    for name in names:  # a field of Mesos that a specification cannot say fails here
        ours, theirs = spec.fields_by_name[name], info.fields_by_name[name]
        assert (ours.type, ours.label, ours.message_type and ours.message_type.full_name) == \
            (theirs.type, theirs.label, theirs.message_type and theirs.message_type.full_name)
    return sorted(names)


def random_spec(rng, types, names):
    spec = types("zmesos.v1.TaskSpec")(id="a")
    whole = types("mesos.v1.TaskInfo")()
    fill(rng, whole)
    for name in names:
        value = getattr(whole, name)
        if whole.DESCRIPTOR.fields_by_name[name].label == FieldDescriptor.LABEL_REPEATED:
            getattr(spec, name).extend(value)
        elif whole.HasField(name):
            if whole.DESCRIPTOR.fields_by_name[name].type == FieldDescriptor.TYPE_MESSAGE:
                getattr(spec, name).CopyFrom(value)
            else:
                setattr(spec, name, value)
    return spec, add_unknown(rng, spec, 0)


def ask(lines):
    done = subprocess.run([os.environ["ZMESOS_ACCEPT_TOOL"]], input="".join(line + "\n" for line in lines).encode(),
                          stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(lines)
    return answers


def take_ports(info, ports):
    """Checks and removes what a task with ports finds in its environment."""
    if not ports or not info.HasField("command"):
        return
    variables = info.command.environment.variables
    numbers = [str(31000 + i) for i in range(ports)]
    expected = [(f"PORT{i}", number) for i, number in enumerate(numbers)] + [("PORTS", ",".join(numbers))]
    assert [(variable.name, variable.value) for variable in variables[-len(expected):]] == expected
    del variables[-len(expected):]


def test_random_operations_are_passed_on(types, rng):
    """All of Mesos's own message, but for its id."""
    specs, seen, total = [], set(), 0
    for _ in range(SPECS):
        spec = types("zmesos.v1.OperationSpec")(id="a")
        whole = types("mesos.v1.Offer.Operation")()
        fill(rng, whole)
        whole.ClearField("id")
        spec.operation.CopyFrom(whole)
        total += add_unknown(rng, spec, 0)
        seen |= {field.name for field, _ in spec.operation.ListFields()}
        specs.append(spec)
    lines = []
    for spec in specs:
        request = types("zmesos.v1.Request")(version=1)
        request.operate.operations.add().CopyFrom(spec)
        lines.append(f"0 {base64.b64encode(request.SerializeToString()).decode()}")
    for spec, answer in zip(specs, ask(lines)):
        assert not answer.startswith("!"), types("zmesos.v1.Reply").FromString(base64.b64decode(answer[2:]))
        call = types("mesos.v1.scheduler.Call").FromString(base64.b64decode(answer))
        (sent,) = call.accept.operations
        assert sent.id.value == "a.1.1"
        sent.ClearField("id")
        assert sent.SerializeToString(deterministic=True) == spec.operation.SerializeToString(deterministic=True)
    assert seen == {field.name for field in types("mesos.v1.Offer.Operation").DESCRIPTOR.fields} - {"id"} and total > SPECS


def test_random_specifications_are_passed_on(types, rng):
    names = passed_on(types)
    specs, total = [], 0
    for _ in range(SPECS):
        spec, unknown = random_spec(rng, types, names)
        specs.append((spec, rng.randrange(PORTS_MAX + 1) if rng.random() < 0.5 else 0))
        total += unknown
    lines = []
    for spec, ports in specs:
        request = types("zmesos.v1.Request")(version=1)
        request.launch.tasks.add().CopyFrom(spec)
        lines.append(f"{ports} {base64.b64encode(request.SerializeToString()).decode()}")
    seen = set()
    for (spec, ports), answer in zip(specs, ask(lines)):
        assert not answer.startswith("!"), types("zmesos.v1.Reply").FromString(base64.b64decode(answer[2:]))
        call = types("mesos.v1.scheduler.Call").FromString(base64.b64decode(answer))
        (operation,) = call.accept.operations
        (info,) = operation.launch.task_infos
        take_ports(info, ports)
        for name in names:
            given, sent = types("mesos.v1.TaskInfo")(), types("mesos.v1.TaskInfo")()
            for source, target in ((spec, given), (info, sent)):
                for field, value in source.ListFields():
                    if field.name != name:
                        continue
                    seen.add(name)
                    if field.label == FieldDescriptor.LABEL_REPEATED:
                        getattr(target, name).extend(value)
                    elif field.type == FieldDescriptor.TYPE_MESSAGE:
                        getattr(target, name).CopyFrom(value)
                    else:
                        setattr(target, name, value)
            if name == "command" and ports and not spec.command.HasField("environment") and sent.HasField("command"):
                assert sent.command.environment.ByteSize() == 0  # made for the ports
                sent.command.ClearField("environment")
            assert sent.SerializePartialToString(deterministic=True) == given.SerializePartialToString(deterministic=True), \
                f"{name} of {spec}"
    assert seen == set(names)
    assert total > SPECS  # there were unknown fields to lose


def test_a_message_for_every_request_is_taken_apart_the_same(types, rng):
    """Two tasks in one launch: the bytes that are kept are those of the right one."""
    request = types("zmesos.v1.Request")(version=1, id="x")
    request.launch.tasks.add(id="a").command.value = "first"
    request.launch.tasks.add(id="b").command.value = "second"
    (answer,) = ask([f"0 {base64.b64encode(request.SerializeToString()).decode()}"])
    call = types("mesos.v1.scheduler.Call").FromString(base64.b64decode(answer))
    assert call.accept.operations[0].launch.task_infos[0].command.value == "first"
