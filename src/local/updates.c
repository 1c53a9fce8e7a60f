/* Status updates at least once and in order (PROTOCOL "Updates and acknowledgements"): of each task one
 * update at a time is under way, again after 10 s, 20 s ... 10 min, until it is acknowledged. The master
 * learns a state when an update passes it; resources are free again when it learns that the latest state is
 * the last. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

#define RETRY_FIRST_MS 10000
#define RETRY_MAX_MS 600000

static void update_destroy(struct update *update)
{
    free(update->message);
    mesos__v1__task_status__free_unpacked(update->own, NULL);
    free(update);
}

void updates_clear(struct task *task)
{
    loop_stop_timer(&task->local->loop, &task->retry);
    for (struct list_link *link; (link = list_first(&task->updates)) != NULL;) {
        list_remove(&task->updates, link);
        update_destroy(list_item(link, struct update, link));
    }
}

void update_forward(struct task *task)
{
    struct list_link *link = list_first(&task->updates);
    if (link == NULL)
        return;
    struct update *update = list_item(link, struct update, link);
    loop_start_timer(&task->local->loop, &task->retry, task->retry_ms);
    task->retry_ms = task->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : task->retry_ms * 2;
    if (task->agent->state != AGENT_REGISTERED)
        return;
    if (!task_state_is_over(task->master_state)) {
        task->master_state = update->state;
        task->master_healthy = update->healthy;
    }
    if (task_state_is_over(task->state))
        task_free_resources(task);
    if (task->framework->state == FRAMEWORK_SUBSCRIBED)
        send_update(task, update);
    if (faults_double_updates(task->local))
        update_repeat(task);
}

void update_repeat(const struct task *task)
{
    struct list_link *link = list_first(&task->updates);
    bool connected = task->agent->state == AGENT_REGISTERED && task->framework->state == FRAMEWORK_SUBSCRIBED;
    if (link != NULL && connected)
        send_update(task, list_item(link, struct update, link));
}

static void add(struct task *task, struct update *update)
{
    task->state = update->state;
    list_append(&task->updates, &update->link);
    if (list_first(&task->updates) != &update->link)
        return;
    task->retry_ms = RETRY_FIRST_MS;
    update_forward(task);
}

void update_add_from(
        struct task *task, TaskState state, Source source, int reason, const char *message, int healthy)
{
    struct update *update = alloc_zeroed(1, sizeof(*update));
    update->state = state;
    update->source = source;
    update->reason = reason;
    update->message = alloc_string(message);
    update->healthy = healthy;
    update->timestamp = (double)clock_read().wall_ns / 1e9;
    local_uuid_bytes(task->local, update->uuid);
    add(task, update);
}

void update_add_own(struct task *task, TaskStatus *status)
{
    struct update *update = alloc_zeroed(1, sizeof(*update));
    update->state = status->state;
    update->source = SOURCE(EXECUTOR);
    update->reason = status->has_reason ? (int)status->reason : 0;
    update->healthy = status->has_healthy ? status->healthy != 0 : -1;
    update->message = alloc_string(status->message);
    update->timestamp = status->has_timestamp ? status->timestamp : (double)clock_read().wall_ns / 1e9;
    memcpy(update->uuid, status->uuid.data, sizeof(update->uuid));
    update->own = status;
    add(task, update);
}

bool update_is_known(const struct task *task, const uint8_t uuid[16])
{
    for (struct list_link *link = list_first(&task->updates); link != NULL;
            link = list_next(&task->updates, link))
        if (memcmp(list_item(link, struct update, link)->uuid, uuid, 16) == 0)
            return true;
    return task_state_is_over(task->state);
}

void update_add(struct task *task, TaskState state, int reason, const char *message, int healthy)
{
    update_add_from(task, state, SOURCE(EXECUTOR), reason, message, healthy);
}

void update_resume(struct framework *framework)
{
    struct task *task;
    size_t at = 0;
    while ((task = map_next(&framework->tasks, &at)) != NULL) {
        task->retry_ms = RETRY_FIRST_MS;
        update_forward(task);
    }
}

void update_acknowledge(struct task *task, const uint8_t uuid[16])
{
    struct list_link *link = list_first(&task->updates);
    if (link == NULL)
        return;
    struct update *update = list_item(link, struct update, link);
    if (memcmp(update->uuid, uuid, sizeof(update->uuid)) != 0)
        return;
    bool last = task_state_is_over(update->state);
    list_remove(&task->updates, link);
    update_destroy(update);
    loop_stop_timer(&task->local->loop, &task->retry);
    if (last) {
        task_destroy(task);
        return;
    }
    task->retry_ms = RETRY_FIRST_MS;
    update_forward(task);
}
