"""Our JSON against protobuf's own: random messages of every type, both ways, with json_format as the referee.

Run by ctest, which sets ZMESOS_JSON_TOOL (the program that speaks for our code) and ZMESOS_PROTOC. A run is repeated
with ZMESOS_TEST_SEED=<the seed it printed>.
"""
import base64
import json
import math
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[2] / "proto"
PACKAGES = ("mesos.v1", "mesos.v1.scheduler", "mesos.v1.executor", "zmesos.v1", "kinds")
MESSAGES_OF_EACH_TYPE = 4
DEPTH_MAX = 6

FieldProto = descriptor_pb2.FieldDescriptorProto


# ---- types -----------------------------------------------------------------------------------------------

def is_map_entry(message):
    """Whether protoc would have made this type of a map: our files write maps as what they are encoded to."""
    fields = list(message.field)
    return (message.name.endswith("Entry") and [f.name for f in fields] == ["key", "value"]
            and fields[0].type == FieldProto.TYPE_STRING)


def write_maps_as_maps(message, entries, scope):
    """Mark the entry types, so that json_format writes objects. An entry has to be inside the message that uses it."""
    scope = f"{scope}.{message.name}"
    for nested in message.nested_type:
        write_maps_as_maps(nested, entries, scope)
        if is_map_entry(nested):
            nested.options.map_entry = True
            entries[f"{scope}.{nested.name}"] = nested
    for field in list(message.field):
        used = entries.get(field.type_name)
        if used is None:
            continue
        if field.label != FieldProto.LABEL_REPEATED:
            message.field.remove(field)  # a map's entry used as a plain message: not for protobuf's JSON
        elif not field.type_name.startswith(scope + "."):
            message.nested_type.add().CopyFrom(used)
            field.type_name = f"{scope}.{used.name}"


@pytest.fixture(scope="session")
def types(tmp_path_factory):
    """Message classes by full name, of every type but the entries of maps."""
    out = tmp_path_factory.mktemp("descriptors") / "all.pb"
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    subprocess.run([os.environ.get("ZMESOS_PROTOC", "protoc"), f"--proto_path={PROTO}", f"--proto_path={HERE}",
                    "--include_imports", f"--descriptor_set_out={out}", *files, "kinds.proto"], check=True)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())

    pool, entries, names = descriptor_pool.DescriptorPool(), {}, []
    for file in descriptors.file:
        for message in file.message_type:
            write_maps_as_maps(message, entries, f".{file.package}")
        pool.Add(file)

    def collect(message, scope):
        if not message.options.map_entry:
            names.append(f"{scope}.{message.name}")
        for nested in message.nested_type:
            collect(nested, f"{scope}.{message.name}")

    for file in descriptors.file:
        assert file.package in PACKAGES
        for message in file.message_type:
            collect(message, file.package)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(name)) for name in names}


def ask(lines):
    """The tool's answers, one for each line."""
    done = subprocess.run([os.environ["ZMESOS_JSON_TOOL"]], input="".join(line + "\n" for line in lines).encode(),
                          stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(lines)
    return answers


# ---- random messages -------------------------------------------------------------------------------------

def random_text(rng):
    pieces = ["", "a", "ä", "€", "😀", '"', "\\", "/", "\n", "\x01", "\x7f", "\u2028", "key", "12345678901234567890",
              "</script>", "{}", "\\u0041"]
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(4)))


def random_double(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice([0.0, -0.0, 1.0, 4096.0, 0.1, 1e15, 1e16, 1e22, 1e-7, 5e-324, sys.float_info.max, math.nan,
                           math.inf, -math.inf])
    if kind == 1:
        return float(rng.randrange(-10**6, 10**6)) / 1000
    if kind == 2:
        return float(rng.randrange(-2**63, 2**63))
    return struct.unpack("<d", struct.pack("<Q", rng.randrange(0x7ff0 << 48) | rng.randrange(2) << 63))[0]


def random_float(rng):
    if rng.random() < 0.3:
        return rng.choice([0.0, -0.0, 0.1, 16777216.0, math.nan, math.inf, -math.inf])
    return struct.unpack("<f", struct.pack("<I", rng.randrange(0x7f80 << 16) | rng.randrange(2) << 31))[0]


def random_integer(rng, low, high):
    near = [low, low + 1, -1, 0, 1, high - 1, high, high // 2, high // 2 + 1]
    value = rng.choice(near) if rng.random() < 0.5 else rng.randint(low, high)
    return min(max(value, low), high)


def random_scalar(rng, field):
    kind = field.type
    if kind == FieldDescriptor.TYPE_DOUBLE:
        return random_double(rng)
    if kind == FieldDescriptor.TYPE_FLOAT:
        return random_float(rng)
    if kind == FieldDescriptor.TYPE_BOOL:
        return rng.random() < 0.5
    if kind == FieldDescriptor.TYPE_STRING:
        return random_text(rng)
    if kind == FieldDescriptor.TYPE_BYTES:
        return rng.randbytes(rng.randrange(20))
    if kind == FieldDescriptor.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    limits = {FieldDescriptor.CPPTYPE_INT32: (-2**31, 2**31 - 1), FieldDescriptor.CPPTYPE_INT64: (-2**63, 2**63 - 1),
              FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1), FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1)}
    return random_integer(rng, *limits[field.cpp_type])


def fill_map(rng, message, field, depth):
    entries, value = getattr(message, field.name), field.message_type.fields_by_name["value"]
    for _ in range(rng.randrange(1, 4)):
        key = random_text(rng)
        if value.type == FieldDescriptor.TYPE_MESSAGE:
            fill(rng, entries[key], depth + 1)
        else:
            entries[key] = random_scalar(rng, value)


def fill_field(rng, message, field, depth):
    if field.label != FieldDescriptor.LABEL_REPEATED:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            child = getattr(message, field.name)
            child.SetInParent()
            fill(rng, child, depth + 1)
        else:
            setattr(message, field.name, random_scalar(rng, field))
    elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
        fill_map(rng, message, field, depth)
    else:
        for _ in range(rng.randrange(1, 3)):
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                fill(rng, getattr(message, field.name).add(), depth + 1)
            else:
                getattr(message, field.name).append(random_scalar(rng, field))


def fill(rng, message, depth=1):
    chosen = {oneof.name: rng.choice(oneof.fields) for oneof in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and chosen[field.containing_oneof.name] is not field:
            continue
        deep = depth >= DEPTH_MAX and field.type == FieldDescriptor.TYPE_MESSAGE
        chance = 0.9 if depth == 1 else 0.6 / depth
        if field.label == FieldDescriptor.LABEL_REQUIRED or (not deep and rng.random() < chance):
            fill_field(rng, message, field, depth)


@pytest.fixture(scope="session")
def messages(types):
    """Some of each type; the first of each is as empty as its required fields allow."""
    seed = int(os.environ.get("ZMESOS_TEST_SEED", 0)) or random.SystemRandom().randrange(1, 2**32)
    print(f"ZMESOS_TEST_SEED={seed}")
    rng, made = random.Random(seed), []
    for name, factory in sorted(types.items()):
        for index in range(MESSAGES_OF_EACH_TYPE):
            message = factory()
            fill(rng, message, depth=DEPTH_MAX * 1000 if index == 0 else 1)
            made.append(message)
    return made


def packed(message):
    """Comparable bytes: NaN equals itself there, and maps are in order."""
    return message.SerializeToString(deterministic=True)


def line(message, text):
    return f"{message.DESCRIPTOR.full_name} {text}"


# ---- tests -----------------------------------------------------------------------------------------------

def test_the_tool_knows_every_type(types):
    known = set(ask(["list"])[0].split(" "))
    entries = {name for name in known if name.endswith("Entry")}
    assert set(types) <= known
    assert known - set(types) <= entries
    assert len(types) > 250


def same(ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if type(ours) is int and isinstance(theirs, str):
        return str(ours) == theirs  # 64-bit integers: numbers, as Mesos has it
    return type(ours) is type(theirs) and ours == theirs


def test_what_we_write(messages):
    answers = ask([line(m, base64.b64encode(m.SerializeToString()).decode()) for m in messages])
    for message, text in zip(messages, answers):
        assert not text.startswith("!"), (message.DESCRIPTOR.full_name, text, message)
        again = json_format.Parse(text, type(message)())
        assert packed(again) == packed(message), (message.DESCRIPTOR.full_name, text)
        theirs = json_format.MessageToDict(message, preserving_proto_field_name=True)
        assert same(json.loads(text), theirs), (message.DESCRIPTOR.full_name, text, theirs)


def url_safe(field, value):
    return value.translate(str.maketrans("+/", "-_")) if field.type == FieldDescriptor.TYPE_BYTES else value


def url_safe_without_padding(field, value):
    return url_safe(field, value).rstrip("=") if field.type == FieldDescriptor.TYPE_BYTES else value


def as_number(field, value):
    wide = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
    return int(value) if field.cpp_type in wide else value


def respell(message, change=lambda field, value: value, nulls=False):
    """What json_format makes of it, with each scalar changed, and `nulls` for what is not set."""
    def spell(field, value):
        return respelled(field.message_type, value) if field.type == FieldDescriptor.TYPE_MESSAGE \
            else change(field, value)

    def respelled(kind, whole):
        out = {field.name: None for field in kind.fields} if nulls else {}
        for name, value in whole.items():
            field = kind.fields_by_name[name]
            if field.message_type and field.message_type.GetOptions().map_entry:
                inner = field.message_type.fields_by_name["value"]
                out[name] = {key: spell(inner, each) for key, each in value.items()}
            elif field.label == FieldDescriptor.LABEL_REPEATED:
                out[name] = [spell(field, each) for each in value]
            else:
                out[name] = spell(field, value)
        return out
    return respelled(message.DESCRIPTOR, json_format.MessageToDict(message, preserving_proto_field_name=True))


STYLES = {
    "camelCase": lambda m: json_format.MessageToJson(m, indent=None),
    "proto names": lambda m: json_format.MessageToJson(m, indent=None, preserving_proto_field_name=True),
    "enums as numbers": lambda m: json_format.MessageToJson(m, indent=None, use_integers_for_enums=True),
    "not only ASCII": lambda m: json_format.MessageToJson(m, indent=None, ensure_ascii=False),
    "URL-safe base64": lambda m: json.dumps(respell(m, url_safe)),
    "URL-safe base64 without padding": lambda m: json.dumps(respell(m, url_safe_without_padding)),
    "64 bits as numbers": lambda m: json.dumps(respell(m, as_number)),
    "unset fields as null": lambda m: json.dumps(respell(m, nulls=True)),
    "json.dumps": lambda m: json.dumps(json_format.MessageToDict(m, preserving_proto_field_name=True)),
}


@pytest.mark.parametrize("style", STYLES)
def test_what_we_read(messages, style):
    answers = ask([line(m, STYLES[style](m)) for m in messages])
    for message, text in zip(messages, answers):
        assert not text.startswith("!"), (message.DESCRIPTOR.full_name, text, message)
        again = type(message).FromString(base64.b64decode(text))
        assert packed(again) == packed(message), (message.DESCRIPTOR.full_name, message, again)


def test_what_we_wrote_we_read(messages):
    ours = ask([line(m, base64.b64encode(m.SerializeToString()).decode()) for m in messages])
    answers = ask([line(m, text) for m, text in zip(messages, ours)])
    for message, text in zip(messages, answers):
        assert packed(type(message).FromString(base64.b64decode(text))) == packed(message)


def test_unknown_fields_and_values_are_left_out(types):
    """As json_format leaves them out; what it then writes, and reads, is the same."""
    single, many = types["kinds.Single"], types["kinds.Many"]
    for factory, extra in ((single, b"\x80\x01\x63"), (single, b"\xc2\x3e\x01x"), (many, b"\x80\x01\x63\x80\x01\x01")):
        message = factory.FromString(extra)
        text, = ask([f"foreign {message.DESCRIPTOR.full_name} {base64.b64encode(extra).decode()}"])
        theirs = json_format.MessageToDict(message, preserving_proto_field_name=True)
        assert {name: value for name, value in json.loads(text).items() if value != []} == theirs
        json_format.Parse(text, factory())


def test_integers_as_numbers(types):
    """json.dumps of plain Python: integers of 64 bits and above as digits."""
    single = types["kinds.Single"]
    for value in (0, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        answer, = ask([line(single(), json.dumps({"a_uint64": value}))])
        assert single.FromString(base64.b64decode(answer)).a_uint64 == value
    for value in (-1, 2**64, 10**30):
        answer, = ask([line(single(), json.dumps({"a_uint64": value}))])
        assert answer.startswith("! a_uint64"), answer
