/* Tasks from JSON, in all three forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spec_file.h"

static const struct {
    const char *text;
    const char *ids; /* of the tasks, each with a blank behind it */
} good[] = {
        {"{\"id\":\"a\",\"cpus\":1}", "a "},
        {" \n\t{\"id\":\"a\"}\n", "a "},
        {"[{\"id\":\"a\"},{\"id\":\"b\"}]", "a b "},
        {"{\"tasks\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "a b "},
        {"{\"id\":\"a\",\"command\":{\"value\":\"tasks\"}}", "a "},
};

static const struct {
    const char *text;
    int code;
    const char *word;
} bad[] = {
        {"", ERR_MALFORMED, "no JSON"},
        {"  \n", ERR_MALFORMED, "no JSON"},
        {"x", ERR_MALFORMED, "expected a task"},
        {"\"a\"", ERR_MALFORMED, "expected a task"},
        {"{", ERR_MALFORMED, ""},
        {"[{\"id\":\"a\"}", ERR_MALFORMED, ""},
        {"{\"id\":\"a\"}{\"id\":\"b\"}", ERR_MALFORMED, ""},
        {"[]", ERR_INVALID, "no tasks"},
        {"{\"id\":1}", ERR_INVALID, "id"},
        {"{\"id\":\"a\",\"cpu\":1}", ERR_INVALID, "cpu"},
        {"{\"tasks\":[{\"id\":\"a\",\"cpu\":1}]}", ERR_INVALID, "cpu"},
        {"{\"tasks\":[{\"id\":1}]}", ERR_INVALID, "tasks[0].id"},
        {"{\"tasks\":[{\"id\":\"a\"}],\"more\":1}", ERR_INVALID, "more"},
        {"[{\"id\":\"a\"},{\"cpus\":\"many\"}]", ERR_INVALID, "tasks[1].cpus"},
};

static void test_good(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++) {
        Zmesos__V1__Launch *launch = NULL;
        struct error err;
        char ids[64] = "";

        if (spec_file_parse(slice_of_string(good[i].text), &launch, &err) < 0)
            fail_msg("%s: %s", good[i].text, err.text);
        for (j = 0; j < launch->n_tasks; j++)
            strcat(strcat(ids, launch->tasks[j]->id), " ");
        assert_string_equal(ids, good[i].ids);
        zmesos__v1__launch__free_unpacked(launch, NULL);
    }
}

static void test_bad(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        Zmesos__V1__Launch *launch = NULL;
        struct error err = {.text = ""};
        int rc = spec_file_parse(slice_of_string(bad[i].text), &launch, &err);

        if (rc != bad[i].code)
            fail_msg("%s: code %d (%s)", bad[i].text, rc, err.text);
        if (!err.text[0] || !strstr(err.text, bad[i].word))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, err.text, bad[i].word);
        assert_null(launch);
    }
}

static void test_files(void **state)
{
    char path[] = "/tmp/zmesos-test-spec-XXXXXX";
    int fd = mkstemp(path);
    Zmesos__V1__Launch *launch = NULL;
    struct error err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[{\"id\":\"a\"}]", 12), 12);
    close(fd);
    assert_int_equal(spec_file_read(path, &launch, &err), 0);
    assert_int_equal(launch->n_tasks, 1);
    zmesos__v1__launch__free_unpacked(launch, NULL);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(spec_file_read(path, &launch, &err), ERR_MALFORMED);
    assert_non_null(strstr(err.text, path));
    unlink(path);
    assert_int_equal(spec_file_read(path, &launch, &err), ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(spec_file_read("/tmp", &launch, &err), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_files)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
