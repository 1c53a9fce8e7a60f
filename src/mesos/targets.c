/* The list of masters and redirects to a leader (PROTOCOL "What the master answers", 307). Hosts from a
 * Location become part of a URL, so only characters that cannot change its meaning are let through. */
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/slice.h"

#define HTTP_PORT_DEFAULT 80

static bool is_one_of(char c, const char *others)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr(others, c) != NULL);
}

/* The length of the host at the front, 0 when there is none. */
static size_t host_length(const char *text, size_t length)
{
    size_t at = 0;

    if (length > 0 && text[0] == '[') {
        for (at = 1; at < length && is_one_of(text[at], ":."); ++at) {
        }
        return at > 1 && at < length && text[at] == ']' ? at + 1 : 0;
    }
    while (at < length && is_one_of(text[at], "-._")) {
        ++at;
    }
    return at;
}

/* Reads "host[:port]" that fills the whole text. */
static int parse_authority(const char *text, size_t length, uint16_t port_default,
        struct master_target *target, struct error *err)
{
    struct master_target parsed = {.port = port_default};
    size_t host = host_length(text, length);
    char digits[8] = "";
    int64_t port = 0;

    if (host == 0 || host > MASTER_HOST_MAX || (host < length && text[host] != ':')) {
        return error_set(
                err, ERR_INVALID, "'%.*s' is not host:port", (int)(length > 300 ? 300 : length), text);
    }
    memcpy(parsed.host, text, host);
    if (host < length) {
        size_t rest = length - host - 1;

        if (rest < sizeof digits) {
            memcpy(digits, text + host + 1, rest);
        }
        if (rest >= sizeof digits || integer_parse(digits, 1, 65535, &port) < 0) {
            return error_set(err, ERR_INVALID, "'%.*s' has no port from 1 to 65535",
                    (int)(length > 300 ? 300 : length), text);
        }
        parsed.port = (uint16_t)port;
    }
    *target = parsed;
    return 0;
}

int master_targets_init(struct master_targets *targets, const char *text, struct error *err)
{
    struct master_target *list = alloc_zeroed(MASTER_TARGETS_MAX, sizeof *list);
    size_t count = 0;
    int result = 0;

    for (const char *at = text;; ++at) {
        size_t length = strcspn(at, ",");

        if (count == MASTER_TARGETS_MAX) {
            result = error_set(err, ERR_INVALID, "more than %d masters", MASTER_TARGETS_MAX);
            goto out;
        }
        if (memchr(at, '/', length) != NULL) {
            result = error_set(err, ERR_INVALID,
                    "'%.*s' is not host:port; list the masters themselves, without zk:// or http://",
                    (int)(length > 300 ? 300 : length), at);
            goto out;
        }
        result = parse_authority(at, length, MASTER_PORT_DEFAULT, &list[count], err);
        if (result < 0) {
            goto out;
        }
        ++count;
        at += length;
        if (*at == '\0') {
            break;
        }
    }
    *targets = (struct master_targets){.list = list, .count = count};
    list = NULL;
out:
    free(list);
    return result;
}

void master_targets_clear(struct master_targets *targets)
{
    free(targets->list);
    *targets = (struct master_targets){0};
}

void master_targets_advance(struct master_targets *targets)
{
    if (targets->has_named) {
        targets->current = targets->named;
        targets->has_named = false;
        return;
    }
    targets->current = targets->list[targets->next];
    targets->next = (targets->next + 1) % targets->count;
}

void master_targets_redirect(struct master_targets *targets, const struct master_target *leader)
{
    targets->named = *leader;
    targets->has_named = true;
}

void master_targets_again(struct master_targets *targets)
{
    master_targets_redirect(targets, &targets->current);
}

const char *master_target_format(const struct master_target *target, char text[MASTER_TARGET_TEXT_MAX])
{
    snprintf(text, MASTER_TARGET_TEXT_MAX, "%s:%u", target->host, (unsigned)target->port);
    return text;
}

int master_location_parse(const char *location, struct master_target *target, struct error *err)
{
    const char *authority = location;

    if (strlen(location) > MASTER_LOCATION_MAX) {
        return error_set(err, ERR_INVALID, "a Location of more than %d bytes", MASTER_LOCATION_MAX);
    }
    if (strncasecmp(authority, "http:", 5) == 0) {
        authority += 5;
    }
    if (strncmp(authority, "//", 2) != 0) {
        return error_set(err, ERR_INVALID, "a Location that names no master over http: '%.200s'", location);
    }
    authority += 2;
    return parse_authority(authority, strcspn(authority, "/?#"), HTTP_PORT_DEFAULT, target, err);
}
