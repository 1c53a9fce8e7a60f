"""The .proto files have exactly the wire of the protocol's table: nothing missing, nothing more, nothing different.

The table is kept beside the repository, not in it. Where it is absent that one test is skipped, and the rest, which
proves the comparison on a small schema of its own, runs.
"""
import csv
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

REPOSITORY = Path(__file__).resolve().parents[3]
PROTO = REPOSITORY / "proto"
TABLE_FILE = Path(os.environ.get("ZMESOS_SHARED", REPOSITORY.parent / "shared"), "mesos-v1", "schema.tsv")

# What there is, as (kind, full name), and what is said of it, as attribute to value. Kinds: message, field, enum value.
Table = dict[tuple[str, str], dict[str, str]]


def proto_files() -> list[str]:
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("mesos/v1/**/*.proto"))


def table_from_tsv(lines: Iterable[str]) -> Table:
    table: Table = {}
    for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        message, member = ("message", row["scope"]), f"{row['scope']}.{row['name']}"
        attributes = {"file": row["file"], "number": row["number"], "note": row["note"]}
        if row["kind"] == "enum":
            table["enum value", member] = attributes
            continue
        table[message] = {"file": row["file"]}
        if row["kind"] == "field":
            table["field", member] = attributes | {key: row[key] for key in ("label", "type", "default")}
    return table


def table_from_descriptors(files: FileDescriptorSet) -> Table:
    table: Table = {}
    for file in files.file:
        for message in file.message_type:
            add_message(table, file.name, file.package, message)
        for enum in file.enum_type:
            add_enum(table, file.name, file.package, enum)
    return table


def add_message(table: Table, file: str, scope: str, message: DescriptorProto) -> None:
    name = f"{scope}.{message.name}"
    table["message", name] = {"file": file}
    for field in message.field:
        table["field", f"{name}.{field.name}"] = {
            "file": file,
            "number": str(field.number),
            "label": FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower(),
            "type": type_of(field),
            "default": field.default_value,
            "note": note_of(field.options.deprecated),
        }
    for nested in message.nested_type:
        add_message(table, file, name, nested)
    for enum in message.enum_type:
        add_enum(table, file, name, enum)


def add_enum(table: Table, file: str, scope: str, enum: EnumDescriptorProto) -> None:
    for value in enum.value:
        table["enum value", f"{scope}.{enum.name}.{value.name}"] = {
            "file": file,
            "number": str(value.number),
            "note": note_of(value.options.deprecated),
        }


def type_of(field: FieldDescriptorProto) -> str:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = field.type_name.removeprefix(".")
    return {"message": name, "enum": f"enum {name}"}.get(kind, kind)


def note_of(deprecated: bool) -> str:
    return "deprecated" if deprecated else ""


def differences(expected: Table, actual: Table) -> list[str]:
    """A line for each thing that only one of the tables has, and for each attribute that is not the same."""
    lines = []
    for key in sorted(expected.keys() | actual.keys()):
        what = " ".join(key)
        if key not in actual:
            lines.append(f"{what}: missing")
        elif key not in expected:
            lines.append(f"{what}: extra")
        else:
            lines += [
                f"{what}: {attribute} is {actual[key][attribute]!r}, should be {value!r}"
                for attribute, value in expected[key].items()
                if actual[key][attribute] != value
            ]
    return lines


def compile_protos(out: Path) -> FileDescriptorSet:
    subprocess.run(["protoc", f"-I{PROTO}", f"--descriptor_set_out={out}", *proto_files()], check=True)
    return FileDescriptorSet.FromString(out.read_bytes())


@pytest.mark.skipif(not TABLE_FILE.exists(), reason="no table to compare with: ../shared/mesos-v1/schema.tsv is absent")
def test_files_match_the_table(tmp_path: Path) -> None:
    with TABLE_FILE.open(newline="", encoding="utf-8") as stream:
        expected = table_from_tsv(stream)
    lines = differences(expected, table_from_descriptors(compile_protos(tmp_path / "mesos.pb")))
    assert not lines, "\n" + "\n".join(lines)


def test_protobuf_c_takes_the_files(tmp_path: Path) -> None:
    subprocess.run(["protoc-c", f"-I{PROTO}", f"--c_out={tmp_path}", *proto_files()], check=True)
    sources = [str(tmp_path / name.replace(".proto", ".pb-c.c")) for name in proto_files()]
    assert len(sources) == 3
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{tmp_path}", *sources], check=True)


# The small schema, twice: as a table and as descriptors.
SAMPLE_TSV = """\
file kind scope number label type name default note
a.proto field p.Task 1 required string name - -
a.proto field p.Task 2 optional int32 port 5051 -
a.proto field p.Task 3 repeated p.Label labels - -
a.proto field p.Task 4 optional enum:p.Task.State state IDLE deprecated
a.proto enum p.Task.State 0 - - IDLE - -
a.proto enum p.Task.State 5 - - BUSY - deprecated
a.proto field p.Label 1 optional bytes value - -
a.proto message p.Empty - - - - - -
""".replace(" ", "\t").replace("-", "").replace("enum:", "enum ")


def sample() -> FileDescriptorSet:
    field = FieldDescriptorProto
    file = FileDescriptorProto(name="a.proto", package="p", syntax="proto2")
    task = file.message_type.add(name="Task")
    task.field.add(name="name", number=1, label=field.LABEL_REQUIRED, type=field.TYPE_STRING)
    task.field.add(name="port", number=2, label=field.LABEL_OPTIONAL, type=field.TYPE_INT32, default_value="5051")
    task.field.add(
        name="labels", number=3, label=field.LABEL_REPEATED, type=field.TYPE_MESSAGE, type_name=".p.Label"
    )
    state = task.field.add(
        name="state", number=4, label=field.LABEL_OPTIONAL, type=field.TYPE_ENUM, type_name=".p.Task.State"
    )
    state.default_value, state.options.deprecated = "IDLE", True
    enum = task.enum_type.add(name="State")
    enum.value.add(name="IDLE", number=0)
    enum.value.add(name="BUSY", number=5).options.deprecated = True
    label = file.message_type.add(name="Label")
    label.field.add(name="value", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_BYTES)
    file.message_type.add(name="Empty")
    return FileDescriptorSet(file=[file])


def test_same_schema_has_no_difference() -> None:
    expected = table_from_tsv(SAMPLE_TSV.splitlines())
    assert differences(expected, table_from_descriptors(sample())) == []
    assert len(expected) == 10


def test_nothing_is_everything_missing() -> None:
    lines = differences(table_from_tsv(SAMPLE_TSV.splitlines()), {})
    assert len(lines) == 10
    assert all(line.endswith(": missing") for line in lines)


def task(file: FileDescriptorProto) -> DescriptorProto:
    return file.message_type[0]


def remove_field(file: FileDescriptorProto) -> None:
    del task(file).field[1]


def add_field(file: FileDescriptorProto) -> None:
    task(file).field.add().CopyFrom(task(file).field[1])
    task(file).field[4].name = "more"


def rename_field(file: FileDescriptorProto) -> None:
    task(file).field[1].name = "gate"


def change_number(file: FileDescriptorProto) -> None:
    task(file).field[1].number = 7


def change_label(file: FileDescriptorProto) -> None:
    task(file).field[0].label = FieldDescriptorProto.LABEL_OPTIONAL


def change_scalar_type(file: FileDescriptorProto) -> None:
    task(file).field[1].type = FieldDescriptorProto.TYPE_UINT32


def change_message_type(file: FileDescriptorProto) -> None:
    task(file).field[2].type_name = ".p.Empty"


def change_enum_to_message(file: FileDescriptorProto) -> None:
    task(file).field[3].type = FieldDescriptorProto.TYPE_MESSAGE


def change_default(file: FileDescriptorProto) -> None:
    task(file).field[1].default_value = "5050"


def remove_default(file: FileDescriptorProto) -> None:
    task(file).field[1].ClearField("default_value")


def deprecate_field(file: FileDescriptorProto) -> None:
    task(file).field[1].options.deprecated = True


def restore_field(file: FileDescriptorProto) -> None:
    task(file).field[3].ClearField("options")


def add_enum_value(file: FileDescriptorProto) -> None:
    task(file).enum_type[0].value.add(name="DONE", number=6)


def remove_enum_value(file: FileDescriptorProto) -> None:
    del task(file).enum_type[0].value[0]


def change_enum_number(file: FileDescriptorProto) -> None:
    task(file).enum_type[0].value[1].number = 6


def restore_enum_value(file: FileDescriptorProto) -> None:
    task(file).enum_type[0].value[1].ClearField("options")


def remove_empty_message(file: FileDescriptorProto) -> None:
    del file.message_type[2]


def add_empty_message(file: FileDescriptorProto) -> None:
    task(file).nested_type.add(name="Nothing")


def fill_empty_message(file: FileDescriptorProto) -> None:
    file.message_type[2].field.add().CopyFrom(file.message_type[1].field[0])


def drain_message(file: FileDescriptorProto) -> None:
    file.message_type[1].ClearField("field")


PLANTED: list[tuple[Callable[[FileDescriptorProto], None], list[str]]] = [
    (remove_field, ["field p.Task.port: missing"]),
    (add_field, ["field p.Task.more: extra"]),
    (rename_field, ["field p.Task.gate: extra", "field p.Task.port: missing"]),
    (change_number, ["field p.Task.port: number is '7', should be '2'"]),
    (change_label, ["field p.Task.name: label is 'optional', should be 'required'"]),
    (change_scalar_type, ["field p.Task.port: type is 'uint32', should be 'int32'"]),
    (change_message_type, ["field p.Task.labels: type is 'p.Empty', should be 'p.Label'"]),
    (change_enum_to_message, ["field p.Task.state: type is 'p.Task.State', should be 'enum p.Task.State'"]),
    (change_default, ["field p.Task.port: default is '5050', should be '5051'"]),
    (remove_default, ["field p.Task.port: default is '', should be '5051'"]),
    (deprecate_field, ["field p.Task.port: note is 'deprecated', should be ''"]),
    (restore_field, ["field p.Task.state: note is '', should be 'deprecated'"]),
    (add_enum_value, ["enum value p.Task.State.DONE: extra"]),
    (remove_enum_value, ["enum value p.Task.State.IDLE: missing"]),
    (change_enum_number, ["enum value p.Task.State.BUSY: number is '6', should be '5'"]),
    (restore_enum_value, ["enum value p.Task.State.BUSY: note is '', should be 'deprecated'"]),
    (remove_empty_message, ["message p.Empty: missing"]),
    (add_empty_message, ["message p.Task.Nothing: extra"]),
    (fill_empty_message, ["field p.Empty.value: extra"]),
    (drain_message, ["field p.Label.value: missing"]),
]


@pytest.mark.parametrize(("plant", "found"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_planted_difference_is_found(plant: Callable[[FileDescriptorProto], None], found: list[str]) -> None:
    planted = sample()
    plant(planted.file[0])
    assert differences(table_from_tsv(SAMPLE_TSV.splitlines()), table_from_descriptors(planted)) == found


def test_message_in_another_file_is_found() -> None:
    planted = sample()
    moved = planted.file.add(name="b.proto", package="p").message_type.add()
    moved.CopyFrom(planted.file[0].message_type.pop(1))
    assert differences(table_from_tsv(SAMPLE_TSV.splitlines()), table_from_descriptors(planted)) == [
        "field p.Label.value: file is 'b.proto', should be 'a.proto'",
        "message p.Label: file is 'b.proto', should be 'a.proto'",
    ]
