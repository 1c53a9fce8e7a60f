/* Calls: a queue in order with one in flight, and acknowledgements over several connections.
 *
 * libcurl repeats a POST by itself when a kept-alive connection dies after the request was written. An
 * ordered call must not be written twice, so its body comes from a read callback, and there is no seek
 * function: libcurl cannot begin the body again and fails (CURLE_SEND_FAIL_REWIND). Never give an ordered
 * call CURLOPT_POSTFIELDS. Writing an acknowledgement twice does no harm, so it is given that way and goes
 * out in one piece with its headers. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static size_t read_body(char *data, size_t size, size_t count, void *context)
{
    struct master_lane *lane = context;
    struct slice body = blob_slice(lane->call->body);
    size_t length = size * count;

    if (lane->call->offset == body.length) {
        /* All is read: who reads on has begun again behind our back. */
        return CURL_READFUNC_ABORT;
    }
    if (length > body.length - lane->call->offset) {
        length = body.length - lane->call->offset;
    }
    memcpy(data, body.data + lane->call->offset, length);
    lane->call->offset += length;
    return length;
}

static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
    struct master_lane *lane = context;
    size_t length = size * count;
    size_t room = MASTER_BODY_MAX - lane->answer.length;

    if (buf_append(&lane->answer, data, length < room ? length : room) < 0) {
        return 0;
    }
    return length;
}

int master_calls_init(struct master *master)
{
    struct master_calls *calls = &master->calls;

    list_init(&calls->queues[false]);
    list_init(&calls->queues[true]);
    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        struct master_lane *lane = &calls->lanes[i];

        lane->master = master;
        lane->kind = i == 0 ? MASTER_KIND_ORDERED : MASTER_KIND_LOOSE;
        buf_init(&lane->answer, MASTER_BODY_MAX);
        lane->easy = master_reactor_easy(&master->config, lane->words);
        if (lane->easy == NULL) {
            return ERR_UNAVAILABLE;
        }
        curl_easy_setopt(lane->easy, CURLOPT_PRIVATE, lane);
        curl_easy_setopt(lane->easy, CURLOPT_WRITEFUNCTION, take_answer);
        curl_easy_setopt(lane->easy, CURLOPT_WRITEDATA, lane);
        if (lane->kind == MASTER_KIND_ORDERED) {
            curl_easy_setopt(lane->easy, CURLOPT_READFUNCTION, read_body);
            curl_easy_setopt(lane->easy, CURLOPT_READDATA, lane);
        }
    }
    return 0;
}

static enum master_pool_name pool_of(const struct master_lane *lane)
{
    return lane->kind == MASTER_KIND_ORDERED ? MASTER_POOL_ORDERED : MASTER_POOL_LOOSE;
}

static void free_call(struct master *master, struct master_call *call)
{
    master->calls.count--;
    blob_unref(call->body);
    free(call);
}

static void drop_headers(struct master_calls *calls)
{
    curl_slist_free_all(calls->headers);
    calls->headers = NULL;
}

void master_calls_clear(struct master *master)
{
    struct master_calls *calls = &master->calls;

    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        struct master_lane *lane = &calls->lanes[i];

        if (lane->call != NULL) {
            master_reactor_remove(&master->reactor, pool_of(lane), lane->easy);
            free_call(master, lane->call);
        }
        curl_easy_cleanup(lane->easy);
        buf_clear(&lane->answer);
    }
    for (size_t i = 0; i < 2; ++i) {
        struct list_link *link;

        while ((link = list_first(&calls->queues[i])) != NULL) {
            list_remove(&calls->queues[i], link);
            free_call(master, list_item(link, struct master_call, link));
        }
    }
    drop_headers(calls);
}

void master_send(
        struct master *master, uint64_t number, uint64_t subscription, bool ordered, struct blob *body)
{
    struct master_call *call = alloc_zeroed(1, sizeof *call);

    call->number = number;
    call->subscription = subscription;
    call->body = blob_ref(body);
    list_append(&master->calls.queues[ordered], &call->link);
    master->calls.count++;
    master->due = true;
}

size_t master_waiting_calls(const struct master *master)
{
    return master->calls.count;
}

void master_calls_open(struct master *master, const char *stream_id)
{
    struct master_calls *calls = &master->calls;
    char target[MASTER_TARGET_TEXT_MAX];
    char url[MASTER_TARGET_TEXT_MAX + 64];
    char header[MASTER_STREAM_ID_MAX + 32];

    snprintf(url, sizeof url, "http://%s/api/v1/scheduler",
            master_target_format(&master->targets.current, target));
    snprintf(header, sizeof header, "Mesos-Stream-Id: %s", stream_id);
    drop_headers(calls);
    calls->headers = master_headers_append(NULL, "Content-Type: application/x-protobuf");
    calls->headers = master_headers_append(calls->headers, "Accept: application/x-protobuf");
    calls->headers = master_headers_append(calls->headers, header);
    calls->headers = master_headers_append(calls->headers, "Expect:");
    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        curl_easy_setopt(calls->lanes[i].easy, CURLOPT_URL, url);
        curl_easy_setopt(calls->lanes[i].easy, CURLOPT_HTTPHEADER, calls->headers);
    }
}

/* The last that is seen of a call: the callee may do anything. */
static void answer(struct master *master, struct master_call *call, enum master_answer how, const char *text)
{
    uint64_t number = call->number;

    free_call(master, call);
    master->callbacks.answered(master->callbacks.context, number, how, text);
}

/* The next call that may be written. Those decided under a subscription that is over are answered on the way,
 * but none that these answers add, so that there is an end. */
static struct master_call *take_next(struct master *master, bool ordered)
{
    struct list *queue = &master->calls.queues[ordered];

    for (size_t left = queue->count; left > 0; --left) {
        struct list_link *first = list_first(queue);
        struct master_call *call = list_item(first, struct master_call, link);
        bool current = master->state == MASTER_UP && call->subscription == master->subscription;

        if (current && master_is_ending(master)) {
            return NULL;
        }
        list_remove(queue, first);
        if (current) {
            return call;
        }
        answer(master, call, MASTER_NOT_DONE, "its subscription is over");
    }
    return NULL;
}

static void begin(struct master *master, struct master_lane *lane, struct master_call *call)
{
    struct slice body = blob_slice(call->body);

    lane->call = call;
    lane->deadline_ms = master->now_ms + master->config.call_timeout_ms;
    lane->words[0] = '\0';
    buf_clear(&lane->answer);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
    if (lane->kind == MASTER_KIND_LOOSE) {
        curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, (const char *)body.data);
    }
    master_reactor_add(&master->reactor, pool_of(lane), lane->easy);
}

bool master_calls_begin(struct master *master)
{
    bool begun = false;

    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        struct master_lane *lane = &master->calls.lanes[i];
        struct master_call *call;

        if (lane->call == NULL && (call = take_next(master, lane->kind == MASTER_KIND_ORDERED)) != NULL) {
            begin(master, lane, call);
            begun = true;
        }
    }
    return begun;
}

/* Whether a byte of the call in flight may have left us. */
static bool is_written(const struct master_lane *lane)
{
    long sent = 0;

    if (lane->kind == MASTER_KIND_ORDERED) {
        return lane->call->offset > 0;
    }
    curl_easy_getinfo(lane->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0;
}

/* The call in flight is over: judge, note the subscription's end where that follows, tell the caller. */
static void conclude(struct master *master, struct master_lane *lane, const struct master_verdict *verdict)
{
    struct master_call *call = lane->call;

    lane->call = NULL;
    if (verdict->over) {
        master_end_by(master, verdict);
    }
    answer(master, call, verdict->answer, verdict->text);
}

void master_calls_finished(struct master *master, CURL *easy, CURLcode result)
{
    struct master_reply reply = {0};
    struct master_verdict verdict;
    struct master_lane *lane = NULL;
    struct curl_header *location = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&lane);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
    /* A status that says "received" counts even if the connection broke after it; others need all their
     * words. */
    if (result == CURLE_OK || reply.status == 200 || reply.status == 202) {
        if (reply.status == 307 &&
                curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK) {
            reply.location = location->value;
        }
        reply.body = slice_of(lane->answer.data, lane->answer.length);
        master_judge(lane->kind, &reply, &verdict);
    } else {
        master_judge_failure(lane->kind, is_written(lane), master_result_is_garbage(result),
                lane->words[0] != '\0' ? lane->words : curl_easy_strerror(result), &verdict);
    }
    conclude(master, lane, &verdict);
}

void master_calls_abandon(struct master *master, const char *text)
{
    struct master_calls *calls = &master->calls;
    struct list_link *link;

    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        struct master_lane *lane = &calls->lanes[i];
        struct master_call *call = lane->call;
        bool written;

        if (call != NULL) {
            written = is_written(lane);
            master_reactor_remove(&master->reactor, pool_of(lane), lane->easy);
            lane->call = NULL;
            answer(master, call, written ? MASTER_UNANSWERED : MASTER_NOT_DONE, text);
        }
    }
    for (size_t i = 0; i < 2; ++i) {
        struct list *queue = &calls->queues[!i];

        for (size_t left = queue->count; left > 0 && (link = list_first(queue)) != NULL; --left) {
            list_remove(queue, link);
            answer(master, list_item(link, struct master_call, link), MASTER_NOT_DONE, text);
        }
    }
}

int64_t master_calls_deadline(const struct master *master)
{
    int64_t soonest = INT64_MAX;

    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        const struct master_lane *lane = &master->calls.lanes[i];

        if (lane->call != NULL && lane->deadline_ms < soonest) {
            soonest = lane->deadline_ms;
        }
    }
    return soonest;
}

void master_calls_expire(struct master *master)
{
    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        struct master_lane *lane = &master->calls.lanes[i];
        struct master_verdict verdict;
        bool written;

        if (lane->call == NULL || master->now_ms < lane->deadline_ms) {
            continue;
        }
        written = is_written(lane);
        master_reactor_remove(&master->reactor, pool_of(lane), lane->easy);
        master_judge_failure(lane->kind, written, false, "no answer to a call in time", &verdict);
        conclude(master, lane, &verdict);
    }
}
