"""Specifications from keyword arguments, ids, constraints, states, refusals."""

import inspect

import pytest
import zmesos
from zmesos.errors import refusal
from zmesos.messages import messages
from zmesos.states import state_numbers


def test_a_string_is_for_the_shell():
    spec = zmesos.task_spec("echo $HOME", id="a")
    assert spec.command.shell and spec.command.HasField("shell")
    assert spec.command.value == "echo $HOME"
    assert not spec.command.arguments


def test_a_sequence_is_argv_with_the_program_first():
    spec = zmesos.task_spec(("/bin/echo", "$HOME", ""), id="a")
    assert spec.command.HasField("shell") and not spec.command.shell
    assert spec.command.value == "/bin/echo"
    assert list(spec.command.arguments) == ["/bin/echo", "$HOME", ""]


def test_every_keyword_reaches_its_field():
    spec = zmesos.task_spec(
        "true",
        id="i",
        name="n",
        role="r",
        priority=-3,
        cpus=0.125,
        mem=64,
        disk=10,
        gpus=2,
        ports=3,
        env={"A": "1", "B": ""},
        labels={"team": "x"},
        constraints=[zmesos.equals("rack", "r1"), zmesos.unique("hostname")],
        uris=["http://x/y"],
        user="nobody",
    )
    assert (spec.id, spec.name, spec.role, spec.priority) == ("i", "n", "r", -3)
    assert (spec.cpus, spec.mem, spec.disk, spec.gpus, spec.ports) == (0.125, 64, 10, 2, 3)
    assert {v.name: v.value for v in spec.command.environment.variables} == {"A": "1", "B": ""}
    assert [(label.key, label.value) for label in spec.labels.labels] == [("team", "x")]
    assert [c.operator for c in spec.constraints] == [messages.Constraint.EQUALS, messages.Constraint.UNIQUE]
    assert [uri.value for uri in spec.command.uris] == ["http://x/y"]
    assert spec.command.user == "nobody"
    assert spec.IsInitialized()


def test_what_is_not_given_is_not_set():
    spec = zmesos.task_spec("true", id="a")
    assert [field.name for field, _ in spec.ListFields()] == ["id", "command"]
    assert [field.name for field, _ in spec.command.ListFields()] == ["value", "shell"]
    # Zero is given, and differs from absent.
    assert zmesos.task_spec("true", id="a", cpus=0).HasField("cpus")
    assert not zmesos.task_spec(id="a").HasField("command")


def test_a_retry_policy():
    policy = zmesos.retry_policy(
        max_attempts=4,
        on=["failed", "LOST", messages.RetryPolicy.GONE],
        backoff=0.5,
        backoff_max=60,
        replace_after=600,
        elsewhere=True,
    )
    assert policy.max_attempts == 4 and policy.elsewhere
    assert [zmesos.outcome_name(outcome) for outcome in policy.on] == ["FAILED", "LOST", "GONE"]
    assert policy.backoff.nanoseconds == 500_000_000
    assert policy.backoff_max.nanoseconds == 60_000_000_000
    assert policy.replace_after.nanoseconds == 600_000_000_000
    # Nothing is said for what was not; False is said, and differs from absent.
    assert zmesos.retry_policy() == zmesos.RetryPolicy()
    assert zmesos.retry_policy(elsewhere=False).HasField("elsewhere")
    assert list(zmesos.retry_policy(on="finished").on) == [zmesos.RetryPolicy.FINISHED]
    assert zmesos.outcome_name(99) == "99"
    for wrong in ("CRASHED", 99):
        with pytest.raises(ValueError):
            zmesos.retry_policy(on=[wrong])


def test_retries_of_a_task():
    policy = zmesos.retry_policy(max_attempts=2, backoff=1.5)
    for retry in (policy, {"max_attempts": 2, "backoff": 1.5}):
        spec = zmesos.task_spec("true", id="a", retry=retry, launch_timeout=0.25)
        assert spec.retry == policy
        assert spec.launch_timeout.nanoseconds == 250_000_000
    assert zmesos.task_spec("true", id="a", retry={}).HasField("retry")
    with pytest.raises(TypeError):
        zmesos.task_spec("true", id="a", retry={"attempts": 2})


def test_every_field_of_a_policy_has_a_keyword():
    fields = {field.name for field in zmesos.RetryPolicy.DESCRIPTOR.fields}
    assert fields == set(zmesos.Retry.__annotations__) == set(inspect.signature(zmesos.retry_policy).parameters)


@pytest.mark.parametrize("parts", [{"env": {"A": "1"}}, {"uris": ["x"]}, {"user": "u"}])
def test_parts_of_a_command_need_one(parts):
    with pytest.raises(ValueError):
        zmesos.task_spec(id="a", **parts)


def test_an_empty_argv_is_refused():
    with pytest.raises(ValueError):
        zmesos.task_spec([], id="a")


def test_ids_are_new_and_take_the_name():
    ids = {zmesos.task_spec("true", name="build").id for _ in range(100)}
    assert len(ids) == 100
    assert all(task_id.startswith("build-") for task_id in ids)
    assert zmesos.task_spec("true").id.startswith("task-")


@pytest.mark.parametrize("prefix", ["a/b\\c\nd\x7f", "é" * 300, "x" * 187, "x" * 188, ""])
def test_ids_keep_the_rules_of_ids(prefix):
    made = zmesos.new_id(prefix)
    assert 1 <= len(made.encode()) <= 200
    assert not set(made) & set("/\\\n\x7f")


def test_constraints():
    made = zmesos.one_of("rack", iter(["r1", "r2"]))
    assert (made.attribute, made.operator, list(made.values)) == ("rack", messages.Constraint.IN, ["r1", "r2"])
    made = zmesos.matches("hostname", "node[0-9]+")
    assert (made.operator, list(made.values)) == (messages.Constraint.MATCHES, ["node[0-9]+"])
    assert not zmesos.unique("hostname").values
    with pytest.raises(TypeError):
        zmesos.one_of("rack", "r1")


def test_states_by_name_and_number():
    assert zmesos.state_number("running") == zmesos.state_number(5) == 5
    assert zmesos.state_name(5) == "RUNNING"
    assert zmesos.state_name(99) == "99"
    assert state_numbers(None) == []
    assert state_numbers("QUEUED") == [1]
    assert state_numbers(["QUEUED", 5]) == [1, 5]
    for wrong in ("NOPE", 99):
        with pytest.raises(ValueError):
            zmesos.state_number(wrong)


def test_which_states_are_the_end():
    over = {name for name, number in messages.TaskState.items() if zmesos.is_over(zmesos.Task(state=number))}
    assert over == {"FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"}
    assert not zmesos.is_over(zmesos.Task())


def test_every_refusing_code_has_an_exception_of_its_own():
    plain = {name for name in messages.Code.keys() if type(refusal(name, "x")) is zmesos.Refused}
    assert plain == {"OK", "SOME_REFUSED"}
    error = refusal("INVALID", "not a number", "launch.tasks[0].cpus", False)
    assert isinstance(error, zmesos.Invalid) and isinstance(error, zmesos.ZmesosError)
    assert str(error) == "INVALID: not a number (launch.tasks[0].cpus)"
    assert refusal("77", "of tomorrow").code == "77"
    assert isinstance(zmesos.TimedOut("x"), TimeoutError)


def test_what_mesos_knows_is_given_as_messages_or_dictionaries():
    check = messages.TaskSpec().health_check
    check.consecutive_failures = 2
    spec = zmesos.task_spec(
        id="a",
        container={"type": "DOCKER", "docker": {"image": "nginx"}},
        health_check=check,
        check={"type": "TCP", "tcp": {"port": 80}},
        kill_policy={"grace_period": {"nanoseconds": 5}},
        discovery={"visibility": "CLUSTER"},
        executor={"executor_id": {"value": "e"}, "command": {}},
        max_completion_time=1.5,
        resources=[{"name": "net", "scalar": 2.5}, messages.ResourceRequest(name="vlans", numbers=3)],
        limits={"cpus": float("inf"), "mem": 64},
        data=b"\0x",
    )
    assert spec.container.docker.image == "nginx"
    assert spec.health_check.consecutive_failures == 2
    assert spec.check.tcp.port == 80
    assert spec.kill_policy.grace_period.nanoseconds == 5
    assert spec.discovery.visibility == spec.discovery.CLUSTER
    assert spec.executor.executor_id.value == "e" and spec.executor.HasField("command")
    assert spec.max_completion_time.nanoseconds == 1_500_000_000
    assert [(r.name, r.WhichOneof("value")) for r in spec.resources] == [("net", "scalar"), ("vlans", "numbers")]
    assert [(limit.key, limit.value.value) for limit in spec.limits] == [("cpus", float("inf")), ("mem", 64)]
    assert spec.data == b"\0x"


def test_a_dictionary_with_unknown_names_is_refused():
    with pytest.raises(ValueError, match="imagee"):
        zmesos.task_spec("true", id="a", container={"type": "DOCKER", "docker": {"imagee": "x"}})
    with pytest.raises(ValueError):
        zmesos.task_spec("true", id="a", resources=[{"name": "net", "scalar": "much"}])


def test_what_is_left_out_is_absent():
    assert {field.name for field, _ in zmesos.task_spec("true", id="a").ListFields()} == {"id", "command"}


def test_a_consumer():
    whole = zmesos.consumer("bank", timeout=1.5, after_timeout="wait")
    assert (whole.name, whole.timeout.nanoseconds, whole.after_timeout) == ("bank", 1_500_000_000, whole.WAIT)
    for like in (whole, {"name": "bank", "timeout": 1.5, "after_timeout": "WAIT"}):
        assert zmesos.task_spec("true", id="a", consumer=like).consumer == whole
    assert zmesos.task_spec("true", id="a", consumer="bank").consumer == zmesos.Consumer(name="bank")
    with pytest.raises(ValueError):
        zmesos.consumer("bank", after_timeout="GIVE_UP")
    with pytest.raises(TypeError):
        zmesos.task_spec("true", id="a", consumer={"name": "bank", "time": 1})
