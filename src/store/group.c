/* Groups of records. What is in a record by pointer is copied here once for its way to the store's thread. */
#include "group.h"

#include <string.h>

void group_init(struct group *group)
{
    *group = (struct group){0};
    arena_init(&group->arena);
    group->end = &group->first;
}

static const char *keep_text(struct group *group, const char *text)
{
    if (!text)
        return "";
    size_t size = strlen(text) + 1;
    group->bytes += size;
    return arena_copy(&group->arena, text, size);
}

static struct blob *keep_blob(struct group *group, struct blob *blob)
{
    group->bytes += blob_slice(blob).length;
    return blob_ref(blob);
}

static void keep_record(struct group *group, struct record *record)
{
    switch (record->kind) {
    case RECORD_META:
        record->meta.name = keep_text(group, record->meta.name);
        record->meta.value = keep_text(group, record->meta.value);
        break;
    case RECORD_TASK:
        record->task.id = keep_text(group, record->task.id);
        record->task.spec = keep_blob(group, record->task.spec);
        record->task.kill_policy = keep_blob(group, record->task.kill_policy);
        record->task.message = keep_text(group, record->task.message);
        record->task.reason = keep_text(group, record->task.reason);
        break;
    case RECORD_ATTEMPT:
        record->attempt.agent_id = keep_text(group, record->attempt.agent_id);
        record->attempt.hostname = keep_text(group, record->attempt.hostname);
        record->attempt.ports = keep_text(group, record->attempt.ports);
        record->attempt.unique = keep_text(group, record->attempt.unique);
        record->attempt.message = keep_text(group, record->attempt.message);
        record->attempt.reason = keep_text(group, record->attempt.reason);
        record->attempt.mesos_id = keep_text(group, record->attempt.mesos_id);
        record->attempt.agent_url = keep_text(group, record->attempt.agent_url);
        record->attempt.pending_uuid = keep_text(group, record->attempt.pending_uuid);
        record->attempt.pending_before = keep_text(group, record->attempt.pending_before);
        record->attempt.pending_event = keep_blob(group, record->attempt.pending_event);
        break;
    case RECORD_EVENT:
        record->event.topic = keep_text(group, record->event.topic);
        record->event.header = keep_blob(group, record->event.header);
        record->event.body = keep_blob(group, record->event.body);
        break;
    case RECORD_OPERATION:
        record->operation.id = keep_text(group, record->operation.id);
        record->operation.spec = keep_blob(group, record->operation.spec);
        record->operation.mesos_id = keep_text(group, record->operation.mesos_id);
        record->operation.agent_id = keep_text(group, record->operation.agent_id);
        record->operation.hostname = keep_text(group, record->operation.hostname);
        record->operation.provider_id = keep_text(group, record->operation.provider_id);
        record->operation.message = keep_text(group, record->operation.message);
        record->operation.status = keep_blob(group, record->operation.status);
        break;
    case RECORD_FORGET:
    case RECORD_FORGET_OPERATION:
        break;
    }
}

void group_add(struct group *group, const struct record *record)
{
    struct group_record *node = arena_alloc(&group->arena, sizeof *node);
    node->record = *record;
    keep_record(group, &node->record);
    group->bytes += sizeof *node;
    *group->end = node;
    group->end = &node->next;
}

void record_drop_blobs(const struct record *record)
{
    if (record->kind == RECORD_TASK) {
        blob_unref(record->task.spec);
        blob_unref(record->task.kill_policy);
    } else if (record->kind == RECORD_ATTEMPT) {
        blob_unref(record->attempt.pending_event);
    } else if (record->kind == RECORD_EVENT) {
        blob_unref(record->event.header);
        blob_unref(record->event.body);
    } else if (record->kind == RECORD_OPERATION) {
        blob_unref(record->operation.spec);
        blob_unref(record->operation.status);
    }
}

static void empty(struct group *group)
{
    for (const struct group_record *node = group->first; node; node = node->next)
        record_drop_blobs(&node->record);
    group->first = NULL;
    group->end = &group->first;
    group->bytes = 0;
}

void group_reset(struct group *group)
{
    empty(group);
    arena_reset(&group->arena);
}

void group_clear(struct group *group)
{
    empty(group);
    arena_clear(&group->arena);
}
