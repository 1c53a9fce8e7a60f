/* The requests replay and tail: what is refused, pages out of memory and out of the store, and what is
 * counted. */
#include "rig.h"

#define CLASS(name) ZMESOS__V1__EVENT_CLASS__##name
#define CODE(name) ZMESOS__V1__CODE__##name

static char me[] = "me", task_a[] = "task/a/", task_0[] = "task/t0", task_1[] = "task/t1/",
            task_2[] = "task/t2/X", task_7[] = "task/t7/", mesos[] = "mesos/", offers_x[] = "mesos/OFFERS/x",
            another[] = "another";

static void start(struct rig *rig)
{
    struct error err;
    assert_int_equal(store_start(rig->daemon.store, &err), 0);
}

static void wait_committed(struct rig *rig)
{
    store_flush(rig->daemon.store);
    while (store_committed(rig->daemon.store) < store_group(rig->daemon.store)) {
        rig_wait_store(rig);
        store_flush(rig->daemon.store);
    }
}

/* Events of class TASK: t0/X, t1/X, t2/X, t0/X, ... with a body of `size` bytes. */
static void publish(struct rig *rig, uint64_t first, uint64_t last, size_t size)
{
    struct daemon *daemon = &rig->daemon;
    uint8_t *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    for (uint64_t number = first; number <= last; number++) {
        Zmesos__V1__EventHeader header = ZMESOS__V1__EVENT_HEADER__INIT;
        uint8_t packed[64];
        char topic[32];
        snprintf(topic, sizeof topic, "task/t%u/X", (unsigned)(number % 3));
        header.has_number = true;
        header.number = number;
        struct blob *head = blob_create(packed, zmesos__v1__event_header__pack(&header, packed));
        struct blob *body = blob_create(bytes, size);
        struct record record = {.kind = RECORD_EVENT,
                .event = {.class = CLASS(TASK),
                        .number = number,
                        .topic = topic,
                        .header = head,
                        .body = body}};
        store_add(daemon->store, &record);
        recent_add(&daemon->recent, CLASS(TASK), number, topic, head, body);
        blob_unref(head);
        blob_unref(body);
    }
    free(bytes);
    wait_committed(rig);
}

/* As after a start: the journal is the store's alone. */
static void forget_recent(struct rig *rig)
{
    recent_begin(&rig->daemon.recent, CLASS(TASK), recent_head(&rig->daemon.recent, CLASS(TASK)));
}

static Zmesos__V1__Reply *take_reply(struct rig *rig)
{
    struct daemon *daemon = &rig->daemon;
    for (int i = 0; i < 1000 && daemon->outbox.count == 0; i++) {
        rig_wait_store(rig);
        daemon_finish_replays(daemon);
    }
    const struct parcel *parcel = outbox_ready(&daemon->outbox, store_committed(daemon->store));
    assert_non_null(parcel);
    assert_int_equal(parcel->id, 7);
    struct slice body = blob_slice(parcel->body);
    Zmesos__V1__Reply *reply = zmesos__v1__reply__unpack(NULL, body.length, body.data);
    assert_non_null(reply);
    assert_string_equal(reply->id, "me");
    assert_int_equal(reply->version, 1);
    outbox_drop_first(&daemon->outbox);
    return reply;
}

static Zmesos__V1__Reply *ask_replay(struct rig *rig, Zmesos__V1__Replay *replay)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    request.id = me;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
    request.replay = replay;
    daemon_on_request(&rig->daemon, 7, &request, slice_of(NULL, 0));
    return take_reply(rig);
}

static Zmesos__V1__Reply *ask_tail(struct rig *rig, Zmesos__V1__Tail *tail)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    request.id = me;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_TAIL;
    request.tail = tail;
    daemon_on_request(&rig->daemon, 7, &request, slice_of(NULL, 0));
    return take_reply(rig);
}

static void expect_refused(Zmesos__V1__Reply *reply, Zmesos__V1__Code code, const char *field)
{
    assert_int_equal(reply->code, code);
    assert_string_equal(reply->field ? reply->field : "", field);
    assert_true(reply->message && *reply->message);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static Zmesos__V1__Replay replay_of(int class, uint64_t from)
{
    Zmesos__V1__Replay replay = ZMESOS__V1__REPLAY__INIT;
    replay.has_class_ = replay.has_from = true;
    replay.class_ = (Zmesos__V1__EventClass) class;
    replay.from = from;
    return replay;
}

static Zmesos__V1__Tail tail_of(int class, uint64_t after)
{
    Zmesos__V1__Tail tail = ZMESOS__V1__TAIL__INIT;
    tail.has_class_ = tail.has_after = true;
    tail.class_ = (Zmesos__V1__EventClass) class;
    tail.after = after;
    return tail;
}

/* Pages from `from` to the end; expects every number whose topic ends in one of `wanted` ("012": all), once.
 */
static int read_all(struct rig *rig, uint64_t from, char **prefixes, size_t count, const char *wanted)
{
    uint64_t head = recent_head(&rig->daemon.recent, CLASS(TASK)), expected = from;
    int pages = 0;
    for (uint64_t next = from; next <= head; pages++) {
        Zmesos__V1__Replay replay = replay_of(CLASS(TASK), next);
        replay.prefixes = prefixes;
        replay.n_prefixes = count;
        Zmesos__V1__Reply *reply = ask_replay(rig, &replay);
        assert_int_equal(reply->code, CODE(OK));
        const Zmesos__V1__ReplayPage *page = reply->replay;
        assert_int_equal(page->head, head);
        assert_string_equal(page->store, rig->daemon.store_id);
        assert_true(page->next > next);
        for (size_t i = 0; i < page->n_events; i++, expected++) {
            while (!strchr(wanted, (int)('0' + expected % 3)))
                expected++;
            assert_int_equal(page->events[i]->header->number, expected);
            assert_int_equal(page->events[i]->topic[6], '0' + (int)(expected % 3));
        }
        next = page->next;
        assert_true(expected >= next || !strchr(wanted, (int)('0' + expected % 3)) || page->n_events == 0);
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
    while (expected <= head && !strchr(wanted, (int)('0' + expected % 3)))
        expected++;
    assert_int_equal(expected, head + 1);
    return pages;
}

static void what_is_wrong_is_refused_with_its_field(void **state)
{
    struct rig *rig = *state;
    char *other[] = {task_a, mesos}, *empty[10001];
    start(rig);
    publish(rig, 1, 3, 10);
    Zmesos__V1__Replay replay = ZMESOS__V1__REPLAY__INIT;
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.class");
    replay = replay_of(99, 1);
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.class");
    replay = replay_of(CLASS(OFFERS), 1);
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.class");
    replay = replay_of(CLASS(TASK), 0);
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.from");
    replay = replay_of(CLASS(TASK), 5);
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.from");
    replay = replay_of(CLASS(TASK), 1);
    replay.page_size = 0;
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.page_size");
    replay.page_size = 10001;
    expect_refused(ask_replay(rig, &replay), CODE(TOO_LARGE), "replay.page_size");
    replay = replay_of(CLASS(TASK), 1);
    replay.store = another;
    expect_refused(ask_replay(rig, &replay), CODE(CONFLICT), "replay.store");
    replay.store = NULL;
    replay.prefixes = other;
    replay.n_prefixes = 2;
    expect_refused(ask_replay(rig, &replay), CODE(INVALID), "replay.prefixes[1]");
    for (size_t i = 0; i < 10001; i++)
        empty[i] = task_a;
    replay.prefixes = empty;
    replay.n_prefixes = 10001;
    expect_refused(ask_replay(rig, &replay), CODE(TOO_LARGE), "replay.prefixes");
    Zmesos__V1__Tail tail = tail_of(99, 0);
    expect_refused(ask_tail(rig, &tail), CODE(INVALID), "tail.class");
    tail = tail_of(CLASS(TASK), 4);
    expect_refused(ask_tail(rig, &tail), CODE(INVALID), "tail.after");
    tail = tail_of(CLASS(TASK), 2);
    tail.has_until = true;
    tail.until = 1;
    expect_refused(ask_tail(rig, &tail), CODE(INVALID), "tail.until");
}

static void limits_can_be_reached(void **state)
{
    struct rig *rig = *state;
    char *prefixes[10000];
    start(rig);
    publish(rig, 1, 3, 10);
    for (size_t i = 0; i < 10000; i++)
        prefixes[i] = task_1;
    Zmesos__V1__Replay replay = replay_of(CLASS(TASK), 4); /* nothing is there yet */
    replay.page_size = 10000;
    replay.prefixes = prefixes;
    replay.n_prefixes = 10000;
    replay.store = rig->daemon.store_id;
    Zmesos__V1__Reply *reply = ask_replay(rig, &replay);
    assert_int_equal(reply->code, CODE(OK));
    assert_int_equal(reply->replay->n_events, 0);
    assert_int_equal(reply->replay->next, 4);
    assert_int_equal(reply->replay->head, 3);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static void pages_are_the_same_out_of_memory_and_out_of_the_store(void **state)
{
    struct rig *rig = *state;
    char *one[] = {task_1}, *two[] = {task_0, task_2};
    start(rig);
    publish(rig, 1, 3000, 200); /* 600 KiB: several pages by their bytes */
    for (int round = 0; round < 2; round++) {
        assert_true(read_all(rig, 1, NULL, 0, "012") >= 3);
        read_all(rig, 2998, NULL, 0, "012");
        read_all(rig, 1, one, 1, "1");
        read_all(rig, 500, two, 2, "02");
        forget_recent(rig);
    }
    /* Half of it here, half of it there. */
    publish(rig, 3001, 6000, 10);
    read_all(rig, 1, NULL, 0, "012");
    read_all(rig, 1, one, 1, "1");
}

/* 50,000 events of which one is wanted: each request looks at a part. */
static void a_search_is_done_in_parts(void **state)
{
    struct rig *rig = *state;
    char *none[] = {task_7};
    start(rig);
    for (uint64_t first = 1; first <= 50000; first += 5000)
        publish(rig, first, first + 4999, 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(read_all(rig, 1, none, 1, "-"), 3);
        Zmesos__V1__Tail tail = tail_of(CLASS(TASK), 0);
        tail.prefixes = none;
        tail.n_prefixes = 1;
        Zmesos__V1__Reply *reply = ask_tail(rig, &tail);
        assert_int_equal(reply->tail->until, 20000);
        assert_int_equal(reply->tail->head, 50000);
        assert_true(reply->tail->has_count && reply->tail->count == 0 && !reply->tail->has_last);
        zmesos__v1__reply__free_unpacked(reply, NULL);
        forget_recent(rig);
    }
}

static void a_single_event_has_room_on_any_page(void **state)
{
    struct rig *rig = *state;
    start(rig);
    publish(rig, 1, 3, 300000);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(read_all(rig, 1, NULL, 0, "012"), 3);
        forget_recent(rig);
    }
}

static void tails_are_counted(void **state)
{
    struct rig *rig = *state;
    char *prefixes[] = {task_1};
    static const struct {
        bool prefix;
        uint64_t after, until, count, last, reached;
    } cases[] = {
            {false, 0, 0, 100, 100, 100},
            {false, 40, 0, 60, 100, 100},
            {false, 100, 0, 0, 0, 100},
            {false, 10, 10, 0, 0, 10},
            {false, 10, 20, 10, 20, 20},
            {false, 10, 999, 90, 100, 100}, /* the end is the last one */
            {true, 0, 0, 34, 100, 100},
            {true, 1, 3, 0, 0, 3},
            {true, 1, 4, 1, 4, 4},
            {true, 97, 99, 0, 0, 99},
    };
    start(rig);
    publish(rig, 1, 100, 10);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Zmesos__V1__Tail tail = tail_of(CLASS(TASK), cases[i].after);
            tail.has_until = cases[i].until != 0;
            tail.until = cases[i].until;
            tail.prefixes = prefixes;
            tail.n_prefixes = cases[i].prefix;
            Zmesos__V1__Reply *reply = ask_tail(rig, &tail);
            assert_int_equal(reply->code, CODE(OK));
            assert_true(reply->tail->has_count);
            assert_int_equal(reply->tail->count, cases[i].count);
            assert_int_equal(reply->tail->last, cases[i].last);
            assert_int_equal(reply->tail->until, cases[i].reached);
            assert_int_equal(reply->tail->head, 100);
            assert_int_equal(reply->tail->run, rig->daemon.run);
            zmesos__v1__reply__free_unpacked(reply, NULL);
        }
        forget_recent(rig);
    }
}

static void of_volatile_classes_the_whole_is_counted(void **state)
{
    struct rig *rig = *state;
    char *part[] = {offers_x};
    start(rig);
    recent_begin(&rig->daemon.recent, CLASS(OFFERS), 12);
    Zmesos__V1__Tail tail = tail_of(CLASS(OFFERS), 10);
    Zmesos__V1__Reply *reply = ask_tail(rig, &tail);
    assert_int_equal(reply->tail->count, 2);
    assert_int_equal(reply->tail->last, 12);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    tail.prefixes = part;
    tail.n_prefixes = 1;
    reply = ask_tail(rig, &tail);
    assert_int_equal(reply->code, CODE(OK));
    assert_false(reply->tail->has_count);
    assert_int_equal(reply->tail->head, 12);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static void what_is_not_kept_is_truncated(void **state)
{
    struct rig *rig = *state;
    store_keep_events(rig->daemon.store, 10);
    start(rig);
    publish(rig, 1, 100, 10);
    forget_recent(rig);
    Zmesos__V1__Replay replay = replay_of(CLASS(TASK), 90);
    Zmesos__V1__Reply *reply = ask_replay(rig, &replay);
    assert_int_equal(reply->code, CODE(TRUNCATED));
    assert_int_equal(reply->replay->oldest, 91);
    assert_false(reply->replay->has_next);
    assert_int_equal(reply->replay->head, 100);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    read_all(rig, 91, NULL, 0, "012");
    Zmesos__V1__Tail tail = tail_of(CLASS(TASK), 89);
    reply = ask_tail(rig, &tail);
    assert_int_equal(reply->code, CODE(TRUNCATED));
    assert_int_equal(reply->tail->oldest, 91);
    assert_false(reply->tail->has_count);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    tail.after = 90;
    reply = ask_tail(rig, &tail);
    assert_int_equal(reply->code, CODE(OK));
    assert_int_equal(reply->tail->count, 10);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

/* The store's thread is given nothing to read before the 257th has come: it has not been started. */
static void so_many_may_wait(void **state)
{
    struct rig *rig = *state;
    struct daemon *daemon = &rig->daemon;
    start(rig);
    publish(rig, 1, 30, 10);
    forget_recent(rig);
    for (int i = 0; i < 257; i++) {
        Zmesos__V1__Replay replay = replay_of(CLASS(TASK), 1);
        Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
        request.id = me;
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
        request.replay = &replay;
        daemon_on_request(daemon, 7, &request, slice_of(NULL, 0));
        assert_int_equal(daemon->outbox.count, i == 256);
    }
    Zmesos__V1__Reply *reply = take_reply(rig);
    assert_true(reply->has_retry && reply->retry);
    expect_refused(reply, CODE(UNAVAILABLE), "");
    for (int i = 0; i < 256; i++) {
        reply = take_reply(rig);
        assert_int_equal(reply->code, CODE(OK));
        assert_int_equal(reply->replay->n_events, 30);
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
}

static void who_waits_when_it_stops_is_told(void **state)
{
    struct rig *rig = *state;
    start(rig);
    publish(rig, 1, 30, 10);
    forget_recent(rig);
    Zmesos__V1__Replay replay = replay_of(CLASS(TASK), 1);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    request.id = me;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
    request.replay = &replay;
    daemon_on_request(&rig->daemon, 7, &request, slice_of(NULL, 0));
    daemon_abandon_replays(&rig->daemon);
    expect_refused(take_reply(rig), CODE(UNAVAILABLE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_wrong_is_refused_with_its_field),
            TEST(limits_can_be_reached),
            TEST(pages_are_the_same_out_of_memory_and_out_of_the_store),
            TEST(a_search_is_done_in_parts),
            TEST(a_single_event_has_room_on_any_page),
            TEST(tails_are_counted),
            TEST(of_volatile_classes_the_whole_is_counted),
            TEST(what_is_not_kept_is_truncated),
            TEST(so_many_may_wait),
            TEST(who_waits_when_it_stops_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
