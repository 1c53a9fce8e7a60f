/* What an attempt's health check and check say (docs/tasks.md "Checks"): kept with its row, so that a client
 * that asks later sees it too. A check's result is packed into one number; what newer versions of Mesos add
 * to it is in the published update alone. */
#include "internal.h"

#define CHECK(name) MESOS__V1__CHECK_INFO__TYPE__##name
#define PACKED ((int64_t)1 << 40) /* there is one */
#define HAS_RESULT ((int64_t)1 << 39)
#define TYPE_SHIFT 32

static int64_t pack(int type, bool has_result, uint32_t result)
{
    return PACKED | (int64_t)type << TYPE_SHIFT | (has_result ? HAS_RESULT | result : 0);
}

static int64_t check_status_pack(const Mesos__V1__CheckStatusInfo *status)
{
    const Mesos__V1__CheckStatusInfo__Command *command = status->command;
    const Mesos__V1__CheckStatusInfo__Http *http = status->http;
    const Mesos__V1__CheckStatusInfo__Tcp *tcp = status->tcp;
    switch (status->type) {
    case CHECK(COMMAND):
        return pack(CHECK(COMMAND), command && command->has_exit_code,
                command ? (uint32_t)command->exit_code : 0);
    case CHECK(HTTP):
        return pack(CHECK(HTTP), http && http->has_status_code, http ? http->status_code : 0);
    case CHECK(TCP):
        return pack(CHECK(TCP), tcp && tcp->has_succeeded, tcp && tcp->succeeded);
    default:
        return 0;
    }
}

Mesos__V1__CheckStatusInfo *check_status_view(struct arena *arena, int64_t packed)
{
    if (packed == 0)
        return NULL;
    Mesos__V1__CheckStatusInfo *status = arena_alloc(arena, sizeof *status);
    mesos__v1__check_status_info__init(status);
    status->has_type = true;
    status->type = (Mesos__V1__CheckInfo__Type)(packed >> TYPE_SHIFT & 0x7f);
    bool has_result = packed & HAS_RESULT;
    uint32_t result = (uint32_t)packed;
    switch (status->type) {
    case CHECK(COMMAND):
        status->command = arena_alloc(arena, sizeof *status->command);
        mesos__v1__check_status_info__command__init(status->command);
        status->command->has_exit_code = has_result;
        status->command->exit_code = (int32_t)result;
        break;
    case CHECK(HTTP):
        status->http = arena_alloc(arena, sizeof *status->http);
        mesos__v1__check_status_info__http__init(status->http);
        status->http->has_status_code = has_result;
        status->http->status_code = result;
        break;
    default:
        status->tcp = arena_alloc(arena, sizeof *status->tcp);
        mesos__v1__check_status_info__tcp__init(status->tcp);
        status->tcp->has_succeeded = has_result;
        status->tcp->succeeded = result != 0;
        break;
    }
    return status;
}

bool health_note(struct core *core, const struct task *task, const struct attempt *attempt,
        const Mesos__V1__TaskStatus *status)
{
    if (state_is_over(attempt->state) && attempt->state != STATE(LOST))
        return false; /* a repetition */
    struct attempt_row row = attempt_row_of(task, attempt);
    if (status->has_healthy)
        row.healthy = status->healthy ? 1 : -1;
    int64_t check = status->check_status ? check_status_pack(status->check_status) : 0;
    if (check != 0)
        row.check_status = check;
    if (row.healthy == attempt->healthy && row.check_status == attempt->check_status)
        return false;
    attempt_write(core, &row);
    return true;
}
