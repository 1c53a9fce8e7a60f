/* Growing bytes, and their limit. */
#include "lots.h"

#include <string.h>

#include "base/buf.h"

static void expect_bytes(const struct buf *buf, const char *text)
{
    assert_int_equal(buf->length, strlen(text));
    assert_memory_equal(buf->data, text, buf->length);
}

static void at_the_limit_and_past_it(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, "12345", 5), 0);
    assert_int_equal(buf_append(&buf, "123456", 6), ERR_TOO_LARGE);
    expect_bytes(&buf, "12345"); /* nothing was added */
    assert_int_equal(buf_append_string(&buf, "67890"), 0);
    assert_int_equal(buf_append(&buf, "x", 1), ERR_TOO_LARGE);
    assert_int_equal(buf_append(&buf, NULL, 0), 0);
    expect_bytes(&buf, "1234567890");
    buf_consume(&buf, 3);
    expect_bytes(&buf, "4567890");
    assert_int_equal(buf_printf(&buf, "%d", 1234), ERR_TOO_LARGE);
    expect_bytes(&buf, "4567890");
    assert_int_equal(buf_printf(&buf, "%d", 123), 0);
    expect_bytes(&buf, "4567890123");
    buf_clear(&buf);
    assert_int_equal(buf.limit, 10); /* stays */
    assert_int_equal(buf_append(&buf, "12345678901", 11), ERR_TOO_LARGE);
    assert_int_equal(buf_append(&buf, "x", SIZE_MAX), ERR_TOO_LARGE);
    assert_int_equal(buf.length, 0);
    buf_clear(&buf);
}

static void without_a_limit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 0);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_printf(&buf, "%05d", i), 0);
    assert_int_equal(buf.length, 100000);
    assert_memory_equal(buf.data + 5 * 12345, "12345", 5);
    assert_int_equal(buf_append(&buf, "x", SIZE_MAX - 5), ERR_TOO_LARGE); /* no wrapping around */
    assert_int_equal(buf.length, 100000);
    buf_clear(&buf);
}

/* The bytes a stream would see, whatever is consumed when. */
static void consumed_from_the_front(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    struct buf buf;
    buf_init(&buf, 0);
    unsigned char next_in = 0, next_out = 0;
    for (int i = 0; i < 5000; i++) {
        unsigned char chunk[97];
        size_t size = lots_draw(&lots, sizeof chunk);
        for (size_t j = 0; j < size; j++)
            chunk[j] = next_in++;
        assert_int_equal(buf_append(&buf, chunk, size), 0);
        size_t drop = lots_draw(&lots, buf.length + 1);
        for (size_t j = 0; j < drop; j++)
            assert_int_equal(buf.data[j], next_out++);
        buf_consume(&buf, drop);
    }
    buf_consume(&buf, buf.length);
    buf_consume(&buf, 0);
    assert_int_equal(buf.length, 0);
    buf_clear(&buf);
}

static void released_bytes_are_the_callers(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    uint8_t *nothing = buf_release(&buf);
    assert_non_null(nothing); /* also when empty */
    free(nothing);
    assert_int_equal(buf_append_string(&buf, "mine"), 0);
    uint8_t *bytes = buf_release(&buf);
    assert_int_equal(buf.length, 0);
    assert_int_equal(buf.limit, 100);
    assert_int_equal(buf_append_string(&buf, "other"), 0);
    assert_memory_equal(bytes, "mine", 4);
    free(bytes);
    buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(at_the_limit_and_past_it),
            cmocka_unit_test(without_a_limit),
            cmocka_unit_test(consumed_from_the_front),
            cmocka_unit_test(released_bytes_are_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
