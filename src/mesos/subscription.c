/* The event stream: SUBSCRIBE goes out on a connection of its own, and what comes back is RecordIO (PROTOCOL
 * "Transport", "Subscribing"). The 200 comes before the subscription is made; only the first record,
 * SUBSCRIBED, says that it stands. Beware: the functions that libcurl calls here run deep inside it, and
 * everything the caller does in `up` and `record` happens there too. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/check.h"

#define REST_MAX (1024 * 1024)     /* libcurl hands over 16 KiB at a time */
#define RECEIVE_SIZE (128L * 1024) /* for bursts of events */

typedef Mesos__V1__Scheduler__Event Event;

static size_t take_header(char *data, size_t size, size_t count, void *context);
static size_t take_bytes(char *data, size_t size, size_t count, void *context);

int master_stream_init(struct master *master)
{
    struct master_stream *stream = &master->stream;

    recordio_init(&stream->recordio, master->config.record_max);
    buf_init(&stream->rest, REST_MAX);
    buf_init(&stream->answer, MASTER_BODY_MAX);
    stream->easy = master_reactor_easy(&master->config, stream->words);
    if (stream->easy == NULL) {
        return ERR_UNAVAILABLE;
    }
    stream->headers = master_headers_append(NULL, "Content-Type: application/x-protobuf");
    /* JSON must not be acceptable as well, or the master picks it. */
    stream->headers = master_headers_append(stream->headers, "Accept: application/x-protobuf");
    stream->headers = master_headers_append(stream->headers, "Expect:");
    curl_easy_setopt(stream->easy, CURLOPT_HTTPHEADER, stream->headers);
    /* A connection of its own, and never one on which libcurl would repeat the SUBSCRIBE. */
    curl_easy_setopt(stream->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(stream->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(stream->easy, CURLOPT_BUFFERSIZE, RECEIVE_SIZE);
    curl_easy_setopt(stream->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(stream->easy, CURLOPT_HEADERDATA, master);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, master);
    return 0;
}

void master_stream_clear(struct master *master)
{
    master_stream_close(master);
    curl_easy_cleanup(master->stream.easy);
    curl_slist_free_all(master->stream.headers);
}

void master_stream_begin(struct master *master, uint8_t *call, size_t length)
{
    struct master_stream *stream = &master->stream;
    char target[MASTER_TARGET_TEXT_MAX];
    char url[MASTER_TARGET_TEXT_MAX + 64];

    master_target_format(&master->targets.current, target);
    snprintf(url, sizeof url, "http://%s/api/v1/scheduler", target);
    stream->call = call;
    stream->answered = false;
    stream->words[0] = '\0';
    stream->id[0] = '\0';
    stream->deadline_ms = master->now_ms + master->config.subscribe_timeout_ms;
    stream->heard_ms = master->now_ms;
    if (master->paused) {
        master->paused_ms = master->now_ms; /* what of the pause came before is none of its time */
    }
    curl_easy_setopt(stream->easy, CURLOPT_URL, url);
    curl_easy_setopt(stream->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    curl_easy_setopt(stream->easy, CURLOPT_POSTFIELDS, (const char *)call);
    master_set_state(master, MASTER_SUBSCRIBING, target);
    master_reactor_add(&master->reactor, MASTER_POOL_STREAM, stream->easy);
    stream->active = true;
}

/* Whether the SUBSCRIBE that is given up now may still reach the master. */
static bool may_come_late(const struct master_stream *stream)
{
    long sent = 0;

    if (stream->call == NULL || stream->answered) {
        return false;
    }
    curl_easy_getinfo(stream->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0;
}

void master_stream_close(struct master *master)
{
    struct master_stream *stream = &master->stream;

    if (may_come_late(stream)) {
        master->unaccounted++;
    }
    if (stream->active) {
        master_reactor_remove(&master->reactor, MASTER_POOL_STREAM, stream->easy);
        stream->active = false;
    }
    free(stream->call);
    stream->call = NULL;
    recordio_clear(&stream->recordio);
    recordio_init(&stream->recordio, master->config.record_max);
    buf_clear(&stream->rest);
    buf_clear(&stream->answer);
    stream->held = false;
    stream->finished = false;
}

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *found = NULL;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}

static void judge(struct master *master, struct master_verdict *verdict)
{
    struct master_stream *stream = &master->stream;
    struct master_reply reply = {
            .content_type = header(stream->easy, "Content-Type"),
            .stream_id = header(stream->easy, "Mesos-Stream-Id"),
            .location = header(stream->easy, "Location"),
            .body = slice_of(stream->answer.data, stream->answer.length),
    };

    curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &reply.status);
    master_judge(MASTER_KIND_SUBSCRIBE, &reply, verdict);
    stream->answered = verdict->settled;
    if (reply.status == 200 && !verdict->over) {
        snprintf(stream->id, sizeof stream->id, "%s", reply.stream_id);
    }
}

/* Called for each line of the headers; an empty one ends them. */
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct master *master = context;
    size_t length = size * count;
    struct master_verdict verdict;
    long status = 0;

    curl_easy_getinfo(master->stream.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 && master->state == MASTER_SUBSCRIBING && length > 0 &&
            (data[0] == '\r' || data[0] == '\n')) {
        judge(master, &verdict);
        if (verdict.over) {
            master_end_by(master, &verdict);
            return 0;
        }
        master_set_state(master, MASTER_OPENED, "200");
    }
    return length;
}

/* The type of an event without decoding it; 0 (unknown) where there is none. The last one counts, as in a
 * decoder. */
static uint64_t peek_type(struct slice record)
{
    struct field_cursor cursor = {.rest = record};
    struct field field;
    uint64_t type = 0;

    while (field_next(&cursor, &field) == 1) {
        if (field.number == 1 && field.wire_type == 0) {
            type = field_varint(&field);
        }
    }
    return type;
}

static int unpack(struct slice record, Event **event, struct error *err)
{
    ProtobufCMessage *message = NULL;
    int result = check_unpack(
            &mesos__v1__scheduler__event__descriptor, record, &check_limits_event, &message, err);

    if (result == 0) {
        *event = (Event *)message;
    }
    return result;
}

static void deliver(struct master *master, uint64_t subscription, struct blob *record)
{
    master->callbacks.record(master->callbacks.context, subscription, record);
}

/* An ERROR goes to the caller as any record does, and is the last one. */
static void handle_error(struct master *master, uint64_t subscription, struct blob *record)
{
    struct error err;
    Event *event = NULL;
    char text[MASTER_TEXT_MAX] = "ERROR without a message";

    if (unpack(blob_slice(record), &event, &err) == 0 && event->error != NULL &&
            event->error->message != NULL) {
        master_write_words(slice_of_string(event->error->message), text, sizeof text);
    }
    if (event != NULL) {
        mesos__v1__scheduler__event__free_unpacked(event, NULL);
    }
    deliver(master, subscription, record);
    master_end(master, MASTER_DOWN_ERROR, text);
}

static void handle_first(struct master *master, struct blob *record)
{
    char target[MASTER_TARGET_TEXT_MAX];
    struct error err = {.text = "it is of another type"};
    Event *event = NULL;
    char text[MASTER_TEXT_MAX];
    bool subscribed;

    if (peek_type(blob_slice(record)) == MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR) {
        handle_error(master, 0, record);
        return;
    }
    subscribed = unpack(blob_slice(record), &event, &err) == 0 && event->has_type &&
                 event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED && event->subscribed != NULL;
    if (event != NULL) {
        mesos__v1__scheduler__event__free_unpacked(event, NULL);
    }
    if (!subscribed) {
        snprintf(text, sizeof text, "not a Mesos master: its first record is not SUBSCRIBED: %.400s",
                err.text);
        master_end(master, MASTER_DOWN_NOT_MESOS, text);
        blob_unref(record);
        return;
    }
    master->subscription++;
    master->redirects = 0;
    master->up_since_ms = master->now_ms;
    master->heartbeat_ms = MASTER_HEARTBEAT_DEFAULT_MS;
    master_calls_open(master, master->stream.id);
    master_set_state(master, MASTER_UP, "SUBSCRIBED");
    master->callbacks.up(master->callbacks.context, master->subscription,
            master_target_format(&master->targets.current, target));
    if (master_is_ending(master)) {
        blob_unref(record);
        return;
    }
    deliver(master, master->subscription, record);
}

static void handle_record(struct master *master, struct blob *record)
{
    if (master->state != MASTER_UP) {
        master->stream.answered = true;
        handle_first(master, record);
    } else if (peek_type(blob_slice(record)) == MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR) {
        handle_error(master, master->subscription, record);
    } else {
        deliver(master, master->subscription, record);
    }
}

/* Cuts the bytes into records and delivers them; a pause keeps what is left. */
static void feed(struct master *master, struct slice input)
{
    struct master_stream *stream = &master->stream;

    while (!master_is_ending(master)) {
        struct error err;
        uint8_t *record;
        size_t length;
        int result;

        if (master->paused) {
            if (input.length > 0 && buf_append(&stream->rest, input.data, input.length) < 0) {
                master_end(master, MASTER_DOWN_LOST, "too much came while paused");
            }
            return;
        }
        result = recordio_next(&stream->recordio, &input, &record, &length, &err);
        if (result == 0) {
            return;
        }
        if (result < 0) {
            log_warn("mesos", "the event stream is not RecordIO: %s", err.text);
            master_end(master, MASTER_DOWN_LOST, err.text);
            return;
        }
        handle_record(master, blob_take(record, length));
    }
}

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct master *master = context;
    struct master_stream *stream = &master->stream;
    size_t length = size * count;

    if (master_is_ending(master)) {
        return 0;
    }
    if (master->state == MASTER_SUBSCRIBING) {
        size_t room = MASTER_BODY_MAX - stream->answer.length;

        return buf_append(&stream->answer, data, length < room ? length : room) < 0 ? 0 : length;
    }
    if (master->paused || stream->rest.length > 0) {
        stream->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    stream->heard_ms = master->now_ms;
    feed(master, slice_of(data, length));
    return master_is_ending(master) ? 0 : length;
}

static void end_of_stream(struct master *master)
{
    master_end(master, MASTER_DOWN_LOST,
            master->stream.words[0] != '\0' ? master->stream.words : "the master closed the event stream");
}

bool master_stream_has_more(const struct master *master)
{
    return !master->paused &&
           (master->stream.rest.length > 0 || master->stream.held || master->stream.finished);
}

void master_stream_resume(struct master *master)
{
    struct master_stream *stream = &master->stream;

    if (stream->rest.length > 0 && !master->paused) {
        size_t length = stream->rest.length;
        uint8_t *rest = buf_release(&stream->rest);

        feed(master, slice_of(rest, length));
        free(rest);
    }
    if (master->paused || master_is_ending(master)) {
        return;
    }
    if (stream->finished) {
        end_of_stream(master);
    } else if (stream->held) {
        stream->held = false;
        stream->heard_ms = master->now_ms;
        curl_easy_pause(stream->easy, CURLPAUSE_CONT);
    }
}

void master_stream_finished(struct master *master, CURLcode result)
{
    struct master_stream *stream = &master->stream;
    struct master_verdict verdict;
    long status = 0;

    stream->active = false;
    if (master_is_ending(master)) {
        return;
    }
    if (master->state != MASTER_SUBSCRIBING) {
        stream->finished = true;
        if (stream->rest.length == 0) {
            end_of_stream(master);
        }
        return;
    }
    curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK) {
        judge(master, &verdict);
    } else {
        master_judge_failure(MASTER_KIND_SUBSCRIBE, true, master_result_is_garbage(result),
                stream->words[0] != '\0' ? stream->words : curl_easy_strerror(result), &verdict);
    }
    if (!verdict.over) {
        /* Cannot be: a 200 was judged with its headers. */
        master_end(master, MASTER_DOWN_LOST, "an answer without headers");
        return;
    }
    master_end_by(master, &verdict);
}

static int64_t silence_limit(const struct master *master)
{
    return master->heartbeat_ms * master->config.missed_heartbeats;
}

int64_t master_stream_deadline(const struct master *master)
{
    if (master->paused) {
        return INT64_MAX;
    }
    switch (master->state) {
    case MASTER_SUBSCRIBING:
    case MASTER_OPENED:
        return master->stream.deadline_ms;
    case MASTER_UP:
        return master->stream.heard_ms + silence_limit(master);
    case MASTER_STOPPED:
    case MASTER_WAITING:
        break;
    }
    return INT64_MAX;
}

void master_stream_expire(struct master *master)
{
    char text[MASTER_TEXT_MAX];

    if (master->now_ms < master_stream_deadline(master) || master_is_ending(master)) {
        return;
    }
    if (master->state == MASTER_UP) {
        snprintf(text, sizeof text, "silent for %lld ms",
                (long long)(master->now_ms - master->stream.heard_ms));
    } else {
        snprintf(text, sizeof text, "no SUBSCRIBED within %lld ms",
                (long long)master->config.subscribe_timeout_ms);
    }
    master_end(master, MASTER_DOWN_LOST, text);
}

void master_pause(struct master *master, bool paused, int64_t now_ms)
{
    if (master->paused == paused) {
        return;
    }
    master->paused = paused;
    if (paused) {
        master->paused_ms = now_ms;
        return;
    }
    /* Only the pause does not count: a stream that is dead is found out between many short ones too. */
    master->stream.heard_ms += now_ms - master->paused_ms;
    master->stream.deadline_ms += now_ms - master->paused_ms;
    master->due = true;
}

void master_set_heartbeat(struct master *master, int64_t interval_ms)
{
    if (interval_ms <= 0) {
        interval_ms = MASTER_HEARTBEAT_DEFAULT_MS;
    }
    master->heartbeat_ms = interval_ms < MASTER_HEARTBEAT_MAX_MS ? interval_ms : MASTER_HEARTBEAT_MAX_MS;
}
