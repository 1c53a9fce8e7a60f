/* JSON text: what jansson takes as JSON, we do, but for what we refuse on purpose; what is read is written
 * and read again as the same text. The first byte chooses the type, the second whether unknown fields are
 * ignored. */
#include <string.h>

#include "fuzz.h"
#include "json_text.h"
#include "wire/check.h"
#include "wire/json.h"

/* jansson alone, with integers of any length as reals. */
static void compare_with_jansson(const char *text, size_t length)
{
    json_t *ours = NULL;
    struct error err = {.text = ""};
    int rc = json_text_parse(text, length, &ours, &err);
    json_error_t error;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_t *theirs = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (rc == 0 && !theirs)
        FUZZ_EXPECT(json_error_code(&error) == json_error_numeric_overflow);
    if (rc && theirs)
        FUZZ_EXPECT(strstr(err.text, "NUL"));
    if (memchr(text, 0, length))
        FUZZ_EXPECT(rc == ERR_MALFORMED);
    json_decref(ours);
    json_decref(theirs);
}

static int write_and_read(const ProtobufCMessage *message, struct buf *text, ProtobufCMessage **again)
{
    struct error err = {.text = ""};
    buf_init(text, 0);
    FUZZ_EXPECT(json_write(message, text, &err) == 0);
    int rc = json_read(message->descriptor, (const char *)text->data, text->length, false, again, &err);
    FUZZ_EXPECT(rc == 0 || (rc == ERR_INVALID && strstr(err.text, "is missing")));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const ProtobufCMessageDescriptor *type = fuzz_type(data[0]);
    const char *text = (const char *)data + 2;
    size -= 2;
    compare_with_jansson(text, size);

    ProtobufCMessage *message = NULL, *again = NULL, *last = NULL;
    struct error err = {.text = ""};
    int rc = json_read(type, text, size, data[1] & 1, &message, &err);
    FUZZ_EXPECT(rc == 0 ? message != NULL : !message && *err.text);
    if (rc)
        return 0;
    struct buf first, second;
    if (write_and_read(message, &first, &again) == 0) {
        FUZZ_EXPECT(write_and_read(again, &second, &last) == 0);
        FUZZ_EXPECT(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
        protobuf_c_message_free_unpacked(last, NULL);
        protobuf_c_message_free_unpacked(again, NULL);
        buf_clear(&second);
    }
    buf_clear(&first);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}
