/* Mistakes put in on purpose, and those of them that need a memory. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "peek.h"

const char *const plant_names[PLANT_COUNT] = {
        [PLANT_ACK_EARLY] = "ack-early",
        [PLANT_FORGET_LAUNCH] = "forget-launch",
        [PLANT_REUSE_ID] = "reuse-id",
        [PLANT_SKIP_ASKING] = "skip-asking",
        [PLANT_RESEND_ACCEPT] = "resend-accept",
        [PLANT_NO_FENCE] = "no-fence",
        [PLANT_UNKNOWN_GONE] = "unknown-gone",
        [PLANT_BELIEVE_SYNC] = "believe-sync",
        [PLANT_KILL_IS_END] = "kill-is-end",
        [PLANT_ADOPT_OVER] = "adopt-over",
        [PLANT_FORGET_KEYS] = "forget-keys",
        [PLANT_NOT_RESTORED] = "not-restored",
        [PLANT_HAND_TWICE] = "hand-twice",
        [PLANT_NO_STRICT] = "no-strict",
        [PLANT_NO_PREFERRED] = "no-preferred",
        [PLANT_NO_ROOM] = "no-room",
        [PLANT_NO_HEALTH] = "no-health",
        [PLANT_FORGET_ROLES] = "forget-roles",
        [PLANT_FORGET_END] = "forget-end",
        [PLANT_NO_WINDOW] = "no-window",
        [PLANT_NO_REFUSAL] = "no-refusal",
        [PLANT_NO_REASON] = "no-reason",
        [PLANT_NO_AGENT] = "no-agent",
        [PLANT_NO_WEIGHT] = "no-weight",
        [PLANT_NO_SUBMITTER] = "no-submitter",
        [PLANT_NO_CONSUMER] = "no-consumer",
        [PLANT_TOO_STRICT] = "too-strict",
        [PLANT_NO_GROUP] = "no-group",
        [PLANT_NO_PLACER] = "no-placer",
        [PLANT_NO_LEASE] = "no-lease",
        [PLANT_FORGET_OPERATION] = "forget-operation",
        [PLANT_PENDING_NOT_DONE] = "pending-not-done",
};

bool plant_forgets(const struct sim *sim, const char *meta)
{
    return (sim->plant == PLANT_FORGET_KEYS && strcmp(meta, META_NEXT_KEY) == 0) ||
           (sim->plant == PLANT_FORGET_ROLES && strcmp(meta, META_SUPPRESSED) == 0) ||
           (sim->plant == PLANT_FORGET_END && strcmp(meta, META_TEARDOWN) == 0);
}

/* PLANT_SKIP_ASKING: a question that was not answered is not asked again in its subscription. */
bool plant_skips(struct sim *sim, struct call *call)
{
    size_t asked = call->task_count;
    call->task_count = 0;
    for (size_t i = 0; i < asked; i++) {
        struct life *life = sim_life(sim, call->tasks[i].id);
        uint64_t here = sim->daemon.run << 32 | call->subscription;
        if (life && life->asked == here)
            continue;
        if (life)
            life->asked = here;
        call->tasks[call->task_count++] = call->tasks[i];
    }
    return asked > 0 && call->task_count == 0;
}

void plant_heard(struct sim *sim, const char *id)
{
    struct life *life = sim->plant == PLANT_SKIP_ASKING ? sim_life(sim, id) : NULL;
    if (life)
        life->asked = 0;
}

static void hear_end(struct sim *sim, void *context, uint64_t run)
{
    const struct word *word = context;
    if (sim->daemon.up && sim->daemon.run == run && sim->mesos.state == LINK_UP)
        daemon_word(sim, word);
}

/* PLANT_KILL_IS_END: the core hears KILLED with the KILL. */
void plant_kill_ends(struct sim *sim, const char *id)
{
    const struct kept_task *task;
    const struct attempt_row *row = store_attempt(sim, id, &task);
    if (!row || !(row->flags & peek_timed_out))
        return;
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(UPDATE),
            .id = id,
            .agent = row->agent_id,
            .state = TASK(KILLED),
            .reason = -1,
            .source = SOURCE(MASTER)};
    world_after(sim, MS, hear_end, word, sim->daemon.run);
}

void plant_launch(struct sim *sim, struct core_launch *launches, size_t count)
{
    if (sim->plant != PLANT_HAND_TWICE || count < 2)
        return;
    launches[1].resources = launches[0].resources;
    launches[1].resource_count = launches[0].resource_count;
}

/* As our daemon reads it; the bytes stay. */
void plant_spec(struct sim *sim, Zmesos__V1__TaskSpec *spec)
{
    bool strict = sim->plant == PLANT_NO_STRICT, preferred = sim->plant == PLANT_NO_PREFERRED;
    size_t count = 0;
    if (sim->plant == PLANT_NO_SUBMITTER) {
        free(spec->submitter);
        spec->submitter = NULL;
    }
    if (sim->plant == PLANT_NO_CONSUMER) {
        zmesos__v1__consumer__free_unpacked(spec->consumer, NULL);
        spec->consumer = NULL;
    }
    if (sim->plant == PLANT_NO_PLACER) {
        free(spec->placer);
        spec->placer = NULL;
    }
    if (sim->plant == PLANT_NO_GROUP && spec->group && spec->cpus > 1) {
        free(spec->group);
        spec->group = NULL;
    }
    if (sim->plant == PLANT_NO_ROOM)
        spec->cpus *= 1000;
    for (size_t i = 0; i < spec->n_constraints && (strict || preferred); i++) {
        Zmesos__V1__Constraint *constraint = spec->constraints[i];
        if (constraint->preferred ? preferred : strict)
            zmesos__v1__constraint__free_unpacked(constraint, NULL);
        else
            spec->constraints[count++] = constraint;
    }
    if (strict || preferred)
        spec->n_constraints = count;
}
