/* One task from flags, from a table of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "spec.h"
#include "wire/json.h"

struct flag {
    int option;
    const char *value;
};

static int take(struct spec *spec, int option, const char *value, struct error *err)
{
    return spec_option(spec, option, arena_string(&spec->arena, value), err);
}

static void expect_json(struct spec *spec, const char *json)
{
    struct buf text;

    buf_init(&text, 0);
    assert_int_equal(json_write(&spec->task.base, &text, NULL), 0);
    assert_int_equal(buf_append(&text, "", 1), 0);
    assert_string_equal((char *)text.data, json);
    buf_clear(&text);
}

static void test_all_flags(void **state)
{
    static const struct flag flags[] = {{OPTION_ID, "a"}, {OPTION_NAME, "b"}, {OPTION_ROLE, "r"},
            {OPTION_PRIORITY, "-7"}, {OPTION_CPUS, "0.125"}, {OPTION_MEM, "64"}, {OPTION_DISK, "10.5"},
            {OPTION_GPUS, "2"}, {OPTION_PORTS, "3"}, {OPTION_CONSTRAINT, "rack=r1"},
            {OPTION_CONSTRAINT, "unique rack"}, {OPTION_PIN, "S1"}, {OPTION_PLACER, "p"},
            {OPTION_ENV, "A=1=2"}, {OPTION_ENV, "B="}, {OPTION_LABEL, "team=blue"}, {OPTION_LABEL, "flag"},
            {OPTION_USER, "u"}, {OPTION_IMAGE, "debian:12"}};
    char *words[] = {(char[]){"echo hi"}};
    struct spec spec;
    struct error err;
    size_t i;

    (void)state;
    spec_init(&spec, sizeof flags / sizeof *flags);
    for (i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_int_equal(take(&spec, flags[i].option, flags[i].value, &err), 1);
    assert_int_equal(spec_finish(&spec, 1, words, &err), 0);
    expect_json(&spec,
            "{\"id\":\"a\",\"name\":\"b\",\"role\":\"r\",\"priority\":-7,\"cpus\":0.125,\"mem\":64.0,"
            "\"disk\":10.5,\"gpus\":2.0,\"ports\":3,\"constraints\":["
            "{\"attribute\":\"rack\",\"operator\":\"EQUALS\",\"values\":[\"r1\"]},"
            "{\"attribute\":\"rack\",\"operator\":\"UNIQUE\"},"
            "{\"attribute\":\"agent_id\",\"operator\":\"EQUALS\",\"values\":[\"S1\"]}],"
            "\"command\":{\"environment\":{\"variables\":[{\"name\":\"A\",\"value\":\"1=2\"},"
            "{\"name\":\"B\",\"value\":\"\"}]},\"value\":\"echo hi\",\"user\":\"u\",\"shell\":true},"
            "\"container\":{\"type\":\"MESOS\",\"mesos\":{\"image\":{\"type\":\"DOCKER\","
            "\"docker\":{\"name\":\"debian:12\"}}}},"
            "\"labels\":{\"labels\":[{\"key\":\"team\",\"value\":\"blue\"},{\"key\":\"flag\"}]},"
            "\"placer\":\"p\"}");
    spec_clear(&spec);
}

static void test_several_words_are_a_program_and_its_arguments(void **state)
{
    char *words[] = {(char[]){"ls"}, (char[]){"-l"}, (char[]){"a b"}};
    struct spec spec;
    struct error err;

    (void)state;
    spec_init(&spec, 1);
    assert_int_equal(take(&spec, OPTION_ID, "x", &err), 1);
    assert_int_equal(spec_finish(&spec, 3, words, &err), 0);
    expect_json(&spec,
            "{\"id\":\"x\",\"cpus\":1.0,\"mem\":128.0,\"command\":{\"value\":\"ls\",\"shell\":false,"
            "\"arguments\":[\"ls\",\"-l\",\"a b\"]}}");
    spec_clear(&spec);
}

static void test_ids_that_are_made_up_differ(void **state)
{
    char *words[] = {(char[]){"true"}};
    struct spec one, two;
    struct error err;

    (void)state;
    spec_init(&one, 1);
    spec_init(&two, 1);
    assert_int_equal(spec_finish(&one, 1, words, &err), 0);
    assert_int_equal(spec_finish(&two, 1, words, &err), 0);
    assert_int_equal(strlen(one.task.id), 17);
    assert_int_equal(strncmp(one.task.id, "task-", 5), 0);
    assert_null(strchr(one.task.id + 5, '-'));
    assert_string_not_equal(one.task.id, two.task.id);
    spec_clear(&one);
    spec_clear(&two);
}

static void test_bad_values_are_named(void **state)
{
    static const struct flag flags[] = {{OPTION_CPUS, "x"}, {OPTION_CPUS, "-1"}, {OPTION_CPUS, ""},
            {OPTION_CPUS, "1e3"}, {OPTION_CPUS, "0.0001"}, {OPTION_MEM, "1 GB"}, {OPTION_DISK, "nan"},
            {OPTION_GPUS, "inf"}, {OPTION_PORTS, "-1"}, {OPTION_PORTS, "1001"}, {OPTION_PORTS, "1.5"},
            {OPTION_PRIORITY, "2147483648"}, {OPTION_PRIORITY, "high"}, {OPTION_CONSTRAINT, "rack"},
            {OPTION_ENV, "A"}, {OPTION_ENV, "=1"}, {OPTION_LABEL, "=1"}, {OPTION_LABEL, ""}};
    struct spec spec;
    size_t i;

    (void)state;
    spec_init(&spec, 1);
    for (i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct error err = {.text = ""};

        if (take(&spec, flags[i].option, flags[i].value, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", flags[i].value);
        assert_non_null(strstr(err.text, flags[i].value));
        assert_non_null(strstr(err.text, "expected"));
    }
    spec_clear(&spec);
}

static void test_limits_are_taken(void **state)
{
    struct spec spec;
    struct error err;

    (void)state;
    spec_init(&spec, 1);
    assert_int_equal(take(&spec, OPTION_PORTS, "1000", &err), 1);
    assert_int_equal(take(&spec, OPTION_PRIORITY, "2147483647", &err), 1);
    assert_int_equal(take(&spec, OPTION_PRIORITY, "-2147483648", &err), 1);
    assert_int_equal(take(&spec, OPTION_CPUS, "0.001", &err), 1);
    assert_int_equal(take(&spec, OPTION_CPUS, "0", &err), 1);
    assert_int_equal(spec_option(&spec, OPTION_AFTER_SPEC, NULL, &err), 0);
    assert_int_equal(spec_option(&spec, OPTION_JSON, NULL, &err), 0);
    assert_int_equal(spec_option(&spec, '?', NULL, &err), 0);
    spec_clear(&spec);
}

static void test_a_command_is_needed(void **state)
{
    struct spec spec;
    struct error err;

    (void)state;
    spec_init(&spec, 1);
    assert_int_equal(spec_finish(&spec, 0, NULL, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "command"));
    spec_clear(&spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_all_flags),
            cmocka_unit_test(test_several_words_are_a_program_and_its_arguments),
            cmocka_unit_test(test_ids_that_are_made_up_differ),
            cmocka_unit_test(test_bad_values_are_named),
            cmocka_unit_test(test_limits_are_taken),
            cmocka_unit_test(test_a_command_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
