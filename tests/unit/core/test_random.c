/* Random histories: the rig's checks after every input, and what must hold whatever a master, a client or the
 * clock does. The seed is printed; ZMESOS_TEST_SEED=N plays that one again, with ZMESOS_HISTORIES=M as many
 * from there. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../seed.h"
#include "internal.h"

#define HISTORIES 25
#define STEPS 300
#define TASKS 12
#define SEEN_MAX 500
#define EAGER                                                                                                \
    "tries 100 backoff 0 replace 0 timeout 1000 on "                                                         \
    "FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,GONE,LOST,UNREACHABLE,UNKNOWN"

/* A task as it was after the step before. */
struct seen {
    int64_t key;
    int state;
    uint32_t flags, attempts;
};

/* How often the histories came to what they are for. */
static struct {
    size_t retried, replaced, timed_out, never_ran, adopted, found, held, removed, forgotten, strays, placed;
} reached;

struct play {
    struct rig *rig;
    uint64_t random;
    unsigned offers, names;
    uint64_t hash; /* of all texts */
    struct seen seen[SEEN_MAX];
    size_t seen_count;
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

/* As many numbers below `below`. One after the other: the order among the arguments of a call is the
 * compiler's, and histories were others with each. */
static const unsigned *draws(struct play *play, unsigned count, unsigned below)
{
    static unsigned numbers[8];
    assert_in_range(count, 1, sizeof numbers / sizeof *numbers);
    for (unsigned i = 0; i < count; i++)
        numbers[i] = draw(play, below);
    return numbers;
}

#define PICK(play, array) pick(play, array, sizeof(array) / sizeof *(array))

static const char *launch(struct play *play)
{
    static const char *const extras[] = {"", "cpus 2", "cpus 0.1 mem 10", "ports 2", "prio 3", "role r2",
            "name w where rack UNIQUE", "where rack EQUALS a", "label job=x", "mem 99999", "placer p",
            "placer p where rack UNIQUE"};
    static const char *const policies[] = {"", "", "timeout 5000", "tries 3 backoff 100", "tries 2",
            "tries 4 on FINISHED,FAILED,KILLED,GONE,LAUNCH_TIMEOUT elsewhere yes backoff 0",
            "tries 3 on LOST,UNREACHABLE,UNKNOWN replace 60000", EAGER};
    const char *extra = PICK(play, extras), *policy = PICK(play, policies), *other = PICK(play, policies);
    const unsigned *names = draws(play, 2, TASKS);
    return in_launch(
            play->rig, words(play->rig, "t%u %s %s | t%u %s", names[0], extra, policy, names[1], other));
}

static const char *offer(struct play *play)
{
    static const char *const roles[] = {"r1", "r1", "r1", "r2", "r9"};
    static const char *const racks[] = {"@rack=a", "@rack=b", ""};
    unsigned first = ++play->offers, second = ++play->offers;
    const char *role = PICK(play, roles), *rack = PICK(play, racks);
    const unsigned *n = draws(play, 4, 60); /* divided by all that is needed */
    return in_offers(play->rig,
            words(play->rig, "o%u A%u cpus %u mem 64 ports 1-%u role %s %s | o%u A%u cpus/r1 1 cpus 1", first,
                    n[0] % 3, 1 + n[1] % 4, 1 + n[2] % 5, role, rack, second, n[3] % 3));
}

/* Mostly an attempt of a task that is known; else one that never was, or of nobody. */
static const char *some_mesos_id(struct play *play)
{
    struct rig *rig = play->rig;
    unsigned kind = draw(play, 20);
    const unsigned *n = draws(play, 4, 180);
    if (kind == 0 || rig->disk.task_count == 0)
        return words(rig, "x%u.%u.%u", n[0] % 9, n[1] % 60, 1 + n[2] % 2);
    if (kind == 1)
        return words(rig, "t%u.%u.%u-r0000000%u", n[0] % TASKS, 1 + n[1] % 30, 1 + n[2] % 3, n[3] % 3);
    if (kind == 2)
        return words(rig, "t%u.%u.1", n[0] % TASKS, 1 + n[1] % 30);
    struct disk_task *task = &rig->disk.tasks[draw(play, (unsigned)rig->disk.task_count)];
    unsigned attempts = (unsigned)task->attempt_count;
    unsigned attempt = draw(play, 4) ? attempts : draw(play, attempts + 2);
    const char *given = attempt >= 1 && attempt <= attempts ? task->attempts[attempt - 1].mesos_id : "";
    return *given ? given : words(rig, "%s.%lld.%u", task->row.id, (long long)task->row.key, attempt);
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
    const char *id = some_mesos_id(play), *source = PICK(play, sources), *news = PICK(play, states),
               *reason = PICK(play, reasons);
    size_t acknowledged = rig->CALLS(ACKNOWLEDGE);
    const char *text = in_update(rig, words(rig, "%s %s %s %s", id, news, source, reason));
    acknowledged = rig->CALLS(ACKNOWLEDGE) - acknowledged;
    assert_int_equal(acknowledged, strstr(source, "uuid") ? 1 : 0);
    return text;
}

static const char *some_offers(struct play *play, const char *between)
{
    const unsigned *n = draws(play, 2, 6);
    unsigned newest = play->offers;
    return words(play->rig, "o%u%so%u", newest - n[0] % (newest + 1), between, newest - n[1] % (newest + 1));
}

/* Of a lease that is made for it: the first offer that it got, "" for none. */
static const char *leased_offer(struct rig *rig, const char *id)
{
    in_lease(rig, words(rig, "%s max 3", id));
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind == CORE_OUT_REPLY && output->reply.reply->lease &&
                output->reply.reply->lease->n_offers)
            return words(rig, "%s", output->reply.reply->lease->offers[0]->id->value);
    }
    return "";
}

static const char *place_well(struct play *play, const char *id)
{
    struct rig *rig = play->rig;
    const char *offer = leased_offer(rig, id), *tasks = "x";
    for (size_t i = 0; i < rig->disk.task_count; i++) {
        if (rig->disk.tasks[i].row.state == (int)STATE(QUEUED))
            tasks = words(rig, "%s,%s", tasks, rig->disk.tasks[i].row.id);
    }
    const char *text = *offer ? in_place(rig, words(rig, "%s %s:%s", id, offer, tasks)) : "";
    reached.placed += strstr(text, "OK LAUNCHING") != NULL;
    return text;
}

static const char *place_some(struct play *play, const char *id)
{
    struct rig *rig = play->rig;
    const char *offers = some_offers(play, draw(play, 2) ? "," : ":x ");
    const unsigned *n = draws(play, 3, TASKS);
    return in_place(rig, words(rig, "%s %s:t%u,t%u,t%u", id, offers, n[0], n[1], n[2]));
}

static const char *give_back(struct play *play, const char *id)
{
    struct rig *rig = play->rig;
    const char *offers = draw(play, 2) ? some_offers(play, " ") : "";
    return in_give_back(rig, words(rig, "%s %s", id, offers), (int)draw(play, 60) - 40);
}

/* Good and bad uses; that no offer is answered twice is the rig's to see. */
static const char *lease(struct play *play)
{
    static const char *const wishes[] = {"", "max 1", "max 2 for 500", "role r2", "cpus 3",
            "where rack EQUALS a for 60000", "despite yes for 2000"};
    struct rig *rig = play->rig;
    const char *wish = PICK(play, wishes);
    const unsigned *n = draws(play, 3, 60);
    const char *id = words(rig, "l%u", n[0] % 3), *most = words(rig, "%s max %u", id, n[1] % 4);
    switch (n[2] % 6) {
    case 0:
    case 1:
        return in_lease(rig, words(rig, "%s %s", id, wish));
    case 2:
        return in_renew(rig, most);
    case 3:
        return give_back(play, id);
    case 4:
        return place_well(play, id);
    default:
        return place_some(play, id);
    }
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
    if (rig->last_update > 0 && draw(play, 2)) {
        rig->last_call = rig->last_update;
        rig->last_update = 0;
        return in_answer_last(rig, draw(play, 3) ? CORE_ACCEPTED : CORE_REFUSED, "words");
    }
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
    rig->last_update = 0;
    return draw(play, 4) ? in_down(rig, "gone") : in_refused(rig, "no");
}

/* Another life: of these rows, of rows that were kept before, of a framework that begins again. */
static const char *begin_anew(struct play *play)
{
    struct rig *rig = play->rig;
    switch (draw(play, 4)) {
    case 0:
        rig_backup(rig);
        return "kept";
    case 1:
        if (!rig->backup.tasks)
            return "";
        play->seen_count = 0; /* all goes back to what it was */
        rig_load_backup(rig);
        return rig_restore(rig, words(rig, "%08u-store", ++play->names));
    case 2:
        return rig_restore(rig, words(rig, "%08u-store", ++play->names));
    default:
        if (rig->subscription)
            go_down(play);
        return in_removed(rig, words(rig, "framework-%u", 2 + ++play->names));
    }
}

static const char *release(struct play *play)
{
    struct rig *rig = play->rig;
    const char *action = draw(play, 3) ? "RUN" : "DROP";
    bool all = draw(play, 2);
    const unsigned *names = draws(play, 2, TASKS);
    return in_release(rig, action, all ? "" : words(rig, "t%u t%u", names[0], names[1]));
}

static const char *kill_some(struct play *play)
{
    struct rig *rig = play->rig;
    const unsigned *n = draws(play, 3, 5 * TASKS);
    const char *ids = words(rig, "t%u t%u", n[0] % TASKS, n[1] % TASKS);
    return n[2] % 3 ? in_kill(rig, ids) : in_kill_policy(rig, ids, n[2] % 9);
}

static const char *step_away(struct play *play)
{
    struct rig *rig = play->rig;
    unsigned kind = draw(play, 12);
    if (kind == 0)
        return begin_anew(play);
    if (kind < 4) {
        rig_restart(rig);
        return "restarted";
    }
    return rig->subscription ? go_down(play) : in_up(rig);
}

static const char *one_step(struct play *play)
{
    struct rig *rig = play->rig;
    switch (draw(play, 19)) {
    case 16:
    case 17:
    case 18:
        return lease(play);
    case 0:
        return launch(play);
    case 1:
        return kill_some(play);
    case 2:
        return draw(play, 3) ? in_kill_label(rig, "job", "x") : release(play);
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

/* ---- what must hold ---------------------------------------------------------------------------------- */

static struct seen *seen_of(struct play *play, int64_t key)
{
    for (size_t i = 0; i < play->seen_count; i++) {
        if (play->seen[i].key == key)
            return &play->seen[i];
    }
    assert_in_range(play->seen_count, 0, SEEN_MAX - 1);
    play->seen[play->seen_count] = (struct seen){.key = key};
    return &play->seen[play->seen_count++];
}

static uint32_t bit_of(Zmesos__V1__RetryPolicy__Outcome outcome)
{
    return 1u << (unsigned)outcome;
}

#define OUTCOME(name) ZMESOS__V1__RETRY_POLICY__OUTCOME__##name

/* Whether a policy that names these outcomes lets the task go on after that attempt. */
static bool may_follow(const struct attempt_row *attempt, uint32_t on)
{
    uint32_t timeout = attempt->flags & ATTEMPT_TIMED_OUT ? on & bit_of(OUTCOME(LAUNCH_TIMEOUT)) : 0;
    if (attempt->flags & ATTEMPT_NEVER_RAN)
        return !(attempt->flags & ATTEMPT_SEEN) && attempt->state == (int)STATE(GONE);
    if (attempt->flags & ATTEMPT_REPLACED)
        return on & (bit_of(OUTCOME(LOST)) | bit_of(OUTCOME(UNREACHABLE)) | bit_of(OUTCOME(UNKNOWN)));
    switch (attempt->state) {
    case STATE(FAILED):
        return timeout || on & bit_of(OUTCOME(FAILED));
    case STATE(KILLED):
        return timeout || on & bit_of(OUTCOME(KILLED));
    case STATE(GONE):
        return timeout || on & bit_of(OUTCOME(GONE));
    case STATE(FINISHED):
        return on & bit_of(OUTCOME(FINISHED));
    default:
        return false; /* alive, or over for good */
    }
}

static void check_attempts(const struct disk_task *task)
{
    struct slice bytes = blob_slice(task->row.spec);
    Zmesos__V1__TaskSpec *spec = zmesos__v1__task_spec__unpack(NULL, bytes.length, bytes.data);
    const Zmesos__V1__RetryPolicy *retry = spec->retry;
    uint32_t on = 0, most = retry ? retry->max_attempts : 1;
    for (size_t i = 0; retry && i < retry->n_on; i++)
        on |= bit_of(retry->on[i]);
    if (retry && retry->n_on == 0)
        on = bit_of(OUTCOME(FAILED)) | bit_of(OUTCOME(LAUNCH_TIMEOUT)) | bit_of(OUTCOME(GONE));
    if (most == 1)
        on = 0;
    zmesos__v1__task_spec__free_unpacked(spec, NULL);
    bool waits = task->row.state == (int)STATE(QUEUED);
    uint32_t counted = 0;
    bool found = false;
    for (size_t i = 0; i < task->attempt_count; i++) {
        const struct attempt_row *attempt = &task->attempts[i];
        counted += !(attempt->flags & ATTEMPT_NEVER_RAN);
        reached.replaced += (attempt->flags & ATTEMPT_REPLACED) != 0;
        reached.timed_out += (attempt->flags & ATTEMPT_TIMED_OUT) != 0;
        reached.never_ran += (attempt->flags & ATTEMPT_NEVER_RAN) != 0;
        reached.removed += (attempt->flags & ATTEMPT_REMOVED) != 0;
        reached.retried += i > 0 && !(attempt->flags & ATTEMPT_NEVER_RAN);
        found |= (attempt->flags & ATTEMPT_FOUND) != 0;
        if (i + 1 < task->attempt_count ? !(attempt[1].flags & ATTEMPT_FOUND) : waits)
            assert_true(may_follow(attempt, on));
    }
    reached.found += found;
    if (!found) /* what another history made goes by no count of ours */
        assert_in_range(counted + waits, 0, most);
}

/* Over is over, nothing is launched without leave, and a task that is to be killed is never launched. */
static void check_task(struct play *play, const struct disk_task *task)
{
    struct seen *seen = seen_of(play, task->row.key);
    int before = seen->state, state = task->row.state;
    uint32_t flags = task->row.flags;
    if (before >= (int)STATE(FINISHED) && before != (int)STATE(LOST))
        assert_int_equal(state, before);
    if (task->row.kill_requested)
        assert_int_not_equal(state, STATE(QUEUED));
    if (task->attempt_count > seen->attempts && seen->key == task->row.key && before &&
            !(task->attempts[task->attempt_count - 1].flags & ATTEMPT_FOUND))
        assert_false(flags & TASK_HELD || task->row.kill_requested);
    reached.held += (flags & TASK_HELD) != 0;
    if (flags & TASK_ADOPTED) {
        reached.adopted++;
        assert_int_equal(task->attempt_count, 1);
        assert_int_not_equal(state, STATE(QUEUED));
    }
    *seen = (struct seen){task->row.key, state, flags, (uint32_t)task->attempt_count};
    check_attempts(task);
}

static void check_tasks(struct play *play)
{
    size_t over = 0;
    for (size_t i = 0; i < play->rig->disk.task_count; i++) {
        const struct disk_task *task = &play->rig->disk.tasks[i];
        check_task(play, task);
        over += task->row.state >= (int)STATE(FINISHED) && task->row.state != (int)STATE(LOST);
    }
    assert_in_range(over, 0, play->rig->config.keep_tasks + 2 * TASKS); /* of a second */
}

static void keeps_few(struct core_config *config)
{
    config->keep_tasks = 6;
    config->keep_tasks_ms = 3600000;
    config->offer_constraints = true;
}

static void keeps_few_and_kills(struct core_config *config)
{
    keeps_few(config);
    config->kill_orphans = true;
}

static uint64_t history(void **state, uint64_t seed)
{
    struct play play = {.random = seed * 0x9e3779b97f4a7c15u + 1, .hash = 14695981039346656037u};
    *state = play.rig = rig_create(seed % 3 == 0 ? NULL : seed % 3 == 1 ? keeps_few : keeps_few_and_kills);
    for (int i = 0; i < STEPS; i++) {
        for (const char *c = one_step(&play); *c; c++)
            play.hash = (play.hash ^ (unsigned char)*c) * 1099511628211u;
        check_tasks(&play);
        reached.strays += i % 10 == 0 && look_status(play.rig)->strays > 0;
    }
    reached.forgotten += play.rig->forgotten;
    rig_destroy(play.rig);
    *state = NULL;
    return play.hash;
}

static void what_must_hold_holds(void **state)
{
    const char *histories = getenv("ZMESOS_HISTORIES");
    uint64_t seed = seed_of("what_must_hold_holds");
    unsigned long count = histories                    ? strtoul(histories, NULL, 10)
                          : getenv("ZMESOS_TEST_SEED") ? 1
                                                       : HISTORIES;
    for (unsigned long i = 0; i < count; i++) {
        printf("seed %llu\n", (unsigned long long)(seed + i));
        fflush(stdout);
        history(state, seed + i);
    }
}

/* No clock, no lot: the same inputs have the same outputs. And all that can happen to a task does. */
static void a_history_can_be_replayed(void **state)
{
    memset(&reached, 0, sizeof reached);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t first = history(state, seed), again = history(state, seed);
        assert_true(first == again);
    }
    for (uint64_t seed = 5; seed <= 20; seed++)
        history(state, seed);
    assert_true(reached.retried && reached.replaced && reached.timed_out && reached.never_ran);
    assert_true(reached.adopted && reached.found && reached.held && reached.removed && reached.forgotten &&
                reached.strays);
    assert_true(reached.placed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_must_hold_holds), TEST(a_history_can_be_replayed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
