/* See batch.h. */
#include "batch.h"

#include <string.h>

#define ROOM 1000000u /* bytes of ids in one request; its limit is a bit higher */
#define FRAMING 4     /* bytes around one id */

size_t batch_ids(char *const *ids, size_t count)
{
    size_t portion = 0, bytes = 0;

    while (portion < count && portion < BATCH_IDS_MAX) {
        bytes += strlen(ids[portion]) + FRAMING;
        if (portion && bytes > ROOM)
            break;
        portion++;
    }
    return portion;
}
