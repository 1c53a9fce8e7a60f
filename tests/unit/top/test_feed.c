/* That a model stays true: against a daemon of the test's own, whose publications are lost, and whose answers
 * are pages. */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>

#define TASKS 40
#define EVENTS 4000
#define PAGE 3 /* tasks and events that the daemon gives at a time */

/* What a daemon has. */
static struct daemon {
    const char *store;
    uint64_t run, oldest, head;     /* events are kept from oldest on */
    Zmesos__V1__Task *tasks[TASKS]; /* NULL: there is none */
    Zmesos__V1__Task *events[EVENTS + 1];
    size_t asked[64]; /* requests, by operation */
} daemon;

static struct feed *feed;
static struct model *model;
static int64_t now; /* milliseconds; seconds of the daemon's clock are 5000 more */

static int set_up(void **state)
{
    (void)state;
    daemon = (struct daemon){.store = "s1", .run = 1, .oldest = 1};
    model = make_model();
    feed = feed_create(model);
    now = 1000;
    return 0;
}

static int tear_down(void **state)
{
    feed_destroy(feed);
    model_destroy(model);
    return make_clear(state);
}

static int64_t clock_s(void)
{
    return 5000 + now / 1000;
}

/* ---- the daemon ---- */

static Zmesos__V1__Task *change(int number, int state)
{
    Zmesos__V1__Task *old = daemon.tasks[number], *task;
    char id[32];
    snprintf(id, sizeof id, "t%02d", number);
    task = make_task(id, state, old ? old->revision + 1 : 1, clock_s());
    task->created_ns = old ? old->created_ns : S(clock_s());
    daemon.tasks[number] = task;
    daemon.events[++daemon.head] = task;
    return task;
}

static void publish(uint64_t number)
{
    feed_event(feed, make_header(daemon.store, number, clock_s()), daemon.events[number]);
}

static void beat(void)
{
    uint64_t counts[MODEL_STATES] = {0};
    Zmesos__V1__DaemonStatus *status = make_status(daemon.store, daemon.run, daemon.head, 0);
    status->counts = calloc(MODEL_STATES, sizeof *status->counts);
    for (int i = 0; i < TASKS; i++)
        counts[daemon.tasks[i] ? (int)daemon.tasks[i]->state : 0]++;
    for (int state = 1; state < MODEL_STATES; state++) {
        if (counts[state] == 0)
            continue;
        Zmesos__V1__StateCount *count = malloc(sizeof *count);
        zmesos__v1__state_count__init(count);
        count->has_state = count->has_tasks = true;
        count->state = (Zmesos__V1__TaskState)state;
        count->tasks = counts[state];
        status->counts[status->n_counts++] = count;
    }
    feed_status(feed, make_header(daemon.store, 1, clock_s()), status, now);
}

static Zmesos__V1__Reply *as_if_it_came(Zmesos__V1__Reply *reply)
{
    size_t size = zmesos__v1__reply__get_packed_size(reply);
    uint8_t *bytes = arena_alloc(&made, size + 1);
    zmesos__v1__reply__pack(reply, bytes);
    Zmesos__V1__Reply *came = zmesos__v1__reply__unpack(NULL, size, bytes);
    assert_non_null(came);
    return came;
}

static Zmesos__V1__Head *head(void)
{
    Zmesos__V1__Head *made_head = arena_alloc(&made, sizeof *made_head);
    zmesos__v1__head__init(made_head);
    made_head->has_class_ = made_head->has_number = true;
    made_head->class_ = ZMESOS__V1__EVENT_CLASS__TASK;
    made_head->number = daemon.head;
    return made_head;
}

static bool carries(const Zmesos__V1__Task *task, const Mesos__V1__Label *label)
{
    return !label || (strcmp(label->key, "odd") == 0 && (task->id[2] - '0') % 2 == 1);
}

/* Its pages are by number: `after` is the last one that was looked at, and one. */
static void give_snapshot(const Zmesos__V1__Snapshot *asked, Zmesos__V1__Reply *reply)
{
    Zmesos__V1__SnapshotPage *page = arena_alloc(&made, sizeof *page);
    zmesos__v1__snapshot_page__init(page);
    page->tasks = arena_array(&made, PAGE, sizeof *page->tasks);
    uint64_t at = asked->after;
    for (; at < TASKS && page->n_tasks < PAGE; at++) {
        if (daemon.tasks[at] && carries(daemon.tasks[at], asked->label))
            page->tasks[page->n_tasks++] = daemon.tasks[at];
    }
    page->has_next = at < TASKS;
    page->next = at;
    page->heads = arena_array(&made, 1, sizeof *page->heads);
    page->heads[page->n_heads++] = head();
    page->store = arena_string(&made, daemon.store);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_SNAPSHOT;
    reply->snapshot = page;
}

static void give_replay(const Zmesos__V1__Replay *asked, Zmesos__V1__Reply *reply)
{
    Zmesos__V1__ReplayPage *page = arena_alloc(&made, sizeof *page);
    zmesos__v1__replay_page__init(page);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_REPLAY;
    reply->replay = page;
    assert_int_equal(asked->class_, ZMESOS__V1__EVENT_CLASS__TASK);
    if (strcmp(asked->store, daemon.store) != 0) {
        reply->code = ZMESOS__V1__CODE__CONFLICT;
        return;
    }
    assert_in_range(asked->from, 1, daemon.head + 1);
    page->has_next = page->has_oldest = true;
    if (asked->from < daemon.oldest) {
        reply->code = ZMESOS__V1__CODE__TRUNCATED;
        page->oldest = daemon.oldest;
        return;
    }
    page->events = arena_array(&made, PAGE, sizeof *page->events);
    uint64_t at = asked->from;
    for (; at <= daemon.head && page->n_events < PAGE; at++) {
        Zmesos__V1__Publication *event = arena_alloc(&made, sizeof *event);
        zmesos__v1__publication__init(event);
        event->header = make_header(daemon.store, at, clock_s());
        event->has_body = true;
        event->body.len = zmesos__v1__task__get_packed_size(daemon.events[at]);
        event->body.data = arena_alloc(&made, event->body.len);
        zmesos__v1__task__pack(daemon.events[at], event->body.data);
        page->events[page->n_events++] = event;
    }
    page->next = at;
}

static void give_task(const Zmesos__V1__Get *asked, Zmesos__V1__Reply *reply)
{
    Zmesos__V1__Tasks *tasks = arena_alloc(&made, sizeof *tasks);
    zmesos__v1__tasks__init(tasks);
    tasks->tasks = arena_array(&made, 1, sizeof *tasks->tasks);
    tasks->missing = asked->task_ids;
    for (int i = 0; i < TASKS; i++) {
        if (daemon.tasks[i] && strcmp(daemon.tasks[i]->id, asked->task_ids[0]) == 0)
            tasks->tasks[tasks->n_tasks++] = daemon.tasks[i];
    }
    tasks->n_missing = 1 - tasks->n_tasks;
    reply->result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
    reply->tasks = tasks;
}

static void give_reasons(const Zmesos__V1__Why *asked, Zmesos__V1__Reply *reply)
{
    Zmesos__V1__Explanations *all = arena_alloc(&made, sizeof *all);
    zmesos__v1__explanations__init(all);
    all->explanations = arena_array(&made, 1, sizeof *all->explanations);
    all->explanations[0] = arena_alloc(&made, sizeof *all->explanations[0]);
    zmesos__v1__explanation__init(all->explanations[0]);
    all->explanations[all->n_explanations++]->task_id = asked->task_ids[0];
    reply->result_case = ZMESOS__V1__REPLY__RESULT_EXPLANATIONS;
    reply->explanations = all;
}

/* Two pages. */
static void give_agents(const Zmesos__V1__ListAgents *asked, Zmesos__V1__Reply *reply)
{
    static char ids[2][3] = {"A1", "A2"};
    Zmesos__V1__Agents *agents = arena_alloc(&made, sizeof *agents);
    zmesos__v1__agents__init(agents);
    agents->agents = arena_array(&made, 1, sizeof *agents->agents);
    agents->agents[0] = arena_alloc(&made, sizeof *agents->agents[0]);
    zmesos__v1__agent__init(agents->agents[0]);
    agents->agents[agents->n_agents++]->id = ids[asked->after ? 1 : 0];
    agents->next = asked->after ? NULL : ids[0];
    reply->result_case = ZMESOS__V1__REPLY__RESULT_AGENTS;
    reply->agents = agents;
}

static Zmesos__V1__Reply *answer_of(const Zmesos__V1__Request *request)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    reply.has_code = true;
    reply.code = ZMESOS__V1__CODE__OK;
    daemon.asked[request->operation_case]++;
    switch (request->operation_case) {
    case ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT:
        give_snapshot(request->snapshot, &reply);
        break;
    case ZMESOS__V1__REQUEST__OPERATION_REPLAY:
        give_replay(request->replay, &reply);
        break;
    case ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS:
        give_agents(request->list_agents, &reply);
        break;
    case ZMESOS__V1__REQUEST__OPERATION_GET:
        give_task(request->get, &reply);
        break;
    case ZMESOS__V1__REQUEST__OPERATION_WHY:
        give_reasons(request->why, &reply);
        break;
    default:
        fail();
    }
    return as_if_it_came(&reply);
}

/* Answers all that is asked now. */
static void answer(void)
{
    Zmesos__V1__Request request;
    while (feed_ask(feed, &request, now)) {
        Zmesos__V1__Request another;
        assert_false(feed_ask(feed, &another, now)); /* one at a time */
        assert_true(feed_deadline(feed) == INT64_MAX);
        feed_reply(feed, answer_of(&request), now);
    }
}

static void expect_same(void)
{
    size_t count = 0;
    for (int i = 0; i < TASKS; i++) {
        if (!daemon.tasks[i])
            continue;
        const struct model_task *task = model_find(model, daemon.tasks[i]->id);
        assert_non_null(task);
        assert_int_equal(task->state, daemon.tasks[i]->state);
        assert_int_equal(task->revision, daemon.tasks[i]->revision);
        count++;
    }
    assert_int_equal(model_tasks(model), count);
    assert_true(feed_is_whole(feed));
}

/* ---- tests ---- */

static void nothing_is_asked_before_a_heartbeat(void **state)
{
    Zmesos__V1__Request request;
    (void)state;
    change(1, STATE(QUEUED));
    publish(1);
    assert_false(feed_ask(feed, &request, now));
    assert_true(feed_deadline(feed) == INT64_MAX);
    assert_true(feed_heard_ms(feed) == INT64_MIN);
    assert_true(feed_now_ns(feed, now) == 0);
    assert_false(feed_is_whole(feed));
    beat();
    answer();
    expect_same();
    assert_true(feed_knows_agents(feed) && model_agents(model) == 2);
    assert_true(feed_heard_ms(feed) == now);
    assert_true(feed_now_ns(feed, now + 250) == S(clock_s()) + 250000000);
}

static void events_go_on_from_the_first_heartbeat(void **state)
{
    (void)state;
    change(1, STATE(QUEUED));
    beat();
    answer();
    change(1, STATE(RUNNING));
    change(2, STATE(QUEUED));
    publish(2);
    publish(2); /* twice */
    publish(3);
    publish(1); /* and an old one */
    expect_same();
    assert_int_equal(feed_taken(feed), 2);
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_REPLAY], 0);
}

static void a_hole_is_asked_for(void **state)
{
    (void)state;
    beat();
    answer();
    for (int i = 0; i < 10; i++)
        change(i, STATE(QUEUED));
    publish(1);
    publish(5); /* 2 to 4 are missing */
    assert_false(feed_is_whole(feed));
    answer();
    publish(6);
    beat(); /* and all after it */
    answer();
    expect_same();
    assert_int_equal(feed_taken(feed), 10);
    assert_true(feed_replayed(feed) > 0 && feed_replayed(feed) <= 9);
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT], TASKS / PAGE > 0 ? 1 : 0);
}

static void what_is_not_kept_is_read_anew(void **state)
{
    (void)state;
    change(1, STATE(RUNNING));
    beat();
    answer();
    size_t before = daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT];
    change(9, STATE(FINISHED));
    for (int i = 0; i < 19; i++)
        change(i % 7, STATE(RUNNING));
    daemon.tasks[9] = NULL; /* and one was forgotten */
    daemon.oldest = 15;
    beat();
    answer();
    beat();
    answer();
    expect_same();
    assert_true(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT] > before);
    assert_non_null(strstr(feed_note(feed), "events 2 to 14 are not kept any more"));
}

static void another_store_is_another_history(void **state)
{
    (void)state;
    change(1, STATE(RUNNING));
    change(2, STATE(RUNNING));
    beat();
    answer();
    daemon.store = "s2";
    daemon.head = 1;
    daemon.tasks[2] = NULL;
    publish(1); /* of a store that no heartbeat told of */
    beat();
    answer();
    expect_same();
    change(1, STATE(FINISHED));
    publish(2);
    expect_same();
    assert_non_null(strstr(feed_note(feed), "restored"));
}

/* The heartbeat of the new store comes while a page of the old one is on its way. */
static void a_page_of_another_store_is_let_go_by(void **state)
{
    Zmesos__V1__Request request;
    (void)state;
    for (int i = 0; i < 10; i++)
        change(i, STATE(RUNNING));
    beat();
    assert_true(feed_ask(feed, &request, now));
    assert_int_equal(request.operation_case, ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT);
    Zmesos__V1__Reply *old = answer_of(&request);
    daemon.store = "s2";
    daemon.tasks[0] = NULL;
    beat();
    feed_reply(feed, old, now);
    assert_int_equal(model_tasks(model), 0);
    answer();
    expect_same();
}

static void what_was_forgotten_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        now += 1000;
        change(i, STATE(FINISHED));
    }
    beat();
    answer();
    daemon.tasks[0] = daemon.tasks[1] = NULL;
    beat();
    expect_same();
    assert_string_equal(feed_note(feed), "");
}

/* A snapshot may know more than the events that have come: its counts are no fault. */
static void a_snapshot_that_is_ahead_is_no_fault(void **state)
{
    (void)state;
    change(1, STATE(RUNNING));
    beat();
    Zmesos__V1__Task *before = daemon.tasks[1];
    change(1, STATE(FINISHED)); /* not published yet */
    answer();
    daemon.tasks[1] = before; /* a heartbeat of the time before that */
    daemon.head = 1;
    beat();
    assert_int_equal(model_count(model, STATE(FINISHED)), 1);
    assert_string_equal(feed_note(feed), "");
}

static void counts_that_do_not_fit_are_read_anew_now_and_then(void **state)
{
    (void)state;
    change(1, STATE(RUNNING));
    change(2, STATE(RUNNING));
    beat();
    answer();
    size_t before = daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT];
    daemon.tasks[2] = NULL; /* it was running, and no event told of its end */
    beat();
    answer();
    expect_same();
    assert_true(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT] > before);
    assert_non_null(strstr(feed_note(feed), "did not fit"));
    before = daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT];
    daemon.tasks[1] = NULL;
    beat();
    answer();
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT], before); /* not at once again */
    now += 60000;
    beat();
    answer();
    expect_same();
}

static void a_pause_is_made_up_for(void **state)
{
    (void)state;
    change(1, STATE(RUNNING));
    beat();
    answer();
    feed_pause(feed, true);
    uint64_t changes = model_changes(model);
    for (int i = 0; i < 20; i++) {
        now += 1000;
        change(i, STATE(QUEUED));
        publish(daemon.head);
        beat();
        answer();
    }
    assert_true(model_changes(model) == changes);
    assert_true(feed_heard_ms(feed) == now); /* the daemon is there */
    feed_pause(feed, false);
    beat();
    answer();
    expect_same();
    assert_int_equal(feed_replayed(feed), 20);
}

static void a_task_that_is_looked_at(void **state)
{
    (void)state;
    change(1, STATE(QUEUED));
    beat();
    answer();
    feed_look_at(feed, "t01");
    assert_null(feed_looked_at(feed));
    answer();
    assert_string_equal(feed_looked_at(feed)->id, "t01");
    assert_string_equal(feed_reasons(feed)->task_id, "t01");
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_GET], 1);
    assert_true(feed_deadline(feed) <= now + FEED_AGENTS_MS);
    change(1, STATE(RUNNING));
    now += FEED_AGENTS_MS;
    answer(); /* again */
    assert_int_equal(feed_looked_at(feed)->state, STATE(RUNNING));
    Zmesos__V1__Request request;
    now += FEED_AGENTS_MS;
    assert_true(feed_ask(feed, &request, now));
    Zmesos__V1__Reply *old = answer_of(&request);
    feed_look_at(feed, "nosuch"); /* meanwhile */
    feed_reply(feed, old, now);
    assert_null(feed_looked_at(feed));
    answer();
    now += FEED_AGENTS_MS;
    answer();
    assert_true(feed_look_missing(feed) && !feed_looked_at(feed));
    feed_look_at(feed, NULL);
    assert_false(feed_look_missing(feed));
    size_t asked = daemon.asked[ZMESOS__V1__REQUEST__OPERATION_GET];
    now += 10 * FEED_AGENTS_MS;
    answer();
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_GET], asked);
}

static size_t marked(void)
{
    size_t count = 0;
    char id[8];
    for (int i = 0; i < TASKS; i++) {
        snprintf(id, sizeof id, "t%02d", i);
        const struct model_task *task = model_find(model, id);
        count += task && task->marked;
    }
    return count;
}

static void labels_are_the_daemon_s_to_know(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        change(i, STATE(QUEUED));
    beat();
    answer();
    feed_mark(feed, "odd", NULL);
    assert_true(feed_marks_left(feed));
    answer();
    assert_false(feed_marks_left(feed));
    assert_int_equal(marked(), 5);
    size_t asked = daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT];
    now += FEED_AGENTS_MS;
    answer();
    assert_int_equal(daemon.asked[ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT], asked); /* no new tasks */
    change(11, STATE(QUEUED));
    change(12, STATE(QUEUED));
    publish(11);
    publish(12);
    now += FEED_AGENTS_MS;
    answer();
    assert_int_equal(marked(), 6);
    /* Another label, while a page of this one is on its way. */
    change(13, STATE(QUEUED));
    publish(13);
    now += 2 * FEED_AGENTS_MS;
    Zmesos__V1__Request request;
    while (feed_ask(feed, &request, now) && request.operation_case != ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT)
        feed_reply(feed, answer_of(&request), now);
    Zmesos__V1__Reply *old = answer_of(&request);
    feed_mark(feed, "even", NULL);
    feed_reply(feed, old, now);
    answer();
    assert_int_equal(marked(), 0);
    feed_mark(feed, NULL, NULL);
    assert_false(feed_marks_left(feed));
}

static void a_refusal_is_tried_again_later(void **state)
{
    Zmesos__V1__Request request;
    (void)state;
    change(1, STATE(QUEUED));
    beat();
    for (int i = 0; i < 5; i++) {
        Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
        reply.has_code = true;
        reply.code = ZMESOS__V1__CODE__UNAVAILABLE;
        int asked = 0;
        for (; feed_ask(feed, &request, now); asked++)
            feed_reply(feed, as_if_it_came(&reply), now);
        assert_in_range(asked, 1, 2); /* tasks, and agents: not again and again */
        assert_true(feed_deadline(feed) > now && feed_deadline(feed) < now + 60000);
        now = feed_deadline(feed);
    }
    answer();
    expect_same();
}

/* Whatever is lost, the model is the daemon's in the end. */
static void random_losses(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        tear_down(state);
        set_up(state);
        srand(seed);
        while (daemon.head < 400) {
            int what = rand() % 20;
            now += rand() % 300;
            if (what < 12) {
                int number = rand() % TASKS;
                static const int states[] = {STATE(QUEUED), STATE(RUNNING), STATE(FINISHED), STATE(FAILED)};
                change(number, states[rand() % 4]);
                if (rand() % 10 > 0)
                    publish(daemon.head);
            } else if (what < 15) {
                beat();
            } else if (what < 16 && daemon.head > 60) {
                daemon.oldest = daemon.head - (uint64_t)(rand() % 60);
            } else if (what < 17 && rand() % 10 == 0) {
                feed_pause(feed, !feed_is_paused(feed));
            } else {
                Zmesos__V1__Request request;
                if (feed_ask(feed, &request, now))
                    feed_reply(feed, answer_of(&request), now);
            }
        }
        feed_pause(feed, false);
        for (int i = 0; i < 3; i++) {
            now += 60000;
            beat();
            answer();
        }
        print_message("seed %u: %llu taken, %llu asked for again\n", seed,
                (unsigned long long)feed_taken(feed), (unsigned long long)feed_replayed(feed));
        expect_same();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(nothing_is_asked_before_a_heartbeat),
            TEST(events_go_on_from_the_first_heartbeat), TEST(a_hole_is_asked_for),
            TEST(what_is_not_kept_is_read_anew), TEST(another_store_is_another_history),
            TEST(a_page_of_another_store_is_let_go_by), TEST(what_was_forgotten_goes),
            TEST(a_snapshot_that_is_ahead_is_no_fault),
            TEST(counts_that_do_not_fit_are_read_anew_now_and_then), TEST(a_pause_is_made_up_for),
            TEST(a_task_that_is_looked_at), TEST(labels_are_the_daemon_s_to_know),
            TEST(a_refusal_is_tried_again_later), TEST(random_losses)};
    arena_init(&made);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
