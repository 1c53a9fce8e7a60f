/* Any event or head past the last one handled is a reason to ask for all in between: so it does not matter
 * what came of those, nor under which prefix. */
#include "replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format.h"
#include "wire/topics.h"

static bool class_matches(const struct replay *replay, int class, const char *prefix)
{
    const char *root = topics_root(class);

    (void)replay;
    return *root && topics_can_match(prefix, root);
}

static bool is_kept(int class)
{
    return class > 0 && class < REPLAY_CLASSES &&
           protobuf_c_enum_descriptor_get_value(&zmesos__v1__event_class__descriptor, class);
}

int replay_open(struct replay *replay, uint64_t from)
{
    struct error err;
    int wanted = 0, rc;
    size_t i;

    for (int class = 0; class < REPLAY_CLASSES; class ++) {
        struct replay_class *state = &replay->classes[class];

        for (i = 0; i < replay->prefix_count && !state->wanted; i++)
            state->wanted = is_kept(class) && class_matches(replay, class, replay->prefixes[i]);
        if (replay->prefix_count == 0)
            state->wanted = is_kept(class);
        state->oldest = from == 0;
        state->done = from == 0 ? 0 : from - 1;
        wanted += state->wanted;
    }
    if (from > 0 && wanted != 1)
        return settings_usage(replay->settings,
                "--from counts in one class of events: name prefixes of one, such as task/ or mesos/UPDATE/");
    if ((rc = client_create(replay->settings, &replay->client, &err)) < 0)
        return settings_fail(replay->settings, rc, &err);
    return CLI_GO_ON;
}

void replay_close(struct replay *replay)
{
    client_destroy(replay->client);
    free(replay->store);
}

static int ask_page(struct replay *replay, int class, Zmesos__V1__Reply **reply, struct error *err)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Replay page = ZMESOS__V1__REPLAY__INIT;
    char **prefixes = alloc_zeroed(replay->prefix_count + 1, sizeof *prefixes);
    int rc;

    for (size_t i = 0; i < replay->prefix_count; i++) {
        if (class_matches(replay, class, replay->prefixes[i]))
            prefixes[page.n_prefixes++] = replay->prefixes[i];
    }
    page.prefixes = prefixes;
    page.has_class_ = page.has_from = true;
    page.class_ = (Zmesos__V1__EventClass) class;
    page.from = replay->classes[class].done + 1;
    page.store = replay->store;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
    request.replay = &page;
    rc = client_call(replay->client, &request, reply, err);
    free(prefixes);
    return rc;
}

static int handle_page(struct replay *replay, const Zmesos__V1__ReplayPage *page, struct replay_class *class)
{
    int rc = CLI_GO_ON;

    for (size_t i = 0; i < page->n_events && rc == CLI_GO_ON; i++) {
        const Zmesos__V1__Publication *publication = page->events[i];
        struct event event = {.topic = publication->topic,
                .header = publication->header,
                .body = slice_of(publication->body.data, publication->body.len)};

        if (event.topic && event.header)
            rc = replay->handle(replay->context, &event);
    }
    class->done = page->next > class->done ? page->next - 1 : class->done;
    class->oldest = false;
    return rc;
}

/* What is lost for good is said once, and the next page goes on behind it. */
static int handle_truncated(struct replay *replay, int number, const Zmesos__V1__ReplayPage *page)
{
    struct replay_class *class = &replay->classes[number];

    if (!page || page->oldest <= class->done + 1) {
        settings_say(replay->settings, "the daemon's answer does not say which events it keeps");
        return CLI_FAILED;
    }
    if (!class->oldest)
        settings_say(replay->settings, "missed: %s from %" PRIu64 " to %" PRIu64 " are not kept any more",
                format_class(true, (Zmesos__V1__EventClass)number), class->done + 1, page->oldest - 1);
    class->done = page->oldest - 1;
    return CLI_GO_ON;
}

/* Handles all up to `target`. *stuck: not now; the next event or heartbeat is another chance. */
static int handle_until(struct replay *replay, int number, uint64_t target, bool *stuck)
{
    struct replay_class *class = &replay->classes[number];
    int rc = CLI_GO_ON;

    *stuck = false;
    while (rc == CLI_GO_ON && class->done < target && !*stuck) {
        Zmesos__V1__Reply *reply = NULL;
        struct error err;
        uint64_t before = class->done;
        int called = ask_page(replay, number, &reply, &err);

        if (called < 0) {
            settings_say(replay->settings, "%s", err.text);
            *stuck = true;
            break;
        }
        if (reply->code == ZMESOS__V1__CODE__TRUNCATED)
            rc = handle_truncated(replay, number, reply->replay);
        else if (reply->code == ZMESOS__V1__CODE__OK &&
                 reply->result_case == ZMESOS__V1__REPLY__RESULT_REPLAY)
            rc = handle_page(replay, reply->replay, class);
        else if (reply->code == ZMESOS__V1__CODE__CONFLICT)
            *stuck = true; /* the heartbeat of the other store says more */
        else
            rc = settings_refused(replay->settings, reply) == CLI_OK ? CLI_GO_ON : CLI_FAILED;
        *stuck |= class->done == before;
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
    return rc;
}

static bool is_wanted(const struct replay *replay, bool has_class, int class)
{
    return replay->client && has_class && class > 0 && class < REPLAY_CLASSES &&
           replay->classes[class].wanted;
}

/* The numbers of another store are another history: what is before this event, or these heads, is let be. */
static bool notice_store(struct replay *replay, const char *store)
{
    if (!store || (replay->store && strcmp(store, replay->store) == 0))
        return false;
    bool another = replay->store != NULL;
    free(replay->store);
    replay->store = alloc_string(store);
    if (another)
        settings_say(replay->settings,
                "missed: the daemon was restored from a backup, its events are another "
                "history from here on");
    return another;
}

bool replay_is_new(struct replay *replay, const Zmesos__V1__EventHeader *header, int *rc)
{
    bool stuck = false;

    *rc = CLI_GO_ON;
    if (!is_wanted(replay, header->has_class_, (int)header->class_) || !header->has_number)
        return true;
    struct replay_class *class = &replay->classes[header->class_];
    if (!replay->store || (header->store && strcmp(header->store, replay->store) != 0))
        return false; /* the next heartbeat says whose events are counted */
    if (header->number > class->done + 1)
        *rc = handle_until(replay, (int)header->class_, header->number - 1, &stuck);
    if (stuck || *rc != CLI_GO_ON || header->number != class->done + 1)
        return false;
    class->done = header->number;
    return true;
}

int replay_heads(struct replay *replay, const Zmesos__V1__DaemonStatus *status)
{
    int rc = CLI_GO_ON;
    bool stuck = false, first = !replay->store,
         another = replay->client && notice_store(replay, status->store);

    for (size_t i = 0; i < status->n_heads && rc == CLI_GO_ON && !stuck; i++) {
        const Zmesos__V1__Head *head = status->heads[i];

        if (!is_wanted(replay, head->has_class_, (int)head->class_))
            continue;
        if (first && replay->classes[head->class_].done > head->number) {
            settings_say(
                    replay->settings, "--from is in the future: the last event is %" PRIu64, head->number);
            return CLI_FAILED;
        }
        if (another)
            replay->classes[head->class_].done = head->number;
        else
            rc = handle_until(replay, (int)head->class_, head->number, &stuck);
    }
    return rc;
}
