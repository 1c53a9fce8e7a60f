/* zmesosd over the layer of crash_vfs.h. What the layer does is told by the environment, numbers in decimal:
 *   ZMESOS_CRASH_COUNT      a file whose first 8 bytes are the operations so far
 *   ZMESOS_CRASH_AT         the operation at which the process ends
 *   ZMESOS_CRASH_HOW        keep, lose, some or torn
 *   ZMESOS_CRASH_SEED
 *   ZMESOS_FAIL_WRITE, ZMESOS_FAIL_SYNC, ZMESOS_FAIL_TRUNCATE    the n-th one that fails
 *   ZMESOS_FULL_AT_WRITE    the write from which on the disk is full
 * The flags are zmesosd's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash_vfs.h"
#include "crashd.h"

#define EXIT_BAD_PLAN 98

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    if (!text)
        return 0;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "zmesosd-crash: %s=%s is not a number\n", name, text);
        exit(EXIT_BAD_PLAN);
    }
    return value;
}

static enum crash_how how(void)
{
    static const char *const names[] = {"keep", "lose", "some", "torn"};
    const char *text = getenv("ZMESOS_CRASH_HOW");
    if (!text)
        return CRASH_KEEP;
    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0)
            return (enum crash_how)i;
    fprintf(stderr, "zmesosd-crash: ZMESOS_CRASH_HOW=%s\n", text);
    exit(EXIT_BAD_PLAN);
}

int main(int argc, char **argv)
{
    const struct crash_plan plan = {
            .at = number_of("ZMESOS_CRASH_AT"),
            .how = how(),
            .seed = number_of("ZMESOS_CRASH_SEED"),
            .fail_write = number_of("ZMESOS_FAIL_WRITE"),
            .fail_sync = number_of("ZMESOS_FAIL_SYNC"),
            .fail_truncate = number_of("ZMESOS_FAIL_TRUNCATE"),
            .full_at_write = number_of("ZMESOS_FULL_AT_WRITE"),
            .count_file = getenv("ZMESOS_CRASH_COUNT"),
    };
    crash_vfs_install(&plan);
    return zmesosd_main(argc, argv);
}
