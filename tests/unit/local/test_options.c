/* The command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define ARGUMENTS_MAX 16

/* Parses the words that follow the program's name; the list ends with NULL. */
static int parse(struct options *options, struct error *err, ...)
{
    char *argv[ARGUMENTS_MAX] = {(char[]){"zmesos-local"}};
    int argc = 1;
    va_list words;
    va_start(words, err);
    for (char *word; (word = va_arg(words, char *)) != NULL;)
        argv[argc++] = word;
    va_end(words);
    return options_parse(options, argc, argv, err);
}

static void test_defaults(void **state)
{
    (void)state;
    struct options options;
    struct error err;
    assert_int_equal(parse(&options, &err, NULL), 0);
    assert_string_equal(options.ip, "127.0.0.1");
    assert_int_equal(options.port, 5050);
    assert_int_equal(options.agents, 2);
    assert_int_equal(options.allocation_ms, 1000);
    assert_int_equal(options.heartbeat_ms, 15000);
    assert_false(options.simulate);
    assert_null(options.work_dir);
    options_clear(&options);
}

static void test_values(void **state)
{
    (void)state;
    struct options options;
    struct error err;
    assert_int_equal(parse(&options, &err, "--port=0", "--agents", "0", "--allocation-interval", "0.05",
                             "--heartbeat", "86400", "--simulate", "--log", "debug", NULL),
            0);
    assert_int_equal(options.port, 0);
    assert_int_equal(options.agents, 0);
    assert_int_equal(options.allocation_ms, 50);
    assert_int_equal(options.heartbeat_ms, 86400000);
    assert_int_equal(options.log, LOG_LEVEL_DEBUG);
    assert_true(options.simulate);
    options_clear(&options);
}

static void test_an_agent_of_its_own(void **state)
{
    (void)state;
    struct options options;
    struct error err;
    assert_int_equal(
            parse(&options, &err, "--agents", "1", "--agent", " hostname=a  resources=cpus:1;mem:2 ",
                    "--agent", "attributes=x:y domain=eu/a", "--agent", "", "--domain", "us/b", NULL),
            0);
    assert_int_equal(options.agents, 3); /* never fewer than there are --agent */
    assert_string_equal(options.agent[0].hostname, "a");
    assert_string_equal(options.agent[0].resources, "cpus:1;mem:2");
    assert_null(options.agent[0].attributes);
    assert_string_equal(options.agent[1].attributes, "x:y");
    assert_string_equal(options.agent[1].domain, "eu/a");
    assert_string_equal(options.domain, "us/b");
    assert_null(options.agent[2].hostname);
    options_clear(&options);
}

static void expect_refused(const char *flag, const char *value, const char *word)
{
    struct options options;
    struct error err = {0};
    if (parse(&options, &err, flag, value, NULL) != ERR_INVALID)
        fail_msg("%s %s is taken", flag, value == NULL ? "" : value);
    if (strstr(err.text, word) == NULL || strchr(err.text, '\n') != NULL)
        fail_msg("'%s' without '%s'", err.text, word);
    options_clear(&options);
}

static void test_limits(void **state)
{
    (void)state;
    static const char *const taken[][2] = {{"--port", "65535"}, {"--agents", "10000"},
            {"--heartbeat", "0.001"}, {"--heartbeat", "86400"}, {"--allocation-interval", "0.001"}};
    static const char *const refused[][2] = {{"--port", "65536"}, {"--agents", "10001"}, {"--heartbeat", "0"},
            {"--heartbeat", "86400.001"}, {"--allocation-interval", "0.0001"},
            {"--allocation-interval", "-1"}, {"--port", ""}, {"--port", "0x10"}, {"--log", "verbose"}};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct options options;
        struct error err;
        assert_int_equal(parse(&options, &err, taken[i][0], taken[i][1], NULL), 0);
        options_clear(&options);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_refused(refused[i][0], refused[i][1], refused[i][0]);
}

static void test_what_is_unknown(void **state)
{
    (void)state;
    expect_refused("--prot", "1", "--prot");
    expect_refused("-x", NULL, "-x");
    expect_refused("word", NULL, "word");
    expect_refused("--port", NULL, "--port");
    expect_refused("--agent", "color=red", "color");
    expect_refused("--agent", "hostname", "hostname");
    expect_refused("--agent", "hostname=", "hostname");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_defaults),
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_an_agent_of_its_own),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_what_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
