/* Status updates: what they say is told apart and looked up in state.c; here is what follows from it. */
#include "internal.h"

#include <string.h>

#include "base/text.h"

#define MESSAGE_MAX ((size_t)4096)

const char *clean_words(struct core *core, const char *text)
{
    struct arena *arena = &core->out->arena;
    size_t length = text ? strnlen(text, MESSAGE_MAX) : 0;
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text ? text : "", length);
    while (length > 0 && text[length] && (text[length] & 0xc0) == 0x80)
        copy[--length] = '\0';
    if (text_is_utf8(slice_of(copy, length)))
        return copy;
    for (size_t i = 0; i < length; i++) {
        if (copy[i] & 0x80)
            copy[i] = '?';
    }
    return copy;
}

/* The task goes where its attempt went. One that is over wants no timer and no answer. */
void task_follow(struct core *core, struct task *task, task_state to, const char *message, const char *reason)
{
    struct task_row row = task_row_of(task);
    row.state = (int32_t)to;
    row.message = message;
    row.reason = reason;
    if (state_is_over(to))
        reconcile_answered(core, task);
    task_write(core, &row, NULL);
    task_arm(core, task);
}

void task_requeue(
        struct core *core, struct task *task, int64_t backoff_ms, const char *message, const char *reason)
{
    struct task_row row = task_row_of(task);
    row.state = (int32_t)STATE(QUEUED);
    row.not_before_ns = backoff_ms ? core->now.wall_ns + backoff_ms * 1000000 : 0;
    row.message = message;
    row.reason = reason;
    reconcile_answered(core, task);
    task_write(core, &row, NULL);
    task_arm(core, task);
}

/* What clients see of a task whose attempt went to that state, when it is not tried again. */
static void follow_attempt(
        struct core *core, struct task *task, task_state to, const char *message, const char *reason)
{
    const struct attempt *attempt = task_current(task);
    if (task->kill_requested) {
        /* GONE is the answer to a KILL as well: who asked for it wants to read KILLED. */
        to = to == STATE(GONE) ? STATE(KILLED) : to;
    } else if (attempt->flags & ATTEMPT_TIMED_OUT &&
               (to == STATE(FAILED) || to == STATE(KILLED) || to == STATE(GONE))) {
        /* Nobody asked for this KILL but we. */
        message =
                arena_format(&core->out->arena, "was not running %lld s after its launch, and was killed%s%s",
                        (long long)(launch_timeout_ms(core, task) / 1000), *message ? ": " : "", message);
        to = STATE(FAILED);
    } else if (attempt->flags & ATTEMPT_DRAINED &&
               (to == STATE(FAILED) || to == STATE(KILLED) || to == STATE(GONE))) {
        message = arena_format(&core->out->arena, "maintenance of its agent begins, and it was killed%s%s",
                *message ? ": " : "", message);
        to = STATE(KILLED);
    } else if (to == STATE(LOST) && retry_replaces(task, STATE(LOST))) {
        to = STATE(UNKNOWN); /* not over yet: it returns, or is replaced */
    }
    task_follow(core, task, to, message, reason);
}

void attempt_move(struct core *core, struct task *task, task_state to, uint32_t flags, const char *message,
        const char *reason)
{
    struct attempt *attempt = task_current(task);
    bool returned = state_may_live(to) && !state_wants_answer(attempt->state);
    bool cut_off = attempt->state == STATE(UNREACHABLE) || attempt->state == STATE(UNKNOWN);
    struct attempt_row row = attempt_row_of(task, attempt);
    row.state = (int32_t)to;
    row.flags |= flags;
    row.message = message;
    row.reason = reason;
    attempt_write(core, &row);
    if (!state_is_over(to) || !retry_after_end(core, task, to, message, reason))
        follow_attempt(core, task, to, message, reason);
    if (kill_wanted(task) && state_wants_answer(to) && (returned || cut_off))
        kill_send(core, task);
    if (state_is_over(to))
        core->match_wanted = true;
}

/* It waits again, or has had all its tries. */
static void launch_later(
        struct core *core, struct task *task, const char *message, const char *reason, bool at_once)
{
    if (task->attempt_count >= CORE_ATTEMPTS_MAX) {
        const char *words = arena_format(&core->out->arena,
                "given up after %d attempts that never started: %s", CORE_ATTEMPTS_MAX, message);
        task_follow(core, task, STATE(ERROR), words, reason);
        return;
    }
    int64_t backoff = core->config.relaunch_min_ms;
    for (uint32_t i = attempts_never_ran(task); i > 1 && backoff < core->config.relaunch_max_ms; i--)
        backoff *= 2;
    if (backoff > core->config.relaunch_max_ms)
        backoff = core->config.relaunch_max_ms;
    task_requeue(core, task, at_once ? 0 : backoff, message, reason);
}

/* A group is launched again when none of it ran. */
static void launch_group_later(
        struct core *core, struct task *task, const char *message, const char *reason, bool at_once)
{
    const struct task_group *group = task->task_group;
    if (task_group_never_ran(group)) {
        for (size_t i = 0; i < group->count; i++)
            launch_later(core, group->members[i], message, reason, at_once);
        return;
    }
    struct task_row row = task_row_of(task);
    row.message = "it never ran, and waits for word of the others of its group";
    row.reason = reason;
    reconcile_answered(core, task);
    task_write(core, &row, NULL);
    task_arm(core, task);
}

void attempt_never_ran(
        struct core *core, struct task *task, const char *message, const char *reason, bool at_once)
{
    struct attempt_row attempt = attempt_row_of(task, task_current(task));
    attempt.state = (int32_t)STATE(GONE);
    attempt.flags |= ATTEMPT_NEVER_RAN;
    attempt.message = message;
    attempt.reason = reason;
    attempt_write(core, &attempt);
    if (task->kill_requested) {
        task_follow(core, task, STATE(KILLED), "killed before it started", "");
    } else if (task->task_group) {
        launch_group_later(core, task, message, reason, at_once);
    } else {
        launch_later(core, task, message, reason, at_once);
    }
}

/* PROTOCOL.md, "When may a launch be repeated by itself?", P. The ACCEPT was written once and the RECONCILE
 * went after it on the same connection, or after a later SUBSCRIBED: `asked` is the current subscription in
 * both cases. */
static bool certainly_never_ran(const struct core *core, const struct attempt *attempt)
{
    return core->config.checkpoint &&
           !(attempt->flags & (ATTEMPT_SEEN | ATTEMPT_OUTLIVED | ATTEMPT_DOUBTED)) && attempt->call == 0 &&
           core->subscription != 0 && attempt->asked == core->subscription;
}

void send_acknowledge(struct core *core, const char *mesos_id, const char *agent_id, struct slice uuid)
{
    struct arena *arena = &core->out->arena;
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, false);
    Mesos__V1__Scheduler__Call__Acknowledge *acknowledge = arena_alloc(arena, sizeof *acknowledge);
    mesos__v1__scheduler__call__acknowledge__init(acknowledge);
    acknowledge->agent_id = arena_alloc(arena, sizeof *acknowledge->agent_id);
    mesos__v1__agent_id__init(acknowledge->agent_id);
    acknowledge->agent_id->value = arena_string(arena, agent_id);
    acknowledge->task_id = arena_alloc(arena, sizeof *acknowledge->task_id);
    mesos__v1__task_id__init(acknowledge->task_id);
    acknowledge->task_id->value = arena_string(arena, mesos_id);
    acknowledge->uuid.data = arena_copy(arena, uuid.data, uuid.length);
    acknowledge->uuid.len = uuid.length;
    out->call->acknowledge = acknowledge;
}

/* What the update leaves behind: any but STAGING, and the DROPPED that is proved later, breaks P. */
static uint32_t flags_of(enum news news)
{
    switch (news) {
    case NEWS_STARTING:
    case NEWS_RUNNING:
    case NEWS_KILLING:
    case NEWS_FINISHED:
    case NEWS_FAILED:
    case NEWS_KILLED:
        return ATTEMPT_SEEN;
    case NEWS_DUPLICATE:
    case NEWS_LOST:
    case NEWS_UNREACHABLE:
    case NEWS_UNKNOWN:
        return ATTEMPT_DOUBTED;
    case NEWS_REFUSED:
        return ATTEMPT_DROPPED;
    default:
        return 0;
    }
}

/* Keeps the flags of news that leave the attempt in its state. */
static void mark(
        struct core *core, struct task *task, uint32_t flags, const char *message, const char *reason)
{
    struct attempt_row row = attempt_row_of(task, task_current(task));
    if ((row.flags & flags) == flags)
        return;
    row.flags |= flags;
    row.message = message;
    row.reason = reason;
    attempt_write(core, &row);
}

/* An attempt that was given up shows that it lives: end it. */
static void kill_stray(struct core *core, const struct task *task, const struct attempt *attempt)
{
    const char *mesos_id = task_mesos_id(&core->out->arena, task, attempt->number);
    stray_add(core, mesos_id, attempt->agent_id);
    stray_kill(core, mesos_id);
}

static void apply_news(
        struct core *core, struct task *task, enum news news, const char *message, const char *reason)
{
    struct attempt *attempt = task_current(task);
    /* After our KILL a DROPPED says no more that nothing was started. */
    bool seen = attempt->flags & (ATTEMPT_SEEN | ATTEMPT_TIMED_OUT | ATTEMPT_DRAINED);
    task_state to = attempt->state;
    switch (state_step(attempt->state, news, &to)) {
    case STEP_STAY:
        break;
    case STEP_MOVE:
        attempt_move(core, task, to, flags_of(news), message, reason);
        break;
    case STEP_ASK:
    case STEP_PROVE:
        mark(core, task, flags_of(news), message, reason);
        reconcile_task(core, task);
        break;
    case STEP_NEVER_RAN:
        if (seen)
            attempt_move(core, task, STATE(GONE), 0, message, reason);
        else
            attempt_never_ran(core, task, message, reason, false);
        break;
    case STEP_ABSENT:
        if (certainly_never_ran(core, attempt))
            attempt_never_ran(core, task, message, reason, false);
        else if (core->subscription != 0 && attempt->call == 0)
            attempt_move(core, task, STATE(GONE), 0, message, reason);
        else
            reconcile_task(core, task); /* asked before its ACCEPT was answered */
        break;
    case STEP_KILL:
        kill_stray(core, task, attempt);
        break;
    case STEP_IMPOSSIBLE:
        break;
    }
}

/* An attempt that is not the task's any more: given up, or over. Its own row goes on; the task is not
 * touched. */
static void handle_stale(struct core *core, struct task *task, struct attempt *attempt, enum news news,
        const char *message, const char *reason)
{
    task_state to = attempt->state;
    struct attempt_row row = attempt_row_of(task, attempt);
    row.message = message;
    row.reason = reason;
    switch (state_step(attempt->state, news, &to)) {
    case STEP_MOVE:
        row.state = (int32_t)to;
        row.flags |= flags_of(news);
        attempt_write(core, &row);
        break;
    case STEP_ABSENT:
    case STEP_NEVER_RAN:
        row.state = (int32_t)STATE(GONE);
        attempt_write(core, &row);
        break;
    case STEP_KILL:
        kill_stray(core, task, attempt);
        break;
    default:
        break;
    }
}

void handle_update(struct core *core, const Mesos__V1__TaskStatus *status, struct blob *bytes)
{
    struct arena *arena = &core->out->arena;
    struct attempt *attempt = NULL;
    struct task *task = task_of_mesos_id(core, status->task_id->value, &attempt);
    enum news news = news_of(status);
    const char *message = clean_words(core, status->message);
    const char *reason = arena_string(arena,
            status->has_reason ? enum_name(&mesos__v1__task_status__reason__descriptor, status->reason) : "");
    bool kept_back = task && pending_take(core, task, attempt, status, bytes);
    if (!task) {
        handle_orphan(core, status, news);
        task = task_of_mesos_id(core, status->task_id->value, &attempt); /* adopted: it is one now */
        kept_back = task && pending_take(core, task, attempt, status, bytes);
    } else if (news != NEWS_NONE && (attempt != task_current(task) || attempt->flags & ATTEMPT_REPLACED)) {
        handle_stale(core, task, attempt, news, message, reason);
    } else if (news != NEWS_NONE) {
        reconcile_answered(core, task);
        bool checked = health_note(core, task, attempt, status);
        uint64_t revision = task->revision;
        apply_news(core, task, news, message, reason);
        if (checked &&
                task->revision == revision) { /* it stays where it is, and clients are told all the same */
            struct task_row row = task_row_of(task);
            output_task_event(core, task_write_quietly(core, &row, NULL));
        }
    }
    stray_heard(core, status->task_id->value, news);
    const char *topic =
            task ? arena_format(arena, "mesos/UPDATE/%s/%u", task->id, attempt->number)
                 : arena_format(arena, "mesos/UPDATE//%s", clean_words(core, status->task_id->value));
    output_event(core, CLASS(UPDATE), task ? task->revision : 0, topic, bytes);
    if (status->has_uuid && status->agent_id && !kept_back)
        send_acknowledge(core, status->task_id->value, status->agent_id->value,
                slice_of(status->uuid.data, status->uuid.len));
}
