/* A file with a given content, for one test. */
#ifndef TEST_DAEMON_SCRATCH_H
#define TEST_DAEMON_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
    char path[64];
};

static inline void scratch_write(struct scratch *scratch, const void *content, size_t length)
{
    FILE *file = fopen(scratch->path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline int scratch_begin(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return -1;
    snprintf(scratch->path, sizeof scratch->path, "/tmp/zmesos-unit-XXXXXX");
    int fd = mkstemp(scratch->path);
    if (fd < 0) {
        free(scratch);
        return -1;
    }
    close(fd);
    *state = scratch;
    return 0;
}

static inline int scratch_end(void **state)
{
    struct scratch *scratch = *state;
    unlink(scratch->path);
    free(scratch);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)

#endif
