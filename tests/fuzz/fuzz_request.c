/* Bodies of requests, packed and JSON: each is decoded or refused with a Reply that can be read, in both
 * forms. What is decoded says the same once it was JSON; each of its specifications is read again alone, as
 * the store keeps it. */
#include <string.h>

#include "front_private.h"
#include "fuzz.h"
#include "wire/check.h"
#include "wire/json.h"

#define REQUEST_LAUNCH 10
#define LAUNCH_TASKS 1

static struct slice content(const struct buf *buf)
{
    return slice_of(buf->data, buf->length);
}

static void expect_refusal(struct slice refusal)
{
    ProtobufCMessage *message = NULL, *again = NULL;
    struct buf text = {0};
    struct error err = {.text = ""};
    FUZZ_EXPECT(check_unpack(
                        &zmesos__v1__reply__descriptor, refusal, &check_limits_request, &message, &err) == 0);
    const Zmesos__V1__Reply *reply = (const Zmesos__V1__Reply *)message;
    FUZZ_EXPECT(reply->version == 1 && reply->has_code && reply->code != ZMESOS__V1__CODE__OK);
    FUZZ_EXPECT(reply->message && *reply->message);
    front_json_reply(refusal, &text);
    FUZZ_EXPECT(json_read(message->descriptor, (char *)text.data, text.length, false, &again, &err) == 0);
    FUZZ_EXPECT(strcmp(reply->message, ((Zmesos__V1__Reply *)again)->message) == 0);
    protobuf_c_message_free_unpacked(again, NULL);
    protobuf_c_message_free_unpacked(message, NULL);
    buf_clear(&text);
}

static void expect_specs(struct slice bytes)
{
    struct field_cursor cursor = {bytes};
    struct field field;
    int rc;
    while ((rc = field_next(&cursor, &field)) == 1) {
        struct field_cursor tasks = {field.bytes};
        struct field task;
        while (field.number == REQUEST_LAUNCH && field_next(&tasks, &task) == 1) {
            ProtobufCMessage *spec = NULL;
            struct error err = {.text = ""};
            if (task.number != LAUNCH_TASKS)
                continue;
            FUZZ_EXPECT(check_unpack(&zmesos__v1__task_spec__descriptor, task.bytes, &check_limits_kept,
                                &spec, &err) == 0);
            protobuf_c_message_free_unpacked(spec, NULL);
        }
    }
    FUZZ_EXPECT(rc == 0);
}

static void write_json(const Zmesos__V1__Request *request, struct buf *text)
{
    struct error err = {.text = ""};
    buf_init(text, 0);
    FUZZ_EXPECT(json_write(&request->base, text, &err) == 0);
}

static void expect_same_as_json(const Zmesos__V1__Request *request)
{
    struct buf first, second, packed = {0}, refusal = {0};
    write_json(request, &first);
    FUZZ_EXPECT(front_is_json(content(&first)));
    Zmesos__V1__Request *again = front_decode_json(content(&first), 1, &packed, &refusal);
    if (again) {
        write_json(again, &second);
        FUZZ_EXPECT(slice_equal(content(&first), content(&second)));
        buf_clear(&second);
        zmesos__v1__request__free_unpacked(again, NULL);
    } else {
        /* Too long a text, or the empty value that is written for a map's entry without one. */
        Zmesos__V1__Reply *reply = zmesos__v1__reply__unpack(NULL, refusal.length, refusal.data);
        FUZZ_EXPECT(reply);
        FUZZ_EXPECT(
                reply->code == ZMESOS__V1__CODE__TOO_LARGE ||
                (reply->field && strstr(reply->field, "].value.") && strstr(reply->message, "is missing")));
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
    buf_clear(&first);
    buf_clear(&packed);
    buf_clear(&refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct buf packed = {0}, refusal = {0};
    Zmesos__V1__Request *request;
    if (front_is_json(bytes)) {
        struct error err = {.text = ""};
        FUZZ_EXPECT(check_message(&zmesos__v1__request__descriptor, bytes, &check_limits_request, &err) < 0 ||
                    *data == ' ');
        request = front_decode_json(bytes, 1, &packed, &refusal);
        bytes = content(&packed);
    } else {
        request = front_decode(bytes, 1, &refusal);
    }
    FUZZ_EXPECT((request != NULL) == (refusal.length == 0));
    if (request) {
        FUZZ_EXPECT(
                request->version == 1 && request->operation_case != ZMESOS__V1__REQUEST__OPERATION__NOT_SET);
        expect_specs(bytes);
        expect_same_as_json(request);
        zmesos__v1__request__free_unpacked(request, NULL);
    } else {
        expect_refusal(content(&refusal));
    }
    buf_clear(&packed);
    buf_clear(&refusal);
    return 0;
}
