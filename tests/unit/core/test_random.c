/* Random histories: the rig's checks after every input, and what must hold whatever a master, a client or the
 * clock does. The seed is printed; ZMESOS_SEED=N plays that one again. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define HISTORIES 25
#define STEPS 300
#define TASKS 12

struct play {
    struct rig *rig;
    uint64_t random;
    unsigned offers;
    uint64_t hash; /* of all texts */
};

static unsigned draw(struct play *play, unsigned below)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return (unsigned)(play->random >> 33) % below;
}

static const char *pick(struct play *play, const char *const *from, unsigned count)
{
    return from[draw(play, count)];
}

#define PICK(play, array) pick(play, array, sizeof(array) / sizeof *(array))

static const char *launch(struct play *play)
{
    static const char *const extras[] = {"", "cpus 2", "cpus 0.1 mem 10", "ports 2", "prio 3", "role r2",
            "name w where rack UNIQUE", "where rack EQUALS a", "label job=x", "mem 99999"};
    return in_launch(play->rig,
            words(play->rig, "t%u %s | t%u", draw(play, TASKS), PICK(play, extras), draw(play, TASKS)));
}

static const char *offer(struct play *play)
{
    static const char *const roles[] = {"r1", "r1", "r1", "r2", "r9"};
    static const char *const racks[] = {"@rack=a", "@rack=b", ""};
    unsigned first = ++play->offers, second = ++play->offers;
    return in_offers(play->rig,
            words(play->rig, "o%u A%u cpus %u mem 64 ports 1-%u role %s %s | o%u A%u cpus/r1 1 cpus 1", first,
                    draw(play, 3), 1 + draw(play, 4), 1 + draw(play, 5), PICK(play, roles), PICK(play, racks),
                    second, draw(play, 3)));
}

static const char *update(struct play *play)
{
    static const char *const states[] = {"STAGING", "STARTING", "RUNNING", "RUNNING", "KILLING", "FINISHED",
            "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "DROPPED", "DROPPED", "GONE", "GONE",
            "UNREACHABLE", "UNKNOWN", "GONE_BY_OPERATOR"};
    static const char *const sources[] = {"by MASTER", "by AGENT", "by AGENT uuid u", "by EXECUTOR uuid u"};
    static const char *const reasons[] = {"", "because RECONCILIATION", "because INVALID_OFFERS",
            "because GC_ERROR", "because AGENT_REMOVED"};
    struct rig *rig = play->rig;
    if (rig->disk.task_count == 0)
        return "";
    struct disk_task *task = &rig->disk.tasks[draw(play, (unsigned)rig->disk.task_count)];
    unsigned attempts = (unsigned)task->attempt_count;
    unsigned attempt = draw(play, 4) ? attempts : draw(play, attempts + 2);
    const char *source = PICK(play, sources);
    size_t acknowledged = rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE];
    const char *text =
            in_update(rig, words(rig, "%s.%lld.%u %s %s %s", task->row.id, (long long)task->row.key, attempt,
                                   PICK(play, states), source, PICK(play, reasons)));
    acknowledged = rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE] - acknowledged;
    assert_int_equal(acknowledged, strstr(source, "uuid") ? 1 : 0);
    return text;
}

/* The master's client answers each call once, and all of a subscription before it is down. */
static const char *answer(struct play *play)
{
    struct rig *rig = play->rig;
    size_t open = 0;
    for (size_t i = 0; i < rig->accept_count; i++) {
        if (rig->accepts[i].offer[0])
            rig->accepts[open++] = rig->accepts[i];
    }
    rig->accept_count = open;
    if (open == 0)
        return "";
    size_t at = draw(play, (unsigned)rig->accept_count);
    char offer_id[32];
    snprintf(offer_id, sizeof offer_id, "%s", rig->accepts[at].offer);
    const char *text = in_answer(rig, offer_id, (enum core_answer)draw(play, 3), "words");
    rig->accepts[at].offer[0] = '\0'; /* others may have come behind it */
    return text;
}

static const char *go_down(struct play *play)
{
    struct rig *rig = play->rig;
    for (size_t i = 0; i < rig->accept_count; i++) {
        if (rig->accepts[i].offer[0])
            in_answer(rig, words(rig, "%s", rig->accepts[i].offer),
                    draw(play, 2) ? CORE_NOT_DONE : CORE_UNANSWERED, "");
    }
    rig->accept_count = 0;
    return draw(play, 4) ? in_down(rig, "gone") : in_refused(rig, "no");
}

static const char *step_away(struct play *play)
{
    struct rig *rig = play->rig;
    if (draw(play, 3) == 0) {
        rig_restart(rig);
        return "restarted";
    }
    return rig->subscription ? go_down(play) : in_up(rig);
}

static const char *one_step(struct play *play)
{
    struct rig *rig = play->rig;
    switch (draw(play, 16)) {
    case 0:
        return launch(play);
    case 1:
        return in_kill(rig, words(rig, "t%u t%u", draw(play, TASKS), draw(play, TASKS)));
    case 2:
        return draw(play, 2) ? in_kill_policy(rig, words(rig, "t%u", draw(play, TASKS)), draw(play, 9))
                             : in_kill_label(rig, "job", "x");
    case 3:
        return in_wait(rig, draw(play, 10) ? draw(play, 3000) : draw(play, 2000000));
    case 4:
        return step_away(play);
    case 5:
        return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RECONCILE));
    case 6:
    case 7:
        return rig->subscription ? answer(play) : in_up(rig);
    case 8:
        return rig->subscription ? in_rescind(rig, words(rig, "o%u", play->offers)) : in_tick(rig);
    case 9:
    case 10:
    case 11:
        return rig->subscription ? offer(play) : launch(play);
    default:
        return rig->subscription ? update(play) : in_up(rig);
    }
}

/* What is over is over, and nothing is launched twice without a proof. */
static void check_tasks(struct play *play, int *before)
{
    for (size_t i = 0; i < play->rig->disk.task_count; i++) {
        const struct disk_task *task = &play->rig->disk.tasks[i];
        int state = task->row.state;
        if (before[i] >= (int)STATE(FINISHED) && before[i] != (int)STATE(LOST))
            assert_int_equal(state, before[i]);
        before[i] = state;
        if (task->row.kill_requested && task->attempt_count == 0)
            assert_int_equal(state, STATE(KILLED));
        for (size_t a = 0; a + 1 < task->attempt_count; a++) {
            assert_true(task->attempts[a].flags & ATTEMPT_NEVER_RAN);
            assert_false(task->attempts[a].flags & ATTEMPT_SEEN);
            assert_int_equal(task->attempts[a].state, STATE(GONE));
        }
        bool waits = state == (int)STATE(QUEUED);
        if (waits && task->attempt_count)
            assert_true(task->attempts[task->attempt_count - 1].flags & ATTEMPT_NEVER_RAN);
    }
}

static uint64_t history(void **state, uint64_t seed)
{
    struct play play = {
            .random = seed * 0x9e3779b97f4a7c15u + 1, .rig = rig_create(NULL), .hash = 14695981039346656037u};
    *state = play.rig;
    int before[TASKS + 1] = {0};
    for (int i = 0; i < STEPS; i++) {
        for (const char *c = one_step(&play); *c; c++)
            play.hash = (play.hash ^ (unsigned char)*c) * 1099511628211u;
        check_tasks(&play, before);
    }
    rig_destroy(play.rig);
    *state = NULL;
    return play.hash;
}

static void what_must_hold_holds(void **state)
{
    const char *given = getenv("ZMESOS_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    for (int i = 0; i < (given ? 1 : HISTORIES); i++) {
        printf("seed %llu\n", (unsigned long long)seed + (unsigned)i);
        fflush(stdout);
        history(state, seed + (unsigned)i);
    }
}

/* No clock, no lot: the same inputs have the same outputs. */
static void a_history_can_be_replayed(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_true(history(state, seed) == history(state, seed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_must_hold_holds), TEST(a_history_can_be_replayed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
