# What this repository uses of protobuf, for mypy: Debian 12 has no types of it. Beside them protoc's own types of the
# messages say which fields there are.
