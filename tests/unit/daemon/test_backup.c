/* The request backup: its limits, its replies, and their place among the others. */
#include "rig.h"

/* Asks; the reply, if it is there already, is the last of the outbox. */
static void ask(struct rig *rig, front_token token, const char *path)
{
    Zmesos__V1__Backup backup = ZMESOS__V1__BACKUP__INIT;
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    char id[32];
    snprintf(id, sizeof id, "request-%u", (unsigned)token);
    request.id = id;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_BACKUP;
    request.backup = &backup;
    backup.path = (char *)(uintptr_t)path;
    daemon_on_request(&rig->daemon, token, &request, slice_of(NULL, 0));
}

static Zmesos__V1__Reply *take_reply(struct rig *rig, front_token token)
{
    struct outbox *outbox = &rig->daemon.outbox;
    const struct parcel *parcel = outbox_ready(outbox, store_committed(rig->daemon.store));
    char id[32];
    assert_non_null(parcel);
    assert_int_equal(parcel->kind, PARCEL_REPLY);
    assert_int_equal(parcel->id, token);
    struct slice body = blob_slice(parcel->body);
    Zmesos__V1__Reply *reply = zmesos__v1__reply__unpack(NULL, body.length, body.data);
    assert_non_null(reply);
    snprintf(id, sizeof id, "request-%u", (unsigned)token);
    assert_string_equal(reply->id, id);
    assert_int_equal(reply->version, 1);
    outbox_drop_first(outbox);
    return reply;
}

static void expect_refused(
        struct rig *rig, front_token token, Zmesos__V1__Code code, bool retry, const char *field)
{
    Zmesos__V1__Reply *reply = take_reply(rig, token);
    assert_int_equal(reply->code, code);
    assert_true(reply->message && *reply->message);
    assert_true(reply->has_retry);
    assert_int_equal(reply->retry, retry);
    assert_string_equal(reply->field ? reply->field : "", field);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static void start(struct rig *rig)
{
    struct error err;
    assert_int_equal(store_start(rig->daemon.store, &err), 0);
}

static void paths_have_limits(void **state)
{
    struct rig *rig = *state;
    char path[4098];
    start(rig);
    memset(path, 'x', sizeof path);
    memcpy(path, "/nonexistent/", 13);
    path[4097] = '\0';
    static const char *const wrong[] = {NULL, "", "copy", "./copy", "~/copy"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ask(rig, 1 + i, wrong[i]);
        expect_refused(rig, 1 + i, ZMESOS__V1__CODE__INVALID, false, "backup.path");
    }
    ask(rig, 7, path); /* 4,097 bytes */
    expect_refused(rig, 7, ZMESOS__V1__CODE__INVALID, false, "backup.path");
    path[4096] = '\0'; /* taken, and the system says what it thinks of it */
    ask(rig, 8, path);
    assert_true(rig->daemon.backup.running);
    while (rig->daemon.backup.running) {
        rig_wait_store(rig);
        daemon_finish_backup(&rig->daemon);
    }
    expect_refused(rig, 8, ZMESOS__V1__CODE__UNAVAILABLE, false, "");
}

/* Refusals come at once, its own reply at the end. */
static void one_at_a_time(void **state)
{
    struct rig *rig = *state;
    char copy[128], copy2[128];
    struct stat about;
    start(rig);
    snprintf(copy, sizeof copy, "%s/copy", rig->directory);
    snprintf(copy2, sizeof copy2, "%s/copy2", rig->directory);
    ask(rig, 1, copy);
    ask(rig, 2, copy2);
    expect_refused(rig, 2, ZMESOS__V1__CODE__UNAVAILABLE, true, "");
    assert_null(outbox_ready(&rig->daemon.outbox, UINT64_MAX));
    while (rig->daemon.backup.running) {
        rig_wait_store(rig);
        daemon_finish_backup(&rig->daemon);
    }
    Zmesos__V1__Reply *reply = take_reply(rig, 1);
    assert_int_equal(reply->code, ZMESOS__V1__CODE__OK);
    assert_string_equal(reply->backup->path, copy);
    assert_int_equal(stat(copy, &about), 0);
    assert_int_equal(reply->backup->bytes, about.st_size);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    assert_int_equal(stat(copy2, &about), -1);
    ask(rig, 3, copy); /* it is there */
    expect_refused(rig, 3, ZMESOS__V1__CODE__CONFLICT, false, "backup.path");
    ask(rig, 4, copy2); /* and now the other one */
    assert_true(rig->daemon.backup.running);
}

/* Made or not: it may have been complete just before. */
static void whoever_waits_is_told_what_came_of_it_when_we_stop(void **state)
{
    struct rig *rig = *state;
    char copy[128];
    struct stat about;
    start(rig);
    daemon_abandon_backup(&rig->daemon);
    assert_null(outbox_ready(&rig->daemon.outbox, UINT64_MAX));
    snprintf(copy, sizeof copy, "%s/copy", rig->directory);
    ask(rig, 1, copy);
    daemon_abandon_backup(&rig->daemon);
    while (rig->daemon.backup.running) {
        rig_wait_store(rig);
        daemon_finish_backup(&rig->daemon);
    }
    if (stat(copy, &about) < 0) {
        expect_refused(rig, 1, ZMESOS__V1__CODE__UNAVAILABLE, true, "");
    } else {
        Zmesos__V1__Reply *reply = take_reply(rig, 1);
        assert_int_equal(reply->code, ZMESOS__V1__CODE__OK);
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
    daemon_finish_backup(&rig->daemon); /* nobody waits any more */
    assert_null(outbox_ready(&rig->daemon.outbox, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(paths_have_limits),
            TEST(one_at_a_time),
            TEST(whoever_waits_is_told_what_came_of_it_when_we_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
