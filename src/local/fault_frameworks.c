/* Faults of frameworks: their streams and offers. */
#include "fault_handlers.h"

#include <stdlib.h>

#include "fault_fields.h"
#include "parts.h"

int fault_drop_stream(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"cut", "end"};
    struct framework **frameworks = NULL;
    size_t count = 0;
    size_t how = 0;
    int code = field_word(body, "how", hows, 2, &how, err);
    if (code == 0)
        code = field_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (frameworks[i]->stream == NULL)
            continue;
        framework_end_stream(frameworks[i], how == 0);
        framework_disconnect(frameworks[i]);
    }
    free(frameworks);
    return 0;
}

int fault_remove_framework(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = field_frameworks(local, body, &frameworks, &count, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        framework_remove(frameworks[i]);
    free(frameworks);
    return code;
}

/* Another scheduler has subscribed under the framework's id, and has gone again. */
int fault_failover_framework(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = field_frameworks(local, body, &frameworks, &count, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (frameworks[i]->stream == NULL)
            continue;
        send_error(frameworks[i], "Framework failed over");
        framework_end_stream(frameworks[i], false);
        framework_disconnect(frameworks[i]);
    }
    free(frameworks);
    return code;
}

int fault_rescind(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = field_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++)
        for (struct list_link *link; (link = list_first(&frameworks[i]->offers)) != NULL;)
            offer_rescind(list_item(link, struct offer, in_framework));
    free(frameworks);
    return 0;
}
