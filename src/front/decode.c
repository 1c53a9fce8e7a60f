/* From bytes to a request, or to the reply that says why they are none.
 *
 * What is checked here is what every request has: one body frame, its size, version, id, one operation, and
 * that it is well formed throughout. What the fields of an operation may hold is the core's business. The id
 * is echoed also from a message that is broken further on, so that a client with many requests in flight
 * knows which one it was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "front_private.h"
#include "wire/check.h"

#define PROTOCOL_VERSION 1
#define REQUEST_ID_MAX 128
#define ECHO_FIELDS 64 /* the id is looked for in so many fields: clients write it first */

enum { FIELD_VERSION = 1, FIELD_ID = 2 };

/* What the outermost level says, read without decoding. */
struct outline {
    bool whole; /* it is well formed to its end */
    bool has_version;
    uint64_t version;
    struct slice id;  /* data NULL: none that could be echoed */
    uint32_t unknown; /* number of the first field that is not known, or 0 */
};

static bool id_can_be_echoed(struct slice id)
{
    return id.length <= REQUEST_ID_MAX && text_is_utf8(id) && (!id.length || !memchr(id.data, 0, id.length));
}

static void outline_field(struct outline *outline, const struct field *field)
{
    if (field->number == FIELD_VERSION && field->wire_type == 0) {
        outline->has_version = true;
        outline->version = field_varint(field);
    } else if (field->number == FIELD_ID && field->wire_type == 2) {
        if (!outline->id.data && field->bytes.data && id_can_be_echoed(field->bytes))
            outline->id = field->bytes;
    } else if (!outline->unknown &&
               !protobuf_c_message_descriptor_get_field(&zmesos__v1__request__descriptor, field->number)) {
        outline->unknown = field->number;
    }
}

static struct outline outline_read(struct slice bytes, size_t fields_max)
{
    struct outline outline = {.whole = false};
    struct field_cursor cursor = {.rest = bytes};
    struct field field;
    size_t fields = 0;
    int rc = 0;

    while (fields++ < fields_max && (rc = field_next(&cursor, &field)) == 1)
        outline_field(&outline, &field);
    outline.whole = rc == 0;
    return outline;
}

/* Protobuf's strings are UTF-8, whatever bytes an error's words end with. */
static void cut_to_utf8(char *text)
{
    size_t length = strlen(text);

    while (!text_is_utf8(slice_of(text, length)))
        length--;
    text[length] = 0;
}

static void pack_refusal(
        struct slice id, Zmesos__V1__Code code, const struct error *err, bool retry, struct buf *refusal)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    char id_text[REQUEST_ID_MAX + 1];
    char text[ERROR_TEXT_MAX], field[ERROR_FIELD_MAX];
    uint8_t packed[sizeof id_text + sizeof text + sizeof field + 64];
    size_t length;

    memcpy(text, err->text, sizeof text);
    memcpy(field, err->field, sizeof field);
    cut_to_utf8(text);
    cut_to_utf8(field);
    reply.has_version = 1;
    reply.version = PROTOCOL_VERSION;
    if (id.data) {
        memcpy(id_text, id.data, id.length);
        id_text[id.length] = 0;
        reply.id = id_text;
    }
    reply.has_code = 1;
    reply.code = code;
    reply.message = text;
    if (field[0])
        reply.field = field;
    reply.has_retry = 1;
    reply.retry = retry;
    length = zmesos__v1__reply__pack(&reply, packed);
    if (buf_append(refusal, packed, length) < 0)
        buf_clear(refusal);
}

static void refuse_json(
        struct slice text, Zmesos__V1__Code code, const struct error *err, bool retry, struct buf *refusal)
{
    char *id = front_json_id(text);
    struct slice echoed = slice_of_string(id);

    if (id && !id_can_be_echoed(echoed))
        echoed.data = NULL;
    pack_refusal(echoed, code, err, retry, refusal);
    free(id);
}

void front_refuse(
        struct slice bytes, Zmesos__V1__Code code, const struct error *err, bool retry, struct buf *refusal)
{
    if (front_is_json(bytes))
        refuse_json(bytes, code, err, retry, refusal);
    else
        pack_refusal(outline_read(bytes, ECHO_FIELDS).id, code, err, retry, refusal);
}

static Zmesos__V1__Code code_of(int rc)
{
    switch (rc) {
    case ERR_TOO_LARGE:
        return ZMESOS__V1__CODE__TOO_LARGE;
    case ERR_INVALID:
        return ZMESOS__V1__CODE__INVALID;
    case ERR_NOT_FOUND:
        return ZMESOS__V1__CODE__UNKNOWN_OPERATION;
    default:
        return ZMESOS__V1__CODE__MALFORMED;
    }
}

static int check_frames(struct slice bytes, size_t parts, struct error *err)
{
    if (parts != 1)
        return error_set(err, ERR_MALFORMED,
                "a request is one message part behind the empty one, and %zu came", parts);
    if (!bytes.length)
        return error_set(err, ERR_MALFORMED, "the body is empty; a zmesos.v1.Request was expected");
    if (bytes.length > FRONT_REQUEST_MAX)
        return error_set(err, ERR_TOO_LARGE, "a request has at most %zu bytes, and this one has %zu",
                FRONT_REQUEST_MAX, bytes.length);
    return 0;
}

static void wrong_version(uint64_t version, struct error *err)
{
    error_set_field(err, ERR_VERSION, "version",
            "version %" PRIu64 " is not spoken here; this daemon speaks %d", version, PROTOCOL_VERSION);
}

/* What only a request of our version promises. Returns OK or the code to refuse with. */
static Zmesos__V1__Code check_request(
        const Zmesos__V1__Request *request, const struct outline *outline, struct error *err)
{
    if (!request->has_version) {
        error_set_field(err, ERR_VERSION, "version", "the version is missing; this daemon speaks %d",
                PROTOCOL_VERSION);
        return ZMESOS__V1__CODE__UNSUPPORTED_VERSION;
    }
    if (request->id && strlen(request->id) > REQUEST_ID_MAX) {
        error_set_field(err, ERR_INVALID, "id", "a request id has at most %d bytes, and this one has %zu",
                REQUEST_ID_MAX, strlen(request->id));
        return ZMESOS__V1__CODE__INVALID;
    }
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION__NOT_SET) {
        if (outline->unknown)
            error_set(err, ERR_INVALID, "there is no operation this daemon knows, but a field %" PRIu32,
                    outline->unknown);
        else
            error_set(err, ERR_INVALID, "there is no operation in the request");
        return ZMESOS__V1__CODE__UNKNOWN_OPERATION;
    }
    return ZMESOS__V1__CODE__OK;
}

static Zmesos__V1__Request *decode(struct slice bytes, struct buf *refusal)
{
    struct error err = {.text = ""};
    struct outline outline = outline_read(bytes, SIZE_MAX);
    ProtobufCMessage *message = NULL;
    Zmesos__V1__Request *request = NULL;
    Zmesos__V1__Code code;
    int rc;

    /* Before the rest is judged: a newer version's rules may differ. */
    if (outline.whole && outline.has_version && outline.version != PROTOCOL_VERSION) {
        wrong_version(outline.version, &err);
        code = ZMESOS__V1__CODE__UNSUPPORTED_VERSION;
        goto out;
    }
    rc = check_unpack(&zmesos__v1__request__descriptor, bytes, &check_limits_request, &message, &err);
    if (rc < 0) {
        code = code_of(rc);
        goto out;
    }
    request = (Zmesos__V1__Request *)message;
    code = check_request(request, &outline, &err);
out:
    if (code == ZMESOS__V1__CODE__OK)
        return request;
    if (request)
        zmesos__v1__request__free_unpacked(request, NULL);
    pack_refusal(outline.id, code, &err, false, refusal);
    return NULL;
}

Zmesos__V1__Request *front_decode(struct slice bytes, size_t parts, struct buf *refusal)
{
    struct error err = {.text = ""};
    int rc = check_frames(bytes, parts, &err);

    if (rc == 0)
        return decode(bytes, refusal);
    front_refuse(bytes, code_of(rc), &err, false, refusal);
    return NULL;
}

Zmesos__V1__Request *front_decode_json(
        struct slice text, size_t parts, struct buf *packed, struct buf *refusal)
{
    struct error err = {.text = ""};
    uint64_t version;
    int rc = check_frames(text, parts, &err);
    Zmesos__V1__Code code;

    if (rc == 0 && front_json_version(text, &version) && version != PROTOCOL_VERSION) {
        wrong_version(version, &err);
        code = ZMESOS__V1__CODE__UNSUPPORTED_VERSION;
    } else {
        rc = rc ? rc : front_json_request(text, packed, &err);
        if (rc == 0)
            return decode(slice_of(packed->data, packed->length), refusal);
        code = code_of(rc);
    }
    front_refuse(text, code, &err, false, refusal);
    return NULL;
}
