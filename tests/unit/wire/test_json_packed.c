/* JSON to packed messages and back, with their limits; what is found in text that is not read; maps in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "json_scan.h"
#include "kinds.pb-c.h"
#include "wire/canonical.h"
#include "wire/json.h"

#define SINGLE &kinds__single__descriptor
#define MANY &kinds__many__descriptor
#define MAPS &kinds__maps__descriptor

static struct slice text_of(const struct buf *buf)
{
    return slice_of(buf->data, buf->length);
}

static void assert_text(struct buf *buf, const char *expected)
{
    assert_int_equal(buf_append(buf, "", 1), 0);
    assert_string_equal((char *)buf->data, expected);
    buf_clear(buf);
}

static void must_append(struct buf *buf, const char *text)
{
    assert_int_equal(buf_append_string(buf, text), 0);
}

/* ---- there and back ---- */

static void test_there_and_back(void **state)
{
    (void)state;
    static const char text[] = "{\"a_double\":0.5,\"a_uint64\":18446744073709551615,\"a_bytes\":\"AP8=\","
                               "\"an_enum\":\"BLUE\",\"deeper\":{\"a_leaf\":{\"text\":\"\xc3\xa9\"}}}";
    struct buf packed = {0}, again = {0};
    struct error err = {.text = ""};
    must_append(&packed, "before");
    assert_int_equal(json_to_packed(SINGLE, slice_of_string(text), &check_limits_request, &packed, &err), 0);
    assert_memory_equal(packed.data, "before", 6);
    buf_consume(&packed, 6);
    assert_int_equal(json_from_packed(SINGLE, text_of(&packed), &check_limits_request, &again, &err), 0);
    assert_text(&again, text);
    buf_clear(&packed);
}

static void test_nothing_is_added_on_failure(void **state)
{
    (void)state;
    static const char *const bad[] = {"{", "{\"nope\":1}", "{\"an_int32\":\"x\"}", "[]"};
    struct buf packed = {0};
    struct error err;
    must_append(&packed, "before");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(
                json_to_packed(SINGLE, slice_of_string(bad[i]), &check_limits_request, &packed, &err) < 0);
        assert_int_equal(packed.length, 6);
    }
    assert_int_equal(json_from_packed(SINGLE, slice_of("\xff", 1), &check_limits_request, &packed, &err),
            ERR_MALFORMED);
    assert_int_equal(packed.length, 6);
    buf_clear(&packed);
}

/* ---- limits ---- */

static void assert_takes(struct slice text, const struct check_limits *limits, int code)
{
    struct buf packed = {0};
    struct error err = {.text = ""};
    int rc = json_to_packed(MANY, text, limits, &packed, &err);
    if (rc != code)
        fail_msg("%zu bytes of text: %d (%s), not %d", text.length, rc, err.text, code);
    buf_clear(&packed);
}

/* {"<name>":[<element>,...]} */
static struct buf many(const char *name, const char *element, size_t count)
{
    struct buf text = {0};
    assert_int_equal(buf_printf(&text, "{\"%s\":[", name), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_printf(&text, "%s%s", i ? "," : "", element), 0);
    must_append(&text, "]}");
    return text;
}

static void test_elements(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {{"int32s", "1"}, {"strings", "\"a\""}, {"leaves", "{}"}};
    struct check_limits limits = check_limits_request;
    limits.elements = 100;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t more = 0; more <= 1; more++) {
            struct buf text = many(kinds[i][0], kinds[i][1], 100 + more);
            assert_int_equal(json_scan_exceeds(text_of(&text), 100), more);
            assert_takes(text_of(&text), &limits, more ? ERR_TOO_LARGE : 0);
            buf_clear(&text);
        }
    }
}

/* What jansson would make of it is never seen by the descriptor. */
static void test_arrays_count_too(void **state)
{
    (void)state;
    struct check_limits limits = check_limits_request;
    limits.elements = 100;
    for (size_t more = 0; more <= 1; more++) {
        struct buf text = many("int32s", "[]", 99 + more);
        assert_int_equal(json_scan_exceeds(text_of(&text), 100), more);
        assert_takes(text_of(&text), &limits, more ? ERR_TOO_LARGE : ERR_INVALID);
        buf_clear(&text);
    }
    assert_false(json_scan_exceeds(slice_of_string("{\"a\":\"[[[[{{{{,,,,\\\"]\"}"), 1));
}

static void test_bytes(void **state)
{
    (void)state;
    static const char text[] = "{\"strings\":[\"aaaaaaaaaa\"]}";
    struct check_limits limits = check_limits_request;
    limits.bytes = sizeof text - 1;
    assert_takes(slice_of_string(text), &limits, 0);
    limits.bytes--;
    assert_takes(slice_of_string(text), &limits, ERR_TOO_LARGE);
}

/* Eleven bytes each, from three of text. */
static void test_packed_may_be_larger_than_its_text(void **state)
{
    (void)state;
    struct buf text = many("int32s", "-1", 100);
    struct check_limits limits = check_limits_request;
    limits.bytes = 1100;
    assert_true(text.length < 500);
    assert_takes(text_of(&text), &limits, 0);
    limits.bytes = 1099;
    assert_takes(text_of(&text), &limits, ERR_TOO_LARGE);
    buf_clear(&text);
}

static void test_depth(void **state)
{
    (void)state;
    struct check_limits limits = check_limits_request;
    limits.depth = 3;
    static const char *const texts[] = {
            "{\"deeper\":{\"deeper\":{}}}", "{\"deeper\":{\"deeper\":{\"deeper\":{}}}}"};
    for (size_t i = 0; i < 2; i++) {
        struct buf packed = {0};
        struct error err;
        int rc = json_to_packed(SINGLE, slice_of_string(texts[i]), &limits, &packed, &err);
        assert_int_equal(rc, i ? ERR_TOO_LARGE : 0);
        buf_clear(&packed);
    }
}

/* ---- what others made ---- */

static void assert_foreign(const ProtobufCMessageDescriptor *type, struct slice packed, const char *expected)
{
    struct buf text = {0};
    struct error err = {.text = ""};
    if (json_from_packed(type, packed, &check_limits_event, &text, &err))
        fail_msg("%s: %s", expected, err.text);
    assert_text(&text, expected);
}

#define PACKED(bytes) slice_of(bytes, sizeof(bytes) - 1)

static void test_foreign(void **state)
{
    (void)state;
    assert_foreign(SINGLE, PACKED("\x80\x01\x63\x18\x01"), "{\"an_int32\":1}"); /* an_enum 99 */
    assert_foreign(MANY, PACKED("\x80\x01\x63\x80\x01\x01\x80\x01\x62\x80\x01\x00"),
            "{\"colors\":[\"GREEN\",\"RED\"]}");
    assert_foreign(MANY, PACKED("\x80\x01\x63"), "{\"colors\":[]}");
    assert_foreign(MAPS, PACKED("\x22\x05\x0a\x01\x61\x10\x63\x22\x05\x0a\x01\x62\x10\x01"),
            "{\"colors\":{\"b\":\"GREEN\"}}");
    assert_foreign(SINGLE, PACKED("\xc2\x3e\x01x\x18\x01"), "{\"an_int32\":1}"); /* field 1000 */
    assert_foreign(SINGLE,
            PACKED("\x72\x09"
                   "a\xff\xc3\xa9\xe2\x82"
                   "b\xc0\x80"),
            "{\"a_string\":\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\"}");
    assert_foreign(SINGLE, PACKED("\x72\x04\xf0\x9f\x98\x80"), "{\"a_string\":\"\xf0\x9f\x98\x80\"}");
}

/* ---- one member ---- */

static void test_members_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id;
        uint64_t version; /* 0: none */
    } cases[] = {
            {"{\"version\":1,\"id\":\"a\"}", "a", 1},
            {" {\n\"id\" : \"a\\\"\\u00e9\" , \"version\":\"2\"}", "a\"\xc3\xa9", 2},
            {"{\"x\":{\"id\":\"no\",\"version\":3},\"y\":[{\"id\":\"no\"}],\"id\":\"yes\",\"version\":4",
                    "yes", 4},
            {"{\"x\":\"\\\",\\\"id\\\":\\\"no\\\"\"", NULL, 0},
            {"{\"id\":\"cut", NULL, 0},
            {"{\"id\":\"cut\\\"", NULL, 0},
            {"{\"id\":", NULL, 0},
            {"{\"id\"", NULL, 0},
            {"{\"id\":{}, \"version\":[1]}", NULL, 0},
            {"{\"id\":1,\"version\":true}", NULL, 0},
            {"{\"id\":\"a\\u0000b\",\"version\":-1}", NULL, 0},
            {"{\"id\":\"\\ud800\",\"version\":1.5}", NULL, 0},
            {"{\"id\":\"\xff\",\"version\":18446744073709551616}", NULL, 0},
            {"{\"id\":\"a\",\"version\":18446744073709551615 nonsense", "a", UINT64_MAX},
            {"{\"id\":12345678901234567890}", NULL, 0},
            {"", NULL, 0},
            {"{", NULL, 0},
            {"}}}}\"id\":\"a\"", NULL, 0},
            {"[\"id\",\"a\"]", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].text);
        uint8_t *exact = alloc_bytes(length);
        memcpy(exact, cases[i].text, length);
        struct slice text = slice_of(exact, length);
        char *id = json_find_text(text, "id");
        uint64_t version = 0;
        bool found = json_find_integer(text, "version", &version);
        if ((id != NULL) != (cases[i].id != NULL) || (id && strcmp(id, cases[i].id) != 0) ||
                version != cases[i].version || found != (version > 0))
            fail_msg("%s: id %s, version %llu", cases[i].text, id ? id : "none", (unsigned long long)version);
        assert_false(json_has_choice(text, &kinds__one_of__descriptor));
        free(id);
        free(exact);
    }
    assert_true(json_has_choice(slice_of_string("{\"x\":{},\"text\":[]}"), &kinds__one_of__descriptor));
    assert_false(json_has_choice(
            slice_of_string("{\"before\":{\"text\":1},\"y\":1}"), &kinds__one_of__descriptor));
}

/* Deeper than levels are kept. */
static void test_deep_text(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 100000; i++)
        must_append(&text, "{\"a\":");
    char path[ERROR_FIELD_MAX];
    json_scan_path(text_of(&text), text.length, path);
    assert_int_equal(strlen(path), 2 * JSON_SCAN_LEVELS - 1);
    for (int i = 0; i < 100000; i++)
        must_append(&text, "}");
    assert_true(json_scan_exceeds(text_of(&text), 99998));
    must_append(&text, ",\"id\":\"a\"");
    assert_null(json_find_text(text_of(&text), "id"));
    buf_clear(&text);
}

/* ---- maps ---- */

static void assert_sorted(const char *text, const char *sorted)
{
    struct buf one = {0}, two = {0};
    struct error err = {.text = ""};
    ProtobufCMessage *message = NULL;
    assert_int_equal(json_read(MAPS, text, strlen(text), false, &message, &err), 0);
    canonical_sort_maps(message);
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = alloc_bytes(size);
    protobuf_c_message_pack(message, packed);
    protobuf_c_message_free_unpacked(message, NULL);
    assert_int_equal(buf_append(&one, packed, size), 0);
    free(packed);
    assert_int_equal(json_to_packed(MAPS, slice_of_string(sorted), &check_limits_request, &two, &err), 0);
    assert_true(slice_equal(text_of(&one), text_of(&two)));
    buf_clear(&one);
    buf_clear(&two);
}

static void test_maps_are_sorted(void **state)
{
    (void)state;
    assert_sorted("{\"texts\":{\"b\":\"1\",\"a\":\"2\",\"\":\"3\"}}",
            "{\"texts\":{\"\":\"3\",\"a\":\"2\",\"b\":\"1\"}}");
    assert_sorted("{\"texts\":[{\"key\":\"b\",\"value\":\"1\"},{\"value\":\"2\"},{\"key\":\"b\",\"value\":"
                  "\"0\"},{\"key\":\"a\"}]}",
            "{\"texts\":[{\"value\":\"2\"},{\"key\":\"a\"},{\"key\":\"b\",\"value\":\"1\"},{\"key\":\"b\","
            "\"value\":\"0\"}]}");
    assert_sorted("{\"deeper\":{\"x\":{\"numbers\":{\"b\":1,\"a\":2}},\"w\":{}}}",
            "{\"deeper\":{\"w\":{},\"x\":{\"numbers\":{\"a\":2,\"b\":1}}}}");
    /* Others stay. */
    assert_sorted("{\"by_number\":[{\"key\":2},{\"key\":1}],\"only\":{\"key\":\"b\"}}",
            "{\"by_number\":[{\"key\":2},{\"key\":1}],\"only\":{\"key\":\"b\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_there_and_back),
            cmocka_unit_test(test_nothing_is_added_on_failure),
            cmocka_unit_test(test_elements),
            cmocka_unit_test(test_arrays_count_too),
            cmocka_unit_test(test_bytes),
            cmocka_unit_test(test_packed_may_be_larger_than_its_text),
            cmocka_unit_test(test_depth),
            cmocka_unit_test(test_foreign),
            cmocka_unit_test(test_members_are_found),
            cmocka_unit_test(test_deep_text),
            cmocka_unit_test(test_maps_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
