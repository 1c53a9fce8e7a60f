/* POST /local/faults: whose name is asked for does it, see fault_handlers.h. Unknown names and wrong types
 * are answered by 400 with a sentence. */
#include <jansson.h>
#include <string.h>

#include "fault_fields.h"
#include "fault_handlers.h"
#include "parts.h"

typedef int fault(struct local *local, json_t *body, struct error *err);

static const struct {
    const char *name;
    fault *does;
} known[] = {
        {"redirect", fault_redirect},
        {"answer", fault_answer},
        {"no_answer", fault_no_answer},
        {"delay", fault_delay},
        {"double", fault_double},
        {"drop_stream", fault_drop_stream},
        {"failover_framework", fault_failover_framework},
        {"remove_framework", fault_remove_framework},
        {"rescind", fault_rescind},
        {"split_streams", fault_split_streams},
        {"silence_heartbeats", fault_silence_heartbeats},
        {"unknown_event", fault_unknown_event},
        {"send_event", fault_send_event},
        {"stall", fault_stall},
        {"lose_agent", fault_lose_agent},
        {"return_agent", fault_return_agent},
        {"restart_agent", fault_restart_agent},
        {"failover", fault_failover},
        {"stage_tasks", fault_stage_tasks},
        {"orphan", fault_orphan},
        {"repeat_updates", fault_repeat_updates},
        {"double_updates", fault_double_updates},
        {"release", fault_release},
        {"clear", fault_clear},
};

static int obey(struct local *local, struct http_request *request, struct error *err)
{
    const char *name = NULL;
    json_error_t why;
    json_t *body =
            json_loadb((const char *)request->body.data, request->body.length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(body)) {
        json_decref(body);
        return error_set(err, ERR_MALFORMED, "The body wants a JSON object");
    }
    int code = field_text(body, "fault", "", &name, err);
    for (size_t i = 0; code == 0 && i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].name, name) == 0) {
            code = known[i].does(local, body, err);
            json_decref(body);
            return code;
        }
    if (code == 0)
        code = error_set(err, ERR_NOT_FOUND, "There is no fault '%s'", name);
    json_decref(body);
    return code;
}

void handle_faults(struct local *local, struct http_request *request)
{
    struct error err;
    if (strcmp(request->method, "POST") != 0)
        api_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Expecting one of { 'POST' }");
    else if (obey(local, request, &err) != 0)
        api_error(request, MHD_HTTP_BAD_REQUEST, err.text);
    else
        http_reply_empty(request, MHD_HTTP_OK);
}
