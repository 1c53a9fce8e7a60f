/* The SUBSCRIBE call: all that the master is to know of this framework, each time (PROTOCOL "Subscribing").
 */
#include "internal.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "encode.h"

#define CAPABILITY(name) MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__##name

static const Mesos__V1__FrameworkInfo__Capability__Type capabilities[] = {
        CAPABILITY(PARTITION_AWARE),
        CAPABILITY(MULTI_ROLE),
        CAPABILITY(TASK_KILLING_STATE),
        CAPABILITY(RESERVATION_REFINEMENT),
        CAPABILITY(GPU_RESOURCES),
        CAPABILITY(SHARED_RESOURCES),
        CAPABILITY(REVOCABLE_RESOURCES),
        CAPABILITY(REGION_AWARE),
};

static void add_capabilities(struct arena *arena, Mesos__V1__FrameworkInfo *info)
{
    size_t count = sizeof capabilities / sizeof *capabilities;
    info->capabilities = arena_array(arena, count, sizeof *info->capabilities);
    for (size_t i = 0; i < count; i++) {
        Mesos__V1__FrameworkInfo__Capability *capability = arena_alloc(arena, sizeof *capability);
        mesos__v1__framework_info__capability__init(capability);
        capability->has_type = true;
        capability->type = capabilities[i];
        info->capabilities[info->n_capabilities++] = capability;
    }
}

static void add_labels(struct arena *arena, const struct options *options, Mesos__V1__FrameworkInfo *info)
{
    if (options->label_count == 0)
        return;
    info->labels = arena_alloc(arena, sizeof *info->labels);
    mesos__v1__labels__init(info->labels);
    info->labels->labels = arena_array(arena, options->label_count, sizeof *info->labels->labels);
    for (size_t i = 0; i < options->label_count; i++) {
        Mesos__V1__Label *label = arena_alloc(arena, sizeof *label);
        mesos__v1__label__init(label);
        label->key = arena_string(arena, options->labels[i]);
        label->value = strchr(label->key, '=');
        *label->value++ = '\0';
        info->labels->labels[info->labels->n_labels++] = label;
    }
}

static Mesos__V1__FrameworkInfo *framework_info(
        struct arena *arena, struct daemon *daemon, Mesos__V1__FrameworkID *id)
{
    const struct options *options = daemon->options;
    Mesos__V1__FrameworkInfo *info = arena_alloc(arena, sizeof *info);
    mesos__v1__framework_info__init(info);
    info->user = options->user;
    info->name = options->framework_name;
    info->id = id;
    info->has_failover_timeout = info->has_checkpoint = true;
    info->failover_timeout = (double)options->failover_timeout_ms / 1000;
    info->checkpoint = options->checkpoint;
    const char **roles = arena_array(arena, CORE_ROLES_MAX, sizeof *roles);
    info->n_roles = core_roles(daemon->core, roles);
    info->roles = (char **)(uintptr_t)roles;
    info->hostname = options->hostname;
    info->webui_url = options->webui_url;
    info->principal = options->principal;
    add_capabilities(arena, info);
    add_labels(arena, options, info);
    return info;
}

/* Words that were taken away. */
static void drop_empty(Mesos__V1__FrameworkInfo *info)
{
    if (info->webui_url && !*info->webui_url)
        info->webui_url = NULL;
    if (info->labels && info->labels->n_labels == 0)
        info->labels = NULL;
}

int daemon_subscribe_call(void *context, uint8_t **bytes, size_t *length)
{
    struct daemon *daemon = context;
    if (store_committed(daemon->store) < daemon->subscribe_group)
        return ERR_UNAVAILABLE;
    struct arena arena;
    arena_init(&arena);
    Mesos__V1__FrameworkID id;
    mesos__v1__framework_id__init(&id);
    id.value = daemon->framework_id;
    Mesos__V1__Scheduler__Call__Subscribe subscribe;
    mesos__v1__scheduler__call__subscribe__init(&subscribe);
    subscribe.framework_info = framework_info(&arena, daemon, &id);
    core_framework_info(daemon->core, &arena, subscribe.framework_info);
    drop_empty(subscribe.framework_info);
    const char **suppressed = arena_array(&arena, CORE_ROLES_MAX, sizeof *suppressed);
    subscribe.n_suppressed_roles = core_suppressed_roles(daemon->core, suppressed);
    subscribe.suppressed_roles = (char **)(uintptr_t)suppressed;
    subscribe.offer_constraints = core_offer_constraints(daemon->core, &arena);
    Mesos__V1__Scheduler__Call call;
    mesos__v1__scheduler__call__init(&call);
    call.framework_id = &id;
    call.has_type = true;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__SUBSCRIBE;
    call.subscribe = &subscribe;
    *length = protobuf_c_message_get_packed_size(&call.base);
    *bytes = alloc_bytes(*length);
    protobuf_c_message_pack(&call.base, *bytes);
    arena_clear(&arena);
    return 0;
}

struct blob *daemon_update_framework(struct daemon *daemon, const struct core_call *call)
{
    Mesos__V1__Scheduler__Call__UpdateFramework *update = call->call->update_framework;
    Mesos__V1__FrameworkInfo *changes = update->framework_info;
    struct arena arena;
    arena_init(&arena);
    update->framework_info = framework_info(&arena, daemon, call->call->framework_id);
    update->framework_info->roles = changes->roles;
    update->framework_info->n_roles = changes->n_roles;
    if (changes->name)
        update->framework_info->name = changes->name;
    if (changes->webui_url)
        update->framework_info->webui_url = changes->webui_url;
    if (changes->labels)
        update->framework_info->labels = changes->labels;
    if (changes->has_failover_timeout)
        update->framework_info->failover_timeout = changes->failover_timeout;
    drop_empty(update->framework_info);
    struct blob *blob = encode_message(&call->call->base);
    update->framework_info = changes;
    arena_clear(&arena);
    return blob;
}
