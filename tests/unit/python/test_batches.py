"""Cutting items into requests: at the limits and one past them."""

from zmesos.batches import ENVELOPE_BYTES, MAX_ITEM_BYTES, MAX_REQUEST_BYTES, embedded_size, split
from zmesos.messages import Request, TaskSpec, messages


def sizes(runs):
    return [len(run) for run in runs]


def test_by_number():
    assert sizes(split(range(0), lambda _: 1, 10)) == []
    assert sizes(split(range(10), lambda _: 1, 10)) == [10]
    assert sizes(split(range(11), lambda _: 1, 10)) == [10, 1]
    assert [item for run in split(range(25), lambda _: 1, 10) for item in run] == list(range(25))


def test_by_bytes():
    each = MAX_ITEM_BYTES // 4
    inside = next(size for size in range(each, 0, -1) if embedded_size(size) <= each)
    assert sizes(split([inside] * 8, lambda size: size, 1000)) == [4, 4]
    assert sizes(split([inside + 1] * 8, lambda size: size, 1000)) == [3, 3, 2]


def test_an_item_too_large_is_alone():
    assert sizes(split([1, MAX_ITEM_BYTES, 1], lambda size: size, 1000)) == [1, 1, 1]


def test_embedded_size_is_what_protobuf_takes():
    for length in [*range(300), *range(16370, 16390), *range(2097140, 2097160)]:
        spec = TaskSpec(data=b"x" * length)
        assert messages.Launch(tasks=[spec]).ByteSize() == embedded_size(spec.ByteSize())


def test_a_full_run_fits_a_request():
    spec = TaskSpec(id="x", data=b"x" * 1000)
    run = next(iter(split([spec] * 2000, TaskSpec.ByteSize, 2000)))
    request = Request(version=1, id="f" * 32, launch=messages.Launch(tasks=run))
    assert len(run) > 1000
    assert MAX_REQUEST_BYTES - ENVELOPE_BYTES - 2000 < request.ByteSize() <= MAX_REQUEST_BYTES
