/* Memory that must be there; and the end of the process when it is not. */
#include "lots.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

static void memory_as_asked_for(void **state)
{
    (void)state;
    void *empty = alloc_bytes(0);
    assert_non_null(empty);
    free(empty);
    unsigned char *zeros = alloc_zeroed(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(zeros[i], 0);
    zeros[299] = 7;
    zeros = alloc_resize(zeros, 200, 3);
    assert_int_equal(zeros[299], 7);
    zeros = alloc_resize(zeros, 0, 3);
    assert_non_null(zeros);
    free(zeros);
    char *text = alloc_string("hello");
    assert_string_equal(text, "hello");
    free(text);
    assert_null(alloc_string(NULL));
    text = alloc_string_n("hello", 2);
    assert_string_equal(text, "he");
    free(text);
}

static volatile size_t huge = SIZE_MAX / 2; /* of which the compiler knows nothing */

static void ask_for_bytes(void)
{
    free(alloc_bytes(huge - 4096));
}

static void ask_for_zeros(void)
{
    free(alloc_zeroed(huge, 4)); /* the product wraps around to a small one */
}

static void ask_for_more(void)
{
    free(alloc_resize(NULL, huge, 4));
}

static void out_of_memory_ends_the_process(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer ends the process in its own way */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    void (*const asks[])(void) = {ask_for_bytes, ask_for_zeros, ask_for_more};
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            asks[i]();
            _exit(1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 70);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(memory_as_asked_for),
            cmocka_unit_test(out_of_memory_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
