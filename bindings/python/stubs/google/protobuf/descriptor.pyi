from collections.abc import Sequence

class FileDescriptor: ...

class EnumValueDescriptor:
    name: str
    number: int

class EnumDescriptor:
    name: str
    values_by_number: dict[int, EnumValueDescriptor]

class FieldDescriptor:
    CPPTYPE_INT64: int
    CPPTYPE_UINT64: int
    CPPTYPE_MESSAGE: int
    LABEL_REPEATED: int
    name: str
    cpp_type: int
    label: int
    message_type: Descriptor | None
    enum_type: EnumDescriptor | None

class Descriptor:
    name: str
    fields: Sequence[FieldDescriptor]
    fields_by_name: dict[str, FieldDescriptor]
