/* The table of answers, as code. Beware of 400: about the stream or the framework it ends the subscription,
 * about anything else it is the call's own fault and subscribing again would only repeat it. Mesos tells the
 * two apart by words alone. */
#include "answers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* How a 400 begins that is about the subscription and not about the call. */
static const char *const subscription_words[] = {
        "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
        "Framework cannot be found",
};

/* How a 400 begins when another SUBSCRIBE has taken our place; the ERROR on our stream, which says
 * MASTER_FAILED_OVER, may not have come yet. */
static const char stale_words[] = "The stream ID '";

/* How a 403 begins that subscribing again does not mend: the framework is another principal's. */
static const char principal_words[] = "Authenticated principal '";

static bool begins_with(struct slice body, const char *words)
{
    size_t length = strlen(words);

    return body.length >= length && memcmp(body.data, words, length) == 0;
}

static bool is_about_subscription(struct slice body)
{
    for (size_t i = 0; i < sizeof subscription_words / sizeof *subscription_words; ++i) {
        if (begins_with(body, subscription_words[i])) {
            return true;
        }
    }
    return false;
}

void master_write_words(struct slice bytes, char *text, size_t size)
{
    size_t length = bytes.length < size - 1 ? bytes.length : size - 1;
    bool utf8;

    while (length > 0 && length < bytes.length && (bytes.data[length] & 0xc0) == 0x80) {
        --length;
    }
    while (length > 0 && bytes.data[length - 1] <= ' ') {
        --length;
    }
    utf8 = text_is_utf8(slice_of(bytes.data, length));
    for (size_t i = 0; i < length; ++i) {
        uint8_t byte = bytes.data[i];

        if (byte < ' ' || byte == 0x7f) {
            text[i] = ' ';
        } else {
            text[i] = byte >= 0x80 && !utf8 ? '?' : (char)byte;
        }
    }
    text[length] = '\0';
}

/* A beginning of ours, then a peer's words. */
static void write_after(char text[MASTER_TEXT_MAX], const char *beginning, struct slice words)
{
    int length = snprintf(text, MASTER_TEXT_MAX, "%s%s", beginning, words.length > 0 ? ": " : "");

    master_write_words(words, text + length, MASTER_TEXT_MAX - (size_t)length);
}

static void write_status(const struct master_reply *reply, struct master_verdict *verdict)
{
    char status[32];

    snprintf(status, sizeof status, "status %ld", reply->status);
    write_after(verdict->text, status, reply->body);
}

/* The words of a refusal alone; the status where there are none. */
static void write_refusal(const struct master_reply *reply, struct master_verdict *verdict)
{
    master_write_words(reply->body, verdict->text, sizeof verdict->text);
    if (verdict->text[0] == '\0') {
        write_status(reply, verdict);
    }
}

/* The subscription is over, and a call that learned of it was turned away undone. */
static void judge_over(
        const struct master_reply *reply, enum master_down down, struct master_verdict *verdict)
{
    verdict->over = true;
    verdict->down = down;
    verdict->answer = MASTER_NOT_DONE;
    write_status(reply, verdict);
}

static void judge_redirect(const struct master_reply *reply, enum master_down down_without_leader,
        struct master_verdict *verdict)
{
    struct error err = {.text = "a redirect without a Location"};

    verdict->over = true;
    verdict->down = MASTER_DOWN_LOST;
    verdict->answer = MASTER_NOT_DONE;
    if (reply->location != NULL && master_location_parse(reply->location, &verdict->leader, &err) == 0) {
        char leader[MASTER_TARGET_TEXT_MAX];

        verdict->redirected = true;
        snprintf(verdict->text, sizeof verdict->text, "the leader is %s",
                master_target_format(&verdict->leader, leader));
        return;
    }
    verdict->down = down_without_leader;
    master_write_words(slice_of_string(err.text), verdict->text, sizeof verdict->text);
}

static bool is_protobuf(const char *content_type)
{
    static const char protobuf[] = "application/x-protobuf";
    size_t length = sizeof protobuf - 1;

    return content_type != NULL && strncasecmp(content_type, protobuf, length) == 0 &&
           (content_type[length] == '\0' || content_type[length] == ';' || content_type[length] == ' ');
}

/* Our calls repeat it in a header of their own: printable and without spaces. */
static bool is_stream_id(const char *id)
{
    size_t length = id == NULL ? 0 : strlen(id);

    for (size_t i = 0; i < length; ++i) {
        if (id[i] <= ' ' || id[i] >= 0x7f) {
            return false;
        }
    }
    return length > 0 && length <= MASTER_STREAM_ID_MAX;
}

static void judge_not_mesos(struct master_verdict *verdict, const char *text)
{
    verdict->over = true;
    verdict->down = MASTER_DOWN_NOT_MESOS;
    write_after(verdict->text, "not a Mesos master", slice_of_string(text));
}

static void judge_subscribe(const struct master_reply *reply, struct master_verdict *verdict)
{
    char text[64];

    verdict->settled =
            reply->status == 307 || reply->status == 503 || (reply->status >= 400 && reply->status < 500);
    switch (reply->status) {
    case 200:
        if (!is_protobuf(reply->content_type)) {
            judge_not_mesos(verdict, "its answer is not application/x-protobuf");
        } else if (!is_stream_id(reply->stream_id)) {
            judge_not_mesos(verdict, "its answer has no usable Mesos-Stream-Id");
        }
        return;
    case 307:
        judge_redirect(reply, MASTER_DOWN_NOT_MESOS, verdict);
        return;
    case 400:
    case 403:
        verdict->over = true;
        verdict->down = MASTER_DOWN_REFUSED;
        write_refusal(reply, verdict);
        return;
    case 401:
        judge_over(reply, MASTER_DOWN_UNAUTHORIZED, verdict);
        return;
    case 500:
    case 502: /* 502 and 504: a proxy in front of it */
    case 503: /* no leader known, or still recovering */
    case 504:
        judge_over(reply, MASTER_DOWN_LOST, verdict);
        return;
    default:
        /* 404 is what an agent says; a master has no other words for a SUBSCRIBE like ours. */
        snprintf(text, sizeof text, "it answered SUBSCRIBE with status %ld", reply->status);
        judge_not_mesos(verdict, text);
        return;
    }
}

static void judge_call(
        enum master_kind kind, const struct master_reply *reply, struct master_verdict *verdict)
{
    switch (reply->status) {
    case 200:
    case 202:
        verdict->answer = MASTER_ACCEPTED;
        return;
    case 307:
        judge_redirect(reply, MASTER_DOWN_LOST, verdict);
        return;
    case 401:
        judge_over(reply, MASTER_DOWN_UNAUTHORIZED, verdict);
        return;
    case 403:
        judge_over(reply, begins_with(reply->body, principal_words) ? MASTER_DOWN_REFUSED : MASTER_DOWN_LOST,
                verdict);
        return;
    case 503:
        judge_over(reply, MASTER_DOWN_LOST, verdict);
        return;
    case 400:
        if (begins_with(reply->body, stale_words)) {
            judge_over(reply, MASTER_DOWN_ERROR, verdict);
            snprintf(verdict->text, sizeof verdict->text, "%s", MASTER_FAILED_OVER);
            return;
        }
        if (is_about_subscription(reply->body)) {
            judge_over(reply, MASTER_DOWN_LOST, verdict);
            return;
        }
        break;
    default:
        break;
    }
    if (reply->status >= 400 && reply->status < 500) {
        verdict->answer = MASTER_REFUSED;
        write_refusal(reply, verdict);
        return;
    }
    /* Nothing a master says: whether it acted, nobody knows. */
    verdict->answer = MASTER_UNANSWERED;
    verdict->over = kind == MASTER_KIND_ORDERED;
    verdict->down = MASTER_DOWN_LOST;
    write_status(reply, verdict);
}

void master_judge(enum master_kind kind, const struct master_reply *reply, struct master_verdict *verdict)
{
    *verdict = (struct master_verdict){.answer = MASTER_ACCEPTED};
    if (kind == MASTER_KIND_SUBSCRIBE) {
        judge_subscribe(reply, verdict);
    } else {
        judge_call(kind, reply, verdict);
    }
}

/* libcurl says how long a failed connection took; without it equal failures read the same. */
static void drop_duration(char *text)
{
    static const char before[] = " after ", after[] = " ms";
    char *start = strstr(text, before);
    if (start == NULL) {
        return;
    }
    char *digits = start + sizeof before - 1;
    size_t count = strspn(digits, "0123456789");
    if (count > 0 && strncmp(digits + count, after, sizeof after - 1) == 0) {
        char *rest = digits + count + sizeof after - 1;
        memmove(start, rest, strlen(rest) + 1);
    }
}

void master_judge_failure(
        enum master_kind kind, bool written, bool garbage, const char *words, struct master_verdict *verdict)
{
    *verdict = (struct master_verdict){.answer = written ? MASTER_UNANSWERED : MASTER_NOT_DONE};
    verdict->over = kind != MASTER_KIND_LOOSE;
    verdict->down = MASTER_DOWN_LOST;
    master_write_words(slice_of_string(words), verdict->text, sizeof verdict->text);
    drop_duration(verdict->text);
    if (kind == MASTER_KIND_SUBSCRIBE && garbage) {
        judge_not_mesos(verdict, words);
    }
}
