/* replay and tail: the journal once more, or how much of it there is. What is recent is answered from memory,
 * in order with what is published; older pages are read by the store's thread, and their replies come when
 * they are there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "internal.h"
#include "prefixes.h"
#include "replay_page.h"
#include "wire/topics.h"

#define PREFIXES_MAX 10000
#define PAGE_MAX 10000                     /* events on a page */
#define PAGE_BYTES_MAX ((size_t)256 << 10) /* and their bytes, unless it is one event */
#define LOOK_MAX 20000                     /* events looked at for one request */
#define WAITING_MAX 256                    /* requests for which the store's thread reads */

#define FIRST_VOLATILE ZMESOS__V1__EVENT_CLASS__OFFERS

/* A request, checked. */
struct replay {
    front_token token;
    char *id; /* may be NULL */
    bool tail;
    int class;
    uint64_t from, until; /* numbers to be looked at; from > until: none */
    size_t page_size;
    struct prefixes *prefixes; /* NULL: the whole class */
    struct store_read read;
};

static void replay_destroy(struct replay *replay)
{
    free(replay->id);
    prefixes_destroy(replay->prefixes);
    store_read_clear(&replay->read);
    free(replay);
}

/* ---- checks ---- */

/* What both requests have. */
struct wanted {
    const char *name;
    bool has_class;
    int class;
    char **prefixes;
    size_t prefix_count;
    const char *store;
};

static int refuse_field(const struct wanted *wanted, const char *field, int code, struct error *err)
{
    char text[ERROR_TEXT_MAX], path[ERROR_FIELD_MAX];
    snprintf(text, sizeof text, "%s", err->text);
    snprintf(path, sizeof path, "%s.%s", wanted->name, field);
    return error_set_field(err, code, path, "%s", text);
}

static int check_class(const struct wanted *wanted, struct error *err)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&zmesos__v1__event_class__descriptor, wanted->class);
    int code = 0;
    if (!wanted->has_class)
        code = error_set(err, ERR_INVALID, "the class of events is missing");
    else if (!value || wanted->class >= RECENT_CLASSES)
        code = error_set(err, ERR_INVALID, "there is no class %d", wanted->class);
    else if (wanted->class >= FIRST_VOLATILE && strcmp(wanted->name, "replay") == 0)
        code = error_set(err, ERR_INVALID, "events of class %s are not kept", value->name);
    return code ? refuse_field(wanted, "class", code, err) : 0;
}

static int check_prefixes(const struct wanted *wanted, struct error *err)
{
    char field[32];
    if (wanted->prefix_count > PREFIXES_MAX) {
        int code = error_set(err, ERR_TOO_LARGE, "at most %d prefixes", PREFIXES_MAX);
        return refuse_field(wanted, "prefixes", code, err);
    }
    for (size_t i = 0; i < wanted->prefix_count; i++) {
        const char *root = topics_root(wanted->class);
        if (topics_can_match(wanted->prefixes[i], root))
            continue;
        int code = error_set(err, ERR_INVALID, "topics of this class begin with %s", root);
        snprintf(field, sizeof field, "prefixes[%zu]", i);
        return refuse_field(wanted, field, code, err);
    }
    return 0;
}

static int check_wanted(const struct daemon *daemon, const struct wanted *wanted, struct error *err)
{
    int code = check_class(wanted, err);
    code = code ? code : check_prefixes(wanted, err);
    if (code == 0 && wanted->store && strcmp(wanted->store, daemon->store_id) != 0) {
        code = error_set(
                err, ERR_CONFLICT, "the numbers are of another store; this one is %s", daemon->store_id);
        code = refuse_field(wanted, "store", code, err);
    }
    return code;
}

static int from_the_future(const char *field, uint64_t head, struct error *err)
{
    return error_set_field(err, ERR_INVALID, field, "that is the future: the last number is %" PRIu64, head);
}

static int check_replay(const struct daemon *daemon, const Zmesos__V1__Replay *asked, struct error *err)
{
    const struct wanted wanted = {"replay", asked->has_class_, (int)asked->class_, asked->prefixes,
            asked->n_prefixes, asked->store};
    int code = check_wanted(daemon, &wanted, err);
    if (code)
        return code;
    if (asked->page_size == 0 || asked->page_size > PAGE_MAX)
        return error_set_field(err, asked->page_size ? ERR_TOO_LARGE : ERR_INVALID, "replay.page_size",
                "a page has 1 to %d events", PAGE_MAX);
    if (!asked->has_from || asked->from == 0)
        return error_set_field(
                err, ERR_INVALID, "replay.from", "the number to begin with, from 1, is missing");
    uint64_t head = recent_head(&daemon->recent, wanted.class);
    return asked->from > head + 1 ? from_the_future("replay.from", head, err) : 0;
}

static int check_tail(const struct daemon *daemon, const Zmesos__V1__Tail *asked, struct error *err)
{
    const struct wanted wanted = {
            "tail", asked->has_class_, (int)asked->class_, asked->prefixes, asked->n_prefixes, asked->store};
    int code = check_wanted(daemon, &wanted, err);
    if (code)
        return code;
    uint64_t head = recent_head(&daemon->recent, wanted.class);
    if (asked->after > head)
        return from_the_future("tail.after", head, err);
    if (asked->has_until && asked->until < asked->after)
        return error_set_field(err, ERR_INVALID, "tail.until", "that is less than `after`");
    return 0;
}

/* ---- replies ---- */

static void truncated(Zmesos__V1__Reply *reply)
{
    static char words[] = "those events are not kept any more";
    reply->code = ZMESOS__V1__CODE__TRUNCATED;
    reply->message = words;
    reply->has_retry = true;
}

/* `oldest` is not 0: what was asked for is not kept. */
static void reply_page(struct daemon *daemon, const struct replay *replay, const struct replay_page *page,
        uint64_t next, uint64_t oldest)
{
    Zmesos__V1__Reply reply;
    Zmesos__V1__ReplayPage rest;
    zmesos__v1__reply__init(&reply);
    zmesos__v1__replay_page__init(&rest);
    reply.has_version = reply.has_code = true;
    reply.version = 1;
    reply.id = replay->id;
    rest.has_next = oldest == 0;
    rest.next = next;
    rest.has_head = rest.has_run = true;
    rest.head = recent_head(&daemon->recent, replay->class);
    rest.has_oldest = oldest != 0;
    rest.oldest = oldest;
    rest.store = daemon->store_id;
    rest.run = daemon->run;
    if (oldest)
        truncated(&reply);
    daemon_add_reply(daemon, replay->token, replay_page_reply(page, &reply, &rest));
}

/* `count` events were found up to `until`, the last of them `last`. `oldest` as above. */
static void reply_count(struct daemon *daemon, const struct replay *replay, uint64_t until, bool known,
        uint64_t count, uint64_t last, uint64_t oldest)
{
    Zmesos__V1__Reply reply;
    Zmesos__V1__TailCount tail;
    zmesos__v1__reply__init(&reply);
    zmesos__v1__tail_count__init(&tail);
    tail.has_until = tail.has_count = oldest == 0 && known;
    tail.until = until;
    tail.count = count;
    tail.has_last = last != 0;
    tail.last = last;
    tail.has_head = tail.has_run = true;
    tail.head = recent_head(&daemon->recent, replay->class);
    tail.has_oldest = oldest != 0;
    tail.oldest = oldest;
    tail.store = daemon->store_id;
    tail.run = daemon->run;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_TAIL;
    reply.tail = &tail;
    if (oldest)
        truncated(&reply);
    daemon_reply(daemon, replay->token, replay->id, &reply);
}

/* ---- out of memory ---- */

static bool replay_wants(const void *context, const char *topic)
{
    return prefixes_match(context, topic);
}

static bool is_wanted(const struct replay *replay, const char *topic)
{
    return !replay->prefixes || prefixes_match(replay->prefixes, topic);
}

static void replay_recent(struct daemon *daemon, const struct replay *replay)
{
    struct replay_page page;
    uint64_t number = replay->from;
    replay_page_init(&page);
    for (; number <= replay->until && number - replay->from < LOOK_MAX && page.count < replay->page_size;
            number++) {
        const struct recent_event *event = recent_get(&daemon->recent, replay->class, number);
        if (!is_wanted(replay, event->topic))
            continue;
        if (page.count > 0 && page.events.length + event->bytes > PAGE_BYTES_MAX)
            break;
        replay_page_add(&page, event->topic, blob_slice(event->header), blob_slice(event->body));
    }
    reply_page(daemon, replay, &page, number, 0);
    replay_page_clear(&page);
}

static void count_recent(struct daemon *daemon, const struct replay *replay)
{
    uint64_t number = replay->from, count = 0, last = 0;
    if (!replay->prefixes && replay->from <= replay->until) {
        reply_count(daemon, replay, replay->until, true, replay->until - replay->from + 1, replay->until, 0);
        return;
    }
    for (; number <= replay->until && number - replay->from < LOOK_MAX; number++) {
        if (!is_wanted(replay, recent_get(&daemon->recent, replay->class, number)->topic))
            continue;
        count++;
        last = number;
    }
    reply_count(daemon, replay, number - 1, true, count, last, 0);
}

/* ---- out of the store ---- */

static void answer_read(struct daemon *daemon, const struct replay *replay)
{
    const struct store_read *read = &replay->read;
    uint64_t oldest = read->next == read->from && read->oldest > read->from ? read->oldest : 0;
    if (replay->tail) {
        reply_count(daemon, replay, read->next - 1, true, read->found, read->last, oldest);
        return;
    }
    struct replay_page page;
    replay_page_init(&page);
    for (size_t i = 0; i < read->count; i++)
        replay_page_add(
                &page, read->rows[i].topic, blob_slice(read->rows[i].header), blob_slice(read->rows[i].body));
    reply_page(daemon, replay, &page, read->next, oldest);
    replay_page_clear(&page);
}

void daemon_finish_replays(struct daemon *daemon)
{
    struct store_read *read;
    while ((read = store_read_ended(daemon->store))) {
        for (size_t i = 0; i < daemon->replay_count; i++) {
            struct replay *replay = daemon->replays[i];
            if (&replay->read != read)
                continue;
            answer_read(daemon, replay);
            daemon->replays[i] = daemon->replays[--daemon->replay_count];
            replay_destroy(replay);
            break;
        }
    }
}

static void begin_read(struct daemon *daemon, struct replay *replay)
{
    replay->read = (struct store_read){.class = replay->class,
            .from = replay->from,
            .until = replay->until,
            .wanted = replay->prefixes ? replay_wants : NULL,
            .context = replay->prefixes,
            .count_only = replay->tail,
            .rows_max = replay->page_size,
            .bytes_max = PAGE_BYTES_MAX,
            .look_max = LOOK_MAX};
    if (!daemon->replays)
        daemon->replays = alloc_zeroed(WAITING_MAX, sizeof(struct replay *));
    daemon->replays[daemon->replay_count++] = replay;
    store_read_begin(daemon->store, &replay->read);
}

static void answer(struct daemon *daemon, struct replay *replay)
{
    struct error err;
    if (replay->class >= FIRST_VOLATILE) {
        bool whole = !replay->prefixes;
        uint64_t count = whole ? replay->until + 1 - replay->from : 0;
        reply_count(daemon, replay, replay->until, whole, count, count ? replay->until : 0, 0);
    } else if (replay->from > replay->until || replay->from >= recent_first(&daemon->recent, replay->class)) {
        if (replay->tail)
            count_recent(daemon, replay);
        else
            replay_recent(daemon, replay);
    } else if (daemon->replay_count == WAITING_MAX) {
        int code = error_set(&err, ERR_UNAVAILABLE, "%d requests for older events are waiting", WAITING_MAX);
        daemon_refuse(daemon, replay->token, replay->id, code, &err);
    } else {
        begin_read(daemon, replay);
        return;
    }
    replay_destroy(replay);
}

/* ---- requests ---- */

/* Of that class up to its head. The prefixes are copied. */
static struct replay *replay_new(const struct daemon *daemon, front_token token,
        const Zmesos__V1__Request *request, int class, char **prefixes, size_t prefix_count)
{
    struct replay *replay = alloc_zeroed(1, sizeof *replay);
    replay->token = token;
    replay->id = alloc_string(request->id);
    replay->class = class;
    replay->prefixes = prefixes_create(prefixes, prefix_count, topics_root(class));
    replay->until = recent_head(&daemon->recent, class);
    return replay;
}

void daemon_handle_replay(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request)
{
    const Zmesos__V1__Replay *asked = request->replay;
    struct error err = {0};
    int code = check_replay(daemon, asked, &err);
    if (code) {
        daemon_refuse(daemon, token, request->id, code, &err);
        return;
    }
    struct replay *replay =
            replay_new(daemon, token, request, (int)asked->class_, asked->prefixes, asked->n_prefixes);
    replay->page_size = asked->page_size;
    replay->from = asked->from;
    answer(daemon, replay);
}

void daemon_handle_tail(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request)
{
    const Zmesos__V1__Tail *asked = request->tail;
    struct error err = {0};
    int code = check_tail(daemon, asked, &err);
    if (code) {
        daemon_refuse(daemon, token, request->id, code, &err);
        return;
    }
    struct replay *replay =
            replay_new(daemon, token, request, (int)asked->class_, asked->prefixes, asked->n_prefixes);
    replay->tail = true;
    replay->page_size = 1;
    replay->from = asked->after + 1;
    if (asked->has_until && asked->until < replay->until)
        replay->until = asked->until;
    answer(daemon, replay);
}

void daemon_abandon_replays(struct daemon *daemon)
{
    struct error err = {0};
    int code = error_set(&err, ERR_UNAVAILABLE, "zmesosd is stopping");
    for (size_t i = 0; i < daemon->replay_count; i++)
        daemon_refuse(daemon, daemon->replays[i]->token, daemon->replays[i]->id, code, &err);
}

void daemon_clear_replays(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->replay_count; i++)
        replay_destroy(daemon->replays[i]);
    free(daemon->replays);
    daemon->replays = NULL;
    daemon->replay_count = 0;
}
