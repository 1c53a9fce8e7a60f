/* JSON out: numbers that read back, escapes, presence, maps, limits. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "kinds.pb-c.h"
#include "wire/json.h"

/* The text, in a buffer of the test's own. */
static const char *written(const void *message)
{
    static char text[100000];
    struct buf out = {.limit = sizeof text - 1};
    struct error err = {.text = ""};
    if (json_write(message, &out, &err))
        fail_msg("%s", err.text);
    memcpy(text, out.data, out.length);
    text[out.length] = '\0';
    buf_clear(&out);
    return text;
}

static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
            {0, "0.0"},
            {-0.0, "-0.0"},
            {4, "4.0"},
            {0.1, "0.1"},
            {0.3, "0.3"},
            {0.1 + 0.2, "0.30000000000000004"},
            {1.0 / 3, "0.3333333333333333"},
            {4096, "4096.0"},
            {-15.25, "-15.25"},
            {100000000000000, "100000000000000.0"},
            {1e15, "1e+15"},
            {1e22, "1e+22"},
            {1e-7, "1e-07"},
            {123456789012345680, "1.2345678901234568e+17"},
            {DBL_MAX, "1.7976931348623157e+308"},
            {DBL_MIN, "2.2250738585072014e-308"},
            {5e-324, "4.94065645841247e-324"},
            {(double)NAN, "\"NaN\""},
            {(double)INFINITY, "\"Infinity\""},
            {-(double)INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Kinds__Single single = KINDS__SINGLE__INIT;
        single.has_a_double = 1;
        single.a_double = cases[i].value;
        char expected[100];
        snprintf(expected, sizeof expected, "{\"a_double\":%s}", cases[i].text);
        assert_string_equal(written(&single), expected);
    }
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
            {0.1f, "0.1"},
            {4, "4.0"},
            {16777216, "16777216.0"},
            {1.0f / 3, "0.33333334"},
            {106385.234f, "106385.234"},
            {FLT_MAX, "3.4028235e+38"},
            {NAN, "\"NaN\""},
            {-INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Kinds__Single single = KINDS__SINGLE__INIT;
        single.has_a_float = 1;
        single.a_float = cases[i].value;
        char expected[100];
        snprintf(expected, sizeof expected, "{\"a_float\":%s}", cases[i].text);
        assert_string_equal(written(&single), expected);
    }
}

/* Numbers have a point whatever the locale writes. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "de_DE"};
    const char *set = NULL;
    for (size_t i = 0; !set && i < sizeof names / sizeof *names; i++)
        set = setlocale(LC_ALL, names[i]);
    if (!set) {
        printf("no locale with a decimal comma is installed: skipped\n");
        skip();
    }
    Kinds__Single single = KINDS__SINGLE__INIT;
    single.has_a_double = 1;
    single.a_double = 0.5;
    const char *text = written(&single);
    static const char input[] = "{\"a_double\":\"2.5\"}";
    ProtobufCMessage *message = NULL;
    int rc = json_read(&kinds__single__descriptor, input, sizeof input - 1, false, &message, NULL);
    setlocale(LC_ALL, "C");
    assert_string_equal(text, "{\"a_double\":0.5}");
    assert_int_equal(rc, 0);
    assert_true(((Kinds__Single *)message)->a_double == 2.5);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void test_every_control_character(void **state)
{
    (void)state;
    char all[130], expected[1000] = "{\"a_string\":\"";
    for (int c = 1; c < 128; c++) {
        all[c - 1] = (char)c;
        size_t used = strlen(expected);
        const char *form = c == '"'    ? "\\\""
                           : c == '\\' ? "\\\\"
                           : c == '\n' ? "\\n"
                           : c == '\r' ? "\\r"
                           : c == '\t' ? "\\t"
                                       : NULL;
        if (form)
            strcpy(expected + used, form);
        else if (c < 0x20)
            snprintf(expected + used, sizeof expected - used, "\\u%04x", (unsigned)c);
        else
            snprintf(expected + used, sizeof expected - used, "%c", c);
    }
    all[127] = '\0';
    strcat(expected, "\"}");
    Kinds__Single single = KINDS__SINGLE__INIT;
    single.a_string = all;
    assert_string_equal(written(&single), expected);
}

static void test_presence(void **state)
{
    (void)state;
    Kinds__Single single = KINDS__SINGLE__INIT;
    assert_string_equal(written(&single), "{}");
    single.has_an_int32 = single.has_a_bool = single.has_a_bytes = single.has_an_enum = 1;
    assert_string_equal(
            written(&single), "{\"an_int32\":0,\"a_bool\":false,\"a_bytes\":\"\",\"an_enum\":\"RED\"}");
    single.an_enum = (Kinds__Color)99;
    single.has_an_int32 = single.has_a_bool = single.has_a_bytes = 0;
    assert_string_equal(written(&single), "{\"an_enum\":99}");

    Kinds__Defaults defaults = KINDS__DEFAULTS__INIT;
    assert_string_equal(written(&defaults), "{\"port\":5050}");
    char nobody[] = "nobody";
    defaults.name = nobody;
    assert_string_equal(written(&defaults), "{\"name\":\"nobody\",\"port\":5050}");

    Kinds__OneOf choice = KINDS__ONE_OF__INIT;
    assert_string_equal(written(&choice), "{}");
    choice.choice_case = KINDS__ONE_OF__CHOICE_NUMBER;
    choice.number = 0;
    assert_string_equal(written(&choice), "{\"number\":0}");
}

static void test_unknown_fields_are_left_out(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x18, 0x07, 0xa0, 0x06, 0x01};
    ProtobufCMessage *message =
            protobuf_c_message_unpack(&kinds__single__descriptor, NULL, sizeof bytes, bytes);
    assert_non_null(message);
    assert_int_equal(message->n_unknown_fields, 1);
    assert_string_equal(written(message), "{\"an_int32\":7}");
    protobuf_c_message_free_unpacked(message, NULL);
}

/* The last of equal keys counts; an entry without a value has the type's default, the first name of an enum.
 */
static void test_maps(void **state)
{
    (void)state;
    Kinds__Maps maps = KINDS__MAPS__INIT;
    char b[] = "b", a[] = "a", one[] = "1", two[] = "2";
    Kinds__Maps__TextsEntry t0 = KINDS__MAPS__TEXTS_ENTRY__INIT, t1 = t0, t2 = t0, t3 = t0;
    t0.key = b;
    t0.value = one;
    t1.key = a;
    t1.value = one;
    t2.key = b;
    t2.value = two;
    Kinds__Maps__TextsEntry *texts[] = {&t0, &t1, &t2, &t3};
    maps.n_texts = 4;
    maps.texts = texts;
    Kinds__Maps__LeavesEntry leaf = KINDS__MAPS__LEAVES_ENTRY__INIT, *leaves[] = {&leaf};
    maps.n_leaves = 1;
    maps.leaves = leaves;
    Kinds__Maps__ColorsEntry color = KINDS__MAPS__COLORS_ENTRY__INIT, *colors[] = {&color};
    maps.n_colors = 1;
    maps.colors = colors;
    Kinds__Maps__BlobsEntry blob = KINDS__MAPS__BLOBS_ENTRY__INIT, *blobs[] = {&blob};
    maps.n_blobs = 1;
    maps.blobs = blobs;
    Kinds__Maps__RealsEntry real = KINDS__MAPS__REALS_ENTRY__INIT, *reals[] = {&real};
    maps.n_reals = 1;
    maps.reals = reals;
    assert_string_equal(written(&maps),
            "{\"texts\":{\"\":\"\",\"a\":\"1\",\"b\":\"2\"},\"leaves\":{\"\":{}},"
            "\"colors\":{\"\":\"RED\"},\"reals\":{\"\":0.0},\"blobs\":{\"\":\"\"}}");
}

static void assert_fails(const void *message, size_t limit, int code, const char *field)
{
    struct buf out = {.limit = limit};
    assert_int_equal(buf_append_string(&out, "before"), 0);
    struct error err = {.text = ""};
    assert_int_equal(json_write(message, &out, &err), code);
    assert_string_equal(err.field, field);
    assert_true(*err.text);
    assert_int_equal(out.length, 6);
    assert_memory_equal(out.data, "before", 6);
    assert_int_equal(json_write(message, &out, NULL), code);
    buf_clear(&out);
}

static void test_refused(void **state)
{
    (void)state;
    char broken[] = "a\xff", text[] = "x";
    Kinds__Single single = KINDS__SINGLE__INIT;
    single.a_string = broken;
    assert_fails(&single, 1000, ERR_INVALID, "a_string");

    Kinds__Needs needs = KINDS__NEEDS__INIT, more = KINDS__NEEDS__INIT, *all[] = {&more};
    Kinds__Leaf leaf = KINDS__LEAF__INIT;
    needs.text = text;
    needs.leaf = &leaf;
    assert_string_equal(written(&needs), "{\"text\":\"x\",\"leaf\":{},\"data\":\"\"}");
    needs.n_more = 1;
    needs.more = all;
    more.text = text;
    more.leaf = NULL;
    assert_fails(&needs, 1000, ERR_INVALID, "more[0].leaf");
    more.leaf = &leaf;
    more.text = NULL;
    assert_fails(&needs, 1000, ERR_INVALID, "more[0].text");

    Kinds__Maps maps = KINDS__MAPS__INIT;
    Kinds__Maps__TextsEntry entry = KINDS__MAPS__TEXTS_ENTRY__INIT, *texts[] = {&entry};
    entry.key = broken;
    maps.n_texts = 1;
    maps.texts = texts;
    assert_fails(&maps, 1000, ERR_INVALID, "texts[0].key");
}

static void test_limit(void **state)
{
    (void)state;
    Kinds__Single single = KINDS__SINGLE__INIT;
    char text[] = "0123456789";
    single.a_string = text;
    size_t length = strlen(written(&single));
    struct buf out = {.limit = length};
    assert_int_equal(json_write(&single.base, &out, NULL), 0);
    assert_int_equal(out.length, length);
    buf_clear(&out);
    for (size_t limit = 6; limit < 6 + length; limit++)
        assert_fails(&single, limit, ERR_TOO_LARGE, "");
}

static void test_depth(void **state)
{
    (void)state;
    Kinds__Single levels[JSON_DEPTH_MAX + 1];
    for (size_t i = 0; i < JSON_DEPTH_MAX + 1; i++) {
        kinds__single__init(&levels[i]);
        levels[i].deeper = i ? &levels[i - 1] : NULL;
    }
    assert_int_equal(strlen(written(&levels[JSON_DEPTH_MAX - 1])), 2 + (JSON_DEPTH_MAX - 1) * 11);
    assert_fails(&levels[JSON_DEPTH_MAX], 0, ERR_TOO_LARGE, "");

    /* An entry of a map and the message in it are a level each. */
    enum { MAPS = JSON_DEPTH_MAX / 2 + 1 };
    Kinds__Maps maps[MAPS];
    Kinds__Maps__DeeperEntry entries[MAPS], *pointers[MAPS];
    for (size_t i = 0; i < MAPS; i++) {
        kinds__maps__init(&maps[i]);
        kinds__maps__deeper_entry__init(&entries[i]);
        entries[i].value = &maps[i];
        pointers[i] = &entries[i];
        if (i > 0) {
            maps[i].n_deeper = 1;
            maps[i].deeper = &pointers[i - 1];
        }
    }
    assert_true(strlen(written(&maps[MAPS - 2])) > 100);
    assert_fails(&maps[MAPS - 1], 0, ERR_TOO_LARGE, "");
    /* A last entry without a message in it is at the limit behind 63 levels, and past it behind 64. */
    entries[0].value = NULL;
    assert_true(strlen(written(&maps[MAPS - 1])) > 100);
    assert_fails(&entries[MAPS - 1], 0, ERR_TOO_LARGE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_doubles),
            cmocka_unit_test(test_floats),
            cmocka_unit_test(test_locale),
            cmocka_unit_test(test_every_control_character),
            cmocka_unit_test(test_presence),
            cmocka_unit_test(test_unknown_fields_are_left_out),
            cmocka_unit_test(test_maps),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_limit),
            cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
