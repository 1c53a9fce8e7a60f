/* Why a task waits (docs/protocol.md "Why"). Matching counts for each shape what the offers lacked that it
 * was tried on, since the last time that all offers were asked for; declined offers do not come again before,
 * so that these counts are of the cluster as it is. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

#define KIND(name) ZMESOS__V1__REASON__KIND__##name
#define VALUE_SHOWN_MAX ((size_t)64)       /* bytes of a value in a message */
#define WHY_BYTES_MAX ((size_t)4 << 20)    /* of messages in a reply */
#define REASONS_MAX (MISFIT_ROLE + 32 + 6) /* of amounts, constraints, and of the task itself */

/* ---- counting ---- */

static void tally_clear(struct tally *tally)
{
    free(tally->constraints);
    *tally = (struct tally){0};
}

void tallies_clear(struct shape *shape)
{
    tally_clear(&shape->tally);
    tally_clear(&shape->before);
}

static void begin_epoch(struct shape *shape)
{
    if (shape->tally.epoch == shape->role->epoch && shape->tally.offers > 0)
        return;
    if (shape->tally.offers > 0) {
        tally_clear(&shape->before);
        shape->before = shape->tally;
        shape->tally = (struct tally){0};
    }
    tally_clear(&shape->tally);
    shape->tally.epoch = shape->role->epoch;
    shape->tally.constraints = alloc_zeroed(shape->constraint_count, sizeof *shape->tally.constraints);
}

void tally_add(struct shape *shape, const struct offer *offer, int misfit)
{
    if (misfit == MISFIT_ROLE)
        return;
    begin_epoch(shape);
    struct tally *tally = &shape->tally;
    tally->offers++;
    if (misfit >= MISFIT_CONSTRAINT)
        tally->constraints[misfit - MISFIT_CONSTRAINT]++;
    else
        tally->misfits[misfit]++;
    for (int s = 0; s < SCALAR_COUNT; s++)
        tally->best[s] = offer->total[s] > tally->best[s] ? offer->total[s] : tally->best[s];
    tally->best_ports = offer->total_ports > tally->best_ports ? offer->total_ports : tally->best_ports;
}

void tally_skipped(struct shape *shape, const struct skipped *skipped)
{
    if (skipped->offers + skipped->unmet == 0)
        return;
    begin_epoch(shape);
    struct tally *tally = &shape->tally;
    tally->offers += skipped->offers + skipped->unmet;
    if (skipped->unmet > 0)
        tally->constraints[skipped->constraint] += skipped->unmet;
    for (int i = 0; i <= MISFIT_TAKEN; i++)
        tally->misfits[i] += skipped->misfits[i];
    for (int s = 0; s < SCALAR_COUNT; s++)
        tally->best[s] = skipped->best[s] > tally->best[s] ? skipped->best[s] : tally->best[s];
    tally->best_ports = skipped->best_ports > tally->best_ports ? skipped->best_ports : tally->best_ports;
}

/* The counts that say most: of this epoch, or of the one before while no offer has come. */
static const struct tally *tally_of(const struct shape *shape)
{
    bool current = shape->tally.epoch == shape->role->epoch && shape->tally.offers > 0;
    return current || shape->tally.offers > 0 ? &shape->tally : &shape->before;
}

/* ---- reasons ---- */

static Zmesos__V1__Reason *reason_add(
        struct core *core, Zmesos__V1__Explanation *view, Zmesos__V1__Reason__Kind kind, const char *message)
{
    Zmesos__V1__Reason *reason = arena_alloc(&core->out->arena, sizeof *reason);
    zmesos__v1__reason__init(reason);
    reason->has_kind = true;
    reason->kind = kind;
    reason->message = (char *)(uintptr_t)message;
    view->reasons[view->n_reasons++] = reason;
    return reason;
}

static void reason_cost(Zmesos__V1__Reason *reason, uint64_t offers)
{
    reason->has_offers = true;
    reason->offers = offers;
}

static void explain_scalar(struct core *core, Zmesos__V1__Explanation *view, const struct shape *shape,
        const struct tally *tally, int s)
{
    static const Zmesos__V1__Reason__Kind kinds[SCALAR_COUNT] = {
            [SCALAR_CPUS] = KIND(CPUS), KIND(MEM), KIND(DISK), KIND(GPUS)};
    char wanted[MILLI_TEXT_MAX], best[MILLI_TEXT_MAX];
    const char *message = arena_format(&core->out->arena,
            "not enough %s: wants %s, the most an offer had is %s", scalar_names[s],
            milli_format(shape->scalars[s], wanted), milli_format(tally->best[s], best));
    Zmesos__V1__Reason *reason = reason_add(core, view, kinds[s], message);
    reason_cost(reason, tally->misfits[s]);
    reason->has_wanted = reason->has_best = true;
    reason->wanted = milli_to_double(shape->scalars[s]);
    reason->best = milli_to_double(tally->best[s]);
}

static void explain_ports(struct core *core, Zmesos__V1__Explanation *view, const struct shape *shape,
        const struct tally *tally)
{
    const char *message =
            arena_format(&core->out->arena, "not enough ports: wants %u, the most an offer had is %llu",
                    shape->ports, (unsigned long long)tally->best_ports);
    Zmesos__V1__Reason *reason = reason_add(core, view, KIND(PORTS), message);
    reason_cost(reason, tally->misfits[MISFIT_PORTS]);
    reason->has_wanted = reason->has_best = true;
    reason->wanted = shape->ports;
    reason->best = (double)tally->best_ports;
}

/* Values are the client's, and as long as it likes. */
static const char *shortened(struct arena *arena, const char *value)
{
    size_t length = strnlen(value, VALUE_SHOWN_MAX + 1);
    if (length <= VALUE_SHOWN_MAX)
        return value;
    for (length = VALUE_SHOWN_MAX; length > 0 && (value[length] & 0xc0) == 0x80;)
        length--;
    return arena_format(arena, "%.*s...", (int)length, value);
}

static void explain_constraint(struct core *core, Zmesos__V1__Explanation *view, const struct shape *shape,
        const struct tally *tally, size_t i)
{
    struct arena *arena = &core->out->arena;
    const struct constraint *c = &shape->constraints[i];
    const char *values = "";
    for (size_t v = 0; v < c->value_count && v < 8; v++)
        values = arena_format(arena, "%s %s", values, shortened(arena, c->values[v]));
    const char *message = arena_format(arena, "constraint %s %s%s%s does not hold", c->attribute,
            enum_name(&zmesos__v1__constraint__operator__descriptor, (int)c->op), values,
            c->value_count > 8 ? " ..." : "");
    Zmesos__V1__Reason *reason = reason_add(core, view, KIND(CONSTRAINT), message);
    reason_cost(reason, tally->constraints[i]);
    reason->has_constraint = true;
    reason->constraint = (uint32_t)i;
}

static int by_cost(const void *a, const void *b)
{
    const Zmesos__V1__Reason *x = *(Zmesos__V1__Reason *const *)a, *y = *(Zmesos__V1__Reason *const *)b;
    return x->offers < y->offers ? 1 : x->offers > y->offers ? -1 : (int)x->kind - (int)y->kind;
}

/* A handful of reasons: sorted by insertion, the core needs no qsort() of libc for it. */
static void sort_by_cost(Zmesos__V1__Reason **reasons, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        Zmesos__V1__Reason *reason = reasons[i];
        size_t j = i;
        for (; j > 0 && by_cost(&reason, &reasons[j - 1]) < 0; j--)
            reasons[j] = reasons[j - 1];
        reasons[j] = reason;
    }
}

static void explain_tally(struct core *core, Zmesos__V1__Explanation *view, const struct shape *shape,
        const struct tally *tally)
{
    size_t first = view->n_reasons;
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (tally->misfits[s] > 0)
            explain_scalar(core, view, shape, tally, s);
    }
    if (tally->misfits[MISFIT_PORTS] > 0)
        explain_ports(core, view, shape, tally);
    if (tally->misfits[MISFIT_RESOURCES] > 0)
        reason_cost(reason_add(core, view, KIND(RESOURCES),
                            shape->particular || (shape->demand && shape->demand->executor_id)
                                    ? "an offer lacked what its resources or its executor ask for"
                                    : "an offer lacked what its resources ask for"),
                tally->misfits[MISFIT_RESOURCES]);
    if (tally->misfits[MISFIT_TAKEN] > 0)
        reason_cost(
                reason_add(core, view, KIND(TAKEN), shares_words(core, shape)), tally->misfits[MISFIT_TAKEN]);
    if (tally->misfits[MISFIT_AVOIDED] > 0)
        reason_cost(reason_add(core, view, KIND(AVOIDED),
                            "an attempt of it has ended on that agent, and it is to go elsewhere"),
                tally->misfits[MISFIT_AVOIDED]);
    if (tally->misfits[MISFIT_MAINTENANCE] > 0)
        reason_cost(reason_add(core, view, KIND(MAINTENANCE), "maintenance of the agent begins soon"),
                tally->misfits[MISFIT_MAINTENANCE]);
    for (size_t i = 0; i < shape->constraint_count; i++) {
        if (tally->constraints && tally->constraints[i] > 0)
            explain_constraint(core, view, shape, tally, i);
    }
    sort_by_cost(view->reasons + first, view->n_reasons - first);
}

static void explain_offers(struct core *core, Zmesos__V1__Explanation *view, const struct shape *shape)
{
    const struct tally *tally = tally_of(shape);
    view->has_offers = true;
    view->offers = tally->offers;
    if (tally->offers == 0) {
        reason_add(core, view, KIND(NO_OFFERS),
                arena_format(&core->out->arena, "role %s has had no offer that was free for it%s",
                        shape->role->name,
                        shape->role->limits.told.length == 0
                                ? ""
                                : "; the master was told to offer agents alone that meet the constraints of "
                                  "what waits"));
        return;
    }
    explain_tally(core, view, shape, tally);
}

static void explain_queued(struct core *core, Zmesos__V1__Explanation *view, const struct task *task)
{
    struct arena *arena = &core->out->arena;
    if (task->flags & TASK_HELD)
        reason_add(core, view, KIND(HELD), "restored from a backup: waits for a release");
    if (task->timer_heap == &core->timers) {
        Zmesos__V1__Reason *reason = reason_add(core, view, KIND(BACKOFF), "a backoff is not over");
        reason->has_until_ns = true;
        reason->until_ns = core->now.wall_ns + (task->timer.key - core->now.mono_ms) * 1000000;
    }
    if (core->subscription == 0)
        reason_add(core, view, KIND(MASTER_AWAY),
                core->down_text ? arena_format(arena, "there is no subscription: %s", core->down_text)
                                : "there is no subscription");
    if (core->teardown.wanted)
        reason_add(core, view, KIND(TEARDOWN), "the framework is being torn down");
    if (task->shape->role->stopped)
        reason_add(core, view, KIND(SUPPRESSED),
                arena_format(arena, "role %s was suppressed by request, until it is revived",
                        task->shape->role->name));
    if (task->shape->placer)
        reason_add(core, view, KIND(WAITS_FOR_PLACER),
                arena_format(arena, "waits for placer %s: %zu leases of role %s are held",
                        shortened(arena, task->shape->placer), task->shape->role->leases,
                        task->shape->role->name));
    else
        explain_offers(core, view, task_placed_shape(task));
    view->has_alike = true;
    view->alike = task_placed_shape(task)->queue.count;
    if (task->attempt_count > 0 && task->message)
        reason_add(core, view, KIND(LAST_ATTEMPT), arena_string(arena, task->message));
}

static Zmesos__V1__Explanation *explain(struct core *core, const struct task *task)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__Explanation *view = arena_alloc(arena, sizeof *view);
    zmesos__v1__explanation__init(view);
    view->task_id = arena_string(arena, task->id);
    view->has_state = true;
    view->state = task->state;
    view->reasons = arena_array(arena, REASONS_MAX, sizeof *view->reasons);
    switch (task->state) {
    case STATE(QUEUED):
        explain_queued(core, view, task);
        break;
    case STATE(LAUNCHING):
    case STATE(STAGING):
        reason_add(core, view, KIND(LAUNCHING),
                task_waits_for_group(task) ? "it never ran; what became of others of its group is not known"
                : task->state == STATE(LAUNCHING) ? "the master has not spoken of it yet"
                                                  : "its agent prepares it: nothing of it runs yet");
        break;
    case STATE(UNREACHABLE):
    case STATE(UNKNOWN):
        reason_add(core, view, KIND(OUT_OF_SIGHT),
                task->state == STATE(UNREACHABLE) ? "its agent is cut off from the master"
                                                  : "the master does not know where it is");
        break;
    default:
        break;
    }
    return view;
}

void why_tell(struct core *core, struct shape *shape)
{
    const struct task *oldest = queue_oldest(shape);
    Zmesos__V1__Explanation *view = explain(core, oldest);
    const Zmesos__V1__Reason *first = view->n_reasons > 0 ? view->reasons[0] : NULL;
    int told = first ? (int)first->kind + 64 * (int)first->constraint : 0;
    if (told == shape->told)
        return;
    shape->told = told;
    output_why_event(core, view);
}

Zmesos__V1__Reason *why_misfit(
        struct core *core, const struct shape *shape, const struct offer *offer, int misfit)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__Explanation view = ZMESOS__V1__EXPLANATION__INIT;
    struct tally tally = {.offers = 1, .best_ports = offer->total_ports};
    tally.constraints = arena_array(arena, shape->constraint_count, sizeof *tally.constraints);
    memcpy(tally.best, offer->total, sizeof tally.best);
    if (misfit >= MISFIT_CONSTRAINT)
        tally.constraints[misfit - MISFIT_CONSTRAINT] = 1;
    else
        tally.misfits[misfit] = 1;
    view.reasons = arena_array(arena, 1, sizeof *view.reasons);
    explain_tally(core, &view, shape, &tally);
    return view.reasons[0];
}

static size_t message_bytes(const Zmesos__V1__Explanation *view)
{
    size_t bytes = 0;
    for (size_t i = 0; i < view->n_reasons; i++)
        bytes += strlen(view->reasons[i]->message);
    return bytes;
}

void handle_why(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Why *why = input->request.request->why;
    struct arena *arena = &core->out->arena;
    struct error err;
    if (why->n_task_ids == 0 || why->n_task_ids > CORE_GET_MAX) {
        int code = error_set_field(&err, why->n_task_ids ? ERR_TOO_LARGE : ERR_INVALID, "why.task_ids",
                "a why names 1 to %d tasks", CORE_GET_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Explanations *all = arena_alloc(arena, sizeof *all);
    zmesos__v1__explanations__init(all);
    all->explanations = arena_array(arena, why->n_task_ids, sizeof *all->explanations);
    all->missing = arena_array(arena, why->n_task_ids, sizeof *all->missing);
    size_t bytes = 0;
    for (size_t i = 0; i < why->n_task_ids; i++) {
        const struct task *task = task_find(core, why->task_ids[i]);
        if (task) {
            Zmesos__V1__Explanation *view = explain(core, task);
            all->explanations[all->n_explanations++] = view;
            bytes += message_bytes(view);
        } else {
            all->missing[all->n_missing++] = arena_string(arena, why->task_ids[i]);
        }
        if (bytes > WHY_BYTES_MAX) {
            int code = error_set_field(&err, ERR_TOO_LARGE, "why.task_ids",
                    "the reasons have more than %zu bytes; ask for fewer at a time", WHY_BYTES_MAX);
            reply_refuse(core, input, code, &err);
            return;
        }
    }
    reply->result_case = ZMESOS__V1__REPLY__RESULT_EXPLANATIONS;
    reply->explanations = all;
    reply_send(core, input->request.token, reply, NULL);
}
