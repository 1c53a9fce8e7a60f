/* Requests and replies as messages, over libzmesos. See client.h. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "library.h"
#include "wire/check.h"

#define PROTOCOL_VERSION 1
#define ID_MAX 48

struct client {
    struct zmesos_client *library;
    char id[ID_MAX]; /* of the last request */
    uint64_t number;
    const char *endpoint; /* borrowed from the settings */
};

int library_error(struct error *err, int rc, const char *before, const struct zmesos_error *error)
{
    return rc < 0 ? error_set_field(err, rc, error->field, "%s%s", before, error->text) : rc;
}

int client_create(const struct settings *settings, struct client **out, struct error *err)
{
    struct zmesos_client *library = NULL;
    struct zmesos_error error;
    int rc = zmesos_client_create(settings->control, &library, &error);

    if (rc < 0)
        return library_error(err, rc, "--control ", &error);
    zmesos_client_set_timeout(library, settings->timeout_ms);
    *out = alloc_zeroed(1, sizeof **out);
    (*out)->library = library;
    (*out)->endpoint = settings->control;
    return 0;
}

void client_destroy(struct client *client)
{
    if (!client)
        return;
    zmesos_client_destroy(client->library);
    free(client);
}

void *client_socket(struct client *client)
{
    return zmesos_client_socket(client->library);
}

enum client_link client_link(struct client *client)
{
    switch (zmesos_client_link(client->library)) {
    case ZMESOS_LINK_UP:
        return CLIENT_UP;
    case ZMESOS_LINK_LOST:
        return CLIENT_LOST;
    case ZMESOS_LINK_NEVER:
        break;
    }
    return CLIENT_NEVER;
}

/* With the version and an id; the caller frees the bytes. */
static uint8_t *pack(struct client *client, Zmesos__V1__Request *request, size_t *size)
{
    uint8_t *packed;

    snprintf(client->id, sizeof client->id, "zmesos-%ld-%" PRIu64, (long)getpid(), ++client->number);
    request->has_version = 1;
    request->version = PROTOCOL_VERSION;
    request->id = client->id;
    *size = zmesos__v1__request__get_packed_size(request);
    packed = alloc_bytes(*size);
    zmesos__v1__request__pack(request, packed);
    return packed;
}

int client_send(struct client *client, Zmesos__V1__Request *request, struct error *err)
{
    struct zmesos_error error;
    size_t size;
    uint8_t *packed = pack(client, request, &size);
    int rc = zmesos_send(client->library, packed, size, &error);

    free(packed);
    return library_error(err, rc, "", &error);
}

int client_resend(struct client *client, struct error *err)
{
    struct zmesos_error error;

    return library_error(err, zmesos_resend(client->library, &error), "", &error);
}

static int read_reply(struct client *client, struct slice bytes, Zmesos__V1__Reply **out, struct error *err)
{
    ProtobufCMessage *message;
    Zmesos__V1__Reply *reply;
    struct error inner;

    if (check_unpack(&zmesos__v1__reply__descriptor, bytes, &check_limits_event, &message, &inner) < 0)
        return error_set(
                err, ERR_MALFORMED, "%s does not answer as zmesosd does: %s", client->endpoint, inner.text);
    reply = (Zmesos__V1__Reply *)message;
    /* a refusal may be without id where the daemon could not read it */
    if (reply->id && strcmp(reply->id, client->id) != 0) {
        zmesos__v1__reply__free_unpacked(reply, NULL);
        return error_set(err, ERR_MALFORMED, "%s answered another request", client->endpoint);
    }
    *out = reply;
    return 1;
}

int client_receive(struct client *client, Zmesos__V1__Reply **reply, struct error *err)
{
    const void *bytes;
    size_t size;
    struct zmesos_error error;
    int rc = zmesos_receive(client->library, &bytes, &size, &error);

    return rc == 1 ? read_reply(client, slice_of(bytes, size), reply, err)
                   : library_error(err, rc, "", &error);
}

static int call(struct client *client, Zmesos__V1__Request *request, bool once, Zmesos__V1__Reply **out,
        struct error *err)
{
    const void *bytes = NULL;
    size_t length = 0, size;
    struct zmesos_error error;
    uint8_t *packed = pack(client, request, &size);
    int rc = (once ? zmesos_call_once : zmesos_call)(client->library, packed, size, &bytes, &length, &error);

    free(packed);
    if (rc < 0)
        return library_error(err, rc, "", &error);
    rc = read_reply(client, slice_of(bytes, length), out, err);
    return rc < 0 ? rc : 0;
}

int client_call(
        struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **out, struct error *err)
{
    return call(client, request, false, out, err);
}

int client_call_once(
        struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **out, struct error *err)
{
    return call(client, request, true, out, err);
}
