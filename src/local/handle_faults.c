/* POST /local/faults: reads what is asked for and does it, or arms a rule. Unknown names and wrong types are
 * answered by 400 with a sentence. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/json.h"

#include "faults.h"
#include "parts.h"

typedef int fault(struct local *local, json_t *body, struct error *err);

static int get_text(
        json_t *body, const char *key, const char *otherwise, const char **text, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value == NULL) {
        *text = otherwise;
        return 0;
    }
    if (!json_is_string(value))
        return error_set(err, ERR_INVALID, "'%s' wants a text", key);
    *text = json_string_value(value);
    return 0;
}

static int get_integer(
        json_t *body, const char *key, int64_t min, int64_t otherwise, int64_t *number, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value == NULL) {
        *number = otherwise;
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > 1000000000)
        return error_set(
                err, ERR_INVALID, "'%s' wants a number from %lld to 1000000000", key, (long long)min);
    *number = json_integer_value(value);
    return 0;
}

static int get_flag(json_t *body, const char *key, bool otherwise, bool *flag, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value != NULL && !json_is_boolean(value))
        return error_set(err, ERR_INVALID, "'%s' wants true or false", key);
    *flag = value == NULL ? otherwise : json_is_true(value);
    return 0;
}

/* One of the words, by its place. */
static int get_word(json_t *body, const char *key, const char *const *words, size_t count, size_t *place,
        struct error *err)
{
    const char *text = NULL;
    int code = get_text(body, key, words[0], &text, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (strcmp(words[i], text) == 0) {
            *place = i;
            return 0;
        }
    return code != 0 ? code : error_set(err, ERR_INVALID, "'%s' knows no '%s'", key, text);
}

static int get_call(json_t *body, int *call, struct error *err)
{
    const char *name = NULL;
    int code = get_text(body, "call", NULL, &name, err);
    if (code != 0)
        return code;
    *call = -1;
    if (name == NULL)
        return 0;
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(&mesos__v1__scheduler__call__type__descriptor, name);
    if (value == NULL)
        return error_set(err, ERR_INVALID, "there is no call '%s'", name);
    *call = value->value;
    return 0;
}

/* The frameworks that a fault is for, in an array of their own: all, or the one that "framework" names. */
static int get_frameworks(
        struct local *local, json_t *body, struct framework ***list, size_t *count, struct error *err)
{
    const char *id = NULL;
    struct framework *framework;
    size_t at = 0;
    int code = get_text(body, "framework", NULL, &id, err);
    if (code != 0)
        return code;
    if (id != NULL && framework_find(local, id) == NULL)
        return error_set(err, ERR_INVALID, "there is no framework '%s'", id);
    struct framework **frameworks = alloc_zeroed(local->frameworks.count + 1, sizeof(*frameworks));
    *count = 0;
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        if (id == NULL || strcmp(framework->id, id) == 0)
            frameworks[(*count)++] = framework;
    *list = frameworks;
    return 0;
}

static int get_agent(struct local *local, json_t *body, struct agent **agent, struct error *err)
{
    int64_t number = 0;
    int code = get_integer(body, "agent", 1, 0, &number, err);
    if (code != 0)
        return code;
    if (number < 1 || (size_t)number > local->agent_count)
        return error_set(err, ERR_INVALID, "'agent' wants a number from 1 to %zu", local->agent_count);
    *agent = local->agents[number - 1];
    return 0;
}

static int drop_stream(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"cut", "end"};
    struct framework **frameworks = NULL;
    size_t count = 0;
    size_t how = 0;
    int code = get_word(body, "how", hows, 2, &how, err);
    if (code == 0)
        code = get_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (frameworks[i]->stream == NULL)
            continue;
        framework_end_stream(frameworks[i], how == 0);
        framework_disconnect(frameworks[i]);
    }
    free(frameworks);
    return 0;
}

static int split_streams(struct local *local, json_t *body, struct error *err)
{
    struct framework *framework;
    size_t at = 0;
    int code = get_flag(body, "on", true, &local->faults->split, err);
    if (code != 0)
        return code;
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        if (framework->stream != NULL)
            http_stream_split(framework->stream, local->faults->split);
    return 0;
}

static int silence_heartbeats(struct local *local, json_t *body, struct error *err)
{
    return get_flag(body, "on", true, &local->faults->silent, err);
}

static int redirect(struct local *local, json_t *body, struct error *err)
{
    const char *to = NULL;
    struct rule rule = {.kind = RULE_REDIRECT};
    int code = get_text(body, "to", NULL, &to, err);
    if (code == 0 && (to == NULL || strlen(to) > 256))
        code = error_set(err, ERR_INVALID, "'to' wants HOST:PORT");
    if (code == 0)
        code = get_integer(body, "count", 0, 0, &rule.count, err);
    if (code == 0)
        code = get_call(body, &rule.call, err);
    if (code != 0)
        return code;
    rule.text = (char *)(uintptr_t)to;
    faults_add_rule(local->faults, &rule);
    return 0;
}

static int answer(struct local *local, json_t *body, struct error *err)
{
    const char *text = NULL;
    int64_t status = 0;
    struct rule rule = {.kind = RULE_ANSWER};
    int code = get_text(body, "text", "", &text, err);
    if (code == 0)
        code = get_integer(body, "status", 200, 0, &status, err);
    if (code == 0 && (status < 200 || status > 599))
        code = error_set(err, ERR_INVALID, "'status' wants a number from 200 to 599");
    if (code == 0)
        code = get_integer(body, "count", 0, 1, &rule.count, err);
    if (code == 0)
        code = get_call(body, &rule.call, err);
    if (code != 0)
        return code;
    rule.text = (char *)(uintptr_t)text;
    rule.status = (unsigned)status;
    faults_add_rule(local->faults, &rule);
    return 0;
}

static int no_answer(struct local *local, json_t *body, struct error *err)
{
    static const char *const acts[] = {"never", "now", "later"};
    struct rule rule = {.kind = RULE_NO_ANSWER};
    size_t act = 0;
    int code = get_word(body, "act", acts, 3, &act, err);
    if (code == 0)
        code = get_integer(body, "act_after_ms", 0, 1000, &rule.act_after_ms, err);
    if (code == 0)
        code = get_integer(body, "count", 0, 1, &rule.count, err);
    if (code == 0)
        code = get_flag(body, "close", false, &rule.close, err);
    if (code == 0)
        code = get_flag(body, "answer", false, &rule.answer_late, err);
    if (code == 0)
        code = get_call(body, &rule.call, err);
    if (code != 0)
        return code;
    rule.act = (enum rule_act)act;
    faults_add_rule(local->faults, &rule);
    return 0;
}

static int rescind(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = get_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++)
        for (struct list_link *link; (link = list_first(&frameworks[i]->offers)) != NULL;)
            offer_rescind(list_item(link, struct offer, in_framework));
    free(frameworks);
    return 0;
}

static int lose_agent(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"unreachable", "gone"};
    struct agent *agent = NULL;
    size_t how = 0;
    int64_t after_ms = 0;
    int code = get_agent(local, body, &agent, err);
    if (code == 0)
        code = get_word(body, "how", hows, 2, &how, err);
    if (code == 0)
        code = get_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    if (how == 1) {
        agent_gone(agent);
    } else if (after_ms == 0) {
        agent_unreachable(agent);
    } else {
        agent_disconnect(agent);
        loop_start_timer(&local->loop, &agent->lost, after_ms);
    }
    return 0;
}

static int return_agent(struct local *local, json_t *body, struct error *err)
{
    struct agent *agent = NULL;
    bool with_tasks = true;
    int64_t after_ms = 0;
    int code = get_agent(local, body, &agent, err);
    if (code == 0)
        code = get_flag(body, "with_tasks", true, &with_tasks, err);
    if (code == 0)
        code = get_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    agent->back_with_tasks = with_tasks;
    if (after_ms == 0)
        agent_return(agent, with_tasks);
    else
        loop_start_timer(&local->loop, &agent->back, after_ms);
    return 0;
}

/* "agents_return_ms": one number for all agents, or one each; those without one stay away. */
static int fail_over(struct local *local, json_t *body, struct error *err)
{
    json_t *times = json_object_get(body, "agents_return_ms");
    for (size_t i = 0; times != NULL && i < (json_is_array(times) ? json_array_size(times) : 1); i++) {
        json_t *time = json_is_array(times) ? json_array_get(times, i) : times;
        if (!json_is_integer(time) || json_integer_value(time) < 0 || json_integer_value(time) > 1000000000)
            return error_set(err, ERR_INVALID, "'agents_return_ms' wants milliseconds, or an array of them");
    }
    failover(local);
    for (size_t i = 0; times != NULL && i < local->agent_count; i++) {
        json_t *time = json_is_array(times) ? json_array_get(times, i) : times;
        struct agent *agent = local->agents[i];
        if (time == NULL || agent->state != AGENT_RECOVERING)
            continue;
        agent->back_with_tasks = true;
        loop_start_timer(&local->loop, &agent->back, json_integer_value(time));
    }
    return 0;
}

/* An event of a later Mesos: a type and a field that nobody knows yet. */
static int unknown_event(struct local *local, json_t *body, struct error *err)
{
    static const char json[] = "{\"type\":\"NOVELTY\",\"novelty\":{\"text\":\"new\"}}";
    /* type = 99; field 99 with a message of one text */
    static const uint8_t packed[] = {0x08, 99, 0x9a, 0x06, 5, 0x0a, 3, 'n', 'e', 'w'};
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = get_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (frameworks[i]->encoding == ENCODING_JSON)
            events_send_raw(frameworks[i], json, sizeof(json) - 1);
        else
            events_send_raw(frameworks[i], packed, sizeof(packed));
    }
    free(frameworks);
    return 0;
}

/* Any event that Mesos has, as its JSON. */
static int send_event(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    ProtobufCMessage *event = NULL;
    json_t *value = json_object_get(body, "event");
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
    int64_t repeat = 1;
    int code = text == NULL ? error_set(err, ERR_INVALID, "'event' wants an object")
                            : json_read(&mesos__v1__scheduler__event__descriptor, text, strlen(text), false,
                                      &event, err);
    free(text);
    if (code == 0)
        code = get_integer(body, "repeat", 1, 1, &repeat, err);
    if (code == 0)
        code = get_frameworks(local, body, &frameworks, &count, err);
    if (code == 0) {
        for (size_t i = 0; i < count * (size_t)repeat; i++)
            events_send(frameworks[i % count], (const Event *)event);
        free(frameworks);
    }
    if (event != NULL)
        protobuf_c_message_free_unpacked(event, NULL);
    return code;
}

static int stall(struct local *local, json_t *body, struct error *err)
{
    int64_t ms = 0;
    int code = get_integer(body, "ms", 1, 1000, &ms, err);
    if (code == 0)
        faults_stall(local->faults, ms);
    return code;
}

static int clear(struct local *local, json_t *body, struct error *err)
{
    json_t *off = json_pack("{s:b}", "on", 0);
    (void)body;
    faults_clear_rules(local->faults);
    local->faults->silent = false;
    int code = split_streams(local, off, err);
    json_decref(off);
    return code;
}

static const struct {
    const char *name;
    fault *does;
} known[] = {
        {"drop_stream", drop_stream},
        {"split_streams", split_streams},
        {"silence_heartbeats", silence_heartbeats},
        {"redirect", redirect},
        {"answer", answer},
        {"no_answer", no_answer},
        {"rescind", rescind},
        {"lose_agent", lose_agent},
        {"return_agent", return_agent},
        {"failover", fail_over},
        {"unknown_event", unknown_event},
        {"send_event", send_event},
        {"stall", stall},
        {"clear", clear},
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
    int code = get_text(body, "fault", "", &name, err);
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
