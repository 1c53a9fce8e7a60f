/* Answers to what client_other.c asks, and what follows from it, held against the rows that the core has
 * decided on. */
#include "sim.h"

#include <string.h>

#include "peek.h"

#define KIND(name) ZMESOS__V1__REASON__KIND__##name

static const char *decided_meta(const struct sim *sim, const char *name)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->meta_count; i++) {
        if (strcmp(ahead->metas[i].name, name) == 0)
            return ahead->metas[i].value;
    }
    return "";
}

static bool lists(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at++) {
        if ((at == names || at[-1] == ' ' || at[-1] == '\n') &&
                (at[length] == '\0' || at[length] == ' ' || at[length] == '\n'))
            return true;
    }
    return false;
}

bool decided_stopped(const struct sim *sim, int role)
{
    return lists(decided_meta(sim, META_SUPPRESSED), role_name(role));
}

bool decided_role(const struct sim *sim, int role)
{
    const char *line = strchr(decided_meta(sim, META_ROLES), '\n');
    return role < ROLES_CONFIGURED || (line && lists(line, role_name(role)));
}

bool decided_teardown(const struct sim *sim)
{
    const char *wanted = decided_meta(sim, META_TEARDOWN);
    return *wanted && strcmp(wanted, decided_meta(sim, META_FRAMEWORK_ID)) == 0;
}

const struct kept_task *decided_task(const struct sim *sim, const char *id)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count; i++) {
        if (strcmp(ahead->tasks[i].row.id, id) == 0)
            return &ahead->tasks[i];
    }
    return NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------
 */

static void check_role_free(struct sim *sim)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count && !decided_role(sim, ROLE_ADDED); i++) {
        const struct wish *wish = client_wish(sim, ahead->tasks[i].row.id, strlen(ahead->tasks[i].row.id));
        if (wish && !wish->found && wish->role == ROLE_ADDED && !is_final(ahead->tasks[i].row.state) &&
                !(ahead->tasks[i].row.flags & peek_adopted))
            violation(sim, "its role is taken from %s, which is not over", wish->id);
    }
}

static void check_drained(struct sim *sim, const struct attempt_row *row)
{
    const struct agent *agent = sim_agent(sim, row->agent_id);
    trace(sim, "daemon", "drains %s of attempt %u of key %lld", row->agent_id, row->number,
            (long long)row->task_key);
    const struct core_config *config = &sim->daemon.config;
    if (!agent || !config->drain || !agent->told.set ||
            world_now(sim).wall_ns < agent->told.start_ns - config->drain_grace_ms * 1000000)
        violation(sim, "attempt %u of key %lld is drained from %s, which is not to be maintained",
                row->number, (long long)row->task_key, row->agent_id);
}

/* After it counts. */
void check_decided(struct sim *sim, const struct record *record, uint32_t flags_before)
{
    if (record->kind == RECORD_META && strcmp(record->meta.name, META_ROLES) == 0)
        check_role_free(sim);
    if (record->kind == RECORD_ATTEMPT && record->attempt.flags & ~flags_before & peek_drained)
        check_drained(sim, &record->attempt);
}

/* ---- replies ----------------------------------------------------------------------------------------------
 */

static void check_roles_reply(struct sim *sim, const struct request *request)
{
    for (int role = 0; role < ROLES; role++) {
        bool meant = request->role < 0 || request->role == role;
        if (meant && decided_role(sim, role) &&
                decided_stopped(sim, role) != (request->kind == REQUEST_SUPPRESS))
            violation(sim, "that %s is suppressed or revived is answered and not kept", role_name(role));
    }
}

static bool has_reason(const Zmesos__V1__Explanation *said, int kind)
{
    for (size_t i = 0; i < said->n_reasons; i++) {
        if ((int)said->reasons[i]->kind == kind)
            return true;
    }
    return false;
}

static void expect(struct sim *sim, const Zmesos__V1__Explanation *said, int kind, bool expected)
{
    if (has_reason(said, kind) != expected)
        violation(sim, "why %s waits: reason %d is %s", said->task_id, kind,
                expected ? "missing" : "given and untrue");
}

static void check_reason(struct sim *sim, const struct wish *wish, const Zmesos__V1__Reason *reason)
{
    bool of_offers = reason->has_offers && reason->offers > 0;
    switch (reason->kind) {
    case KIND(CPUS):
        if (reason->wanted != (double)wish->want.cpus / 1000)
            violation(sim, "why %s waits: it wants %f cpus", wish->id, reason->wanted);
        break;
    case KIND(CONSTRAINT):
        if (!reason->has_constraint || reason->constraint >= wish->rule_count ||
                wish->rules[reason->constraint].preferred || !of_offers)
            violation(sim, "why %s waits: its constraint %u", wish->id, reason->constraint);
        break;
    case KIND(AVOIDED):
        if (!wish->policy.elsewhere)
            violation(sim, "why %s waits: it may go anywhere", wish->id);
        break;
    case KIND(MAINTENANCE):
        if (wish->despite || !sim->features[FEATURE_MAINTENANCE])
            violation(sim, "why %s waits: for no maintenance", wish->id);
        break;
    default:
        break;
    }
}

static void check_why_queued(
        struct sim *sim, const struct kept_task *task, const Zmesos__V1__Explanation *said)
{
    const struct wish *wish = client_wish(sim, said->task_id, strlen(said->task_id));
    int64_t backoff_ns = task->row.not_before_ns - world_now(sim).wall_ns;
    struct peek peek;
    peek_core(sim->daemon.core, world_now(sim), &peek);
    if (said->n_reasons == 0)
        violation(sim, "%s waits, and nothing says why", said->task_id);
    expect(sim, said, KIND(HELD), task->row.flags & peek_held);
    expect(sim, said, KIND(MASTER_AWAY), !peek.subscribed);
    expect(sim, said, KIND(TEARDOWN), decided_teardown(sim));
    if (!wish || wish->found || wish->group)
        return;
    expect(sim, said, KIND(SUPPRESSED), decided_stopped(sim, wish->role));
    if (!sim->weather.faults[FAULT_WALL_JUMP] && !(task->row.flags & peek_held) &&
            (task->row.not_before_ns == 0 || backoff_ns > 10000000))
        expect(sim, said, KIND(BACKOFF), task->row.not_before_ns != 0);
    for (size_t i = 0; i < said->n_reasons; i++)
        check_reason(sim, wish, said->reasons[i]);
}

static void check_why(struct sim *sim, const struct request *request, const Zmesos__V1__Explanations *all)
{
    if (all->n_explanations + all->n_missing != request->count)
        violation(sim, "a why is answered for %zu tasks of %zu", all->n_explanations, request->count);
    for (size_t i = 0; i < all->n_missing; i++) {
        if (decided_task(sim, all->missing[i]))
            violation(sim, "%s is missing in a why", all->missing[i]);
    }
    for (size_t i = 0; i < all->n_explanations && !sim->violated; i++) {
        const Zmesos__V1__Explanation *said = all->explanations[i];
        const struct kept_task *task = decided_task(sim, said->task_id);
        if (!task || (int)said->state != task->row.state) {
            violation(sim, "why %s waits: it is not %s", said->task_id, view_name((int)said->state));
            continue;
        }
        if (sim->plant == PLANT_NO_REASON)
            all->explanations[i]->n_reasons = 0;
        if (said->state == VIEW(QUEUED))
            check_why_queued(sim, task, said);
        expect(sim, said, KIND(LAUNCHING), said->state == VIEW(LAUNCHING) || said->state == VIEW(STAGING));
        expect(sim, said, KIND(OUT_OF_SIGHT),
                said->state == VIEW(UNREACHABLE) || said->state == VIEW(UNKNOWN));
    }
}

static void check_sandbox(
        struct sim *sim, const struct request *request, const Zmesos__V1__SandboxPlace *place)
{
    const struct wish *wish = request->wishes[0];
    const struct kept_task *task = decided_task(sim, wish->id);
    const struct attempt_row *last =
            task && task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
    if (!last || place->attempt != last->number || strcmp(place->agent_id, last->agent_id) != 0 ||
            (int)place->state != last->state) {
        violation(sim, "the sandbox of %s is that of another attempt", wish->id);
        return;
    }
    if (wish->found || wish->group || task->row.flags & peek_adopted)
        return;
    const char *executor = wish->want.executor ? executor_name(wish->want.executor)
                           : *last->mesos_id   ? last->mesos_id
                                               : arena_format(&sim->arena, "%s.%lld.%u", wish->id,
                                                         (long long)task->row.key, last->number);
    const char *directory = arena_format(&sim->arena, "/frameworks/framework-%llu/executors/%s/runs/latest",
            (unsigned long long)sim->daemon.framework, executor);
    if (strcmp(place->directory, directory) != 0)
        violation(sim, "the sandbox of %s is %s, and not %s", wish->id, place->directory, directory);
}

static void check_teardown_reply(struct sim *sim, const Zmesos__V1__TeardownReply *reply)
{
    if (reply->begun != decided_teardown(sim))
        violation(sim, "a teardown is answered as begun, and its wish is not kept");
    if (!reply->begun && reply->token)
        client_tear_down(sim, arena_string(&sim->arena, reply->token));
}

/* The answer to a call that a request asked for is the reply's. */
static void check_asked_reply(struct sim *sim, const struct request *request, int code)
{
    const struct call *call = sim->daemon.answering;
    bool its = call && call->asker == request->token;
    static const int codes[] = {[CORE_ACCEPTED] = ZMESOS__V1__CODE__OK,
            [CORE_REFUSED] = ZMESOS__V1__CODE__INVALID,
            [CORE_NOT_DONE] = ZMESOS__V1__CODE__UNAVAILABLE,
            [CORE_UNANSWERED] = ZMESOS__V1__CODE__UNAVAILABLE};
    if (its ? codes[sim->daemon.answer] != code : code == ZMESOS__V1__CODE__OK)
        violation(sim, "request %llu is answered %d, the master's answer was %d",
                (unsigned long long)request->token, code, its ? (int)sim->daemon.answer : -1);
    if (request->kind == REQUEST_ROLES && code == ZMESOS__V1__CODE__OK &&
            decided_role(sim, ROLE_ADDED) == request->drop)
        violation(sim, "roles are changed, and that is not kept");
}

void check_other_reply(struct sim *sim, const struct request *request, const Zmesos__V1__Reply *reply)
{
    bool ok = reply->code == ZMESOS__V1__CODE__OK;
    switch (request->kind) {
    case REQUEST_SUPPRESS:
    case REQUEST_REVIVE:
        if (ok)
            check_roles_reply(sim, request);
        else if (request->role != ROLE_ADDED)
            violation(sim, "%s cannot be suppressed or revived: %s",
                    request->role < 0 ? "all" : role_name(request->role), reply->message);
        break;
    case REQUEST_TEARDOWN:
        if (ok)
            check_teardown_reply(sim, reply->teardown);
        break;
    case REQUEST_WHY:
        if (ok)
            check_why(sim, request, reply->explanations);
        break;
    case REQUEST_SANDBOX:
        if (ok)
            check_sandbox(sim, request, reply->sandbox);
        break;
    case REQUEST_AGENTS:
        if (ok)
            check_agents(sim, request, reply->agents);
        break;
    case REQUEST_SHUTDOWN:
    case REQUEST_MESSAGE:
    case REQUEST_RESOURCES:
    case REQUEST_OPERATIONS:
    case REQUEST_ROLES:
        check_asked_reply(sim, request, (int)reply->code);
        break;
    default:
        break;
    }
}

static void check_same_roles(struct sim *sim, const struct call *call)
{
    for (int role = 0; role < ROLES; role++) {
        if (call->framework_roles[role] != decided_role(sim, role))
            violation(sim, "UPDATE_FRAMEWORK is %s %s, and nobody asked for that",
                    call->framework_roles[role] ? "with" : "without", role_name(role));
    }
}

/* Calls that only a request asks for. */
void check_asked_call(struct sim *sim, struct call *call)
{
    const struct request *request = sim->daemon.asking;
    bool fits = false;
    switch (call->type) {
    case CALL(SHUTDOWN):
        fits = request && request->kind == REQUEST_SHUTDOWN;
        break;
    case CALL(MESSAGE):
        fits = request && request->kind == REQUEST_MESSAGE;
        break;
    case CALL(REQUEST):
        fits = request && request->kind == REQUEST_RESOURCES;
        break;
    case CALL(RECONCILE_OPERATIONS):
        if (call->operation_count > 0) {
            check_deeds_asked(sim, call);
            return;
        }
        fits = request && request->kind == REQUEST_OPERATIONS;
        break;
    case CALL(UPDATE_FRAMEWORK):
        fits = request && request->kind == REQUEST_ROLES;
        if (!fits && sim->features[FEATURE_LIMITS]) { /* its offer constraints */
            check_same_roles(sim, call);
            return;
        }
        break;
    case CALL(TEARDOWN):
        if (!decided_teardown(sim))
            violation(sim, "a TEARDOWN that nobody asked for");
        return;
    case CALL(REVIVE):
        for (int role = 0; role < ROLES; role++) {
            if (call->roles[role] && decided_stopped(sim, role))
                violation(sim, "%s is revived, and it is suppressed by request", role_name(role));
        }
        return;
    default:
        return;
    }
    if (!fits)
        violation(sim, "a call %s that nobody asked for", call_name(call->type));
    else
        call->asker = request->token;
}

void check_subscribes(struct sim *sim, const struct call *call)
{
    for (int role = 0; role < ROLES; role++) {
        if (call->framework_roles[role] != decided_role(sim, role))
            violation(sim, "SUBSCRIBE is %s %s", call->framework_roles[role] ? "with" : "without",
                    role_name(role));
        if (decided_role(sim, role) && decided_stopped(sim, role) && !call->roles[role])
            violation(sim, "SUBSCRIBE asks for offers to %s, which is suppressed", role_name(role));
    }
}
