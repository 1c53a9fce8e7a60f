/* The credential file in both forms, and that no error shows what is in it. */
#include "scratch.h"

#include "credential.h"

static int read_content(
        void **state, const char *content, size_t length, char **principal, char **secret, struct error *err)
{
    struct scratch *scratch = *state;
    scratch_write(scratch, content, length);
    return credential_read(scratch->path, principal, secret, err);
}

static void expect_credential(void **state, const char *content, const char *principal, const char *secret)
{
    char *name = NULL, *word = NULL;
    struct error err;
    if (read_content(state, content, strlen(content), &name, &word, &err))
        fail_msg("%s: %s", content, err.text);
    assert_string_equal(name, principal);
    assert_string_equal(word, secret);
    free(name);
    free(word);
}

static void in_one_line(void **state)
{
    expect_credential(state, "alice s3cret", "alice", "s3cret");
    expect_credential(state, "alice s3cret\n", "alice", "s3cret");
    expect_credential(state, "  alice\t s3cret \r\n\n", "alice", "s3cret");
}

static void as_json(void **state)
{
    expect_credential(state, "{\"principal\": \"alice\", \"secret\": \"s3 cret\"}", "alice", "s3 cret");
    expect_credential(state, "\n {\"secret\":\"x\",\"principal\":\"bob\",\"more\":1}\n", "bob", "x");
    expect_credential(state, "{\"principal\":\"a\",\"secret\":\"\"}", "a", "");
}

static void anything_else_is_refused_without_showing_it(void **state)
{
    static const char *const bad[] = {"", "\n", "s3cret", "alice s3cret more", "alice s3cret\nbob s3cret",
            "{\"principal\":\"alice s3cret\"}", "{\"principal\":\"alice\",\"secret\":5, \"s3cret\":1}",
            "{\"principal\":\"\",\"secret\":\"s3cret\"}", "{\"principal\":\"a\",\"secret\":\"s3cret\"",
            "{\"principal\":\"a\",\"principal\":\"b\",\"secret\":\"s3cret\"}",
            "{\"principal\":\"a\",\"secret\":\"s3cret\\u0000x\"}", "{s3cret}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *name = NULL, *word = NULL;
        struct error err = {0};
        if (read_content(state, bad[i], strlen(bad[i]), &name, &word, &err) != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_null(name);
        assert_null(word);
        assert_non_null(strstr(err.text, "--credential: "));
        assert_null(strstr(err.text, "s3cret"));
        assert_null(strchr(err.text, '\n'));
    }
}

static void a_nul_inside_is_no_credential(void **state)
{
    char *name = NULL, *word = NULL;
    struct error err;
    assert_int_equal(read_content(state, "alice s3cr\0et", 13, &name, &word, &err), ERR_INVALID);
    assert_null(name);
    assert_null(word);
}

static void the_file_has_a_limit(void **state)
{
    struct scratch *scratch = *state;
    char *content = malloc(CREDENTIAL_FILE_MAX + 1), *name = NULL, *word = NULL;
    struct error err;
    assert_non_null(content);
    memset(content, ' ', CREDENTIAL_FILE_MAX + 1);
    memcpy(content, "alice s3cret", 12);
    scratch_write(scratch, content, CREDENTIAL_FILE_MAX);
    assert_int_equal(credential_read(scratch->path, &name, &word, &err), 0);
    free(name);
    free(word);
    scratch_write(scratch, content, CREDENTIAL_FILE_MAX + 1);
    assert_int_equal(credential_read(scratch->path, &name, &word, &err), ERR_TOO_LARGE);
    free(content);
}

static void a_file_that_cannot_be_read(void **state)
{
    (void)state;
    char *name = NULL, *word = NULL;
    struct error err;
    assert_int_equal(credential_read("/nonexistent/f", &name, &word, &err), ERR_IO);
    assert_string_equal(err.text, "--credential: cannot read /nonexistent/f: No such file or directory");
    assert_int_equal(credential_read("/tmp", &name, &word, &err), ERR_IO); /* a directory */
    assert_null(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(in_one_line),
            TEST(as_json),
            TEST(anything_else_is_refused_without_showing_it),
            TEST(a_nul_inside_is_no_credential),
            TEST(the_file_has_a_limit),
            TEST(a_file_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
