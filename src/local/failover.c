/* Another master is elected: it knows nothing but the agents that it waits for (PROTOCOL "Reconciling"). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#include "parts.h"

void failover(struct local *local)
{
    struct framework *framework;
    size_t count = 0;
    size_t at = 0;
    log_info("master", "fails over");
    struct framework **frameworks = alloc_zeroed(local->frameworks.count + 1, sizeof(*frameworks));
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        frameworks[count++] = framework;
    for (size_t i = 0; i < local->agent_count; i++)
        agent_recovering(local->agents[i]);
    for (size_t i = 0; i < count; i++)
        framework_forget(frameworks[i]);
    free(frameworks);
    for (size_t i = 0; i < MASTER_REMOVED_MAX; i++) {
        free(local->removed[i]);
        local->removed[i] = NULL;
    }
    local_uuid(local, local->master_id);
    local->next_framework = 0;
    local->next_offer = 0;
}
