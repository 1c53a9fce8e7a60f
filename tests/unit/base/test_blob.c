/* Counted bytes: no copy, no leak, no early end (sanitizers look), from several threads. */
#include "lots.h"

#include <pthread.h>
#include <string.h>

#include "base/blob.h"

static void copied_and_taken(void **state)
{
    (void)state;
    char text[] = "hello";
    struct blob *copied = blob_create(text, 5);
    text[0] = 'j';
    assert_int_equal(blob_slice(copied).length, 5);
    assert_memory_equal(blob_slice(copied).data, "hello", 5);
    char *memory = malloc(3);
    assert_non_null(memory);
    memcpy(memory, "abc", 3);
    struct blob *taken = blob_take(memory, 3);
    assert_ptr_equal(blob_slice(taken).data, memory); /* without a copy */
    struct blob *empty = blob_create(NULL, 0);
    assert_int_equal(blob_slice(empty).length, 0);
    blob_unref(copied);
    blob_unref(taken);
    blob_unref(empty);
}

static void null_is_nothing(void **state)
{
    (void)state;
    assert_null(blob_ref(NULL));
    blob_unref(NULL);
    assert_int_equal(blob_slice(NULL).length, 0);
    assert_null(blob_slice(NULL).data);
}

static void the_last_owner_frees(void **state)
{
    (void)state;
    struct blob *blob = blob_create("x", 1);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(blob_ref(blob), blob);
    for (int i = 0; i < 1000; i++)
        blob_unref(blob);
    assert_memory_equal(blob_slice(blob).data, "x", 1);
    blob_unref(blob);
}

static void *ref_and_unref(void *given)
{
    struct blob *blob = given;
    for (int i = 0; i < 20000; i++) {
        blob_ref(blob);
        blob_unref(blob);
    }
    blob_unref(blob);
    return NULL;
}

static void owners_in_several_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct blob *blob = blob_create("shared", 6);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, blob_ref(blob)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_memory_equal(blob_slice(blob).data, "shared", 6);
    blob_unref(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(copied_and_taken),
            cmocka_unit_test(null_is_nothing),
            cmocka_unit_test(the_last_owner_frees),
            cmocka_unit_test(owners_in_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
