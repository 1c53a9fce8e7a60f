/* The end of the framework by request. The wish names the framework id and is on disk before the reply and
 * the TEARDOWN; it stands until the master says that the framework has been removed, which may be to the
 * SUBSCRIBE of a later run: TEARDOWN is repeated until then. Meanwhile nothing is launched, so saying it once
 * more ends nothing but what was to end. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t tasks_not_over(const struct core *core)
{
    uint64_t count = 0;
    for (int state = 0; state <= (int)STATE_MAX; state++) {
        if (!state_is_over((task_state)state))
            count += core->counts[state];
    }
    return count;
}

bool core_is_tearing_down(const struct core *core)
{
    return core->teardown.wanted;
}

static char *token_text(struct core *core)
{
    return arena_format(&core->out->arena, "%016llx", (unsigned long long)core->teardown.token);
}

/* Not a secret, but nothing that is sent by mistake. One that is valid is given again: a reply may be lost.
 */
static void give_token(struct core *core)
{
    struct teardown *teardown = &core->teardown;
    if (teardown->token == 0 || core->now.mono_ms >= teardown->token_until_ms)
        teardown->token =
                (core->config.seed[0] ^ (uint64_t)core->now.wall_ns) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    teardown->token_until_ms = core->now.mono_ms + CORE_TEARDOWN_MS;
}

static void answer(struct core *core, const struct core_input *input)
{
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__TeardownReply *result = arena_alloc(&core->out->arena, sizeof *result);
    zmesos__v1__teardown_reply__init(result);
    result->has_tasks = result->has_begun = true;
    result->tasks = tasks_not_over(core);
    result->begun = core->teardown.wanted;
    if (!result->begun) {
        result->token = token_text(core);
        result->has_valid_ms = true;
        result->valid_ms = CORE_TEARDOWN_MS;
    }
    reply->result_case = ZMESOS__V1__REPLY__RESULT_TEARDOWN;
    reply->teardown = result;
    reply_send(core, input->request.token, reply, NULL);
}

static void begin(struct core *core)
{
    core->teardown.wanted = true;
    core->teardown.at_ms = core->now.mono_ms;
    core->teardown.backoff_ms = core->config.kill_min_ms;
    leases_end(core, NULL, ZMESOS__V1__LEASE_CHANGE__WHY__TEARDOWN);
    output_meta(core, META_TEARDOWN, arena_string(&core->out->arena, core->config.framework_id));
    output_status_event(core, "zmesos/MASTER");
}

void handle_teardown(struct core *core, const struct core_input *input)
{
    const char *token = input->request.request->teardown->token;
    struct error err;
    int code = 0;
    bool valid = token && core->teardown.token != 0 && core->now.mono_ms < core->teardown.token_until_ms &&
                 strcmp(token, token_text(core)) == 0;
    if (core->teardown.wanted)
        valid = false; /* it was taken: the same answer again */
    else if (core->config.no_teardown)
        code = error_set_field(&err, ERR_INVALID, "teardown", "this zmesosd runs with --no-teardown");
    else if (token && !valid)
        code = error_set_field(&err, ERR_INVALID, "teardown.token",
                "it is not the token, or its minute is over; ask without one for another");
    else if (!token)
        give_token(core);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    if (valid)
        begin(core);
    answer(core, input);
}

void teardown_forget(struct core *core)
{
    core->teardown = (struct teardown){0};
    output_meta(core, META_TEARDOWN, "");
}

/* Nobody reports the ends of a removed framework's tasks. */
void teardown_end(struct core *core, struct task *task)
{
    const char *words = "ended with its framework, which was torn down by request";
    if (state_is_over(task->state))
        return;
    struct task_row row = task_row_of(task);
    row.kill_requested = true;
    if (task->state != STATE(QUEUED)) {
        task_write(core, &row, NULL);
        attempt_move(core, task, STATE(KILLED), 0, words, "");
        return;
    }
    row.state = (int32_t)STATE(KILLED);
    row.not_before_ns = 0;
    row.message = words;
    row.reason = "";
    task_write(core, &row, NULL);
}

void teardown_tick(struct core *core)
{
    struct teardown *teardown = &core->teardown;
    if (!teardown->wanted || core->subscription == 0 || core->now.mono_ms < teardown->at_ms)
        return;
    (void)output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__TEARDOWN, true);
    teardown->at_ms = core->now.mono_ms + backoff_take(&teardown->backoff_ms, core->config.kill_max_ms);
}

int64_t teardown_deadline(const struct core *core)
{
    return core->teardown.wanted && core->subscription != 0 ? core->teardown.at_ms : INT64_MAX;
}
