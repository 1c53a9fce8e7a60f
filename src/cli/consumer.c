/* See consumer.h. */
#include "consumer.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "duration.h"

#define TIMEOUT_MAX (30 * DURATION_DAY)
#define UUID_BYTES 16

int consumer_option(struct spec *spec, int option, char *value, struct error *err)
{
    Zmesos__V1__Consumer *consumer = &spec->consumer;

    if (option == OPTION_CONSUMER) {
        consumer->name = value;
        return 1;
    }
    if (option == OPTION_CONFIRM_TIMEOUT) {
        spec->consumer_flag = "--confirm-timeout";
        return spec_duration(spec, "confirm-timeout", value, TIMEOUT_MAX, &consumer->timeout, err);
    }
    spec->consumer_flag = "--confirm-after";
    consumer->has_after_timeout = 1;
    if (strcmp(value, "acknowledge") == 0)
        consumer->after_timeout = ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__ACKNOWLEDGE;
    else if (strcmp(value, "wait") == 0)
        consumer->after_timeout = ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__WAIT;
    else
        return error_set(err, ERR_INVALID, "--confirm-after %s: expected acknowledge or wait", value);
    return 1;
}

int consumer_finish(struct spec *spec, struct error *err)
{
    if (spec->consumer.name)
        spec->task.consumer = &spec->consumer;
    else if (spec->consumer_flag)
        return error_set(err, ERR_INVALID, "%s means nothing without --consumer", spec->consumer_flag);
    return 0;
}

const char *consumer_describe(const Zmesos__V1__Consumer *consumer, char out[CONSUMER_TEXT_MAX])
{
    bool waits = consumer->after_timeout == ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__WAIT;
    char text[DURATION_TEXT_MAX];

    snprintf(out, CONSUMER_TEXT_MAX, "%s confirms updates within %s, else %s",
            consumer->name ? consumer->name : "-",
            consumer->timeout ? duration_format(consumer->timeout->nanoseconds, text) : "1m",
            waits ? "they wait on" : "they are acknowledged without");
    return out;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF", *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) % 16 : -1;
}

int consumer_read_update(
        struct arena *arena, const char *text, Zmesos__V1__Confirm__Update *update, struct error *err)
{
    char *task = arena_string(arena, text), *attempt = strchr(task, '/'),
         *uuid = attempt ? strchr(attempt + 1, '/') : NULL;
    uint8_t *bytes = arena_alloc(arena, UUID_BYTES);
    int64_t number = 0;
    size_t i = 0;

    zmesos__v1__confirm__update__init(update);
    if (uuid) {
        *attempt++ = *uuid++ = 0;
        while (i < UUID_BYTES && digit(uuid[2 * i]) >= 0 && digit(uuid[2 * i + 1]) >= 0) {
            bytes[i] = (uint8_t)(digit(uuid[2 * i]) << 4 | digit(uuid[2 * i + 1]));
            i++;
        }
    }
    if (i < UUID_BYTES || uuid[2 * i] || integer_parse(attempt, 1, UINT32_MAX, &number) < 0)
        return error_set(
                err, ERR_INVALID, "%s: expected TASK/ATTEMPT/UUID, as zmesos unconfirmed prints them", text);
    update->task_id = task;
    update->has_attempt = update->has_uuid = 1;
    update->attempt = (uint32_t)number;
    update->uuid.data = bytes;
    update->uuid.len = UUID_BYTES;
    return 0;
}

const char *consumer_format_uuid(ProtobufCBinaryData uuid, char out[CONSUMER_UUID_TEXT_MAX])
{
    size_t i;

    out[0] = 0;
    for (i = 0; i < uuid.len && 2 * i + 3 < CONSUMER_UUID_TEXT_MAX; i++)
        snprintf(out + 2 * i, 3, "%02x", uuid.data[i]);
    return out;
}
