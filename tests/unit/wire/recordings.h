/* What a real master sent, where the shared folder is there. */
#ifndef TESTS_WIRE_RECORDINGS_H
#define TESTS_WIRE_RECORDINGS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/slice.h"

/* Reads $ZMESOS_SHARED/mesos-v1/recordings/<name>, ../shared by default; the caller frees. False: not there.
 */
static inline bool recording_load(const char *name, uint8_t **data, size_t *length)
{
    const char *shared = getenv("ZMESOS_SHARED");
    char path[4096];
    snprintf(path, sizeof path, "%s/mesos-v1/recordings/%s", shared ? shared : "../shared", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("no recording %s: skipped\n", path);
        return false;
    }
    enum { ROOM = 1 << 20 };
    *data = alloc_bytes(ROOM);
    *length = fread(*data, 1, ROOM, file);
    fclose(file);
    return true;
}

#endif
