/* Texts that many attempts have alike (agents, their host names and addresses, reasons), kept once and
 * counted. */
#include "internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct shared {
    size_t owners;
    char text[];
};

static struct shared *shared_of(const char *text)
{
    return (struct shared *)((uintptr_t)text - offsetof(struct shared, text));
}

const char *shared_find(const struct core *core, const char *text)
{
    const struct shared *shared = map_get_string(&core->shared, text);
    return shared ? shared->text : NULL;
}

void shared_drop(struct core *core, const char *text)
{
    struct shared *shared = text ? shared_of(text) : NULL;
    if (!shared || --shared->owners > 0)
        return;
    map_remove(&core->shared, slice_of_string(shared->text));
    free(shared);
}

void shared_set(struct core *core, const char **place, const char *text)
{
    if (*place && text && strcmp(*place, text) == 0)
        return;
    const char *before = *place;
    *place = NULL;
    if (text && *text) {
        struct shared *shared = map_get_string(&core->shared, text);
        if (!shared) {
            size_t size = strlen(text) + 1;
            shared = alloc_bytes(sizeof *shared + size);
            shared->owners = 0;
            memcpy(shared->text, text, size);
            map_put(&core->shared, slice_of_string(shared->text), shared);
        }
        shared->owners++;
        *place = shared->text;
    }
    shared_drop(core, before);
}
