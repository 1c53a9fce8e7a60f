/* Text and random bytes. */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"

#define EXIT_NO_RANDOM 71

/* The length of the UTF-8 sequence at the front, or 0 when there is none. */
static size_t sequence_length(const uint8_t *p, size_t room)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                    : (p[0] & 0xf0) == 0xe0        ? 3
                    : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                   : 0;
    if (length == 0 || length > room)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool too_high = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

bool text_is_utf8(struct slice bytes)
{
    for (size_t i = 0; i < bytes.length;) {
        size_t length = sequence_length(bytes.data + i, bytes.length - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

int text_check_id(const char *id, size_t max, struct error *err)
{
    size_t length = strlen(id);
    if (length == 0)
        return error_set(err, ERR_INVALID, "an id must not be empty");
    if (length > max)
        return error_set(err, ERR_INVALID, "an id has at most %zu bytes, this one %zu", max, length);
    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return error_set(err, ERR_INVALID, "'%s' is not allowed as an id", id);
    for (const char *c = id; *c; c++) {
        if (*c == '/' || *c == '\\')
            return error_set(err, ERR_INVALID, "an id must not hold '%c'", *c);
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return error_set(err, ERR_INVALID, "an id must not hold control characters");
    }
    return 0;
}

void random_bytes(void *out, size_t length)
{
    uint8_t *at = out;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            log_error("base", "no random bytes: %s", strerror(errno));
            _exit(EXIT_NO_RANDOM);
        }
        at += got;
        length -= (size_t)got;
    }
}

void text_uuid(char out[TEXT_UUID_SIZE])
{
    uint8_t b[16];
    random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, TEXT_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
            b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
            b[15]);
}
