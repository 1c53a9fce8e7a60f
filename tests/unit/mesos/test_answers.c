/* The table of answers (PROTOCOL "What the master answers"), row by row, and the backoff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "answers.h"
#include "backoff.h"
#include "base/text.h"

#define PROTOBUF "application/x-protobuf"
#define STALE "The stream ID 'x' included in this request didn't match the stream ID currently associated"
#define NO_ID "All non-subscribe calls should include the 'Mesos-Stream-Id' header"
#define UNKNOWN "Framework cannot be found"
#define ID32 "0123456789abcdef0123456789abcdef"
#define ID128 ID32 ID32 ID32 ID32

static const struct {
    const char *name;
    struct master_reply reply;
    const char *body;
    bool over;
    enum master_down down;
} subscribe_rows[] = {
        {"200", {200, PROTOBUF, "id", NULL, {0}}, "", false, 0},
        {"200 with a parameter", {200, PROTOBUF ";x=y", "id", NULL, {0}}, "", false, 0},
        {"200 with an id of 128", {200, PROTOBUF, ID128, NULL, {0}}, "", false, 0},
        {"200 with an id of 129", {200, PROTOBUF, ID128 "x", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 with an empty id", {200, PROTOBUF, "", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 with a space in the id", {200, PROTOBUF, "a b", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 without an id", {200, PROTOBUF, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 of JSON", {200, "application/json", "id", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 of a longer type", {200, PROTOBUF "2", "id", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"200 of no type", {200, NULL, "id", NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"202", {202, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"301", {301, NULL, NULL, "http://a:1/", {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"307 without a Location", {307, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"307 to https", {307, NULL, NULL, "https://a:1/", {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"400", {400, NULL, NULL, NULL, {0}}, "words", true, MASTER_DOWN_REFUSED},
        {"401", {401, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_UNAUTHORIZED},
        {"403", {403, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_REFUSED},
        {"404", {404, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"405", {405, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"415", {415, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"500", {500, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_LOST},
        {"501", {501, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_NOT_MESOS},
        {"503", {503, NULL, NULL, NULL, {0}}, "", true, MASTER_DOWN_LOST},
};

static void test_subscribe(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof subscribe_rows / sizeof *subscribe_rows; ++i) {
        struct master_reply reply = subscribe_rows[i].reply;
        struct master_verdict verdict;

        reply.body = slice_of_string(subscribe_rows[i].body);
        master_judge(MASTER_KIND_SUBSCRIBE, &reply, &verdict);
        if (verdict.over != subscribe_rows[i].over || verdict.redirected ||
                (verdict.over && (verdict.down != subscribe_rows[i].down || verdict.text[0] == '\0'))) {
            fail_msg("%s: over %d, down %d, '%s'", subscribe_rows[i].name, verdict.over, (int)verdict.down,
                    verdict.text);
        }
    }
}

static const struct {
    long status;
    const char *body;
    enum master_answer answer;
    bool over_ordered, over_loose;
    enum master_down down;
} call_rows[] = {
        {200, "", MASTER_ACCEPTED, false, false, 0},
        {202, "", MASTER_ACCEPTED, false, false, 0},
        {204, "", MASTER_UNANSWERED, true, false, MASTER_DOWN_LOST},
        {302, "", MASTER_UNANSWERED, true, false, MASTER_DOWN_LOST},
        {307, "", MASTER_NOT_DONE, true, true, MASTER_DOWN_LOST},
        {400, "", MASTER_REFUSED, false, false, 0},
        {400, "Failed to parse body into Call protobuf", MASTER_REFUSED, false, false, 0},
        /* Words that a task's author can put into a call must not end the subscription. */
        {400, "Task 'Framework cannot be found' is invalid", MASTER_REFUSED, false, false, 0},
        {400, STALE, MASTER_NOT_DONE, true, true, MASTER_DOWN_ERROR},
        {400, NO_ID, MASTER_NOT_DONE, true, true, MASTER_DOWN_LOST},
        {400, UNKNOWN, MASTER_NOT_DONE, true, true, MASTER_DOWN_LOST},
        {401, "", MASTER_NOT_DONE, true, true, MASTER_DOWN_UNAUTHORIZED},
        {403, "Framework is not subscribed", MASTER_NOT_DONE, true, true, MASTER_DOWN_LOST},
        {403, "Authenticated principal 'a' is not authorized to perform this operation", MASTER_NOT_DONE,
                true, true, MASTER_DOWN_REFUSED},
        {404, "", MASTER_REFUSED, false, false, 0},
        {413, "", MASTER_REFUSED, false, false, 0},
        {500, "", MASTER_UNANSWERED, true, false, MASTER_DOWN_LOST},
        {502, "", MASTER_UNANSWERED, true, false, MASTER_DOWN_LOST},
        {503, "", MASTER_NOT_DONE, true, true, MASTER_DOWN_LOST},
};

static void test_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof call_rows / sizeof *call_rows; ++i) {
        struct master_reply reply = {
                .status = call_rows[i].status, .body = slice_of_string(call_rows[i].body)};

        for (enum master_kind kind = MASTER_KIND_ORDERED; kind <= MASTER_KIND_LOOSE; ++kind) {
            bool over = kind == MASTER_KIND_ORDERED ? call_rows[i].over_ordered : call_rows[i].over_loose;
            struct master_verdict verdict;

            master_judge(kind, &reply, &verdict);
            if (verdict.answer != call_rows[i].answer || verdict.over != over ||
                    (over && verdict.down != call_rows[i].down)) {
                fail_msg("%ld '%s', kind %d: answer %d, over %d, down %d", call_rows[i].status,
                        call_rows[i].body, (int)kind, (int)verdict.answer, verdict.over, (int)verdict.down);
            }
        }
    }
}

static void test_redirect(void **state)
{
    struct master_reply reply = {.status = 307, .location = "//leader:5051/api/v1/scheduler"};

    (void)state;
    for (enum master_kind kind = MASTER_KIND_SUBSCRIBE; kind <= MASTER_KIND_LOOSE; ++kind) {
        struct master_verdict verdict;

        master_judge(kind, &reply, &verdict);
        assert_true(verdict.over);
        assert_true(verdict.redirected);
        assert_int_equal(verdict.down, MASTER_DOWN_LOST);
        assert_int_equal(verdict.answer, MASTER_NOT_DONE);
        assert_string_equal(verdict.leader.host, "leader");
        assert_int_equal(verdict.leader.port, 5051);
    }
}

static void test_failure(void **state)
{
    struct master_verdict verdict;

    (void)state;
    master_judge_failure(MASTER_KIND_ORDERED, true, false, "gone", &verdict);
    assert_int_equal(verdict.answer, MASTER_UNANSWERED);
    assert_true(verdict.over);
    assert_int_equal(verdict.down, MASTER_DOWN_LOST);
    assert_string_equal(verdict.text, "gone");
    master_judge_failure(MASTER_KIND_ORDERED, false, false, "gone", &verdict);
    assert_int_equal(verdict.answer, MASTER_NOT_DONE);
    assert_true(verdict.over);
    master_judge_failure(MASTER_KIND_LOOSE, true, false, "gone", &verdict);
    assert_int_equal(verdict.answer, MASTER_UNANSWERED);
    assert_false(verdict.over);
    master_judge_failure(MASTER_KIND_SUBSCRIBE, true, false, "gone", &verdict);
    assert_int_equal(verdict.down, MASTER_DOWN_LOST);
    master_judge_failure(MASTER_KIND_SUBSCRIBE, true, true, "gone", &verdict);
    assert_int_equal(verdict.down, MASTER_DOWN_NOT_MESOS);
}

/* The same failure reads the same however long it took. */
static void test_failure_without_duration(void **state)
{
    static const char *const cases[][2] = {
            {"Failed to connect to m port 1 after 0 ms: refused", "Failed to connect to m port 1: refused"},
            {"Failed to connect to m port 1 after 12345 ms", "Failed to connect to m port 1"},
            {"closed after all", "closed after all"},
            {"after 5 ms", "after 5 ms"},
            {"gone after 5 minutes", "gone after 5 minutes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct master_verdict verdict;

        master_judge_failure(MASTER_KIND_SUBSCRIBE, true, false, cases[i][0], &verdict);
        assert_string_equal(verdict.text, cases[i][1]);
    }
}

/* What a peer wrote becomes one line of valid text, cut at a character. */
static void test_words(void **state)
{
    struct master_reply reply = {.status = 400};
    struct master_verdict verdict;
    char body[4096];

    (void)state;
    reply.body = slice_of_string("  two\nlines\x1b[31m \r\n");
    master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
    assert_string_equal(verdict.text, "  two lines [31m");
    reply.body = slice_of_string("caf\xc3\xa9");
    master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
    assert_string_equal(verdict.text, "caf\xc3\xa9");
    reply.body = slice_of_string("caf\xe9!");
    master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
    assert_string_equal(verdict.text, "caf?!");
    reply.body = slice_of("a\0b", 3);
    master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
    assert_string_equal(verdict.text, "a b");
    reply.body = slice_of_string("");
    master_judge(MASTER_KIND_SUBSCRIBE, &reply, &verdict);
    assert_string_equal(verdict.text, "status 400");
    for (size_t shift = 0; shift < 3; ++shift) {
        memset(body, 'x', shift);
        for (size_t at = shift; at + 3 <= sizeof body; at += 3) {
            memcpy(body + at, "\xe2\x82\xac", 3);
        }
        reply.body = slice_of(body, sizeof body - 3);
        master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
        assert_in_range(strlen(verdict.text), MASTER_TEXT_MAX - 4, MASTER_TEXT_MAX - 1);
        assert_true(text_is_utf8(slice_of_string(verdict.text)));
        reply.status = 503;
        master_judge(MASTER_KIND_ORDERED, &reply, &verdict);
        assert_true(text_is_utf8(slice_of_string(verdict.text)));
        reply.status = 400;
    }
}

static void test_backoff(void **state)
{
    struct master_backoff backoff, same;
    int64_t ceiling = 100;
    bool low = false, high = false;

    (void)state;
    print_message("seed 7\n");
    master_backoff_init(&backoff, 100, 15000, 7);
    master_backoff_init(&same, 100, 15000, 7);
    for (int i = 0; i < 200; ++i) {
        int64_t delay;

        assert_int_equal(master_backoff_ceiling(&backoff), ceiling);
        delay = master_backoff_next(&backoff);
        assert_int_equal(delay, master_backoff_next(&same));
        assert_in_range(delay, 1, ceiling);
        low = low || delay < ceiling / 4;
        high = high || delay > ceiling / 4 * 3;
        ceiling = ceiling * 2 > 15000 ? 15000 : ceiling * 2;
    }
    assert_true(low && high);
    master_backoff_reset(&backoff);
    assert_int_equal(master_backoff_ceiling(&backoff), 100);
    master_backoff_init(&backoff, 1, 1, 0);
    assert_int_equal(master_backoff_next(&backoff), 1);
    assert_int_equal(master_backoff_next(&backoff), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_subscribe),
            cmocka_unit_test(test_call),
            cmocka_unit_test(test_redirect),
            cmocka_unit_test(test_failure),
            cmocka_unit_test(test_failure_without_duration),
            cmocka_unit_test(test_words),
            cmocka_unit_test(test_backoff),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
