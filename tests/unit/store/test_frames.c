/* The write-ahead log cut off at every frame boundary, and at three places inside every frame: the store
 * opens to exactly the groups that were complete by then. Group g writes task g, its attempt, event g and the
 * meta value that says g, so a state that is not of whole groups shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../seed.h"
#include "base/alloc.h"
#include "support.h"

#define LOG_HEADER 32
#define FRAME_HEADER 24
#define FRAME (FRAME_HEADER + 4096)

#define GROUPS_MAX 64

struct history {
    struct fixture *fixture;
    const char *expected[GROUPS_MAX + 1]; /* [g]: all rows after group g */
    struct blob *specs[GROUPS_MAX + 1];
    int groups;
};

static struct record task_of(const struct history *history, int group)
{
    return (struct record){.kind = RECORD_TASK,
            .task = {.key = group, .id = "job", .spec = history->specs[group], .message = "", .reason = ""}};
}

static struct record attempt_of(int group)
{
    return (struct record){.kind = RECORD_ATTEMPT,
            .attempt = {.task_key = group,
                    .number = 1,
                    .agent_id = "",
                    .hostname = "",
                    .ports = "",
                    .unique = "",
                    .message = "",
                    .reason = "",
                    .mesos_id = ""}};
}

static const char *text_after(const struct history *history, int groups)
{
    struct arena *arena = &history->fixture->arena;
    if (groups == 0)
        return "";
    const char *tasks = "", *attempts = "";
    for (int g = 1; g <= groups; g++) {
        struct record task = task_of(history, g), attempt = attempt_of(g);
        tasks = arena_format(arena, "%s%s", tasks, record_text(history->fixture, &task));
        attempts = arena_format(arena, "%s%s", attempts, record_text(history->fixture, &attempt));
    }
    struct record event = event_record(1, (uint64_t)groups, "t");
    return arena_format(
            arena, "meta group='%d'\n%s%s%s", groups, tasks, attempts, record_text(history->fixture, &event));
}

/* Most groups are small, some have frames for overflow pages. */
static void write_group(struct history *history, struct store *store, size_t spec_length)
{
    int g = ++history->groups;
    assert_true(g <= GROUPS_MAX);
    history->specs[g] = blob_take(alloc_zeroed(1, spec_length), spec_length);
    history->expected[g] = text_after(history, g);
    char number[16];
    snprintf(number, sizeof number, "%d", g);
    struct record records[] = {meta_record("group", number), task_of(history, g), attempt_of(g),
            event_record(1, (uint64_t)g, "t")};
    for (size_t i = 0; i < 4; i++)
        store_add(store, &records[i]);
    commit_group(store);
}

static uint32_t number_at(struct slice log, size_t at)
{
    return (uint32_t)log.data[at] << 24 | (uint32_t)log.data[at + 1] << 16 | (uint32_t)log.data[at + 2] << 8 |
           log.data[at + 3];
}

/* The frames of the log's present life. */
static size_t count_frames(struct slice log)
{
    size_t frames = 0;
    for (size_t at = LOG_HEADER; at + FRAME <= log.length; at += FRAME, frames++)
        if (memcmp(log.data + at + 8, log.data + 16, 8) != 0)
            break;
    return frames;
}

/* Transactions of the log's present life that are complete in these bytes. What follows a cut may happen to
 * be what the cut took away. */
static int complete_in(struct slice log, const uint8_t *bytes, size_t length)
{
    int transactions = 0;
    size_t end = LOG_HEADER + count_frames(log) * FRAME;
    for (size_t at = LOG_HEADER; at + FRAME <= length && at < end; at += FRAME) {
        if (memcmp(bytes + at, log.data + at, FRAME) != 0)
            break;
        transactions += number_at(log, at + 4) != 0;
    }
    return transactions;
}

/* The database, and the log up to the cut with what it had before its present life after it, opens to the
 * groups that are complete. `skipped` transactions at the log's begin are none of ours. */
static void cut_once(struct history *history, const struct fixture *other, struct slice database,
        struct slice log, size_t cut, struct slice earlier, int skipped)
{
    size_t length = earlier.length > cut ? earlier.length : cut;
    uint8_t *bytes = alloc_bytes(length);
    if (length > cut)
        memcpy(bytes + cut, earlier.data + cut, length - cut);
    memcpy(bytes, log.data, cut);
    int groups = complete_in(log, bytes, length) - skipped;
    write_file(other->file, database.data, database.length);
    write_file(other->log, bytes, length);
    free(bytes);
    struct fixture place = *other;
    arena_init(&place.arena);
    struct store *store = open_store(&place);
    const char *text = load_text(&place, store);
    if (strcmp(text, history->expected[groups > 0 ? groups : 0]) != 0)
        fail_msg("cut at %zu of %zu (%zu after it): %.300s\ninstead of %d groups", cut, log.length,
                length - cut, text, groups);
    store_destroy(store);
    arena_clear(&place.arena);
}

/* What comes before `from` is never cut. */
static void cut_everywhere(struct history *history, struct slice database, struct slice log,
        struct slice earlier, int skipped, size_t from)
{
    struct fixture *fixture = history->fixture, other = *fixture;
    unsigned seed = seed_of("cut_everywhere");
    size_t frames = count_frames(log);
    print_message("%zu frames, %d transactions\n", frames, complete_in(log, log.data, log.length));
    snprintf(other.directory, sizeof other.directory, "%s/other", fixture->top);
    snprintf(other.file, sizeof other.file, "%s/" STORE_FILE, other.directory);
    snprintf(other.log, sizeof other.log, "%s-wal", other.file);
    assert_int_equal(mkdir(other.directory, 0700), 0);

    static const size_t in_header[] = {0, 1, 16, 24, 31};
    for (size_t i = 0; i < sizeof in_header / sizeof *in_header && from == 0; i++)
        cut_once(history, &other, database, log, in_header[i], earlier, skipped);
    for (size_t frame = from / FRAME; frame <= frames; frame++) {
        size_t boundary = LOG_HEADER + frame * FRAME;
        size_t cuts[] = {boundary, boundary + 1 + (size_t)rand_r(&seed) % (FRAME_HEADER - 1),
                boundary + FRAME_HEADER + (size_t)rand_r(&seed) % 4096, boundary + FRAME - 1};
        for (size_t i = 0; i < (frame < frames ? 4 : 1); i++)
            cut_once(history, &other, database, log, cuts[i], earlier, skipped);
    }
}

static void clear(struct history *history)
{
    for (int g = 1; g <= history->groups; g++)
        blob_unref(history->specs[g]);
}

/* From the first transaction on, which makes the tables. */
static void test_a_log_that_was_cut_off(void **state)
{
    struct fixture *fixture = *state;
    struct history history = {.fixture = fixture, .expected = {""}};
    struct store *store = open_store(fixture);
    struct slice first = read_whole_file(fixture, fixture->log);
    int made = complete_in(first, first.data, first.length);
    assert_int_equal(made, 1);
    assert_int_equal(store_start(store, NULL), 0);
    for (int i = 0; i < 14; i++)
        write_group(&history, store, i % 6 == 5 ? 9000 : 100);
    struct slice database = read_whole_file(fixture, fixture->file);
    struct slice log = read_whole_file(fixture, fixture->log);
    store_destroy(store);
    assert_int_equal(log.length, LOG_HEADER + count_frames(log) * FRAME);
    assert_int_equal(complete_in(log, log.data, log.length), made + 14);
    cut_everywhere(&history, database, log, slice_of(NULL, 0), made, 0);
    clear(&history);
}

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 2000000};
    nanosleep(&moment, NULL);
}

/* A log that was moved into the database is written again from its start: the old frames follow the new ones.
 */
static void test_a_log_that_was_used_again(void **state)
{
    struct fixture *fixture = *state;
    struct history history = {.fixture = fixture, .expected = {""}};
    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    /* Enough for the thread to move the log when it is idle; it takes the next group after that. */
    size_t large = 1200 * 4096;
    struct blob *body = blob_take(alloc_zeroed(1, large), large);
    struct record filler = event_record(1, 1, "t");
    filler.event.body = body;
    store_add(store, &filler);
    commit_group(store);
    blob_unref(body);
    for (int left = TEST_WAIT_MS / 2; file_size(fixture->file) < large; left--) {
        assert_true(left > 0);
        nap();
    }
    write_group(&history, store, 100); /* replaces it */
    struct slice database = read_whole_file(fixture, fixture->file);
    struct slice earlier = read_whole_file(fixture, fixture->log);
    size_t first = LOG_HEADER + count_frames(earlier) * FRAME;
    assert_int_equal(complete_in(earlier, earlier.data, earlier.length), 1);
    for (int i = 0; i < 8; i++)
        write_group(&history, store, i == 3 ? 9000 : 100);
    struct slice log = read_whole_file(fixture, fixture->log);
    store_destroy(store);
    assert_int_equal(log.length, earlier.length);
    assert_int_equal(complete_in(log, log.data, log.length), 9);
    cut_everywhere(&history, database, log, earlier, 0, first);
    clear(&history);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_a_log_that_was_cut_off),
            TEST(test_a_log_that_was_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
