/* From bytes to a request or a refusal, from a table of bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "front_private.h"

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

/* Fields of Request: 08 version, 12 id, 52 launch, 72 status (of length 0), 82 01 ping, 8a 01 release, 92 01
 * backup. */
static const struct {
    const char *name;
    struct slice bytes;
    Zmesos__V1__Code code;
    const char *id;    /* echoed; NULL: absent */
    const char *field; /* NULL: absent */
} cases[] = {
        {"ping", BYTES("\x08\x01\x82\x01\x00"), ZMESOS__V1__CODE__OK, NULL, NULL},
        {"ping with id", BYTES("\x08\x01\x12\x02hi\x82\x01\x00"), ZMESOS__V1__CODE__OK, NULL, NULL},
        {"unknown fields are ignored", BYTES("\x08\x01\x82\x01\x00\xf8\x7f\x01"), ZMESOS__V1__CODE__OK, NULL,
                NULL},
        {"no version", BYTES("\x12\x02hi\x82\x01\x00"), ZMESOS__V1__CODE__UNSUPPORTED_VERSION, "hi",
                "version"},
        {"version 0", BYTES("\x08\x00\x82\x01\x00"), ZMESOS__V1__CODE__UNSUPPORTED_VERSION, NULL, "version"},
        {"version 2", BYTES("\x08\x02\x12\x02hi\x82\x01\x00"), ZMESOS__V1__CODE__UNSUPPORTED_VERSION, "hi",
                "version"},
        {"version 2^32 + 1", BYTES("\x08\x81\x80\x80\x80\x10\x82\x01\x00"),
                ZMESOS__V1__CODE__UNSUPPORTED_VERSION, NULL, "version"},
        {"version 2, of an operation that breaks our rules", BYTES("\x08\x02\x12\x02hi\x82\x01\x01\xff"),
                ZMESOS__V1__CODE__UNSUPPORTED_VERSION, "hi", "version"},
        {"no operation", BYTES("\x08\x01\x12\x02hi"), ZMESOS__V1__CODE__UNKNOWN_OPERATION, "hi", NULL},
        {"operation 99", BYTES("\x08\x01\x12\x02hi\x9a\x06\x00"), ZMESOS__V1__CODE__UNKNOWN_OPERATION, "hi",
                NULL},
        {"release", BYTES("\x08\x01\x8a\x01\x02\x08\x02"), ZMESOS__V1__CODE__OK, NULL, NULL},
        {"release without an action", BYTES("\x08\x01\x8a\x01\x00"), ZMESOS__V1__CODE__OK, NULL, NULL},
        {"release of action 3", BYTES("\x08\x01\x12\x02hi\x8a\x01\x02\x08\x03"), ZMESOS__V1__CODE__INVALID,
                "hi", "release.action"},
        {"release of action 0", BYTES("\x08\x01\x12\x02hi\x8a\x01\x02\x08\x00"), ZMESOS__V1__CODE__INVALID,
                "hi", "release.action"},
        {"release with words for an action", BYTES("\x08\x01\x12\x02hi\x8a\x01\x03\x0a\x01r"),
                ZMESOS__V1__CODE__MALFORMED, "hi", "release.action"},
        {"release of an id with NUL", BYTES("\x08\x01\x12\x02hi\x8a\x01\x05\x08\x01\x12\x01\x00"),
                ZMESOS__V1__CODE__INVALID, "hi", "release.task_ids[0]"},
        {"backup", BYTES("\x08\x01\x92\x01\x04\x0a\x02/b"), ZMESOS__V1__CODE__OK, NULL, NULL},
        {"backup into a path with NUL", BYTES("\x08\x01\x12\x02hi\x92\x01\x04\x0a\x02/\x00"),
                ZMESOS__V1__CODE__INVALID, "hi", "backup.path"},
        {"backup into a path that is not UTF-8", BYTES("\x08\x01\x12\x02hi\x92\x01\x04\x0a\x02/\xff"),
                ZMESOS__V1__CODE__INVALID, "hi", "backup.path"},
        {"backup into two paths", BYTES("\x08\x01\x12\x02hi\x92\x01\x08\x0a\x02/b\x0a\x02/c"),
                ZMESOS__V1__CODE__INVALID, "hi", "backup.path"},
        {"a retry on LOST",
                BYTES("\x08\x01\x12\x02hi\x52\x0a\x0a\x08\x0a\x01"
                      "a\xaa\x01\x02\x10\x06"),
                ZMESOS__V1__CODE__OK, NULL, NULL},
        {"a retry on outcome 99",
                BYTES("\x08\x01\x12\x02hi\x52\x0a\x0a\x08\x0a\x01"
                      "a\xaa\x01\x02\x10\x63"),
                ZMESOS__V1__CODE__INVALID, "hi", "launch.tasks[0].retry.on[0]"},
        {"a retry on LOST and outcome 99, packed",
                BYTES("\x08\x01\x12\x02hi\x52\x0c\x0a\x0a\x0a\x01"
                      "a\xaa\x01\x04\x12\x02\x06\x63"),
                ZMESOS__V1__CODE__INVALID, "hi", "launch.tasks[0].retry.on[1]"},
        {"two operations", BYTES("\x08\x01\x12\x02hi\x6a\x00\x82\x01\x00"), ZMESOS__V1__CODE__INVALID, "hi",
                "ping"},
        {"no field at all", BYTES("\xff"), ZMESOS__V1__CODE__MALFORMED, NULL, NULL},
        {"cut in the middle", BYTES("\x08\x01\x12\x02hi\x82\x01"), ZMESOS__V1__CODE__MALFORMED, "hi", NULL},
        {"field number 0", BYTES("\x08\x01\x12\x02hi\x02\x00"), ZMESOS__V1__CODE__MALFORMED, "hi", NULL},
        {"a group", BYTES("\x08\x01\x12\x02hi\x0b\x0c"), ZMESOS__V1__CODE__MALFORMED, "hi", NULL},
        {"an id that is not UTF-8", BYTES("\x08\x01\x12\x02\xff\xfe\x82\x01\x00"), ZMESOS__V1__CODE__INVALID,
                NULL, "id"},
        {"an id with NUL", BYTES("\x08\x01\x12\x03h\0i\x82\x01\x00"), ZMESOS__V1__CODE__INVALID, NULL, "id"},
        {"broken inside", BYTES("\x08\x01\x12\x02hi\x52\x02\x0a\x05"), ZMESOS__V1__CODE__MALFORMED, "hi",
                "launch"},
        {"text only", BYTES("GET / HTTP/1.1\r\n\r\n"), ZMESOS__V1__CODE__MALFORMED, NULL, NULL},
};

static void check_refusal(
        const char *name, const struct buf *refusal, Zmesos__V1__Code code, const char *id, const char *field)
{
    Zmesos__V1__Reply *reply = zmesos__v1__reply__unpack(NULL, refusal->length, refusal->data);

    if (!reply)
        fail_msg("%s: the refusal is no Reply", name);
    if (reply->code != code)
        fail_msg("%s: code %d (%s), not %d", name, (int)reply->code, reply->message, (int)code);
    if ((reply->id != NULL) != (id != NULL) || (id && strcmp(id, reply->id) != 0))
        fail_msg("%s: id \"%s\", not \"%s\"", name, reply->id ? reply->id : "absent", id ? id : "absent");
    if (field && (!reply->field || strcmp(field, reply->field) != 0))
        fail_msg("%s: field \"%s\", not \"%s\"", name, reply->field ? reply->field : "absent", field);
    assert_non_null(reply->message);
    assert_true(reply->message[0]);
    assert_int_equal(reply->version, 1);
    assert_true(reply->has_retry && !reply->retry);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static void check(const char *name, struct slice bytes, size_t parts, Zmesos__V1__Code code, const char *id,
        const char *field)
{
    struct buf refusal;
    Zmesos__V1__Request *request;

    buf_init(&refusal, 0);
    request = front_decode(bytes, parts, &refusal);
    if (code == ZMESOS__V1__CODE__OK) {
        if (!request)
            fail_msg("%s: refused", name);
        assert_int_equal(refusal.length, 0);
        zmesos__v1__request__free_unpacked(request, NULL);
    } else {
        if (request)
            fail_msg("%s: taken", name);
        check_refusal(name, &refusal, code, id, field);
    }
    buf_clear(&refusal);
}

static void test_bodies(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].name, cases[i].bytes, 1, cases[i].code, cases[i].id, cases[i].field);
}

static void test_what_was_sent_is_what_is_handed_on(void **state)
{
    struct slice bytes = BYTES("\x08\x01\x12\x02hi\x5a\x0a\x0a\x03one\x0a\x03two");
    struct buf refusal;
    Zmesos__V1__Request *request;

    (void)state;
    buf_init(&refusal, 0);
    request = front_decode(bytes, 1, &refusal);
    assert_non_null(request);
    assert_string_equal(request->id, "hi");
    assert_int_equal(request->operation_case, ZMESOS__V1__REQUEST__OPERATION_KILL);
    assert_int_equal(request->kill->n_task_ids, 2);
    assert_string_equal(request->kill->task_ids[1], "two");
    zmesos__v1__request__free_unpacked(request, NULL);
    buf_clear(&refusal);
}

static void test_parts(void **state)
{
    struct slice ping = BYTES("\x08\x01\x12\x02hi\x82\x01\x00");

    (void)state;
    check("one", ping, 1, ZMESOS__V1__CODE__OK, NULL, NULL);
    check("two", ping, 2, ZMESOS__V1__CODE__MALFORMED, "hi", NULL);
    check("empty", slice_of("", 0), 1, ZMESOS__V1__CODE__MALFORMED, NULL, NULL);
    check("none", slice_of(NULL, 0), 0, ZMESOS__V1__CODE__MALFORMED, NULL, NULL);
}

/* A request of `total` bytes: version, the id "big", and a get with one id that fills it up. */
static uint8_t *fill(size_t total)
{
    static const uint8_t head[] = {0x08, 0x01, 0x12, 0x03, 'b', 'i', 'g', 0x62};
    uint8_t *bytes = alloc_bytes(total);
    size_t inner = total - sizeof head - 3, text = inner - 4;

    memset(bytes, 'x', total);
    memcpy(bytes, head, sizeof head);
    /* three bytes of length each: total is near 1 MiB */
    bytes[8] = (uint8_t)(inner | 0x80);
    bytes[9] = (uint8_t)(inner >> 7 | 0x80);
    bytes[10] = (uint8_t)(inner >> 14);
    bytes[11] = 0x0a;
    bytes[12] = (uint8_t)(text | 0x80);
    bytes[13] = (uint8_t)(text >> 7 | 0x80);
    bytes[14] = (uint8_t)(text >> 14);
    return bytes;
}

static void test_size(void **state)
{
    uint8_t *bytes = fill(FRONT_REQUEST_MAX);

    (void)state;
    check("at the limit", slice_of(bytes, FRONT_REQUEST_MAX), 1, ZMESOS__V1__CODE__OK, NULL, NULL);
    free(bytes);
    bytes = fill(FRONT_REQUEST_MAX + 1);
    check("past the limit", slice_of(bytes, FRONT_REQUEST_MAX + 1), 1, ZMESOS__V1__CODE__TOO_LARGE, "big",
            NULL);
    free(bytes);
}

static void check_id_length(size_t length, Zmesos__V1__Code code)
{
    uint8_t bytes[300] = {0x08, 0x01, 0x12, (uint8_t)(length | 0x80), (uint8_t)(length >> 7)};

    memset(bytes + 5, 'i', length);
    memcpy(bytes + 5 + length, "\x82\x01\x00", 3);
    check("id", slice_of(bytes, 5 + length + 3), 1, code, NULL, "id");
}

static void test_id_length(void **state)
{
    (void)state;
    check_id_length(128, ZMESOS__V1__CODE__OK);
    check_id_length(129, ZMESOS__V1__CODE__INVALID);
}

/* The id of a refusal at the limit comes back whole. */
static void test_longest_id_is_echoed(void **state)
{
    uint8_t bytes[200] = {0x08, 0x01, 0x12, 0x80, 0x01};
    char id[129] = "";

    (void)state;
    memset(bytes + 5, 'i', 128);
    memset(id, 'i', 128);
    check("longest id", slice_of(bytes, 5 + 128), 1, ZMESOS__V1__CODE__UNKNOWN_OPERATION, id, NULL);
}

static void test_a_refusal_is_utf8(void **state)
{
    struct error err;
    struct buf refusal;
    Zmesos__V1__Reply *reply;

    (void)state;
    error_set_field(&err, ERR_INVALID, "field\xe2\x82", "text \xc3\xa9 \xc3");
    buf_init(&refusal, 0);
    front_refuse(slice_of("", 0), ZMESOS__V1__CODE__INVALID, &err, true, &refusal);
    reply = zmesos__v1__reply__unpack(NULL, refusal.length, refusal.data);
    assert_non_null(reply);
    assert_string_equal(reply->message, "text \xc3\xa9 ");
    assert_string_equal(reply->field, "field");
    assert_true(reply->retry);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    buf_clear(&refusal);
}

/* Every prefix of a good request is refused or taken, and nothing else happens (the sanitizers look). */
static void test_cut_everywhere(void **state)
{
    struct slice whole = BYTES("\x08\x01\x12\x02hi\x52\x0e\x0a\x0c\x0a\x01"
                               "a\x29\x00\x00\x00\x00\x00\x00\xf0\x3f\xf8\x7f\x01");
    size_t length;

    (void)state;
    for (length = 0; length <= whole.length; length++) {
        uint8_t *copy = alloc_bytes(length); /* of its exact size, so that reading past it is seen */
        struct buf refusal;
        Zmesos__V1__Request *request;

        memcpy(copy, whole.data, length);
        buf_init(&refusal, 0);
        request = front_decode(slice_of(copy, length), 1, &refusal);
        assert_true((request != NULL) == (refusal.length == 0));
        if (length == whole.length)
            assert_non_null(request);
        if (request)
            zmesos__v1__request__free_unpacked(request, NULL);
        buf_clear(&refusal);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bodies),
            cmocka_unit_test(test_what_was_sent_is_what_is_handed_on),
            cmocka_unit_test(test_parts),
            cmocka_unit_test(test_size),
            cmocka_unit_test(test_id_length),
            cmocka_unit_test(test_longest_id_is_echoed),
            cmocka_unit_test(test_a_refusal_is_utf8),
            cmocka_unit_test(test_cut_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
