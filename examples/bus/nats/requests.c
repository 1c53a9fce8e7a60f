/* Requests from a stream. A durable consumer gives one at a time and not the next before this one is
 * acknowledged, which is once zmesosd's reply is on the stream of replies. The stream is no work queue: of
 * one, nats-server 2.9.10 can remember after a kill -9 that a message waits for its acknowledgement, and not
 * have it any more; with one message at a time the consumer then stands still for ever. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"

#define QUOTED 65536 /* bytes of a refused request that its dead letter has */
#define ROOM 4096    /* of a message that headers may take */
#define IDLE_MS 1000
#define ACK_WAIT_NS (2 * WAIT_MS * INT64_C(1000000))

struct session {
    const struct options *options;
    struct server server;
    struct zmesos_client *client;
    natsSubscription *requests;
};

static json_t *refusal(const char *code, const char *field, const char *message)
{
    json_t *reply = json_pack("{s:i, s:s, s:s}", "version", 1, "code", code, "message", message);

    if (field)
        json_object_set_new(reply, "field", json_string(field));
    return reply;
}

static bool allowed(const struct options *options, const char *operation)
{
    if (strcmp(operation, "version") == 0 || strcmp(operation, "id") == 0)
        return true;
    for (char *const *name = options->allow; *name; name++) {
        if (strcmp(*name, operation) == 0)
            return true;
    }
    return false;
}

/* The short form, a task with its command line, as the request that it stands for. Takes `task`. */
static json_t *launch_of(json_t *task)
{
    json_t *command = json_pack("{s:O}", "value", json_object_get(task, "command"));

    json_object_set_new(task, "command", command);
    if (!json_object_get(task, "cpus"))
        json_object_set_new(task, "cpus", json_real(0.1));
    if (!json_object_get(task, "mem"))
        json_object_set_new(task, "mem", json_integer(32));
    return json_pack("{s:{s:[o]}}", "launch", "tasks", task);
}

/* Names tasks that have no id after the message, which has the same one at each delivery. */
static void name_tasks(json_t *tasks, const char *id)
{
    json_t *task;
    size_t place;

    json_array_foreach(tasks, place, task)
    {
        json_t *own = json_object_get(task, "id");

        if (!json_is_object(task) || (own && !json_is_null(own)))
            continue;
        json_object_set_new(task, "id",
                json_array_size(tasks) == 1 ? json_string(id) : json_sprintf("%s-%zu", id, place));
    }
}

/* The request that these bytes ask for, in full, as text; or NULL and *reply, what they are answered. */
static char *complete(
        const struct options *options, const char *data, size_t size, const char *id, json_t **reply)
{
    json_error_t why;
    json_t *request, *value;
    const char *key;
    char *text = NULL, words[512];

    if (size > ZMESOS_REQUEST_MAX) {
        snprintf(words, sizeof words, "the request has %zu bytes, and may have %d", size, ZMESOS_REQUEST_MAX);
        *reply = refusal("TOO_LARGE", NULL, words);
        return NULL;
    }
    request = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(request)) {
        snprintf(
                words, sizeof words, "this is no request: %s", request ? "an object was expected" : why.text);
        *reply = refusal("MALFORMED", NULL, words);
        json_decref(request);
        return NULL;
    }
    value = json_object_get(request, "command");
    if (value && !json_is_string(value)) {
        *reply = refusal("INVALID", "command", "a command line was expected, a text");
        json_decref(request);
        return NULL;
    }
    if (value)
        request = launch_of(request);
    json_object_foreach(request, key, value)
    {
        if (!allowed(options, key)) {
            *reply = refusal("INVALID", key, "this operation is not passed on (--allow)");
            json_decref(request);
            return NULL;
        }
    }
    if (!json_object_get(request, "version"))
        json_object_set_new(request, "version", json_integer(1));
    name_tasks(json_object_get(json_object_get(request, "launch"), "tasks"), id);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text || strlen(text) > ZMESOS_REQUEST_MAX) {
        *reply = text ? refusal("TOO_LARGE", NULL, "the request is above 1 MiB")
                      : refusal("MALFORMED", NULL, "this is no request that can be written down");
        free(text);
        return NULL;
    }
    return text;
}

/* Whether it, or an item of it, is UNAVAILABLE for a while: then the request is to be given again. */
static bool not_now(json_t *reply)
{
    json_t *item;
    size_t index;
    const char *code = json_string_value(json_object_get(reply, "code"));

    if (code && strcmp(code, "UNAVAILABLE") == 0 && json_is_true(json_object_get(reply, "retry")))
        return true;
    json_array_foreach(json_object_get(json_object_get(reply, "items"), "items"), index, item)
    {
        code = json_string_value(json_object_get(item, "code"));
        if (code && strcmp(code, "UNAVAILABLE") == 0 && json_is_true(json_object_get(item, "retry")))
            return true;
    }
    return false;
}

/* Puts it onto the stream of replies, under what stands behind `requests` in the subject. Returns once it is
 * there. What the server would not take for its size becomes `instead`. */
static int publish(struct session *session, const char *kind, const char *where, json_t *letter,
        json_t *instead, uint64_t request)
{
    char subject[4096], number[24], *text = json_dumps(letter, JSON_COMPACT | JSON_ENSURE_ASCII);
    natsMsg *message = NULL;
    jsErrCode code = 0;
    natsStatus status;

    if (!text || (int64_t)strlen(text) + ROOM > session->server.payload_max) {
        free(text);
        text = json_dumps(instead, JSON_COMPACT | JSON_ENSURE_ASCII);
    }
    snprintf(subject, sizeof subject, "%s.%s.%s", session->options->root, kind, where);
    snprintf(number, sizeof number, "%" PRIu64, request);
    status = natsMsg_Create(&message, subject, NULL, text, (int)strlen(text));
    if (status == NATS_OK)
        status = natsMsgHeader_Set(message, "Zmesos-Request", number);
    if (status == NATS_OK)
        status = js_PublishMsg(NULL, session->server.js, message, NULL, &code);
    natsMsg_Destroy(message);
    free(text);
    return nats_check("requests: cannot publish a reply", status, code);
}

/* For people: the reply, and the beginning of the request. */
static json_t *dead_letter(const char *data, size_t size, json_t *reply)
{
    size_t quoted = size < QUOTED ? size : QUOTED;
    json_t *text = json_stringn(data, quoted);

    if (!text) { /* not UTF-8, or cut within a character */
        char *ascii = malloc(quoted);

        if (!ascii)
            abort();
        for (size_t n = 0; n < quoted; n++)
            ascii[n] = (unsigned char)data[n] < 0x80 ? data[n] : '?';
        text = json_stringn(ascii, quoted);
        free(ascii);
    }
    return json_pack("{s:O, s:I, s:o}", "reply", reply, "size", (json_int_t)size, "request", text);
}

static int answer(struct session *session, const char *where, const char *data, size_t size, const char *id,
        uint64_t request)
{
    json_t *reply = NULL, *instead, *letter;
    char *text = complete(session->options, data, size, id, &reply), words[128];
    const char *code;
    int rc = -1;

    if (text)
        reply = ask(session->client, text);
    free(text);
    code = json_string_value(json_object_get(reply, "code"));
    if (!code || not_now(reply)) {
        if (reply)
            say("requests: zmesosd says %s", code ? code : "nothing");
        json_decref(reply);
        return -1;
    }
    snprintf(words, sizeof words, "the reply is larger than this server takes, %" PRId64 " bytes",
            session->server.payload_max);
    instead = refusal(code, NULL, words);
    rc = publish(session, "replies", where, reply, instead, request);
    if (rc == 0 && strcmp(code, "OK") != 0) {
        letter = dead_letter(data, size, reply);
        rc = publish(session, "dead", where, letter, instead, request);
        json_decref(letter);
    }
    json_decref(instead);
    json_decref(reply);
    return rc;
}

static int handle(struct session *session, natsMsg *message)
{
    jsMsgMetaData *about = NULL;
    jsErrCode code = 0;
    char id[64];
    int rc = nats_check("requests: a message without a number", natsMsg_GetMetaData(&about, message), 0);

    if (rc == 0) {
        snprintf(id, sizeof id, "nats-%" PRIu64 "-%" PRId64, about->Sequence.Stream, about->Timestamp);
        rc = answer(session,
                natsMsg_GetSubject(message) + strlen(session->options->root) + strlen(".requests."),
                natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), id, about->Sequence.Stream);
    }
    if (rc == 0)
        rc = nats_check("requests: cannot acknowledge", natsMsg_AckSync(message, NULL, &code), code);
    else
        (void)natsMsg_Nak(
                message, NULL); /* at once rather than after ACK_WAIT_NS; it comes first then, too */
    jsMsgMetaData_Destroy(about);
    return rc;
}

static int subscribe(struct session *session)
{
    const struct options *options = session->options;
    char requests[NAME_MAX_BYTES], replies[NAME_MAX_BYTES], asked[NAME_MAX_BYTES], answered[NAME_MAX_BYTES],
            dead[NAME_MAX_BYTES];
    const char *asking[] = {asked}, *answering[] = {answered, dead};
    jsSubOptions consumer;
    jsErrCode code = 0;

    snprintf(requests, sizeof requests, "%s-requests", options->root);
    snprintf(replies, sizeof replies, "%s-replies", options->root);
    snprintf(asked, sizeof asked, "%s.requests.>", options->root);
    snprintf(answered, sizeof answered, "%s.replies.>", options->root);
    snprintf(dead, sizeof dead, "%s.dead.>", options->root);
    if (server_stream(&session->server, options, requests, asking, 1) < 0 ||
            server_stream(&session->server, options, replies, answering, 2) < 0)
        return -1;
    jsSubOptions_Init(&consumer);
    consumer.Stream = requests;
    consumer.Config.AckPolicy = js_AckExplicit;
    consumer.Config.AckWait = ACK_WAIT_NS;
    consumer.Config.MaxAckPending = 1; /* with more, one that is given again comes behind its followers */
    return nats_check("requests: cannot subscribe",
            js_PullSubscribe(&session->requests, session->server.js, asked, "bridge", NULL, &consumer, &code),
            code);
}

void run_requests(const struct options *options)
{
    struct session session = {.options = options};
    struct zmesos_error error;

    if (server_open(&session.server, options) < 0 || subscribe(&session) < 0)
        goto out;
    if (zmesos_client_create(options->control, &session.client, &error) < 0) {
        say("requests: %s", error.text);
        goto out;
    }
    zmesos_client_set_timeout(session.client, WAIT_MS);
    say("requests: ready");
    while (!stopping) {
        natsMsgList list = {0};
        jsErrCode code = 0;
        natsStatus status = natsSubscription_Fetch(&list, session.requests, 1, IDLE_MS, &code);
        int rc = status == NATS_TIMEOUT ? 0 : nats_check("requests: cannot fetch", status, code);

        if (rc == 0 && list.Count == 1)
            rc = handle(&session, list.Msgs[0]);
        natsMsgList_Destroy(&list);
        if (rc < 0 || natsConnection_IsClosed(session.server.connection))
            break;
    }
out:
    natsSubscription_Destroy(session.requests);
    zmesos_client_destroy(session.client);
    server_close(&session.server);
}
