/* Retries from flags, and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "retry.h"
#include "wire/json.h"

#define FLAGS_MAX 8

struct flag {
    int option;
    const char *value;
};

/* The task's retry policy as JSON ("" for none), or what went wrong. */
static const char *policy(const struct flag flags[FLAGS_MAX], char out[1024])
{
    char *words[] = {(char[]){"true"}};
    struct spec spec;
    struct error err;
    struct buf text;
    int rc = 1, i;

    spec_init(&spec, FLAGS_MAX);
    for (i = 0; rc == 1 && i < FLAGS_MAX && flags[i].option; i++)
        rc = spec_option(&spec, flags[i].option,
                flags[i].value ? arena_string(&spec.arena, flags[i].value) : NULL, &err);
    if (rc == 1)
        rc = spec_finish(&spec, 1, words, &err);
    strcpy(out, rc < 0 ? err.text : "");
    buf_init(&text, 0);
    if (rc == 0 && spec.task.retry) {
        assert_int_equal(json_write(&spec.task.retry->base, &text, NULL), 0);
        assert_int_equal(buf_append(&text, "", 1), 0);
        strcpy(out, (char *)text.data);
    }
    buf_clear(&text);
    spec_clear(&spec);
    return out;
}

static void test_flags_make_the_policy(void **state)
{
    static const struct {
        struct flag flags[FLAGS_MAX];
        const char *json;
    } cases[] = {
            {{{0, NULL}}, ""},
            {{{OPTION_LAUNCH_TIMEOUT, "1m"}}, ""},
            {{{OPTION_RETRIES, "0"}}, "{\"max_attempts\":1}"},
            {{{OPTION_RETRIES, "99"}}, "{\"max_attempts\":100}"},
            {{{OPTION_RETRIES, "2"}, {OPTION_RETRY_ON, "failed,Launch-Timeout"},
                     {OPTION_RETRY_ON, "GONE,failed"}},
                    "{\"max_attempts\":3,\"on\":[\"FAILED\",\"LAUNCH_TIMEOUT\",\"GONE\"]}"},
            {{{OPTION_RETRY_BACKOFF, "0.5"}, {OPTION_RETRY_BACKOFF_MAX, "1d"}, {OPTION_ELSEWHERE, NULL},
                     {OPTION_RETRIES, "1"}},
                    "{\"max_attempts\":2,\"backoff\":{\"nanoseconds\":500000000},"
                    "\"backoff_max\":{\"nanoseconds\":86400000000000},\"elsewhere\":true}"},
            {{{OPTION_RETRIES, "1"}, {OPTION_RETRY_BACKOFF, "5m"}},
                    "{\"max_attempts\":2,\"backoff\":{\"nanoseconds\":300000000000}}"},
            {{{OPTION_RETRIES, "1"}, {OPTION_RETRY_BACKOFF, "300.001"}},
                    "{\"max_attempts\":2,\"backoff\":{\"nanoseconds\":300001000000},"
                    "\"backoff_max\":{\"nanoseconds\":300001000000}}"},
            {{{OPTION_RETRIES, "1"}, {OPTION_RETRY_ON, "unreachable"}, {OPTION_REPLACE_AFTER, "30d"}},
                    "{\"max_attempts\":2,\"on\":[\"UNREACHABLE\"],"
                    "\"replace_after\":{\"nanoseconds\":2592000000000000}}"},
            {{{OPTION_RETRIES, "1"},
                     {OPTION_RETRY_ON,
                             "failed,finished,killed,launch_timeout,gone,lost,unreachable,unknown"}},
                    "{\"max_attempts\":2,\"on\":[\"FAILED\",\"FINISHED\",\"KILLED\",\"LAUNCH_TIMEOUT\","
                    "\"GONE\","
                    "\"LOST\",\"UNREACHABLE\",\"UNKNOWN\"]}"},
    };
    char out[1024];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(policy(cases[i].flags, out), cases[i].json);
}

static void test_the_launch_timeout_is_the_tasks(void **state)
{
    struct spec spec;
    struct error err;

    (void)state;
    spec_init(&spec, 1);
    assert_int_equal(spec_option(&spec, OPTION_LAUNCH_TIMEOUT, (char[]){"1m"}, &err), 1);
    assert_int_equal(spec.task.launch_timeout->nanoseconds, INT64_C(60000000000));
    spec_clear(&spec);
}

static void test_bad_flags_are_named(void **state)
{
    static const struct {
        struct flag flags[FLAGS_MAX];
        const char *words;
    } cases[] = {
            {{{OPTION_RETRIES, "100"}}, "--retries 100: expected"},
            {{{OPTION_RETRIES, "-1"}}, "--retries -1: expected"},
            {{{OPTION_RETRIES, "1.5"}}, "--retries 1.5: expected"},
            {{{OPTION_RETRIES, ""}}, "--retries : expected"},
            {{{OPTION_RETRY_ON, "crash"}}, "--retry-on crash: expected"},
            {{{OPTION_RETRY_ON, "failed,"}}, "--retry-on : expected"},
            {{{OPTION_RETRY_ON, "failed,an-outcome-longer-than-any-that-there-is"}},
                    "--retry-on an-outcome-lo"},
            {{{OPTION_RETRY_BACKOFF, "fast"}}, "--retry-backoff fast: expected"},
            {{{OPTION_RETRY_BACKOFF, "86400.001"}}, "--retry-backoff 86400.001: expected"},
            {{{OPTION_RETRY_BACKOFF_MAX, "1.001d"}}, "--retry-backoff-max 1.001d: expected"},
            {{{OPTION_REPLACE_AFTER, "30.001d"}}, "--replace-after 30.001d: expected"},
            {{{OPTION_LAUNCH_TIMEOUT, "-1s"}}, "--launch-timeout -1s: expected"},
            {{{OPTION_LAUNCH_TIMEOUT, "30.001d"}}, "--launch-timeout 30.001d: expected"},
            {{{OPTION_RETRY_ON, "failed"}}, "--retry-on means nothing without --retries"},
            {{{OPTION_RETRY_BACKOFF, "1s"}}, "--retry-backoff means nothing without --retries"},
            {{{OPTION_RETRY_BACKOFF_MAX, "1s"}}, "--retry-backoff-max means nothing without --retries"},
            {{{OPTION_REPLACE_AFTER, "1s"}}, "--replace-after means nothing without --retries"},
            {{{OPTION_ELSEWHERE, NULL}}, "--elsewhere means nothing without --retries"},
            {{{OPTION_RETRIES, "1"}, {OPTION_REPLACE_AFTER, "1s"}}, "--replace-after means nothing"},
            {{{OPTION_RETRIES, "1"}, {OPTION_REPLACE_AFTER, "1s"}, {OPTION_RETRY_ON, "gone,killed"}},
                    "--replace-after means nothing"},
    };
    char out[1024];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy(cases[i].flags, out);
        if (strncmp(out, cases[i].words, strlen(cases[i].words)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", out, cases[i].words);
    }
}

static void test_in_words(void **state)
{
    Zmesos__V1__RetryPolicy__Outcome on[] = {
            ZMESOS__V1__RETRY_POLICY__OUTCOME__FAILED, ZMESOS__V1__RETRY_POLICY__OUTCOME__LOST};
    Mesos__V1__DurationInfo backoff = MESOS__V1__DURATION_INFO__INIT, most = MESOS__V1__DURATION_INFO__INIT,
                            after = MESOS__V1__DURATION_INFO__INIT;
    Zmesos__V1__RetryPolicy policy = ZMESOS__V1__RETRY_POLICY__INIT;
    char out[RETRY_TEXT_MAX];

    (void)state;
    assert_string_equal(retry_describe(&policy, out),
            "up to 1 attempts, after FAILED, LAUNCH_TIMEOUT, GONE; backoff 1s to 5m");
    policy.max_attempts = 3;
    policy.n_on = 2;
    policy.on = on;
    assert_string_equal(retry_describe(&policy, out),
            "up to 3 attempts, after FAILED, LOST; backoff 1s to 5m; replaced after 10m");
    backoff.nanoseconds = 500000000;
    most.nanoseconds = INT64_C(3600000000000);
    after.nanoseconds = INT64_C(90000000000);
    policy.backoff = &backoff;
    policy.backoff_max = &most;
    policy.replace_after = &after;
    policy.elsewhere = 1;
    assert_string_equal(retry_describe(&policy, out),
            "up to 3 attempts, after FAILED, LOST; backoff 500ms to 1h; replaced after 1.5m; elsewhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_flags_make_the_policy),
            cmocka_unit_test(test_the_launch_timeout_is_the_tasks),
            cmocka_unit_test(test_bad_flags_are_named),
            cmocka_unit_test(test_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
