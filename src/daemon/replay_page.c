/* Packing by hand: decoding each header to pack it again would cost more than all else of a replay. */
#include "replay_page.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/blob.h"

/* Field numbers of zmesos.v1.Reply, ReplayPage and Publication. */
#define REPLY_REPLAY 42
#define PAGE_EVENTS 1
#define PUBLICATION_TOPIC 1
#define PUBLICATION_HEADER 2
#define PUBLICATION_BODY 3

#define VARINT_MAX 10
#define WIRE_BYTES 2

static size_t put_varint(uint8_t out[VARINT_MAX], uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

static size_t put_head(uint8_t out[2 * VARINT_MAX], uint32_t number, size_t length)
{
    size_t size = put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
    return size + put_varint(out + size, length);
}

static size_t field_size(uint32_t number, size_t length)
{
    uint8_t head[2 * VARINT_MAX];
    return put_head(head, number, length) + length;
}

/* The buffers here have no limit, so that appending cannot fail. */
static void append(struct buf *buf, const void *data, size_t length)
{
    if (buf_append(buf, data, length) < 0)
        abort();
}

static void append_head(struct buf *buf, uint32_t number, size_t length)
{
    uint8_t head[2 * VARINT_MAX];
    append(buf, head, put_head(head, number, length));
}

static void append_field(struct buf *buf, uint32_t number, struct slice bytes)
{
    append_head(buf, number, bytes.length);
    append(buf, bytes.data, bytes.length);
}

static void append_message(struct buf *buf, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = alloc_bytes(size);
    protobuf_c_message_pack(message, bytes);
    append(buf, bytes, size);
    free(bytes);
}

void replay_page_init(struct replay_page *page)
{
    *page = (struct replay_page){0};
    buf_init(&page->events, 0);
}

void replay_page_clear(struct replay_page *page)
{
    buf_clear(&page->events);
}

void replay_page_add(struct replay_page *page, const char *topic, struct slice header, struct slice body)
{
    struct slice name = slice_of_string(topic);
    append_head(&page->events, PAGE_EVENTS,
            field_size(PUBLICATION_TOPIC, name.length) + field_size(PUBLICATION_HEADER, header.length) +
                    field_size(PUBLICATION_BODY, body.length));
    append_field(&page->events, PUBLICATION_TOPIC, name);
    append_field(&page->events, PUBLICATION_HEADER, header);
    append_field(&page->events, PUBLICATION_BODY, body);
    page->count++;
}

struct blob *replay_page_reply(
        const struct replay_page *page, const Zmesos__V1__Reply *reply, const Zmesos__V1__ReplayPage *rest)
{
    struct buf out;
    buf_init(&out, 0);
    append_message(&out, &reply->base);
    append_head(&out, REPLY_REPLAY, page->events.length + protobuf_c_message_get_packed_size(&rest->base));
    append(&out, page->events.data, page->events.length);
    append_message(&out, &rest->base);
    size_t length = out.length;
    return blob_take(buf_release(&out), length);
}
