/* The rules of HTTP in Mesos's order (PROTOCOL "What the master answers"): who asks, may it be asked here,
 * can it be read, is it whole, is the framework known and subscribed, is the stream the current one. Then the
 * call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/check.h"
#include "wire/json.h"

#include "base/alloc.h"

#include "parts.h"

static const struct check_limits call_limits = {
        .bytes = HTTP_BODY_MAX, .depth = 64, .elements = 4000000, .strict = false};

const char *call_type_name(CallType type)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&mesos__v1__scheduler__call__type__descriptor, (int)type);
    return value == NULL ? "UNKNOWN" : value->name;
}

void api_error(struct http_request *request, unsigned status, const char *text)
{
    http_reply(request, status, "text/plain; charset=utf-8", text, strlen(text), NULL);
}

/* Whether an Accept header allows a type. Weights are not looked at, as in Mesos. */
bool api_accepts(const char *accept, const char *type)
{
    size_t length = strlen(type);
    size_t class = strcspn(type, "/") + 1;
    for (const char *at = accept; at != NULL; at = strchr(at, ',')) {
        at += strspn(at, ", \t");
        size_t end = strcspn(at, ",; \t");
        if ((end == length && strncmp(at, type, length) == 0) || (end == 3 && strncmp(at, "*/*", 3) == 0))
            return true;
        if (end == class + 1 && strncmp(at, type, class) == 0 && at[class] == '*')
            return true;
    }
    return accept == NULL;
}

static int read_body(const struct http_request *request, bool json, const ProtobufCMessageDescriptor *type,
        ProtobufCMessage **message, struct error *err)
{
    struct error why;
    int code = 0;
    if (json) {
        code = json_read(type, (const char *)request->body.data, request->body.length, true, message, &why);
        if (code == ERR_MALFORMED)
            return error_set(err, code, "Failed to parse body into JSON: %.400s", why.text);
        if (code != 0)
            return error_set(err, code, "Failed to convert JSON into Call protobuf: %.400s", why.text);
    } else {
        code = check_unpack(
                type, slice_of(request->body.data, request->body.length), &call_limits, message, &why);
        if (code != 0)
            return error_set(err, code, "Failed to parse body into Call protobuf");
    }
    return 0;
}

/* Whether the call comes from the framework's current subscription; answers it if not. */
static bool check_subscription(struct call_context *context)
{
    struct http_request *request = context->request;
    struct framework *framework = framework_find(context->local, context->call->framework_id->value);
    char text[512];
    if (framework == NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST, "Framework cannot be found");
        return false;
    }
    if (context->principal != NULL && (framework->info->principal == NULL ||
                                              strcmp(context->principal, framework->info->principal) != 0)) {
        snprintf(text, sizeof(text),
                "Authenticated principal '%.200s' is not authorized to perform this operation",
                context->principal);
        api_error(request, MHD_HTTP_FORBIDDEN, text);
        return false;
    }
    if (framework->state != FRAMEWORK_SUBSCRIBED) {
        api_error(request, MHD_HTTP_FORBIDDEN, "Framework is not subscribed");
        return false;
    }
    if (request->stream_id == NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST,
                "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
        return false;
    }
    if (strcmp(request->stream_id, framework->stream_id) != 0) {
        snprintf(text, sizeof(text),
                "The stream ID '%.128s' included in this request didn't match the stream ID currently "
                "associated with "
                "framework ID '%.256s'",
                request->stream_id, framework->id);
        api_error(request, MHD_HTTP_BAD_REQUEST, text);
        return false;
    }
    context->framework = framework;
    return true;
}

static void handle_teardown(struct call_context *context)
{
    framework_remove(context->framework);
    context->framework = NULL;
}

static void dispatch(struct call_context *context)
{
    switch (context->call->type) {
    case CALL(ACCEPT):
        handle_accept(context);
        break;
    case CALL(DECLINE):
        handle_decline(context);
        break;
    case CALL(REVIVE):
        handle_revive(context);
        break;
    case CALL(SUPPRESS):
        handle_suppress(context);
        break;
    case CALL(KILL):
        handle_kill(context);
        break;
    case CALL(SHUTDOWN):
        handle_shutdown(context);
        break;
    case CALL(MESSAGE):
        handle_message(context);
        break;
    case CALL(ACKNOWLEDGE):
        handle_acknowledge(context);
        break;
    case CALL(RECONCILE):
        handle_reconcile(context);
        break;
    case CALL(RECONCILE_OPERATIONS):
        handle_reconcile_operations(context);
        break;
    case CALL(ACKNOWLEDGE_OPERATION_STATUS):
        handle_acknowledge_operation_status(context);
        break;
    case CALL(ACCEPT_INVERSE_OFFERS):
        handle_accept_inverse_offers(context);
        break;
    case CALL(DECLINE_INVERSE_OFFERS):
        handle_decline_inverse_offers(context);
        break;
    case CALL(TEARDOWN):
        handle_teardown(context);
        break;
    case CALL(UPDATE_FRAMEWORK):
        handle_update_framework(context);
        return;
    default:
        break; /* taken, and nothing comes of it: REQUEST */
    }
    http_reply_empty(context->request, MHD_HTTP_ACCEPTED);
}

static void handle_call(struct call_context *context)
{
    struct http_request *request = context->request;
    bool json = api_accepts(request->accept, "application/json");
    struct error err;
    char text[ERROR_TEXT_MAX + 64];
    if (validate_call(context->call, context->principal, &err) != 0) {
        snprintf(text, sizeof(text), "Failed to validate scheduler::Call: %s", err.text);
        api_error(request, MHD_HTTP_BAD_REQUEST, text);
        return;
    }
    if (context->call->type != CALL(SUBSCRIBE)) {
        if (check_subscription(context))
            dispatch(context);
        return;
    }
    if (!json && !api_accepts(request->accept, "application/x-protobuf")) {
        api_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
        return;
    }
    if (request->stream_id != NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST,
                "Subscribe calls should not include the 'Mesos-Stream-Id' header");
        return;
    }
    context->accept = json ? ENCODING_JSON : ENCODING_PROTOBUF;
    handle_subscribe(context);
}

static void refuse_method(struct http_request *request)
{
    static const char text[] = "Expecting one of { 'POST' }";
    struct http_header allow[] = {{"Allow", "POST"}, {NULL, NULL}};
    http_reply(
            request, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", text, sizeof(text) - 1, allow);
}

static void refuse_stranger(struct http_request *request)
{
    struct http_header header[] = {
            {"WWW-Authenticate", "Basic realm=\"mesos-master-scheduler\""}, {NULL, NULL}};
    http_reply(request, MHD_HTTP_UNAUTHORIZED, NULL, "", 0, header);
}

bool api_read(
        struct http_request *request, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message)
{
    struct error err;
    if (strcmp(request->method, "POST") != 0) {
        refuse_method(request);
        return false;
    }
    if (request->content_type == NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST, "Expecting 'Content-Type' to be present");
        return false;
    }
    bool json = strcmp(request->content_type, "application/json") == 0;
    if (!json && strcmp(request->content_type, "application/x-protobuf") != 0) {
        api_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                "Expecting 'Content-Type' of application/json or application/x-protobuf");
        return false;
    }
    if (read_body(request, json, type, message, &err) != 0) {
        api_error(request, MHD_HTTP_BAD_REQUEST, err.text);
        return false;
    }
    return true;
}

void api_scheduler(struct local *local, struct http_request *request)
{
    struct call_context context = {.local = local, .request = request};
    if (local->credentials != NULL) {
        context.principal = credentials_check(local->credentials, request->authorization);
        if (context.principal == NULL) {
            refuse_stranger(request);
            return;
        }
    }
    ProtobufCMessage *message = NULL;
    if (!api_read(request, &mesos__v1__scheduler__call__descriptor, &message))
        return;
    context.call = (Call *)message;
    if (!faults_take_call(local, request, context.call)) {
        handle_call(&context);
        state_log_call(local, context.call, request->status);
    }
    mesos__v1__scheduler__call__free_unpacked(context.call, NULL);
}

/* As the master's operator endpoint: `frameworkId=ID`. */
static void api_teardown(struct local *local, struct http_request *request)
{
    static const char key[] = "frameworkId=";
    size_t length = request->body.length;
    if (length < sizeof(key) || memcmp(request->body.data, key, sizeof(key) - 1) != 0) {
        api_error(request, MHD_HTTP_BAD_REQUEST, "Missing 'frameworkId' query parameter");
        return;
    }
    char *id = alloc_string_n((const char *)request->body.data + sizeof(key) - 1, length - sizeof(key) + 1);
    struct framework *framework = framework_find(local, id);
    if (framework == NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST, "No framework found with specified ID");
    } else {
        framework_remove(framework);
        http_reply_empty(request, MHD_HTTP_OK);
    }
    free(id);
}

void api_handle(void *context, struct http_request *request)
{
    struct local *local = context;
    if (strcmp(request->path, "/local/state") == 0) {
        handle_state(local, request);
    } else if (strcmp(request->path, "/local/faults") == 0) {
        handle_faults(local, request);
    } else if (faults_take_request(local, request)) {
        return;
    } else if (request->too_large) {
        api_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "The body is larger than 8 MiB");
    } else if (strcmp(request->path, "/api/v1/scheduler") == 0 ||
               strcmp(request->path, "/master/api/v1/scheduler") == 0) {
        api_scheduler(local, request);
    } else if (strcmp(request->path, "/api/v1") ==
                       0 || /* of the operator's calls there is UPDATE_MAINTENANCE_SCHEDULE */
               strcmp(request->path, "/maintenance/schedule") == 0 ||
               strcmp(request->path, "/master/maintenance/schedule") == 0) {
        handle_schedule(local, request);
    } else if (strcmp(request->path, "/master/teardown") == 0 && strcmp(request->method, "POST") == 0) {
        api_teardown(local, request);
    } else if (executor_api_handle(local, request)) {
        return;
    } else if (!agent_api_handle(local, request)) {
        api_error(request, MHD_HTTP_NOT_FOUND, "There is /api/v1/scheduler, /local/state and /local/faults");
    }
}
