/* zmesos events: prints publications as they come, and says when some did not. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"
#include "events.h"
#include "format.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "replay.h"
#include "wire/json.h"

#define CLASSES_MAX 64

static const char help[] =
        "usage: zmesos events [OPTION...] [PREFIX...]\n"
        "\n"
        "Prints the daemon's publications as they come: those whose topic begins with a prefix, or all. "
        "Topics are\n"
        "task/ID/STATE, operation/ID/STATE, mesos/UPDATE/ID/ATTEMPT, mesos/OFFERS ..., zmesos/HEARTBEAT, "
        "zmesos/MASTER, "
        "zmesos/ORPHAN/MESOS-ID,\n"
        "zmesos/WHY/ID, zmesos/LEASE/ID, zmesos/UNCONFIRMED/ID/ATTEMPT.\n"
        "When all are printed, holes in their numbers are told on standard error. Exits with 3 when there is "
        "no\n"
        "connection within the timeout.\n"
        "\n"
        "  --count N            end after so many\n"
        "  --from NUMBER        begin with that event of the class that the prefixes are of, and miss none "
        "after it\n"
        "  --since-start        begin with the first events that are kept, and miss none after them\n"
        "\n" SETTINGS_HELP;

enum { OPTION_COUNT = OPTION_OWN, OPTION_FROM, OPTION_SINCE_START };

/* The numbers of each class go up by one, if a subscriber takes all. */
struct last {
    bool seen;
    uint64_t run, number;
};

struct watching {
    const struct settings *settings;
    struct events events;
    struct replay replay;
    int64_t left; /* to be printed */
    bool all;     /* no prefix: holes can be seen */
    struct last last[CLASSES_MAX];
};

static void check_number(struct watching *watching, const Zmesos__V1__EventHeader *header)
{
    struct last *last;

    if (!header->has_class_ || !header->has_number || (int)header->class_ < 0 ||
            (int)header->class_ >= CLASSES_MAX)
        return;
    last = &watching->last[header->class_];
    /* volatile classes begin anew in each run; journaled ones go on, and a hole there is one */
    if (last->seen && header->number != last->number + 1 && (header->run == last->run || header->number != 1))
        settings_say(watching->settings, "missed: %s went from %" PRIu64 " to %" PRIu64,
                format_class(true, header->class_), last->number, header->number);
    *last = (struct last){.seen = true, .run = header->run, .number = header->number};
}

static int append_quoted(struct buf *line, const char *text)
{
    bool utf8 = text_is_utf8(slice_of_string(text));
    int rc = buf_append_string(line, "\"");

    for (; rc == 0 && *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f || (c > 0x7f && !utf8))
            rc = buf_printf(line, "\\u%04x", c);
        else
            rc = buf_printf(line, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    return rc < 0 ? rc : buf_append_string(line, "\"");
}

/* {"topic":..., "header":{...}, "body":{...}}; a body that is not what its topic says comes as "hex". */
static int append_json(struct buf *line, struct event *event, struct error *err)
{
    ProtobufCMessage *body = event_body(event);
    size_t i;
    int rc;

    error_set(err, 0, "out of room");
    if ((rc = buf_append_string(line, "{\"topic\":")) < 0 || (rc = append_quoted(line, event->topic)) < 0 ||
            (rc = buf_append_string(line, ",\"header\":")) < 0 ||
            (rc = json_write(&event->header->base, line, err)) < 0)
        goto out;
    rc = buf_append_string(line, body ? ",\"body\":" : ",\"hex\":\"");
    if (rc == 0 && body)
        rc = json_write(body, line, err);
    for (i = 0; rc == 0 && !body && i < event->body.length; i++)
        rc = buf_printf(line, "%02x", event->body.data[i]);
    if (rc == 0)
        rc = buf_append_string(line, body ? "}" : "\"}");
out:
    if (body)
        protobuf_c_message_free_unpacked(body, NULL);
    return rc;
}

static void print_json(const struct watching *watching, struct event *event)
{
    struct buf line;
    struct error err;

    buf_init(&line, 0);
    if (append_json(&line, event, &err) < 0)
        settings_say(watching->settings, "cannot print an event as JSON: %s", err.text);
    else
        printf("%.*s\n", (int)line.length, (const char *)line.data);
    buf_clear(&line);
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

/* What a reader wants to know of the body, on the same line. */
static void describe(struct event *event, char *out, size_t capacity)
{
    ProtobufCMessage *body = event_body(event);

    snprintf(out, capacity, "%zu bytes", event->body.length);
    if (!body)
        return;
    if (body->descriptor == &zmesos__v1__task__descriptor) {
        const Zmesos__V1__Task *task = (const Zmesos__V1__Task *)body;

        snprintf(out, capacity, "%s %s", format_host(task), or_nothing(task->message));
    } else if (body->descriptor == &zmesos__v1__explanation__descriptor) {
        const Zmesos__V1__Explanation *why = (const Zmesos__V1__Explanation *)body;

        snprintf(out, capacity, "%s", why->n_reasons ? or_nothing(why->reasons[0]->message) : "");
    } else if (body->descriptor == &zmesos__v1__orphan__descriptor) {
        const Zmesos__V1__Orphan *orphan = (const Zmesos__V1__Orphan *)body;

        snprintf(out, capacity, "%s %s on agent %s %s", format_orphan(orphan->has_action, orphan->action),
                or_nothing(orphan->task_id), or_nothing(orphan->agent_id), or_nothing(orphan->message));
    } else if (body->descriptor == &zmesos__v1__operation__descriptor) {
        const Zmesos__V1__Operation *operation = (const Zmesos__V1__Operation *)body;

        snprintf(out, capacity, "%s %s %s", format_operation_type(operation->has_type, operation->type),
                or_nothing(operation->hostname), or_nothing(operation->message));
    } else if (body->descriptor == &zmesos__v1__unconfirmed_update__descriptor) {
        const Zmesos__V1__UnconfirmedUpdate *update = (const Zmesos__V1__UnconfirmedUpdate *)body;

        snprintf(out, capacity, "%s %s not confirmed by %s",
                format_mesos_state(update->has_state, update->state),
                format_unconfirmed(update->has_outcome, update->outcome), or_nothing(update->consumer));
    } else if (body->descriptor == &zmesos__v1__lease_change__descriptor) {
        const Zmesos__V1__LeaseChange *lease = (const Zmesos__V1__LeaseChange *)body;

        snprintf(out, capacity, "%zu offers came, %zu went%s%s, has %" PRIu64 "%s", lease->n_came,
                lease->n_gone, lease->has_why ? ": " : "",
                lease->has_why ? format_lease_why(true, lease->why) : "", lease->offers,
                lease->over ? ", is over" : "");
    } else if (body->descriptor == &zmesos__v1__daemon_status__descriptor) {
        const Zmesos__V1__DaemonStatus *status = (const Zmesos__V1__DaemonStatus *)body;

        snprintf(out, capacity, "%s %s", format_subscription(status->has_subscription, status->subscription),
                or_nothing(status->master));
    } else {
        const Mesos__V1__Scheduler__Event *mesos = (const Mesos__V1__Scheduler__Event *)body;

        if (mesos->update && mesos->update->status) {
            const Mesos__V1__TaskStatus *status = mesos->update->status;
            const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
                    &mesos__v1__task_state__descriptor, (int)status->state);

            snprintf(out, capacity, "%s %s", state ? state->name : "?", or_nothing(status->message));
        } else if (mesos->offers) {
            snprintf(out, capacity, "%zu offers", mesos->offers->n_offers);
        }
    }
    protobuf_c_message_free_unpacked(body, NULL);
}

static void print_line(struct event *event)
{
    const Zmesos__V1__EventHeader *header = event->header;
    char time[FORMAT_TIME_MAX], text[1024], clean_topic[1024], clean[4096];

    describe(event, text, sizeof text);
    printf("%s  %s#%" PRIu64 "  %s  %s\n", format_time(header->time_ns, time),
            format_class(header->has_class_, header->class_), header->number,
            format_clean(event->topic, clean_topic, sizeof clean_topic),
            format_clean(text, clean, sizeof clean));
}

static int print_event(void *context, struct event *event)
{
    struct watching *watching = context;

    if (watching->settings->json)
        print_json(watching, event);
    else
        print_line(event);
    return --watching->left > 0 ? CLI_GO_ON : CLI_OK;
}

static bool is_subscribed(const struct watching *watching, const char *topic)
{
    for (size_t i = 0; i < watching->replay.prefix_count; i++) {
        if (strncmp(topic, watching->replay.prefixes[i], strlen(watching->replay.prefixes[i])) == 0)
            return true;
    }
    return watching->all;
}

/* Where events are replayed: those that came before are printed first, and none twice. */
static int take_event(struct watching *watching, struct event *event)
{
    int rc = CLI_GO_ON;

    if (watching->replay.client && strcmp(event->topic, EVENTS_HEARTBEAT) == 0) {
        ProtobufCMessage *body = event_body(event);

        if (body)
            rc = replay_heads(&watching->replay, (const Zmesos__V1__DaemonStatus *)body);
        protobuf_c_message_free_unpacked(body, NULL);
        return rc == CLI_GO_ON && is_subscribed(watching, event->topic) ? print_event(watching, event) : rc;
    }
    if (watching->replay.client && !replay_is_new(&watching->replay, event->header, &rc))
        return rc;
    if (watching->all && !watching->replay.client)
        check_number(watching, event->header);
    return print_event(watching, event);
}

/* Prints what is there. CLI_GO_ON while more is wanted. */
static int print_events(struct watching *watching)
{
    struct event event;
    struct error err;

    while (watching->left > 0) {
        int rc = events_receive(&watching->events, &event, &err);

        if (rc == ERR_MALFORMED) {
            settings_say(watching->settings, "%s", err.text);
            continue;
        }
        if (rc < 0)
            return settings_fail(watching->settings, rc, &err);
        if (rc == 0)
            break;
        rc = take_event(watching, &event);
        event_clear(&event);
        if (rc != CLI_GO_ON && rc != CLI_OK)
            return rc;
    }
    if (fflush(stdout) != 0)
        return CLI_FAILED; /* the caller says why */
    return watching->left > 0 ? CLI_GO_ON : CLI_OK;
}

static int watch(struct watching *watching)
{
    struct zmesos_events *events = watching->events.library;
    int64_t end = clock_read().mono_ms + watching->settings->timeout_ms;
    int rc;

    while ((rc = print_events(watching)) == CLI_GO_ON) {
        zmq_pollitem_t items[2] = {{.socket = zmesos_events_socket(events), .events = ZMQ_POLLIN},
                {.socket = zmesos_events_monitor(events), .events = ZMQ_POLLIN}};
        int64_t left = end - clock_read().mono_ms;
        enum zmesos_link link = zmesos_events_link(events);
        bool connected = link != ZMESOS_LINK_NEVER;

        if (link == ZMESOS_LINK_LOST && !watching->replay.client)
            settings_say(watching->settings, "the connection is lost; events are missed until it is back");
        if (!connected && left <= 0) {
            settings_say(watching->settings, "cannot connect to zmesosd at %s in %g s; is it running?",
                    watching->settings->events, (double)watching->settings->timeout_ms / 1000);
            return CLI_NO_ANSWER;
        }
        if (zmq_poll(items, 2, connected ? -1 : left) < 0 && errno != EINTR) {
            settings_say(watching->settings, "cannot wait: %s", zmq_strerror(errno));
            return CLI_FAILED;
        }
    }
    return rc;
}

static int subscribe(struct watching *watching, char **prefixes, int count)
{
    struct error err;
    int i, rc = events_open(&watching->events, watching->settings, &err);

    watching->all = count == 0;
    if (rc == 0 && watching->all)
        rc = events_subscribe(&watching->events, "", &err);
    for (i = 0; rc == 0 && i < count; i++)
        rc = events_subscribe(&watching->events, prefixes[i], &err);
    if (rc == 0 && watching->replay.client)
        rc = events_subscribe(&watching->events, EVENTS_HEARTBEAT, &err);
    return rc < 0 ? settings_fail(watching->settings, rc, &err) : CLI_GO_ON;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"count", required_argument, NULL, OPTION_COUNT},
            {"from", required_argument, NULL, OPTION_FROM},
            {"since-start", no_argument, NULL, OPTION_SINCE_START}, SETTINGS_OPTIONS};
    struct watching watching = {.settings = settings, .left = INT64_MAX};
    int64_t from = -1; /* 0: whatever is kept */
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_COUNT) {
            if (integer_parse(optarg, 1, INT64_MAX, &watching.left) < 0)
                return settings_usage(settings, "--count %s: expected a number from 1", optarg);
        } else if (option == OPTION_FROM) {
            if (integer_parse(optarg, 1, INT64_MAX, &from) < 0)
                return settings_usage(settings, "--from %s: expected a number from 1", optarg);
        } else if (option == OPTION_SINCE_START) {
            from = 0;
        } else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON) {
            return rc;
        }
    }
    watching.replay = (struct replay){.settings = settings,
            .handle = print_event,
            .context = &watching,
            .prefixes = argv + optind,
            .prefix_count = (size_t)(argc - optind)};
    rc = from < 0 ? CLI_GO_ON : replay_open(&watching.replay, (uint64_t)from);
    if (rc == CLI_GO_ON)
        rc = subscribe(&watching, argv + optind, argc - optind);
    if (rc == CLI_GO_ON)
        rc = watch(&watching);
    replay_close(&watching.replay);
    events_close(&watching.events);
    return rc;
}

const struct command command_events = {
        .name = "events", .summary = "print events as they come", .help = help, .run = run};
