/* Events onto a stream. Each message carries, in a header, how far events are with it, so the last message of
 * the stream says where to go on. And it is taken only behind its own predecessor: the first one of a session
 * by the number of the message whose position was read, the others by the id of the one before. So of what
 * was under way when a connection broke nothing comes twice or in another order, and two bridges at once do
 * not mix. (By number alone they would: the second message of one would be taken behind the first of the
 * other.)
 *
 * What is new is asked for by number (docs/protocol.md, "Nothing missed"); publications of zmesosd only say
 * when to look. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bridge.h"

#define POSITION "Zmesos-Position"
#define PAGE 500
#define HEADERS_MAX 4096 /* bytes that a message has besides its data, generously */
#define IDLE_MS 1000

static const char *const classes[] = {"TASK", "UPDATE", "OPERATION_UPDATE", "MESSAGE", "FAILURE",
        "MESOS_ERROR", "UNKNOWN_EVENT", "ORPHAN", "UNCONFIRMED", "OPERATION"};
#define CLASSES (sizeof classes / sizeof *classes)

struct session {
    const struct options *options;
    struct server server;
    struct zmesos_client *client;
    struct zmesos_events *events;
    char stream[NAME_MAX_BYTES];
    uint64_t last;             /* sequence of the stream's last message, with what is under way */
    uint64_t name;             /* drawn for this session; ids of messages begin with it */
    char sent[NAME_MAX_BYTES]; /* the id of the message before, or "" */
    json_t *position;          /* store, numbers: as in the header; NULL: the server knows of none */
    bool from_oldest;          /* began at the oldest event, so what is not kept before it is not missed */
};

/* "task/a b/RUNNING" as "task.a%20b.RUNNING": all but letters, digits, -, _ and ~ as in URLs, and an empty
 * level as %. The caller frees it. */
static char *subject_of(const char *root, const char *topic)
{
    char *subject = malloc(strlen(root) + strlen(topic) * 3 + 16), *end = subject;
    const char *level = topic;

    if (!subject)
        abort();
    end += sprintf(end, "%s.events.", root);
    for (const char *c = topic; *c; c++) {
        if (*c == '/') {
            if (c == level)
                *end++ = '%';
            *end++ = '.';
            level = c + 1;
        } else if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                   strchr("-_~", *c)) {
            *end++ = *c;
        } else {
            end += sprintf(end, "%%%02X", (unsigned char)*c);
        }
    }
    if (!*level)
        *end++ = '%';
    *end = '\0';
    return subject;
}

static json_t *number_of(struct session *session, const char *name)
{
    return json_object_get(json_object_get(session->position, "numbers"), name);
}

/* Publishes without waiting, as the next message of the stream, with the position as it is now. */
static int publish(struct session *session, const char *topic, const char *data, const char *id)
{
    char *subject = subject_of(session->options->root, topic), sequence[24];
    char *position = json_dumps(session->position, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS);
    natsMsg *message = NULL;
    natsStatus status = natsMsg_Create(&message, subject, NULL, data, (int)strlen(data));

    snprintf(sequence, sizeof sequence, "%" PRIu64, session->last);
    if (status == NATS_OK && !*session->sent)
        status = natsMsgHeader_Set(message, "Nats-Expected-Last-Sequence", sequence);
    if (status == NATS_OK && *session->sent)
        status = natsMsgHeader_Set(message, "Nats-Expected-Last-Msg-Id", session->sent);
    snprintf(session->sent, sizeof session->sent, "%016" PRIx64 "-%" PRIu64, session->name, ++session->last);
    if (status == NATS_OK)
        status = natsMsgHeader_Set(message, "Nats-Msg-Id", session->sent);
    if (status == NATS_OK)
        status = natsMsgHeader_Set(message, POSITION, position);
    if (status == NATS_OK && id)
        status = natsMsgHeader_Set(message, "Zmesos-Id", id);
    if (status == NATS_OK)
        status = js_PublishMsgAsync(session->server.js, &message, NULL);
    natsMsg_Destroy(message);
    free(position);
    free(subject);
    return nats_check("events: cannot publish", status, 0);
}

/* All that was published is on the stream. */
static int settle(struct session *session)
{
    jsPubOptions options;

    jsPubOptions_Init(&options);
    options.MaxWait = WAIT_MS;
    if (nats_check("events: no acknowledgement", js_PublishAsyncComplete(session->server.js, &options), 0) <
            0)
        return -1;
    return session->server.refused ? -1 : 0;
}

/* Says on the stream that what follows does not join what is there. */
static int start_over(
        struct session *session, const char *reason, const char *name, int64_t first, int64_t last)
{
    json_t *notice = json_pack(
            "{s:s, s:s, s:O}", "topic", "bus/STARTED_OVER", "reason", reason, "position", session->position);
    const char *store = json_string_value(json_object_get(session->position, "store"));
    char *text;
    int rc;

    if (name)
        json_object_update_new(
                notice, json_pack("{s:s, s:s++, s:[I,I]}", "class", name, "id", store, "/STARTED_OVER/",
                                reason, "missed", (json_int_t)first, (json_int_t)last));
    else
        json_object_update_new(notice, json_pack("{s:s++}", "id", store, "/STARTED_OVER/", reason));
    text = json_dumps(notice, JSON_COMPACT);
    rc = publish(session, "bus/STARTED_OVER", text, NULL);
    free(text);
    json_decref(notice);
    return rc < 0 ? rc : settle(session);
}

/* The position at these heads, or before all that there was. */
static void set_position(struct session *session, json_t *status, bool oldest)
{
    json_t *numbers = json_object(), *head;
    size_t index;

    for (size_t n = 0; n < CLASSES; n++)
        json_object_set_new(numbers, classes[n], json_integer(0));
    json_array_foreach(json_object_get(status, "heads"), index, head)
    {
        const char *name = json_string_value(json_object_get(head, "class"));

        if (!oldest && name && json_object_get(numbers, name))
            json_object_set(numbers, name, json_object_get(head, "number"));
    }
    json_decref(session->position);
    session->position =
            json_pack("{s:O, s:o}", "store", json_object_get(status, "store"), "numbers", numbers);
}

/* A class of which the position says nothing (whoever wrote it did not know it) begins at its head. */
static int add_class(struct session *session, const char *name, json_t *head)
{
    json_int_t number = json_integer_value(json_object_get(head, "number"));

    for (size_t n = 0; n < CLASSES; n++) {
        if (!name || strcmp(classes[n], name) != 0)
            continue;
        json_object_set_new(json_object_get(session->position, "numbers"), name, json_integer(number));
        return number > 0 ? start_over(session, "ADDED", name, 1, number) : 0;
    }
    return 0;
}

static int publish_event(struct session *session, const char *name, json_t *event)
{
    json_t *header = json_object_get(event, "header"), *revision = json_object_get(header, "revision"),
           *about;
    const char *topic = json_string_value(json_object_get(event, "topic"));
    const char *body = json_string_value(json_object_get(event, "json"));
    const char *store = json_string_value(json_object_get(header, "store"));
    json_int_t number = json_integer_value(json_object_get(header, "number"));
    char id[NAME_MAX_BYTES], *text, *data = NULL;
    int rc, size;

    snprintf(id, sizeof id, "%s/%s/%" JSON_INTEGER_FORMAT, store ? store : "", name, number);
    about = json_pack("{s:s, s:s, s:O, s:O, s:s, s:I, s:O}", "id", id, "topic", topic ? topic : "", "store",
            json_object_get(header, "store"), "run", json_object_get(header, "run"), "class", name, "number",
            number, "time_ns", json_object_get(header, "time_ns"));
    if (!about) {
        say("events: a replay that cannot be read");
        return -1;
    }
    if (revision)
        json_object_set(about, "revision", revision);
    text = json_dumps(about, JSON_COMPACT);
    size = asprintf(&data, "%.*s,\"body\":%s}", (int)strlen(text) - 1, text, body ? body : "null");
    if (size + HEADERS_MAX > session->server.payload_max) { /* it never will be taken */
        free(data);
        size = asprintf(&data, "%.*s,\"body\":null,\"left_out\":%zu}", (int)strlen(text) - 1, text,
                strlen(body ? body : ""));
    }
    if (size < 0)
        abort();
    json_object_set_new(json_object_get(session->position, "numbers"), name, json_integer(number));
    rc = publish(session, topic ? topic : "", data, id);
    free(data);
    free(text);
    json_decref(about);
    return rc;
}

/* A page of one class. */
static int take_page(struct session *session, const char *name)
{
    json_int_t number = json_integer_value(number_of(session, name));
    json_t *request = json_pack("{s:i, s:{s:s, s:I, s:i, s:O}}", "version", 1, "replay", "class", name,
            "from", number + 1, "page_size", PAGE, "store", json_object_get(session->position, "store"));
    char *text = json_dumps(request, JSON_COMPACT);
    json_t *reply = ask(session->client, text), *page = json_object_get(reply, "replay"), *event;
    const char *code = json_string_value(json_object_get(reply, "code"));
    size_t index;
    int rc = -1;

    if (code && strcmp(code, "TRUNCATED") == 0) {
        json_int_t oldest = json_integer_value(json_object_get(page, "oldest"));

        json_object_set_new(json_object_get(session->position, "numbers"), name, json_integer(oldest - 1));
        rc = session->from_oldest && number == 0
                     ? 0
                     : start_over(session, "TRUNCATED", name, number + 1, oldest - 1);
    } else if (code && strcmp(code, "OK") == 0) {
        rc = 0;
        json_array_foreach(json_object_get(page, "events"), index, event)
        {
            if ((rc = publish_event(session, name, event)) < 0)
                break;
        }
        rc = rc < 0 ? rc : settle(session);
    } else if (reply) {
        say("events: zmesosd says %s to a replay", code ? code : "nothing");
    }
    json_decref(reply);
    json_decref(request);
    free(text);
    return rc;
}

/* One look at how far zmesosd is, and a page of each class that is behind. 1: there may be more. */
static int look(struct session *session)
{
    json_t *reply = ask(session->client, "{\"version\":1,\"status\":{}}"),
           *status = json_object_get(reply, "status"), *head;
    const char *store = json_string_value(json_object_get(status, "store")), *known;
    bool ahead = false;
    size_t index;
    int rc = store ? 0 : -1;

    if (rc == 0 && !session->position) {
        session->from_oldest = strcmp(session->options->start, "oldest") == 0;
        set_position(session, status, session->from_oldest);
        rc = start_over(session, "NEW", NULL, 0, 0);
    }
    known = json_string_value(json_object_get(session->position, "store"));
    json_array_foreach(json_object_get(status, "heads"), index, head)
    {
        const char *name = json_string_value(json_object_get(head, "class"));

        ahead |= json_integer_value(number_of(session, name)) >
                 json_integer_value(json_object_get(head, "number"));
    }
    if (rc == 0 && (ahead || !known || strcmp(known, store) != 0)) { /* a backup is in its place */
        set_position(session, status, false);
        rc = start_over(session, "STORE", NULL, 0, 0);
    }
    json_array_foreach(json_object_get(status, "heads"), index, head)
    {
        const char *name = json_string_value(json_object_get(head, "class"));
        json_t *number = number_of(session, name);

        if (rc >= 0 && !number && add_class(session, name, head) < 0)
            rc = -1;
        if (rc >= 0 && number &&
                json_integer_value(number) < json_integer_value(json_object_get(head, "number")))
            rc = take_page(session, name) < 0 ? -1 : 1;
    }
    json_decref(reply);
    return rc;
}

/* What the stream's last message says. */
static int read_position(struct session *session)
{
    jsStreamInfo *info = NULL;
    natsMsg *message = NULL;
    jsErrCode code = 0;
    char subject[NAME_MAX_BYTES];
    const char *text = NULL;
    natsStatus status = js_GetStreamInfo(&info, session->server.js, session->stream, NULL, &code);

    if (status == NATS_OK) {
        session->last = info->State.LastSeq;
        snprintf(subject, sizeof subject, "%s.events.>", session->options->root);
        if (info->State.Msgs > 0) /* the last that is there: one may have been deleted */
            status = js_GetLastMsg(&message, session->server.js, session->stream, subject, NULL, &code);
    }
    if (message && natsMsgHeader_Get(message, POSITION, &text) == NATS_OK)
        session->position = json_loads(text, 0, NULL);
    if (message && (!json_is_string(json_object_get(session->position, "store")) ||
                           !json_is_object(json_object_get(session->position, "numbers")))) {
        say("events: message %" PRIu64 " of %s holds no position of a bridge: delete it",
                natsMsg_GetSequence(message), session->stream);
        status = NATS_ERR;
    }
    natsMsg_Destroy(message);
    jsStreamInfo_Destroy(info);
    return nats_check("events: cannot read the position", status, code);
}

static int draw_name(struct session *session)
{
    if (getrandom(&session->name, sizeof session->name, 0) == (ssize_t)sizeof session->name)
        return 0;
    say("events: no random number");
    return -1;
}

void run_events(const struct options *options)
{
    struct session session = {.options = options};
    struct zmesos_error error = {.text = ""};
    struct zmesos_event event;
    char subject[NAME_MAX_BYTES];
    const char *subjects = subject;

    snprintf(session.stream, sizeof session.stream, "%s-events", options->root);
    snprintf(subject, sizeof subject, "%s.events.>", options->root);
    if (server_open(&session.server, options) < 0 ||
            server_stream(&session.server, options, session.stream, &subjects, 1) < 0 ||
            read_position(&session) < 0 || draw_name(&session) < 0)
        goto out;
    if (zmesos_client_create(options->control, &session.client, &error) < 0 ||
            zmesos_events_create(options->events, &session.events, &error) < 0 ||
            zmesos_events_subscribe(session.events, "", &error) < 0) {
        say("events: %s", error.text);
        goto out;
    }
    zmesos_client_set_timeout(session.client, WAIT_MS);
    say("events: ready");
    while (!stopping) {
        int more;

        while (zmesos_events_receive(session.events, 0, &event, NULL) != 0) /* nothing piles up here */
            continue;
        more = look(&session);
        if (more < 0 || natsConnection_IsClosed(session.server.connection))
            break;
        if (more == 0)
            (void)zmesos_events_receive(session.events, IDLE_MS, &event, NULL);
    }
out:
    zmesos_events_destroy(session.events);
    zmesos_client_destroy(session.client);
    server_close(&session.server);
    json_decref(session.position);
}
