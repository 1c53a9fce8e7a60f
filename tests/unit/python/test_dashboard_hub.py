"""Server-sent events: resumption, and browsers that do not read."""

from __future__ import annotations

import asyncio
import json
from typing import Optional

import pytest

from zmesos_dashboard import hub as hubs
from zmesos_dashboard.hub import Hub, Listener


def read(listener: Listener) -> Optional[list[tuple[str, str, object]]]:
    """(id, kind, data) of each event that waits; None where all is to be asked for anew."""
    data = asyncio.run(listener.next(0.0))
    if data is None:
        return []
    if data == b"":
        return None
    found = []
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def join(hub: Hub, last_id: str = "") -> Listener:
    listener = hub.join(last_id)
    assert listener is not None
    return listener


def test_a_new_browser_is_told_to_ask_for_all() -> None:
    hub = Hub(2)
    hub.publish("changes", 1)
    assert read(join(hub)) == [(hub.position, "reset", {})]


def test_one_that_comes_back_has_all_that_it_missed() -> None:
    hub = Hub(5)
    first = join(hub)
    read(first)
    hub.publish("changes", {"text": "a\nb\u2028</script>"})
    ((position, _, data),) = read(first) or [("", "", None)]
    assert data == {"text": "a\nb\u2028</script>"}
    hub.leave(first)
    hub.publish("changes", 2)
    hub.tell("status", "of no use later")
    hub.publish("bucket", 3)
    again = read(join(hub, position)) or []
    assert [(kind, data) for _, kind, data in again] == [("changes", 2), ("bucket", 3)]
    assert read(join(hub, hub.position)) == []


@pytest.mark.parametrize("last_id", ["", "x", "1", ".", "0.0", "{epoch}.", "{epoch}.-1", "{epoch}.9", "{epoch}.1e1", "{epoch}.\u0663", "{epoch}.0"])
def test_a_position_that_is_not_known_begins_anew(last_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "KEPT", 2)
    hub = Hub(5)
    for number in range(4):
        hub.publish("changes", number)
    epoch = hub.position.split(".")[0]
    assert [kind for _, kind, _ in read(join(hub, last_id.replace("{epoch}", epoch))) or []] == ["reset"]
    assert len(read(join(hub, f"{epoch}.2")) or []) == 2
    assert [kind for _, kind, _ in read(join(hub, f"{epoch}.1")) or []] == ["reset"]


def test_one_that_does_not_read_costs_no_more_than_its_bound() -> None:
    hub = Hub(5)
    slow, quick = join(hub), join(hub)
    for number in range(hubs.WAITING - 1):
        hub.publish("changes", number)
    assert len(read(quick) or []) == hubs.WAITING  # with the first reset
    assert len(slow.waiting) == hubs.WAITING
    hub.publish("changes", "one too many")
    assert len(slow.waiting) == 0 and read(slow) is None
    hub.publish("changes", "later")
    assert [data for _, _, data in read(slow) or []] == ["later"]
    assert [data for _, _, data in read(quick) or []] == ["one too many", "later"]


def test_what_is_kept_is_bounded_by_bytes() -> None:
    hub = Hub(5)
    for _ in range(10):
        hub.publish("changes", "x" * (hubs.KEPT_BYTES // 4))
    assert sum(len(data) for _, data in hub._kept) <= hubs.KEPT_BYTES


def test_there_is_room_for_so_many_browsers() -> None:
    hub = Hub(2)
    first, _ = join(hub), join(hub)
    assert hub.join("") is None
    hub.leave(first)
    assert hub.join("") is not None
