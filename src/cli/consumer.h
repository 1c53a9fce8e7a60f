/* A task's consumer, described by flags. It is a part of struct spec. */
#ifndef CLI_CONSUMER_H
#define CLI_CONSUMER_H

#include "spec.h"

#define CONSUMER_TEXT_MAX 320

/* Takes one of the options from OPTION_CONSUMER to OPTION_CONFIRM_AFTER: 1, or ERR_INVALID. */
int consumer_option(struct spec *spec, int option, char *value, struct error *err) MUST_CHECK;

/* Puts the consumer into the task, if a flag named one. ERR_INVALID for flags that say nothing without. */
int consumer_finish(struct spec *spec, struct error *err) MUST_CHECK;

/* In words, with what it leaves to the defaults. Returns `out`. */
const char *consumer_describe(const Zmesos__V1__Consumer *consumer, char out[CONSUMER_TEXT_MAX]);

/* An update as the words TASK/ATTEMPT/UUID, the UUID in hexadecimal digits; ERR_INVALID for anything else.
 * The bytes live in the arena. */
int consumer_read_update(struct arena *arena, const char *text, Zmesos__V1__Confirm__Update *update,
        struct error *err) MUST_CHECK;

#define CONSUMER_UUID_TEXT_MAX 64

/* Its hexadecimal digits; cut where a daemon says more than a UUID has. Returns `out`. */
const char *consumer_format_uuid(ProtobufCBinaryData uuid, char out[CONSUMER_UUID_TEXT_MAX]);

#endif
