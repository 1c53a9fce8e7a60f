/* Operations on their way to the master: what is wrong with one, which offer it is had of, its ACCEPT and
 * what the master answers to that. Each waiting operation looks at each offer of its role once, in the order
 * in which both came: an offer only becomes less. They go before tasks. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* In steps of matching, see core_config.turn_steps. */
#define LOOK_COST 200

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

/* ---- checking ---- */

static int refuse(struct error *err, const char *path, const char *field, const char *words)
{
    char where[ERROR_FIELD_MAX];
    snprintf(where, sizeof where, "%s.%s", path, field);
    return error_set_field(err, ERR_INVALID, where, "%s", words);
}

static bool looks_at_tasks(Zmesos__V1__Constraint__Operator op)
{
    return op == OP(UNIQUE) || op == OP(MAX_PER) || op == OP(SPREAD) || op == OP(TOGETHER) ||
           op == OP(NEAR) || op == OP(FAR);
}

static int check_constraints(const Zmesos__V1__OperationSpec *spec, const char *path, struct error *err)
{
    int rc = constraints_check(spec->constraints, spec->n_constraints, path, err);
    for (size_t i = 0; i < spec->n_constraints && rc == 0; i++) {
        char field[64];
        if (looks_at_tasks(spec->constraints[i]->operator_)) {
            snprintf(field, sizeof field, "constraints[%zu].operator", i);
            rc = refuse(err, path, field, "of an operation it does not look at tasks");
        } else if (spec->constraints[i]->preferred) {
            snprintf(field, sizeof field, "constraints[%zu].preferred", i);
            rc = refuse(err, path, field, "an operation has no preferences");
        }
    }
    return rc;
}

static int check_body(
        const struct core *core, const Zmesos__V1__OperationSpec *spec, const char *path, struct error *err)
{
    const Mesos__V1__Offer__Operation *operation = spec->operation;
    const char *role = role_find(core, spec->role)->name;
    if (!operation)
        return refuse(err, path, "operation", "there is no operation");
    if (operation->id)
        return refuse(err, path, "operation.id", "the operation's id for Mesos is made here");
    if (!operation->has_type)
        return refuse(err, path, "operation.type", "an operation has a type");
    if (operation->type == OPERATION_TYPE(LAUNCH) || operation->type == OPERATION_TYPE(LAUNCH_GROUP))
        return refuse(err, path, "operation.type", "tasks are launched by a launch");
    char where[ERROR_FIELD_MAX];
    snprintf(where, sizeof where, "%s.operation", path);
    return resource_operation_check(role, operation, where, err);
}

int operation_check(
        const struct core *core, const Zmesos__V1__OperationSpec *spec, const char *path, struct error *err)
{
    if (!spec->id)
        return refuse(err, path, "id", "an operation needs an id");
    if (text_check_id(spec->id, CORE_TASK_ID_MAX, err)) {
        snprintf(err->field, sizeof err->field, "%s.id", path);
        return ERR_INVALID;
    }
    if (!role_find(core, spec->role))
        return refuse(err, path, "role", "this zmesosd does not have that role");
    if (spec->placer && (!*spec->placer || strlen(spec->placer) > CORE_PLACER_MAX))
        return refuse(err, path, "placer", "a placer's name has 1 to 200 bytes");
    int rc = check_constraints(spec, path, err);
    rc = rc ? rc : labels_check(spec->labels, path, err);
    return rc ? rc : check_body(core, spec, path, err);
}

/* ---- placing ---- */

/* Who is to do it: the provider of the resources, where they have one. */
static const char *provider_of(const Mesos__V1__Offer__Operation *operation)
{
    const Mesos__V1__Resource *of = NULL;
    if (operation->create_disk)
        of = operation->create_disk->source;
    else if (operation->destroy_disk)
        of = operation->destroy_disk->source;
    else if (operation->grow_volume)
        of = operation->grow_volume->volume;
    else if (operation->shrink_volume)
        of = operation->shrink_volume->volume;
    else if (operation->reserve && operation->reserve->n_resources > 0)
        of = operation->reserve->resources[0];
    else if (operation->unreserve && operation->unreserve->n_resources > 0)
        of = operation->unreserve->resources[0];
    else if (operation->create && operation->create->n_volumes > 0)
        of = operation->create->volumes[0];
    else if (operation->destroy && operation->destroy->n_volumes > 0)
        of = operation->destroy->volumes[0];
    return of && of->provider_id ? of->provider_id->value : "";
}

static const char *new_mesos_id(struct core *core, const struct operation *operation)
{
    struct arena *arena = &core->out->arena;
    const char *id =
            arena_format(arena, "%s.%lld.%u", operation->id, (long long)operation->key, operation->sent + 1);
    return core->restores == 0 ? id : arena_format(arena, "%s-r%.8s", id, core->config.store_id);
}

/* The intent: on disk before the ACCEPT leaves (docs/architecture.md "Intent first"). */
static void write_intent(struct core *core, struct operation *operation, const struct offer *offer)
{
    struct operation_row row = operation_row_of(operation);
    row.state = (int32_t)OPERATION_STATE(SENT);
    row.flags = 0;
    row.mesos_id = new_mesos_id(core, operation);
    row.sent++;
    row.agent_id = offer->offer->agent_id->value;
    row.hostname = offer->offer->hostname;
    row.provider_id = provider_of(operation->operation);
    row.message = "";
    operation_write(core, &row, NULL);
    operation->asked = operation->unanswered = 0;
    operation->given_up = false;
    operation->unknown_ms = INT64_MIN;
    operations_ask(core, operation, 2 * core->config.ask_min_ms); /* unless it is heard of before */
}

static int misfit(
        struct core *core, const struct operation *operation, const struct offer *offer, struct error *err)
{
    int unmet = constraints_unmet(core, operation->constraints, operation->constraint_count, offer->offer);
    if (unmet < 0)
        return 0;
    char field[64];
    snprintf(field, sizeof field, "constraints[%d]", unmet);
    return error_set_field(err, ERR_NOT_FOUND, field, "the constraint does not hold");
}

/* On a copy: what does not do must leave nothing behind in the offer's memory. */
static int try(const struct operation *operation, const struct offer *offer, struct error *err)
{
    struct arena arena;
    struct resource_set left;
    arena_init(&arena);
    resource_set_init(&left, &arena);
    resource_set_copy(&left, &offer->left);
    int rc = resource_set_apply(&left, operation->role->name, operation->operation, "operation", err);
    arena_clear(&arena);
    return rc;
}

int operation_place(struct core *core, struct operation *operation, struct offer *offer, struct error *err)
{
    int rc = misfit(core, operation, offer, err);
    rc = rc ? rc : try(operation, offer, err);
    rc = rc ? rc
            : resource_set_apply(&offer->left, operation->role->name, operation->operation, "operation", err);
    if (rc)
        return rc;
    struct operation_placement *placement = arena_alloc(&core->out->arena, sizeof *placement);
    placement->operation = operation;
    *offer->operations_end = placement;
    offer->operations_end = &placement->next;
    offer->operation_count++;
    write_intent(core, operation, offer);
    offer_changed(offer);
    return 0;
}

/* What an agent lacks on which it may go says more than which agents are none of those. */
static void note_obstacle(
        struct core *core, struct operation *operation, const struct offer *offer, const struct error *err)
{
    static const char elsewhere[] = "constraints[";
    if (operation->obstacle && operation->near && strncmp(err->field, elsewhere, sizeof elsewhere - 1) == 0)
        return;
    operation->near = strncmp(err->field, elsewhere, sizeof elsewhere - 1) != 0;
    const char *text = arena_format(&core->out->arena, "agent %s (%s): %s%s%s", offer->offer->agent_id->value,
            offer->offer->hostname, err->field, err->field[0] ? ": " : "", err->text);
    free(operation->obstacle);
    operation->obstacle = alloc_string(text);
}

static void spend(struct core *core, size_t steps)
{
    core->match_left -= core->match_left < steps ? core->match_left : steps;
}

/* False: the turn is over before it has looked at all offers. To find that there is none to look at costs
 * nothing. */
static bool match_one(struct core *core, struct operation *operation)
{
    const struct offer_index *index = &operation->role->index;
    struct offer *offer;
    struct error err;
    while ((offer = index_next(index, operation->cursor + 1)) && core->match_left > 0) {
        spend(core, LOOK_COST);
        operation->cursor = offer->number;
        if (operation_place(core, operation, offer, &err) == 0) {
            accept_send(core, offer, &offer, 1);
            return true;
        }
        note_obstacle(core, operation, offer, &err);
    }
    return !offer;
}

bool operations_match(struct core *core, struct role *role)
{
    struct list_link *next;
    for (struct list_link *link = list_first(&role->operations); link; link = next) {
        next = list_next(&role->operations, link);
        if (!match_one(core, list_item(link, struct operation, queue_link)))
            return false;
    }
    return true;
}

/* ---- the answer ---- */

void operation_answered(struct core *core, struct operation *operation, uint64_t call,
        enum core_answer answer, const char *text)
{
    if (operation->call != call)
        return;
    operation->call = 0;
    bool heard = operation->state != OPERATION_STATE(SENT); /* a status overtook the answer */
    if (answer == CORE_UNANSWERED)
        operation->unanswered = core->subscription;
    else if (answer == CORE_NOT_DONE && !heard)
        operation_requeue(core, operation, "the ACCEPT was not sent");
    else if (answer == CORE_REFUSED && !heard)
        operation_move(core, operation, OPERATION_STATE(ERROR), operation->flags, clean_words(core, text));
}
