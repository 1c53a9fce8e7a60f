/* The SUBSCRIBE call: whose it is, and that it waits for the disk. */
#include "rig.h"

static Mesos__V1__Scheduler__Call *subscribe(struct rig *rig)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    assert_int_equal(daemon_subscribe_call(&rig->daemon, &bytes, &length), 0);
    Mesos__V1__Scheduler__Call *call = mesos__v1__scheduler__call__unpack(NULL, length, bytes);
    free(bytes);
    assert_non_null(call);
    return call;
}

static void it_names_the_framework_twice(void **state)
{
    struct rig *rig = *state;
    struct error err;
    assert_int_equal(store_start(rig->daemon.store, &err), 0);
    Mesos__V1__Scheduler__Call *call = subscribe(rig);
    assert_int_equal(call->type, MESOS__V1__SCHEDULER__CALL__TYPE__SUBSCRIBE);
    assert_string_equal(call->framework_id->value, rig->daemon.framework_id);
    assert_string_equal(call->subscribe->framework_info->id->value, rig->daemon.framework_id);
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
}

/* The new id is in a group that is filling, then in one that is under way, then on disk. */
static void it_waits_for_a_new_id(void **state)
{
    struct rig *rig = *state;
    struct daemon *daemon = &rig->daemon;
    uint8_t *bytes = NULL;
    size_t length = 7;
    struct error err;
    struct core_input removed = {.kind = CORE_IN_REMOVED, .removed = {.framework_id = "another"}};
    free(daemon->framework_id);
    daemon->framework_id = strdup("another");
    daemon_input(daemon, &removed);
    daemon->subscribe_group = store_group(daemon->store);
    assert_int_equal(daemon->subscribe_group, 1);
    assert_int_equal(daemon_subscribe_call(daemon, &bytes, &length), ERR_UNAVAILABLE);
    assert_null(bytes);
    assert_int_equal(length, 7);
    assert_int_equal(store_start(daemon->store, &err), 0);
    assert_int_equal(daemon_subscribe_call(daemon, &bytes, &length), ERR_UNAVAILABLE);
    store_flush(daemon->store);
    rig_wait_store(rig);
    Mesos__V1__Scheduler__Call *call = subscribe(rig);
    assert_string_equal(call->framework_id->value, "another");
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(it_names_the_framework_twice),
            TEST(it_waits_for_a_new_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
