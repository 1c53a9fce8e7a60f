/* Replies that the daemon makes by itself: to requests that need no decision of the core. */
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "internal.h"

void daemon_reply(struct daemon *daemon, front_token token, const char *id, Zmesos__V1__Reply *reply)
{
    reply->has_version = reply->has_code = true;
    reply->version = 1;
    reply->id = (char *)(uintptr_t)id;
    daemon_add_reply(daemon, token, encode_message(&reply->base));
}

Zmesos__V1__Code daemon_code_of(int code)
{
    switch (code) {
    case ERR_INVALID:
        return ZMESOS__V1__CODE__INVALID;
    case ERR_TOO_LARGE:
        return ZMESOS__V1__CODE__TOO_LARGE;
    case ERR_CONFLICT:
        return ZMESOS__V1__CODE__CONFLICT;
    default: /* the disk's troubles too, but they do not pass by asking again */
        return ZMESOS__V1__CODE__UNAVAILABLE;
    }
}

void daemon_refuse(
        struct daemon *daemon, front_token token, const char *id, int code, const struct error *err)
{
    Zmesos__V1__Reply reply;
    char text[ERROR_TEXT_MAX], field[ERROR_FIELD_MAX];
    zmesos__v1__reply__init(&reply);
    memcpy(text, err->text, sizeof text);
    memcpy(field, err->field, sizeof field);
    reply.code = daemon_code_of(code);
    reply.message = text;
    reply.field = field[0] ? field : NULL;
    reply.has_retry = true;
    reply.retry = code == ERR_UNAVAILABLE;
    daemon_reply(daemon, token, id, &reply);
}
