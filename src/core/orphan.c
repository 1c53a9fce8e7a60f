/* Orphans: tasks of this framework that we do not know, alive. A restored backup finds what was launched
 * after it; a task that was forgotten while it was LOST may come back. One of a key of ours that was
 * forgotten had been given up: it is killed. Any other is adopted as a task, or killed, as configured. A word
 * that it is over, or out of sight, is published and acknowledged, and nothing else.
 *
 * An attempt that the other history of a restored store made of a task that we know is no task of its own: it
 * is that task's latest attempt where the task has none that is later or ours, so that a release does not run
 * the task a second time, and is killed where it has. */
#include "internal.h"

#include <string.h>

#include "base/text.h"

static bool alive(enum news news)
{
    return news == NEWS_STAGING || news == NEWS_STARTING || news == NEWS_RUNNING || news == NEWS_KILLING;
}

/* A key that was given here, and is not there any more. */
static bool was_forgotten(const struct core *core, const char *mesos_id)
{
    struct slice id;
    int64_t key;
    uint32_t number;
    bool restored;
    return mesos_id_split(mesos_id, &id, &key, &number, &restored) && key < core->next_key &&
           !key_is_foreign(core, key) && !task_by_key(core, key);
}

static bool fits(const struct core *core, const char *id)
{
    return text_check_id(id, CORE_TASK_ID_MAX, NULL) == 0 && !task_find(core, id);
}

/* The id under which it is adopted: what it was launched as, its Mesos id, or a new one. */
static const char *adopted_id(struct core *core, const char *mesos_id)
{
    struct arena *arena = &core->out->arena;
    struct slice id;
    int64_t key;
    uint32_t number;
    bool restored;
    if (mesos_id_split(mesos_id, &id, &key, &number, &restored)) {
        char *text = arena_string(arena, mesos_id);
        text[id.length] = '\0';
        if (fits(core, text))
            return text;
    }
    const char *text = mesos_id;
    for (unsigned i = 1; !fits(core, text); i++)
        text = arena_format(arena, "orphan.%lld.%u", (long long)core->next_key, i);
    return text;
}

/* A specification with an id alone, packed: field 1, a string shorter than 16,384 bytes. */
static struct blob *packed_spec(struct core *core, const char *id)
{
    size_t length = strlen(id), at = 0;
    uint8_t *bytes = arena_alloc(&core->out->arena, length + 3);
    bytes[at++] = 1 << 3 | 2;
    if (length >= 128)
        bytes[at++] = (uint8_t)(length & 0x7f) | 0x80;
    bytes[at++] = (uint8_t)(length >= 128 ? length >> 7 : length);
    memcpy(bytes + at, id, length);
    return blob_create(bytes, at + length);
}

/* Its key is not one of ours: never give it here, for its Mesos id would be used again. */
static void leave_key(struct core *core, const char *mesos_id)
{
    struct slice id;
    int64_t key;
    uint32_t number;
    bool restored;
    if (mesos_id_split(mesos_id, &id, &key, &number, &restored) && key >= core->next_key &&
            key - core->next_key < CORE_KEYS_JUMP)
        keys_pass(core, key + CORE_KEYS_JUMP - 1); /* with room for its like */
}

/* An attempt with the id that it has in Mesos, as yet in LAUNCHING. */
static void write_found(
        struct core *core, const struct task *task, const Mesos__V1__TaskStatus *status, uint32_t flags)
{
    struct attempt_row attempt = {.task_key = task->key,
            .number = task->attempt_count + 1,
            .state = (int32_t)STATE(LAUNCHING),
            .flags = ATTEMPT_SEEN | ATTEMPT_DOUBTED | flags,
            .agent_id = status->agent_id ? status->agent_id->value : "",
            .hostname = "",
            .ports = "",
            .unique = "",
            .launched_ns = core->now.wall_ns,
            .message = "",
            .reason = "",
            .mesos_id = status->task_id->value};
    attempt_write(core, &attempt);
}

static void adopt(struct core *core, const char *id, const Mesos__V1__TaskStatus *status, enum news news)
{
    Zmesos__V1__TaskSpec spec;
    zmesos__v1__task_spec__init(&spec);
    spec.id = arena_string(&core->out->arena, id);
    struct blob *blob = packed_spec(core, id);
    task_state to = STATE(LAUNCHING);
    (void)state_step(STATE(LAUNCHING), news, &to); /* all four move */
    struct task_row row = {.key = core->next_key,
            .id = id,
            .spec = blob,
            .state = (int32_t)STATE(LAUNCHING),
            .flags = TASK_ADOPTED,
            .created_ns = core->now.wall_ns,
            .message = "",
            .reason = ""};
    struct task *task = task_write_quietly(core, &row, &spec);
    blob_unref(blob);
    write_found(core, task, status, 0);
    attempt_move(core, task, to, 0, "adopted: it was found in this framework", "");
}

static void tell(struct core *core, const Mesos__V1__TaskStatus *status, Zmesos__V1__Orphan__Action action,
        const char *task_id, const char *message)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__Orphan *orphan = arena_alloc(arena, sizeof *orphan);
    zmesos__v1__orphan__init(orphan);
    orphan->mesos_task_id = (char *)(uintptr_t)clean_words(core, status->task_id->value);
    orphan->agent_id =
            status->agent_id ? (char *)(uintptr_t)clean_words(core, status->agent_id->value) : NULL;
    orphan->has_action = true;
    orphan->action = action;
    orphan->task_id = task_id ? arena_string(arena, task_id) : NULL;
    orphan->message = arena_string(arena, message);
    output_orphan_event(core, orphan);
}

/* ---- attempts of tasks that we know ---- */

/* The task whose attempt it is by its name; NULL: none that we know. One that was adopted is never launched,
 * in no history. */
static struct task *task_meant(const struct core *core, const char *mesos_id, uint32_t *number)
{
    struct slice id;
    int64_t key;
    bool restored;
    struct task *task =
            mesos_id_split(mesos_id, &id, &key, number, &restored) ? task_by_key(core, key) : NULL;
    return task && !(task->flags & TASK_ADOPTED) && slice_equal(slice_of_string(task->id), id) ? task : NULL;
}

/* Whether that attempt, which the other history counted so, comes after all that the task has here. */
static bool is_latest(struct core *core, const struct task *task, uint32_t number)
{
    const struct attempt *current = task_current(task);
    if (task_is_final(task))
        return false;
    if (!current || !attempt_may_live(current))
        return true; /* nothing of it runs that we know of, and it is not over */
    const char *mesos_id = task_mesos_id(&core->out->arena, task, current->number);
    const char *ours = restored_mesos_id(core, task, current->number);
    struct slice id;
    int64_t key;
    uint32_t its = current->number;
    bool restored;
    if (ours && strcmp(mesos_id, ours) == 0)
        return false;
    (void)mesos_id_split(mesos_id, &id, &key, &its, &restored); /* it has that form: it led here */
    return number > its;
}

/* It had given the attempt up that we thought of as the current one. */
static void give_up_the_one_before(struct core *core, const struct task *task)
{
    const struct attempt *before = task->attempt_count > 1 ? task_current(task) - 1 : NULL;
    if (!before || !attempt_may_live(before))
        return;
    struct attempt_row row = attempt_row_of(task, before);
    row.flags |= ATTEMPT_REPLACED;
    attempt_write(core, &row);
}

static bool ended(enum news news)
{
    return news == NEWS_FINISHED || news == NEWS_FAILED || news == NEWS_KILLED;
}

static void join(struct core *core, struct task *task, const Mesos__V1__TaskStatus *status, enum news news)
{
    task_state to = STATE(LAUNCHING);
    (void)state_step(STATE(LAUNCHING), news, &to); /* all of them move */
    reconcile_answered(core, task);
    write_found(core, task, status, ATTEMPT_FOUND);
    give_up_the_one_before(core, task);
    const char *reason =
            status->has_reason ? enum_name(&mesos__v1__task_status__reason__descriptor, status->reason) : "";
    attempt_move(core, task, to, 0, clean_words(core, status->message), reason);
    if (kill_wanted(task) && alive(news))
        kill_send(core, task);
}

static void kill_found(struct core *core, const Mesos__V1__TaskStatus *status)
{
    const char *agent_id = status->agent_id ? status->agent_id->value : NULL;
    if (core->strays.count < CORE_STRAYS_MAX) {
        stray_add(core, status->task_id->value, agent_id ? agent_id : "");
        stray_kill(core, status->task_id->value); /* one that says KILLING as well: it may be somebody else's
                                                   * wish, long ago */
    } else {
        (void)kill_call(core, status->task_id->value, agent_id);
    }
}

static void handle_known(struct core *core, struct task *task, uint32_t number,
        const Mesos__V1__TaskStatus *status, enum news news)
{
    if (is_latest(core, task, number)) {
        join(core, task, status, news);
        if (alive(news))
            tell(core, status, ZMESOS__V1__ORPHAN__ACTION__ADOPTED, task->id,
                    "an attempt of this task that another history of this store made");
    } else if (alive(news)) {
        tell(core, status, ZMESOS__V1__ORPHAN__ACTION__KILLED, NULL,
                "an attempt of a task that is over, or has a later one");
        kill_found(core, status);
    }
}

void handle_orphan(struct core *core, const Mesos__V1__TaskStatus *status, enum news news)
{
    const char *mesos_id = status->task_id->value;
    if ((!alive(news) && !ended(news)) || map_get_string(&core->strays, mesos_id))
        return; /* a stray hears it by itself */
    uint32_t number = 0;
    struct task *known = core->restores ? task_meant(core, mesos_id, &number) : NULL;
    if (known) {
        handle_known(core, known, number, status, news);
        return;
    }
    if (!alive(news))
        return;
    bool forgotten = was_forgotten(core, mesos_id);
    leave_key(core, mesos_id);
    const char *id = forgotten || core->config.kill_orphans ? NULL : adopted_id(core, mesos_id);
    if (id) {
        adopt(core, id, status, news);
        tell(core, status, ZMESOS__V1__ORPHAN__ACTION__ADOPTED, id, "found alive in this framework");
        return;
    }
    tell(core, status, ZMESOS__V1__ORPHAN__ACTION__KILLED, NULL,
            forgotten ? "given up and forgotten before" : "not launched from this store");
    kill_found(core, status);
}
