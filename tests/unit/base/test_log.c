/* The log, read from a pipe in the place of standard error. */
#include "lots.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct capture {
    int old, from;
};

static int begin(void **state)
{
    struct capture *capture = malloc(sizeof *capture);
    int ends[2];
    if (!capture || pipe2(ends, O_CLOEXEC))
        return -1;
    capture->old = dup(STDERR_FILENO);
    capture->from = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    fcntl(capture->from, F_SETFL, O_NONBLOCK);
    *state = capture;
    return 0;
}

static int end(void **state)
{
    struct capture *capture = *state;
    dup2(capture->old, STDERR_FILENO);
    close(capture->old);
    close(capture->from);
    free(capture);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

/* All that was written, as a string. Nothing is buffered: what was logged is there. */
static char *written(void **state)
{
    static char text[65536];
    const struct capture *capture = *state;
    ssize_t length = read(capture->from, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void expect_line(const char *text, const char *rest)
{
    regex_t stamp;
    regmatch_t found;
    assert_int_equal(regcomp(&stamp, "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z ",
                             REG_EXTENDED),
            0);
    int miss = regexec(&stamp, text, 1, &found, 0);
    regfree(&stamp);
    if (miss)
        fail_msg("no time in '%s'", text);
    assert_string_equal(text + found.rm_eo, rest);
}

static void a_line(void **state)
{
    log_info("core", "%s is %d", "x", 5);
    expect_line(written(state), "info core: x is 5\n");
    log_error("store", "no");
    expect_line(written(state), "error store: no\n");
}

static void levels(void **state)
{
    static const enum log_level all[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    for (size_t set = 0; set < 4; set++) {
        log_set_level(all[set]);
        for (size_t at = 0; at < 4; at++) {
            log_write(all[at], "a", "x");
            assert_int_equal(*written(state) != '\0', at <= set);
        }
    }
}

static void level_names(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_WARN;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    static const char *const bad[] = {"", "Debug", "debug ", "trace", "3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(log_level_parse(bad[i], &level), ERR_INVALID);
    assert_int_equal(level, LOG_LEVEL_ERROR);
}

/* A peer's text cannot forge a line. */
static void control_characters_are_spelt_out(void **state)
{
    log_info("mesos", "one\n2026-01-01T00:00:00.000Z info core: forged\r\x1b[31m\x7f\x01 caf\xc3\xa9");
    expect_line(written(state), "info mesos: one\\x0a2026-01-01T00:00:00.000Z info core: forged\\x0d\\x1b[31m"
                                "\\x7f\\x01 caf\xc3\xa9\n");
}

static void long_lines_are_cut(void **state)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info("a", "%s", text);
    const char *line = written(state);
    assert_in_range(strlen(line), 1950, 2000);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    memset(text, '\n', sizeof text - 1); /* each takes four */
    log_info("a", "%s", text);
    line = written(state);
    assert_in_range(strlen(line), 1950, 2000);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void *log_many(void *area)
{
    for (int i = 0; i < 100; i++)
        log_info(area, "0123456789 0123456789 0123456789");
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    pthread_t threads[4];
    static char areas[4][2] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, areas[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *rest = NULL;
    int lines = 0;
    for (char *line = strtok_r(written(state), "\n", &rest); line;
            line = strtok_r(NULL, "\n", &rest), lines++)
        assert_int_equal(
                strlen(line), strlen("2026-11-22T11:40:00.123Z info a: 0123456789 0123456789 0123456789"));
    assert_int_equal(lines, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_line, begin, end),
            cmocka_unit_test_setup_teardown(levels, begin, end),
            cmocka_unit_test(level_names),
            cmocka_unit_test_setup_teardown(control_characters_are_spelt_out, begin, end),
            cmocka_unit_test_setup_teardown(long_lines_are_cut, begin, end),
            cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
