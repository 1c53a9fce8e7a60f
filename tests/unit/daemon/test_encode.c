/* From the core's outputs to bytes: what Mesos gets is read again from the bytes. */
#include "scratch.h"

#include "base/arena.h"
#include "encode.h"

/* A packed TaskSpec from a message. */
static struct blob *spec_blob(const Zmesos__V1__TaskSpec *spec)
{
    return encode_message(&spec->base);
}

/* The ACCEPT of these launches, which makes so many operations. The caller frees the call. */
static Mesos__V1__Scheduler__Call *accept_with(struct core_launch *launches, size_t count, size_t operations)
{
    Mesos__V1__Scheduler__Call message = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    Mesos__V1__FrameworkID framework = MESOS__V1__FRAMEWORK_ID__INIT;
    char id[] = "f-1";
    framework.value = id;
    message.framework_id = &framework;
    message.has_type = true;
    message.type = MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT;
    message.accept = &accept;
    struct core_call call = {.call = &message, .launches = launches, .launch_count = count};
    struct blob *blob = encode_call(&call);
    assert_non_null(blob);
    struct slice bytes = blob_slice(blob);
    Mesos__V1__Scheduler__Call *read = mesos__v1__scheduler__call__unpack(NULL, bytes.length, bytes.data);
    blob_unref(blob);
    assert_non_null(read);
    assert_string_equal(read->framework_id->value, "f-1");
    assert_int_equal(read->accept->n_operations, operations);
    /* Packed again the message has no operations: they were in it for the time of the packing alone. */
    assert_int_equal(accept.n_operations, 0);
    return read;
}

static Mesos__V1__Scheduler__Call *accept_of(struct core_launch *launches, size_t count)
{
    return accept_with(launches, count, count);
}

static const Mesos__V1__TaskInfo *info_of(const Mesos__V1__Scheduler__Call *call, size_t at)
{
    const Mesos__V1__Offer__Operation *operation = call->accept->operations[at];
    assert_int_equal(operation->type, MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH);
    assert_int_equal(operation->launch->n_task_infos, 1); /* a bad one fails alone */
    return operation->launch->task_infos[0];
}

static void expect_variable(const Mesos__V1__TaskInfo *info, size_t at, const char *name, const char *value)
{
    const Mesos__V1__Environment *environment = info->command->environment;
    assert_true(at < environment->n_variables);
    assert_string_equal(environment->variables[at]->name, name);
    assert_string_equal(environment->variables[at]->value, value);
}

static void one_operation_a_task(void **state)
{
    (void)state;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__Resource cpus;
    Mesos__V1__Value__Scalar amount = MESOS__V1__VALUE__SCALAR__INIT;
    char id[] = "a", name[] = "my task", line[] = "echo", kind[] = "cpus";
    mesos__v1__resource__init(&cpus);
    amount.value = 0.5;
    cpus.name = kind;
    cpus.type = MESOS__V1__VALUE__TYPE__SCALAR;
    cpus.scalar = &amount;
    Mesos__V1__Resource *resources[] = {&cpus};
    command.value = line;
    spec.id = id;
    spec.command = &command;
    struct blob *nameless = spec_blob(&spec);
    spec.name = name;
    struct blob *named = spec_blob(&spec);
    struct core_launch launches[] = {{.task_id = "a.1.1",
                                             .agent_id = "A1",
                                             .spec = nameless,
                                             .resources = resources,
                                             .resource_count = 1},
            {.task_id = "b.2.1",
                    .agent_id = "A1",
                    .spec = named,
                    .resources = resources,
                    .resource_count = 1}};
    Mesos__V1__Scheduler__Call *call = accept_of(launches, 2);
    assert_string_equal(info_of(call, 0)->name, "a"); /* the id, where there is no name */
    assert_string_equal(info_of(call, 1)->name, "my task");
    const Mesos__V1__TaskInfo *info = info_of(call, 1);
    assert_string_equal(info->task_id->value, "b.2.1");
    assert_string_equal(info->agent_id->value, "A1");
    assert_string_equal(info->command->value, "echo");
    assert_int_equal(info->n_resources, 1);
    assert_true(info->resources[0]->scalar->value == 0.5);
    assert_null(info->command->environment); /* nothing is added where no ports are */
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
    blob_unref(named);
    blob_unref(nameless);
}

static const Mesos__V1__Offer__Operation__LaunchGroup *group_of(
        const Mesos__V1__Scheduler__Call *call, size_t at, size_t tasks)
{
    const Mesos__V1__Offer__Operation *operation = call->accept->operations[at];
    assert_int_equal(operation->type, MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH_GROUP);
    assert_null(operation->launch);
    assert_int_equal(operation->launch_group->task_group->n_tasks, tasks);
    for (size_t i = 0; i < tasks; i++)
        assert_null(operation->launch_group->task_group->tasks[i]->executor); /* it is the group's */
    assert_int_equal(operation->launch_group->executor->type, MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT);
    assert_string_equal(
            operation->launch_group->executor->framework_id->value, "f-1"); /* the master asks for it */
    return operation->launch_group;
}

/* A task, a group with zmesosd's executor, another with the client's, a task: four operations, in order. */
static void one_operation_a_group(void **state)
{
    (void)state;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__ExecutorInfo executor; /* its initializer names a field that is deprecated */
    Mesos__V1__ExecutorID executor_id = MESOS__V1__EXECUTOR_ID__INIT;
    Mesos__V1__Resource mem;
    Mesos__V1__Value__Scalar amount = MESOS__V1__VALUE__SCALAR__INIT;
    char id[] = "a", line[] = "echo", mine[] = "mine", kind[] = "mem", group[] = "g";
    mesos__v1__executor_info__init(&executor);
    mesos__v1__resource__init(&mem);
    amount.value = 64;
    mem.name = kind;
    mem.type = MESOS__V1__VALUE__TYPE__SCALAR;
    mem.scalar = &amount;
    Mesos__V1__Resource *resources[] = {&mem};
    command.value = line;
    spec.id = id;
    spec.command = &command;
    spec.group = group;
    struct blob *plain = spec_blob(&spec);
    executor_id.value = mine;
    executor.executor_id = &executor_id;
    executor.has_type = true;
    executor.type = MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
    spec.executor = &executor;
    struct blob *own = spec_blob(&spec);
    const char *const ids[] = {"t.1.1", "a.2.1", "b.3.1", "c.4.1", "d.5.1", "u.6.1"};
    struct core_launch launches[6];
    for (size_t i = 0; i < 6; i++)
        launches[i] = (struct core_launch){
                .task_id = ids[i], .agent_id = "A1", .spec = i == 3 || i == 4 ? own : plain};
    launches[1].group = 2;
    launches[1].executor_id = "group.a.2.1";
    launches[1].executor_resources = resources;
    launches[1].executor_resource_count = 1;
    launches[3].group = 2;
    Mesos__V1__Scheduler__Call *call = accept_with(launches, 6, 4);
    assert_string_equal(info_of(call, 0)->task_id->value, "t.1.1");
    const Mesos__V1__Offer__Operation__LaunchGroup *first = group_of(call, 1, 2),
                                                   *second = group_of(call, 2, 2);
    assert_string_equal(first->executor->executor_id->value, "group.a.2.1");
    assert_int_equal(first->executor->n_resources, 1);
    assert_true(first->executor->resources[0]->scalar->value == 64);
    assert_string_equal(first->task_group->tasks[0]->task_id->value, "a.2.1");
    assert_string_equal(first->task_group->tasks[1]->task_id->value, "b.3.1");
    assert_string_equal(second->executor->executor_id->value, "mine");
    assert_string_equal(second->task_group->tasks[1]->task_id->value, "d.5.1");
    assert_string_equal(info_of(call, 3)->task_id->value, "u.6.1");
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
    blob_unref(own);
    blob_unref(plain);
}

static void ports_reach_the_environment(void **state)
{
    (void)state;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__Environment environment = MESOS__V1__ENVIRONMENT__INIT;
    Mesos__V1__Environment__Variable mine = MESOS__V1__ENVIRONMENT__VARIABLE__INIT;
    char id[] = "a", name[] = "PATH", value[] = "/bin";
    uint32_t ports[] = {31000, 31005, 7};
    mine.name = name;
    mine.value = value;
    Mesos__V1__Environment__Variable *variables[] = {&mine};
    spec.id = id;
    spec.command = &command;
    for (int with_own = 0; with_own < 2; with_own++) {
        if (with_own) {
            environment.variables = variables;
            environment.n_variables = 1;
            command.environment = &environment;
        }
        struct blob *blob = spec_blob(&spec);
        struct core_launch launch = {
                .task_id = "a.1.1", .agent_id = "A1", .spec = blob, .ports = ports, .port_count = 3};
        Mesos__V1__Scheduler__Call *call = accept_of(&launch, 1);
        const Mesos__V1__TaskInfo *info = info_of(call, 0);
        size_t own = (size_t)with_own;
        assert_int_equal(info->command->environment->n_variables, own + 4);
        if (with_own)
            expect_variable(info, 0, "PATH", "/bin");
        expect_variable(info, own, "PORT0", "31000");
        expect_variable(info, own + 1, "PORT1", "31005");
        expect_variable(info, own + 2, "PORT2", "7");
        expect_variable(info, own + 3, "PORTS", "31000,31005,7");
        mesos__v1__scheduler__call__free_unpacked(call, NULL);
        blob_unref(blob);
    }
}

/* ---- what Mesos has and we do not know --------------------------------------------------------------- */

/* Appends a field: number, wire type 2, bytes. All shorter than 128 bytes. */
static size_t put(uint8_t *out, unsigned number, const void *bytes, size_t length)
{
    assert_true(number < 2048 && length < 128);
    size_t at = 0;
    unsigned tag = number << 3 | 2;
    if (tag >= 128)
        out[at++] = (uint8_t)(tag | 0x80);
    out[at++] = (uint8_t)(tag >= 128 ? tag >> 7 : tag);
    out[at++] = (uint8_t)length;
    memcpy(out + at, bytes, length);
    return at + length;
}

static void expect_unknown(const ProtobufCMessage *message, const char *text)
{
    assert_int_equal(message->n_unknown_fields, 1);
    assert_int_equal(message->unknown_fields[0].tag, 999);
    size_t length = strlen(text);
    assert_true(message->unknown_fields[0].len >= length);
    assert_memory_equal(
            message->unknown_fields[0].data + message->unknown_fields[0].len - length, text, length);
}

/* Fields of newer Mesos versions in the messages that a specification embeds go to the agent unharmed. */
static void unknown_fields_pass_through(void **state)
{
    (void)state;
    uint8_t inner[128], environment[128], command[256], container[128], spec[512];
    size_t length = put(inner, 999, "in-environment", 14);
    memcpy(environment, inner, length);
    size_t command_length = put(command, 2, environment, length); /* CommandInfo.environment */
    command_length += put(command + command_length, 999, "in-command", 10);
    command_length += put(command + command_length, 3, "true", 4); /* CommandInfo.value */
    size_t container_length = 0;
    container[container_length++] = 1 << 3; /* ContainerInfo.type = MESOS */
    container[container_length++] = 2;
    container_length += put(container + container_length, 999, "in-container", 12);
    size_t spec_length = put(spec, 1, "a", 1);
    spec_length += put(spec + spec_length, 11, command, command_length);
    spec_length += put(spec + spec_length, 12, container, container_length);
    struct blob *blob = blob_create(spec, spec_length);
    uint32_t port = 5;
    for (size_t ports = 0; ports < 2; ports++) {
        struct core_launch launch = {
                .task_id = "a.1.1", .agent_id = "A1", .spec = blob, .ports = &port, .port_count = ports};
        Mesos__V1__Scheduler__Call *call = accept_of(&launch, 1);
        const Mesos__V1__TaskInfo *info = info_of(call, 0);
        expect_unknown(&info->command->base, "in-command");
        expect_unknown(&info->command->environment->base, "in-environment");
        expect_unknown(&info->container->base, "in-container");
        assert_int_equal(info->command->environment->n_variables, ports ? 2 : 0);
        mesos__v1__scheduler__call__free_unpacked(call, NULL);
    }
    blob_unref(blob);
}

static void everything_a_specification_embeds_is_passed_on(void **state)
{
    (void)state;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__HealthCheck health = MESOS__V1__HEALTH_CHECK__INIT;
    Mesos__V1__CheckInfo check = MESOS__V1__CHECK_INFO__INIT;
    Mesos__V1__KillPolicy policy = MESOS__V1__KILL_POLICY__INIT;
    Mesos__V1__Labels labels = MESOS__V1__LABELS__INIT;
    Mesos__V1__DiscoveryInfo discovery = MESOS__V1__DISCOVERY_INFO__INIT;
    Mesos__V1__DurationInfo longest = MESOS__V1__DURATION_INFO__INIT;
    Mesos__V1__TaskInfo__LimitsEntry limit = MESOS__V1__TASK_INFO__LIMITS_ENTRY__INIT;
    Mesos__V1__TaskInfo__LimitsEntry *limits[] = {&limit};
    char id[] = "a", data[] = "\0bytes";
    longest.nanoseconds = 5;
    spec.id = id;
    spec.command = &command;
    spec.health_check = &health;
    spec.check = &check;
    spec.kill_policy = &policy;
    spec.labels = &labels;
    spec.discovery = &discovery;
    spec.max_completion_time = &longest;
    spec.limits = limits;
    spec.n_limits = 1;
    spec.has_data = true;
    spec.data.data = (uint8_t *)data;
    spec.data.len = 6;
    struct blob *blob = spec_blob(&spec);
    struct core_launch launch = {.task_id = "a.1.1", .agent_id = "A1", .spec = blob};
    Mesos__V1__Scheduler__Call *call = accept_of(&launch, 1);
    const Mesos__V1__TaskInfo *info = info_of(call, 0);
    assert_non_null(info->health_check);
    assert_non_null(info->check);
    assert_non_null(info->kill_policy);
    assert_non_null(info->labels);
    assert_non_null(info->discovery);
    assert_int_equal(info->max_completion_time->nanoseconds, 5);
    assert_int_equal(info->n_limits, 1);
    assert_true(info->has_data);
    assert_memory_equal(info->data.data, "\0bytes", 6);
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
    blob_unref(blob);
}

/* As that of an adopted task, which has an id alone. */
static void a_specification_without_a_command(void **state)
{
    (void)state;
    struct blob *blob = blob_create("\x0a\x01"
                                    "a",
            3);
    uint32_t port = 5;
    struct core_launch launch = {
            .task_id = "a.1.1", .agent_id = "A1", .spec = blob, .ports = &port, .port_count = 1};
    Mesos__V1__Scheduler__Call *call = accept_of(&launch, 1);
    const Mesos__V1__TaskInfo *info = info_of(call, 0);
    assert_string_equal(info->name, "a");
    assert_null(info->command);
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
    blob_unref(blob);
}

static void a_specification_that_cannot_be_read_makes_no_call(void **state)
{
    (void)state;
    struct blob *good = blob_create("\x0a\x01"
                                    "a\x5a\x00",
                        5),
                *bad = blob_create("\xff\xff\xff", 3);
    Mesos__V1__Scheduler__Call message = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    message.accept = &accept;
    struct core_launch launches[] = {{.task_id = "a.1.1", .agent_id = "A1", .spec = good},
            {.task_id = "b.2.1", .agent_id = "A1", .spec = bad}};
    struct core_call call = {.call = &message, .launches = launches, .launch_count = 2};
    assert_null(encode_call(&call));
    call.launch_count = 1;
    struct blob *blob = encode_call(&call);
    assert_non_null(blob);
    blob_unref(blob);
    blob_unref(good);
    blob_unref(bad);
}

/* ---- KILL, replies, comparisons ---------------------------------------------------------------------- */

static void a_kill_carries_its_policy(void **state)
{
    (void)state;
    Mesos__V1__Scheduler__Call message = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__Kill kill = MESOS__V1__SCHEDULER__CALL__KILL__INIT;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__KillPolicy policy = MESOS__V1__KILL_POLICY__INIT;
    Mesos__V1__DurationInfo grace = MESOS__V1__DURATION_INFO__INIT;
    char value[] = "a.1.1";
    id.value = value;
    kill.task_id = &id;
    message.kill = &kill;
    grace.nanoseconds = 77;
    policy.grace_period = &grace;
    struct blob *kept = encode_message(&policy.base), *broken = blob_create("\xff", 1);
    struct core_call call = {.call = &message, .kill_policy = kept};
    struct blob *blob = encode_call(&call);
    assert_non_null(blob);
    struct slice bytes = blob_slice(blob);
    Mesos__V1__Scheduler__Call *read = mesos__v1__scheduler__call__unpack(NULL, bytes.length, bytes.data);
    assert_non_null(read);
    assert_int_equal(read->kill->kill_policy->grace_period->nanoseconds, 77);
    mesos__v1__scheduler__call__free_unpacked(read, NULL);
    blob_unref(blob);
    assert_null(kill.kill_policy);
    call.kill_policy = broken;
    assert_null(encode_call(&call));
    blob_unref(kept);
    blob_unref(broken);
}

static void a_reply_carries_specifications(void **state)
{
    (void)state;
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Tasks tasks = ZMESOS__V1__TASKS__INIT;
    Zmesos__V1__Task one = ZMESOS__V1__TASK__INIT, two = ZMESOS__V1__TASK__INIT;
    Zmesos__V1__Task *list[] = {&one, &two};
    tasks.tasks = list;
    tasks.n_tasks = 2;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
    reply.tasks = &tasks;
    struct blob *specs[] = {blob_create("\x0a\x01"
                                        "a",
                                    3),
            blob_create("\x0a\x01"
                        "b",
                    3)};
    struct core_reply out = {.token = 1, .reply = &reply, .specs = specs};
    struct blob *blob = encode_reply(&out);
    assert_non_null(blob);
    struct slice bytes = blob_slice(blob);
    Zmesos__V1__Reply *read = zmesos__v1__reply__unpack(NULL, bytes.length, bytes.data);
    assert_non_null(read);
    assert_string_equal(read->tasks->tasks[0]->spec->id, "a");
    assert_string_equal(read->tasks->tasks[1]->spec->id, "b");
    zmesos__v1__reply__free_unpacked(read, NULL);
    blob_unref(blob);
    out.specs = NULL; /* not asked for */
    one.spec = two.spec = NULL;
    blob = encode_reply(&out);
    bytes = blob_slice(blob);
    read = zmesos__v1__reply__unpack(NULL, bytes.length, bytes.data);
    assert_null(read->tasks->tasks[0]->spec);
    zmesos__v1__reply__free_unpacked(read, NULL);
    blob_unref(blob);
    blob_unref(specs[1]);
    specs[1] = blob_create("\xff", 1);
    out.specs = specs;
    assert_null(encode_reply(&out));
    blob_unref(specs[0]);
    blob_unref(specs[1]);
}

static bool same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    bool forth = encode_same_spec(slice_of(a, a_length), slice_of(b, b_length));
    assert_int_equal(encode_same_spec(slice_of(b, b_length), slice_of(a, a_length)), forth);
    return forth;
}

#define SAME(a, b) same(a, sizeof(a) - 1, b, sizeof(b) - 1)

/* Field 1 is the id, 4 the priority, 9 the ports. */
static void the_same_said_in_another_way(void **state)
{
    (void)state;
    assert_true(SAME("\x0a\x01"
                     "a",
            "\x0a\x01"
            "a"));
    assert_false(SAME("\x0a\x01"
                      "a",
            "\x0a\x01"
            "b"));
    assert_true(SAME("\x0a\x01"
                     "a\x20\x05",
            "\x20\x05\x0a\x01"
            "a")); /* another order */
    assert_true(SAME("\x0a\x01"
                     "a\x20\x05",
            "\x0a\x01"
            "a\x20\x85\x00")); /* a longer varint */
    assert_true(SAME("\x0a\x01"
                     "a",
            "\x0a\x81\x00"
            "a")); /* a longer length */
    assert_false(SAME("\x0a\x01"
                      "a",
            "\x0a\x01"
            "a\x20\x00")); /* said, and equal to the default: not the same */
    assert_false(SAME("\x0a\x01"
                      "a",
            "\x0a\x01"
            "a\xba\x3e\x01x")); /* an unknown field counts */
    assert_true(SAME("\xba\x3e\x01x\x0a\x01"
                     "a",
            "\x0a\x01"
            "a\xba\x3e\x01x"));
    assert_false(SAME("\x0a\x01"
                      "a",
            "\xff"));

    /* Field 20 is a map: "a" to 1, "b" to 2, in either order. */
#define ENTRY(key, number) "\xa2\x01\x0e\x0a\x01" key "\x12\x09\x09" number
#define ONE "\0\0\0\0\0\0\xf0\x3f"
#define TWO "\0\0\0\0\0\0\0\x40"
    assert_true(SAME(ENTRY("a", ONE) ENTRY("b", TWO), ENTRY("b", TWO) ENTRY("a", ONE)));
    assert_false(SAME(ENTRY("a", ONE) ENTRY("b", TWO), ENTRY("a", TWO) ENTRY("b", ONE)));
    assert_false(SAME(ENTRY("a", ONE) ENTRY("b", TWO), ENTRY("a", ONE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_operation_a_task),
            cmocka_unit_test(one_operation_a_group),
            cmocka_unit_test(ports_reach_the_environment),
            cmocka_unit_test(unknown_fields_pass_through),
            cmocka_unit_test(everything_a_specification_embeds_is_passed_on),
            cmocka_unit_test(a_specification_without_a_command),
            cmocka_unit_test(a_specification_that_cannot_be_read_makes_no_call),
            cmocka_unit_test(a_kill_carries_its_policy),
            cmocka_unit_test(a_reply_carries_specifications),
            cmocka_unit_test(the_same_said_in_another_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
