/* The connection to NATS, and the question to zmesosd. */
#include <stdio.h>
#include <string.h>

#include "bridge.h"

#define PING_MS 5000
#define DUPLICATES_NS                                                                                        \
    INT64_C(10000000000) /* the server holds so many ids in memory, which nothing here needs */
#define PENDING_MAX 1000 /* messages that are published and not acknowledged */

int nats_check(const char *what, natsStatus status, jsErrCode code)
{
    const char *words;

    if (status == NATS_OK)
        return 0;
    words = nats_GetLastError(NULL);
    say("%s: %s%s%s (%d)", what, natsStatus_GetText(status), words && *words ? ": " : "", words ? words : "",
            code);
    return -1;
}

static void on_refused(jsCtx *js, jsPubAckErr *error, void *closure)
{
    struct server *server = closure;

    (void)js;
    if (!atomic_exchange(&server->refused, true))
        say("events: not taken: %s", error->ErrText ? error->ErrText : natsStatus_GetText(error->Err));
}

int server_open(struct server *server, const struct options *options)
{
    natsOptions *nats = NULL;
    jsOptions js;
    natsStatus status;

    memset(server, 0, sizeof *server);
    jsOptions_Init(&js);
    js.Wait = WAIT_MS;
    js.PublishAsync.MaxPending = PENDING_MAX;
    js.PublishAsync.ErrHandler = on_refused;
    js.PublishAsync.ErrHandlerClosure = server;
    status = natsOptions_Create(&nats);
    if (status == NATS_OK)
        status = natsOptions_SetURL(nats, options->broker);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(nats, WAIT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetPingInterval(nats, PING_MS);
    if (status == NATS_OK) /* what was under way would come again, in another order */
        status = natsOptions_SetAllowReconnect(nats, false);
    if (status == NATS_OK)
        status = natsConnection_Connect(&server->connection, nats);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&server->js, server->connection, &js);
    natsOptions_Destroy(nats);
    if (nats_check(options->broker, status, 0) < 0)
        return -1;
    server->payload_max = natsConnection_GetMaxPayload(server->connection);
    return 0;
}

void server_close(struct server *server)
{
    natsConnection_Destroy(server->connection);
    jsCtx_Destroy(server->js);
}

int server_stream(struct server *server, const struct options *options, const char *name,
        const char **subjects, int subjects_count)
{
    jsStreamConfig config;
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus status = js_GetStreamInfo(&info, server->js, name, NULL, &code);

    if (status == NATS_NOT_FOUND) {
        jsStreamConfig_Init(&config);
        config.Name = name;
        config.Subjects = subjects;
        config.SubjectsLen = subjects_count;
        config.MaxMsgs = options->keep;
        config.Duplicates = DUPLICATES_NS;
        status = js_AddStream(&info, server->js, &config, NULL, &code);
    }
    jsStreamInfo_Destroy(info);
    return nats_check(name, status, code);
}

json_t *ask(struct zmesos_client *client, const char *request)
{
    struct zmesos_error error;
    json_error_t why;
    json_t *found = NULL;
    const void *reply;
    size_t size;

    if (zmesos_call(client, request, strlen(request), &reply, &size, &error) < 0)
        say("%s", error.text);
    else if (!(found = json_loadb(reply, size, 0, &why)))
        say("a reply of zmesosd that cannot be read: %s", why.text);
    return found;
}
