/* How many ids go into one request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "batch.h"

static size_t same_ids(char *id, size_t count)
{
    char **ids = alloc_zeroed(count + 1, sizeof *ids);
    size_t i, portion;

    for (i = 0; i < count; i++)
        ids[i] = id;
    portion = batch_ids(ids, count);
    free(ids);
    return portion;
}

static void test_by_number(void **state)
{
    char id[] = "a";

    (void)state;
    assert_int_equal(same_ids(id, 0), 0);
    assert_int_equal(same_ids(id, 1), 1);
    assert_int_equal(same_ids(id, BATCH_IDS_MAX), BATCH_IDS_MAX);
    assert_int_equal(same_ids(id, BATCH_IDS_MAX + 1), BATCH_IDS_MAX);
}

static void test_by_bytes(void **state)
{
    char *long_id = alloc_zeroed(1, 200001), *longest = alloc_zeroed(1, 2000001);

    (void)state;
    memset(long_id, 'x', 199996);
    assert_int_equal(same_ids(long_id, 10), 5); /* just 1,000,000 */
    long_id[199996] = 'x';
    assert_int_equal(same_ids(long_id, 10), 4);
    memset(longest, 'x', 2000000);
    assert_int_equal(same_ids(longest, 2), 1); /* the daemon says what is wrong with it */
    free(long_id);
    free(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_number), cmocka_unit_test(test_by_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
