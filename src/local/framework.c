/* Frameworks in the master. One object for each framework id that the master or an agent knows; `state` says
 * who does. What goes away with a subscription: offers, filters, suppression, heartbeats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#include "parts.h"

#define RECOVERED_MS                                                                                         \
    600000 /* a framework known from agents only is removed after; its failover_timeout is forgotten */

struct framework *framework_find(struct local *local, const char *id)
{
    struct framework *framework = map_get_string(&local->frameworks, id);
    return framework == NULL || framework->state == FRAMEWORK_FORGOTTEN ? NULL : framework;
}

bool framework_can(const struct framework *framework, int capability)
{
    return (framework->capabilities >> capability & 1) != 0;
}

bool framework_was_removed(const struct local *local, const char *id)
{
    for (size_t i = 0; i < MASTER_REMOVED_MAX; i++)
        if (local->removed[i] != NULL && strcmp(local->removed[i], id) == 0)
            return true;
    return false;
}

struct framework_role *framework_role(const struct framework *framework, const char *name)
{
    for (size_t i = 0; i < framework->role_count; i++)
        if (strcmp(framework->roles[i]->name, name) == 0)
            return framework->roles[i];
    return NULL;
}

static void heartbeat(struct timer *timer)
{
    struct framework *framework = timer_owner(timer, struct framework, heartbeat);
    loop_start_timer(&framework->local->loop, timer, framework->local->options->heartbeat_ms);
    if (!framework->silent && !faults_silence_heartbeats(framework->local))
        send_heartbeat(framework);
}

static void failover_timeout(struct timer *timer)
{
    framework_remove(timer_owner(timer, struct framework, failover));
}

struct framework *framework_create(struct local *local, const char *id, FrameworkInfo *info)
{
    struct framework *framework = alloc_zeroed(1, sizeof(*framework));
    framework->local = local;
    framework->id = alloc_string(id);
    framework->info = info;
    framework->state = FRAMEWORK_DISCONNECTED;
    framework->heartbeat.fire = heartbeat;
    framework->failover.fire = failover_timeout;
    map_init(&framework->tasks, 0x7461736b, 0x73);
    map_init(&framework->operations, 0x6f706572, 0x73);
    list_init(&framework->offers);
    buf_init(&framework->event, 0);
    map_put(&local->frameworks, slice_of_string(framework->id), framework);
    return framework;
}

static void role_destroy(struct framework_role *role)
{
    struct framework *framework = role->framework;
    for (struct list_link *link = list_first(&framework->offers); link != NULL;) {
        struct offer *offer = list_item(link, struct offer, in_framework);
        link = list_next(&framework->offers, link);
        if (strcmp(offer->role, role->name) == 0)
            offer_rescind(offer);
    }
    list_remove(&framework->local->roles, &role->in_order);
    allocator_forget_filters(role);
    map_clear(&role->filters);
    free(role->name);
    free(role);
}

static void roles_clear(struct framework *framework)
{
    for (size_t i = 0; i < framework->role_count; i++)
        role_destroy(framework->roles[i]);
    free(framework->roles);
    framework->roles = NULL;
    framework->role_count = 0;
}

/* A role is first in line when it is new. */
static void role_line_up(struct framework_role *role)
{
    struct list *roles = &role->framework->local->roles;
    struct list_link *first = list_first(roles);
    if (list_linked(&role->in_order))
        return;
    if (first == NULL)
        list_append(roles, &role->in_order);
    else
        list_insert_before(roles, first, &role->in_order);
}

static bool contains(char **names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Makes the roles those of the info; the ones that stay keep their filters. */
static void set_roles(struct framework *framework, char **suppressed, size_t suppressed_count)
{
    static char any[] = "*";
    char *one[1] = {any};
    char **names = framework->info->roles;
    size_t count = framework->info->n_roles;
    if (!framework_can(framework, CAPABILITY(MULTI_ROLE))) {
        if (types_framework_role(framework->info) != NULL)
            one[0] = types_framework_role(framework->info);
        names = one;
        count = 1;
    }
    struct framework_role **roles = alloc_zeroed(count + 1, sizeof(struct framework_role *));
    for (size_t i = 0; i < count; i++) {
        roles[i] = framework_role(framework, names[i]);
        if (roles[i] == NULL) {
            roles[i] = alloc_zeroed(1, sizeof(struct framework_role));
            roles[i]->framework = framework;
            roles[i]->name = alloc_string(names[i]);
            map_init(&roles[i]->filters, 0x66696c74, 0x6572);
        }
        roles[i]->suppressed = contains(suppressed, suppressed_count, names[i]);
        if (framework->stream != NULL)
            role_line_up(roles[i]);
    }
    for (size_t i = 0; i < framework->role_count; i++)
        if (!contains(names, count, framework->roles[i]->name))
            role_destroy(framework->roles[i]);
    free(framework->roles);
    framework->roles = roles;
    framework->role_count = count;
}

void framework_set_info(struct framework *framework, FrameworkInfo *info, char **suppressed,
        size_t suppressed_count, bool new_subscription)
{
    FrameworkInfo *old = framework->info;
    if (new_subscription)
        roles_clear(framework);
    if (old != info) { /* these never change */
        char *user = info->user;
        char *principal = info->principal;
        info->user = old->user;
        old->user = user;
        info->principal = old->principal;
        old->principal = principal;
        info->has_checkpoint = old->has_checkpoint;
        info->checkpoint = old->checkpoint;
        framework->info = info;
    }
    framework->capabilities = 0;
    for (size_t i = 0; i < info->n_capabilities; i++)
        if (info->capabilities[i]->has_type && (unsigned)info->capabilities[i]->type < 32)
            framework->capabilities |= 1u << info->capabilities[i]->type;
    set_roles(framework, suppressed, suppressed_count);
    if (old != info)
        mesos__v1__framework_info__free_unpacked(old, NULL);
    framework->local->allocate_soon = true;
}

void framework_connect(struct framework *framework, struct http_stream *stream, const char *stream_id,
        enum encoding encoding)
{
    struct local *local = framework->local;
    framework->state = FRAMEWORK_SUBSCRIBED;
    framework->stream = stream;
    framework->encoding = encoding;
    memcpy(framework->stream_id, stream_id, TEXT_UUID_SIZE);
    framework->silent = false;
    http_stream_split(stream, faults_split_streams(local));
    loop_stop_timer(&local->loop, &framework->failover);
    for (size_t i = 0; i < framework->role_count; i++)
        role_line_up(framework->roles[i]);
    maintenance_resubscribed(framework);
    send_subscribed(framework);
    heartbeat(&framework->heartbeat);
    local->allocate_soon = true;
    log_info("framework", "%s subscribed as %s", framework->id, framework->info->name);
}

/* Takes away what only a subscription has. */
static void unsubscribe(struct framework *framework)
{
    struct local *local = framework->local;
    loop_stop_timer(&local->loop, &framework->heartbeat);
    for (struct list_link *link; (link = list_first(&framework->offers)) != NULL;)
        offer_destroy(list_item(link, struct offer, in_framework), true);
    for (size_t i = 0; i < framework->role_count; i++)
        list_remove(&local->roles, &framework->roles[i]->in_order);
}

void framework_end_stream(struct framework *framework, bool cut)
{
    if (framework->stream != NULL)
        http_stream_end(framework->stream, cut);
    framework->stream = NULL;
}

void framework_disconnect(struct framework *framework)
{
    framework->stream = NULL;
    unsubscribe(framework);
    framework->state = FRAMEWORK_DISCONNECTED;
    log_info("framework", "%s disconnected", framework->id);
    double seconds = framework->info->failover_timeout;
    if (seconds <= 0)
        framework_remove(framework);
    else
        loop_start_timer(&framework->local->loop, &framework->failover,
                seconds < 1e12 ? (int64_t)(seconds * 1000) : (int64_t)1e15);
}

void framework_recover(struct framework *framework)
{
    framework->state = FRAMEWORK_RECOVERED;
    loop_start_timer(&framework->local->loop, &framework->failover, RECOVERED_MS);
}

void framework_destroy(struct framework *framework)
{
    struct local *local = framework->local;
    framework_end_stream(framework, true);
    unsubscribe(framework);
    loop_stop_timer(&local->loop, &framework->failover);
    roles_clear(framework);
    if (map_get_string(&local->frameworks, framework->id) == framework)
        map_remove(&local->frameworks, slice_of_string(framework->id));
    map_clear(&framework->tasks);
    map_clear(&framework->operations);
    framework_set_constraints(framework, NULL);
    buf_clear(&framework->event);
    mesos__v1__framework_info__free_unpacked(framework->info, NULL);
    free(framework->id);
    free(framework);
}

void framework_ref(struct framework *framework)
{
    framework->references++;
}

void framework_unref(struct framework *framework)
{
    framework->references--;
    bool nobody = framework->state == FRAMEWORK_REMOVED || framework->state == FRAMEWORK_FORGOTTEN;
    if (nobody && framework->references == 0)
        framework_destroy(framework);
}

/* The tasks that the master knows, as an array of its own: handling them changes the map. */
static struct task **known_tasks(struct framework *framework, size_t *count)
{
    struct task **tasks = alloc_zeroed(framework->tasks.count + 1, sizeof(*tasks));
    struct task *task;
    size_t at = 0;
    *count = 0;
    while ((task = map_next(&framework->tasks, &at)) != NULL)
        tasks[(*count)++] = task;
    return tasks;
}

void framework_remove(struct framework *framework)
{
    struct local *local = framework->local;
    size_t count;
    framework_ref(framework); /* so that the last of its tasks does not take it along */
    log_info("framework", "%s removed", framework->id);
    framework_end_stream(framework, false);
    unsubscribe(framework);
    loop_stop_timer(&local->loop, &framework->failover);
    free(local->removed[local->removed_next]);
    local->removed[local->removed_next] = alloc_string(framework->id);
    local->removed_next = (local->removed_next + 1) % MASTER_REMOVED_MAX;
    map_remove(&local->frameworks, slice_of_string(framework->id));

    struct task **tasks = known_tasks(framework, &count);
    for (size_t i = 0; i < count; i++) {
        /* Agents that are away are told when they come back. */
        if (tasks[i]->agent->state == AGENT_REGISTERED)
            task_drop(tasks[i]);
        else
            task_unknow(tasks[i]);
    }
    free(tasks);
    operations_of_framework(framework, true);
    executors_of_framework_end(framework);
    framework->state = FRAMEWORK_REMOVED;
    framework_unref(framework);
}

void framework_forget(struct framework *framework)
{
    size_t count;
    framework_end_stream(framework, true);
    unsubscribe(framework);
    loop_stop_timer(&framework->local->loop, &framework->failover);
    struct task **tasks = known_tasks(framework, &count);
    for (size_t i = 0; i < count; i++)
        task_unknow(tasks[i]);
    free(tasks);
    operations_of_framework(framework, false);
    framework->state = FRAMEWORK_FORGOTTEN;
    if (framework->references == 0)
        framework_destroy(framework);
}
