/* SUBSCRIBE and UPDATE_FRAMEWORK (PROTOCOL "Subscribing"). The 200 and the stream come first; what is wrong
 * with the framework is said by an ERROR on the stream. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

static void stream_closed(void *owner)
{
    framework_disconnect(owner);
}

static void refuse(struct call_context *context, struct http_stream *stream, const char *message)
{
    Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Error error = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    struct buf scratch;
    buf_init(&scratch, 0);
    error.message = (char *)(uintptr_t)message;
    event.has_type = true;
    event.type = EVENT(ERROR);
    event.error = &error;
    state_log_event(context->local, EVENT(ERROR));
    events_write(stream, context->accept, &event.base, &scratch);
    http_stream_end(stream, false);
    buf_clear(&scratch);
}

/* The older subscription of a framework that subscribes again. */
static void end_older(struct framework *framework)
{
    if (framework->stream != NULL)
        send_error(framework, "Framework failed over");
    framework_end_stream(framework, false);
    loop_stop_timer(&framework->local->loop, &framework->heartbeat);
    for (struct list_link *link; (link = list_first(&framework->offers)) != NULL;)
        offer_destroy(list_item(link, struct offer, in_framework), true);
}

static struct framework *enter(
        struct local *local, FrameworkInfo *info, char **suppressed, size_t suppressed_count)
{
    char made[TEXT_UUID_SIZE + 32];
    const char *id = made;
    if (info->id != NULL)
        id = info->id->value;
    else
        snprintf(made, sizeof(made), "%s-%04llu", local->master_id,
                (unsigned long long)local->next_framework++);
    struct framework *framework = map_get_string(&local->frameworks, id);
    if (framework == NULL)
        framework = framework_create(local, id, info);
    else
        end_older(framework);
    framework_set_info(framework, info, suppressed, suppressed_count, true);
    return framework;
}

void handle_subscribe(struct call_context *context)
{
    struct local *local = context->local;
    Mesos__V1__Scheduler__Call__Subscribe *subscribe = context->call->subscribe;
    FrameworkInfo *info = subscribe->framework_info;
    char stream_id[TEXT_UUID_SIZE];
    struct error err;
    local_uuid(local, stream_id);
    struct http_header headers[] = {
            {"Content-Type",
                    context->accept == ENCODING_JSON ? "application/json" : "application/x-protobuf"},
            {"Mesos-Stream-Id", stream_id},
            {NULL, NULL},
    };
    struct http_stream *stream = http_stream_open(context->request, headers, stream_closed, NULL);
    if (validate_framework(info, &err) != 0 ||
            constraints_check(subscribe->offer_constraints, info->roles, info->n_roles, &err) != 0) {
        refuse(context, stream, err.text);
        return;
    }
    if (info->id != NULL && framework_was_removed(local, info->id->value)) {
        refuse(context, stream, "Framework has been removed");
        return;
    }
    if (info->principal == NULL && context->principal != NULL)
        info->principal = alloc_string(context->principal);
    subscribe->framework_info = NULL;
    struct framework *framework =
            enter(local, info, subscribe->suppressed_roles, subscribe->n_suppressed_roles);
    framework_set_constraints(framework, subscribe->offer_constraints);
    subscribe->offer_constraints = NULL;
    http_stream_set_owner(stream, framework);
    framework_connect(framework, stream, stream_id, context->accept);
    update_resume(framework);
}

static int changed(const char *field, const char *from, const char *to, struct error *err)
{
    from = from == NULL ? "" : from;
    to = to == NULL ? "" : to;
    if (strcmp(from, to) == 0)
        return 0;
    return error_set(err, ERR_INVALID,
            "Updating 'FrameworkInfo.%s' is unsupported; attempted to update from '%.150s' to '%.150s'",
            field, from, to);
}

void handle_update_framework(struct call_context *context)
{
    Mesos__V1__Scheduler__Call__UpdateFramework *update = context->call->update_framework;
    const FrameworkInfo *old = context->framework->info;
    FrameworkInfo *info = update->framework_info;
    struct error err;
    char text[ERROR_TEXT_MAX + 64];
    if (info->principal == NULL && old->principal != NULL)
        info->principal = alloc_string(old->principal);
    int code = validate_framework(info, &err);
    if (code == 0)
        code = changed("user", old->user, info->user, &err);
    if (code == 0)
        code = changed("principal", old->principal, info->principal, &err);
    if (code == 0)
        code = changed(
                "checkpoint", old->checkpoint ? "true" : "false", info->checkpoint ? "true" : "false", &err);
    if (code != 0) {
        snprintf(text, sizeof(text), "FrameworkInfo update is not valid: %s", err.text);
        api_error(context->request, MHD_HTTP_BAD_REQUEST, text);
        return;
    }
    if (constraints_check(update->offer_constraints, info->roles, info->n_roles, &err) != 0) {
        snprintf(text, sizeof(text), "'UpdateFramework' call is not valid: %s", err.text);
        api_error(context->request, MHD_HTTP_BAD_REQUEST, text);
        return;
    }
    update->framework_info = NULL;
    framework_set_info(context->framework, info, update->suppressed_roles, update->n_suppressed_roles, false);
    framework_set_constraints(context->framework, update->offer_constraints);
    update->offer_constraints = NULL;
    http_reply_empty(context->request, MHD_HTTP_OK);
}
