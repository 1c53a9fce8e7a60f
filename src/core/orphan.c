/* Orphans: tasks of this framework that we do not know, alive. A restored backup finds what was launched
 * after it; a task that was forgotten while it was LOST may come back. One of a key of ours that was
 * forgotten had been given up: it is killed. Any other is adopted as a task, or killed, as configured. A word
 * that it is over, or out of sight, is published and acknowledged, and nothing else. */
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
    struct attempt_row attempt = {.task_key = task->key,
            .number = 1,
            .state = (int32_t)STATE(LAUNCHING),
            .flags = ATTEMPT_SEEN | ATTEMPT_DOUBTED,
            .agent_id = status->agent_id ? status->agent_id->value : "",
            .hostname = "",
            .ports = "",
            .unique = "",
            .launched_ns = core->now.wall_ns,
            .message = "",
            .reason = "",
            .mesos_id = status->task_id->value};
    attempt_write(core, &attempt);
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

void handle_orphan(struct core *core, const Mesos__V1__TaskStatus *status, enum news news)
{
    const char *mesos_id = status->task_id->value;
    if (!alive(news) || map_get_string(&core->strays, mesos_id))
        return; /* a stray hears it by itself */
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
    if (core->strays.count < CORE_STRAYS_MAX) {
        stray_add(core, mesos_id, status->agent_id ? status->agent_id->value : "");
        stray_kill(
                core, mesos_id); /* one that says KILLING as well: it may be somebody else's wish, long ago */
    } else {
        (void)kill_call(core, mesos_id, status->agent_id ? status->agent_id->value : NULL);
    }
}
