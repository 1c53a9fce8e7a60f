/* The ring: what goes in comes out in order, and not before its group. */
#include "scratch.h"

#include "base/blob.h"
#include "outbox.h"

static void add(struct outbox *outbox, uint64_t id, uint64_t group)
{
    struct parcel parcel = {.kind = PARCEL_EVENT,
            .group = group,
            .id = id,
            .topic = strdup("task/a"),
            .header = blob_create("head", 4),
            .body = blob_create("body!", 5)};
    outbox_add(outbox, &parcel);
}

static void in_order_when_committed(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    assert_null(outbox_ready(&outbox, UINT64_MAX));
    add(&outbox, 1, 0);
    add(&outbox, 2, 5);
    add(&outbox, 3, 5);
    add(&outbox, 4, 6);
    assert_int_equal(outbox.count, 4);
    assert_int_equal(outbox_ready(&outbox, 0)->id, 1);
    assert_int_equal(outbox_ready(&outbox, 0)->id, 1); /* stays until it is dropped */
    outbox_drop_first(&outbox);
    assert_null(outbox_ready(&outbox, 4));
    assert_int_equal(outbox_ready(&outbox, 5)->id, 2);
    outbox_drop_first(&outbox);
    assert_int_equal(outbox_ready(&outbox, 5)->id, 3);
    outbox_drop_first(&outbox);
    assert_null(outbox_ready(&outbox, 5));
    assert_int_equal(outbox_ready(&outbox, 6)->id, 4);
    assert_memory_equal(blob_slice(outbox_ready(&outbox, 6)->body).data, "body!", 5);
    outbox_clear(&outbox); /* with one in it */
    assert_int_equal(outbox.count, 0);
}

/* The ring turns and grows while it is turned. */
static void around_and_growing(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 50 + round * 7; i++)
            add(&outbox, in++, 1);
        for (int i = 0; i < 45 + round * 6; i++) {
            assert_int_equal(outbox_ready(&outbox, 1)->id, out++);
            outbox_drop_first(&outbox);
        }
        assert_int_equal(outbox.count, in - out);
        assert_int_equal(outbox.bytes, (in - out) * (6 + 4 + 5)); /* topic, header, body */
    }
    while (outbox.count > 0) {
        assert_int_equal(outbox_ready(&outbox, 1)->id, out++);
        outbox_drop_first(&outbox);
    }
    assert_int_equal(out, in);
    assert_int_equal(outbox.bytes, 0);
    outbox_clear(&outbox);
    outbox_clear(&outbox);
}

/* Replies and calls have no topic and no header. */
static void parts_may_be_missing(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    struct parcel parcel = {
            .kind = PARCEL_CALL, .id = 7, .subscription = 3, .ordered = true, .body = blob_create("x", 1)};
    outbox_add(&outbox, &parcel);
    assert_int_equal(outbox.bytes, 1);
    const struct parcel *found = outbox_ready(&outbox, 0);
    assert_int_equal(found->subscription, 3);
    assert_true(found->ordered);
    outbox_drop_first(&outbox);
    outbox_clear(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(in_order_when_committed),
            cmocka_unit_test(around_and_growing),
            cmocka_unit_test(parts_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
