/* Requests: which function answers which operation, and how replies are begun. */
#include "internal.h"

Zmesos__V1__Reply *reply_new(struct core *core, const Zmesos__V1__Request *request)
{
    Zmesos__V1__Reply *reply = arena_alloc(&core->out->arena, sizeof *reply);
    zmesos__v1__reply__init(reply);
    reply->has_version = reply->has_code = true;
    reply->version = 1;
    reply->id = arena_string(&core->out->arena, request->id);
    reply->code = CODE(OK);
    return reply;
}

void reply_send(struct core *core, uint64_t token, Zmesos__V1__Reply *reply, struct blob **specs)
{
    struct core_output *item = output_add(core, CORE_OUT_REPLY);
    item->reply = (struct core_reply){.token = token, .reply = reply, .specs = specs};
}

Zmesos__V1__Code code_of(int error_code)
{
    switch (error_code) {
    case ERR_MALFORMED:
        return CODE(MALFORMED);
    case ERR_TOO_LARGE:
        return CODE(TOO_LARGE);
    case ERR_NOT_FOUND:
        return CODE(NOT_FOUND);
    case ERR_CONFLICT:
        return CODE(CONFLICT);
    case ERR_UNAVAILABLE:
        return CODE(UNAVAILABLE);
    default:
        return CODE(INVALID);
    }
}

void reply_refuse(struct core *core, const struct core_input *input, int code, const struct error *err)
{
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply->code = code_of(code);
    reply->message = arena_string(&core->out->arena, err->text);
    reply->field = err->field[0] ? arena_string(&core->out->arena, err->field) : NULL;
    reply->has_retry = true;
    reply->retry = code == ERR_UNAVAILABLE;
    reply_send(core, input->request.token, reply, NULL);
}

static void handle_status(struct core *core, const struct core_input *input)
{
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_STATUS;
    reply->status = view_status(core);
    reply_send(core, input->request.token, reply, NULL);
}

static void handle_reconcile(struct core *core, const struct core_input *input)
{
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    if (core->subscription == 0) {
        struct error err;
        int code = error_set(
                &err, ERR_UNAVAILABLE, "there is no subscription; the next one begins with a reconciliation");
        reply_refuse(core, input, code, &err);
        return;
    }
    reconcile_all(core);
    Zmesos__V1__ReconcileStarted *started = arena_alloc(&core->out->arena, sizeof *started);
    zmesos__v1__reconcile_started__init(started);
    started->has_tasks = true;
    started->tasks = core->asked.count;
    reply->result_case = ZMESOS__V1__REPLY__RESULT_RECONCILE;
    reply->reconcile = started;
    reply_send(core, input->request.token, reply, NULL);
}

void handle_request(struct core *core, const struct core_input *input)
{
    switch (input->request.request->operation_case) {
    case ZMESOS__V1__REQUEST__OPERATION_LAUNCH:
        handle_launch(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_KILL:
        handle_kill(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_GET:
        handle_get(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_LIST:
        handle_list(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT:
        handle_snapshot(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS:
        handle_list_agents(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_STATUS:
        handle_status(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_RECONCILE:
        handle_reconcile(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_PING:
        reply_send(core, input->request.token, reply_new(core, input->request.request), NULL);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_WHY:
        handle_why(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_SANDBOX:
        handle_sandbox(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_OPERATE:
        handle_operate(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_GET_OPERATIONS:
        handle_get_operations(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS:
        handle_list_operations(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_CANCEL_OPERATIONS:
        handle_cancel_operations(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_RELEASE:
        handle_release(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_TEARDOWN:
        handle_teardown(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_SUPPRESS:
        handle_suppress(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_REVIVE:
        handle_revive(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_LEASE:
        handle_lease(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_RENEW_LEASE:
        handle_renew_lease(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_RELEASE_LEASE:
        handle_release_lease(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_PLACE:
        handle_place(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_SHUTDOWN_EXECUTOR:
        handle_shutdown_executor(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_MESSAGE:
        handle_send_message(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_REQUEST_RESOURCES:
        handle_request_resources(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK:
        handle_update_framework(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_RECONCILE_OPERATIONS:
        handle_reconcile_operations(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_CONFIRM:
        handle_confirm(core, input);
        return;
    case ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED:
        handle_unconfirmed(core, input);
        return;
    default:
        break;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply->code = CODE(UNKNOWN_OPERATION);
    reply->message = arena_string(&core->out->arena, "this zmesosd does not know that operation");
    reply_send(core, input->request.token, reply, NULL);
}
