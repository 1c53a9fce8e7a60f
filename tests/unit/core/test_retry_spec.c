/* What a retry policy and a launch timeout may say: each limit, and one past it. */
#include "rig.h"

#include <string.h>

#define DAY_NS ((int64_t)24 * 3600 * 1000000000)

/* Launches a good task and this one, and expects it to be refused for that field. */
static void expect_refused(struct rig *rig, Zmesos__V1__TaskSpec *spec, const char *field)
{
    Zmesos__V1__TaskSpec *specs[] = {build_spec(rig, "good"), spec};
    in_launch_specs(rig, specs, 2);
    size_t tasks = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        tasks += output->kind == CORE_OUT_RECORD;
        if (output->kind != CORE_OUT_REPLY)
            continue;
        const Zmesos__V1__Reply *reply = output->reply.reply;
        assert_int_equal(reply->code, ZMESOS__V1__CODE__SOME_REFUSED);
        const Zmesos__V1__Item *item = reply->items->items[1];
        assert_true(item->code == ZMESOS__V1__CODE__INVALID || item->code == ZMESOS__V1__CODE__TOO_LARGE);
        assert_non_null(item->field);
        char path[100] = {0};
        strncpy(path, item->field, sizeof path - 1);
        if (strncmp(path, "launch.tasks[1].retry.on[", 25) == 0)
            path[24] = '\0'; /* which of them is said as well */
        assert_string_equal(path, words(rig, "launch.tasks[1].%s", field));
        assert_true(item->message && *item->message && item->has_retry && !item->retry);
    }
    assert_in_range(tasks, 0, 1); /* nothing of the bad one is kept */
    expect_state(rig, "bad", "none");
}

static void expect_taken(struct rig *rig, Zmesos__V1__TaskSpec *spec)
{
    const char *id = words(rig, "%s", spec->id);
    in_launch_specs(rig, &spec, 1);
    expect_state(rig, id, "QUEUED");
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *words, *field;
    } cases[] = {
            {"tries 0", "retry.max_attempts"},
            {"tries 101", "retry.max_attempts"},
            {"tries 4294967295", "retry.max_attempts"},
            {"tries 2 backoff -1", "retry.backoff"},
            {"tries 2 backoff 86400001", "retry.backoff"},
            {"tries 2 most -1", "retry.backoff_max"},
            {"tries 2 most 86400001", "retry.backoff_max"},
            {"tries 2 on LOST replace -1", "retry.replace_after"},
            {"tries 2 on LOST replace 2592000001", "retry.replace_after"},
            {"replace 2592000001", "retry.replace_after"}, /* also where nothing would use it */
            {"timeout -1", "launch_timeout"},
            {"timeout 2592000001", "launch_timeout"},
    };
    struct rig *rig = *state = rig_create(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(rig, build_spec(rig, words(rig, "bad %s", cases[i].words)), cases[i].field);
}

static void one_nanosecond_past_the_limit(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    for (int64_t past = -1; past <= 1; past++) {
        for (int which = 0; which < 3; which++) {
            Zmesos__V1__TaskSpec *spec = build_spec(
                    rig, words(rig, "%s tries 2 backoff 1 most 1 replace 1",
                                 past > 0 ? "bad" : words(rig, "good%lld-%d", (long long)past, which)));
            Mesos__V1__DurationInfo *durations[] = {
                    spec->retry->backoff, spec->retry->backoff_max, spec->retry->replace_after};
            static const char *const fields[] = {"retry.backoff", "retry.backoff_max", "retry.replace_after"};
            durations[which]->nanoseconds = DAY_NS * (which == 2 ? 30 : 1) + past;
            if (past > 0)
                expect_refused(rig, spec, fields[which]);
            else
                expect_taken(rig, spec);
        }
    }
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "bad tries 2 backoff 1");
    spec->retry->backoff->nanoseconds = -1;
    expect_refused(rig, spec, "retry.backoff");
    static const int64_t nanoseconds[] = {-1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        spec = build_spec(rig, "bad timeout 1");
        spec->launch_timeout->nanoseconds = nanoseconds[i];
        expect_refused(rig, spec, "launch_timeout");
    }
}

static void outcomes_that_nobody_knows(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    static const int outcomes[] = {0, -1, 99, 1000};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        Zmesos__V1__TaskSpec *spec = build_spec(rig, "bad tries 2 on FAILED,GONE");
        spec->retry->on[1] = (Zmesos__V1__RetryPolicy__Outcome)outcomes[i];
        expect_refused(rig, spec, "retry.on");
    }
}

static void what_is_taken(void **state)
{
    static const char *const cases[] = {"tries 1", "tries 100", "tries 2 backoff 0",
            "tries 2 backoff 86400000", "tries 2 most 0", "tries 2 most 86400000",
            "tries 2 backoff 5000 most 1000", "tries 2 on LOST replace 0",
            "tries 2 on LOST replace 2592000000", "tries 2 on FAILED,FAILED,FAILED",
            "tries 2 on FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,GONE,LOST,UNREACHABLE,UNKNOWN", "elsewhere yes",
            "timeout 0", "timeout 1", "timeout 2592000000"};
    struct rig *rig = *state = rig_create(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_taken(rig, build_spec(rig, words(rig, "t%zu %s", i, cases[i])));
    Zmesos__V1__RetryPolicy empty = ZMESOS__V1__RETRY_POLICY__INIT;
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "empty");
    spec->retry = &empty;
    expect_taken(rig, spec);
}

/* The policy is part of the specification: with another one it is another task. */
static void launched_again(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_REPLIES);
    in_launch(rig, "a tries 2");
    expect(in_launch(rig, "a tries 2"), "REPLY 2 OK [a OK QUEUED rev 1 known]\n");
    assert_non_null(strstr(in_launch(rig, "a tries 3"), "[a CONFLICT "));
    assert_non_null(strstr(in_launch(rig, "a"), "[a CONFLICT "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_refused),
            TEST(one_nanosecond_past_the_limit),
            TEST(outcomes_that_nobody_knows),
            TEST(what_is_taken),
            TEST(launched_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
