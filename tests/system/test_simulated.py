"""Many tasks: 10,000 simulated ones launched in batches all finish, each state seen once by a subscriber."""
import collections

import pytest

import zmesos


@pytest.mark.usefixtures("needs_local")
def test_ten_thousand_tasks(start_cluster):
    cluster = start_cluster(local={"agents": "10", "resources": "cpus:64;mem:65536;disk:65536",
                                   "allocation_interval": "0.1"}, local_flags=("--simulate",))
    events = cluster.subscribe("task/")
    count = 10000
    with cluster.client(timeout=120.0) as client:
        results = client.launch_many(
            [zmesos.task_spec("true", id=f"t{n}", cpus=0.01, mem=1) for n in range(count)])
        assert all(result.ok and not result.known for result in results)
        seen, ended = collections.defaultdict(list), 0
        for event in events.within(300):
            if event.task:
                seen[event.task.id].append(zmesos.state_name(event.task.state))
                ended += zmesos.is_over(event.task)
                if ended == count:
                    break
    assert events.missed == 0
    assert len(seen) == count
    assert collections.Counter(map(tuple, seen.values())) == {
        ("QUEUED", "LAUNCHING", "STARTING", "RUNNING", "FINISHED"): count}
