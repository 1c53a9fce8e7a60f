/* Requests of commands. See ask.h. */
#include "ask.h"

static int call(const struct settings *settings, struct client *client, enum ask_how how,
        Zmesos__V1__Request *request, Zmesos__V1__Reply **reply)
{
    struct error err;
    int rc = how == ASK_ONCE ? client_call_once(client, request, reply, &err)
                             : client_call(client, request, reply, &err);

    return rc < 0 ? settings_fail(settings, rc, &err) : settings_refused(settings, *reply);
}

int ask(const struct settings *settings, struct client *client, enum ask_how how,
        Zmesos__V1__Request *request, Zmesos__V1__Reply__ResultCase result, Zmesos__V1__Reply **reply)
{
    struct client *own = NULL;
    struct error err;
    int rc;

    *reply = NULL;
    if (!client && (rc = client_create(settings, &own, &err)) < 0)
        return settings_fail(settings, rc, &err);
    rc = call(settings, client ? client : own, how, request, reply);
    client_destroy(own);
    if (rc == CLI_OK && result != ZMESOS__V1__REPLY__RESULT__NOT_SET && (*reply)->result_case != result) {
        settings_say(settings, "the daemon's answer is one to something else");
        rc = CLI_FAILED;
    }
    if (rc != CLI_OK) {
        ask_free(*reply);
        *reply = NULL;
    }
    return rc;
}

int ask_done(const struct settings *settings, enum ask_how how, Zmesos__V1__Request *request)
{
    Zmesos__V1__Reply *reply;
    int rc = ask(settings, NULL, how, request, ZMESOS__V1__REPLY__RESULT__NOT_SET, &reply);

    ask_free(reply);
    return rc;
}

int ask_pages(
        const struct settings *settings, int (*page)(void *context, struct client *client), void *context)
{
    struct client *client = NULL;
    struct error err;
    int rc = client_create(settings, &client, &err);

    if (rc < 0)
        return settings_fail(settings, rc, &err);
    do {
        rc = page(context, client);
    } while (rc == CLI_GO_ON);
    client_destroy(client);
    return rc;
}

void ask_free(Zmesos__V1__Reply *reply)
{
    if (reply)
        zmesos__v1__reply__free_unpacked(reply, NULL);
}
