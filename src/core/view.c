/* What clients see: tasks and the daemon as messages, in the outputs' arena. Strings that may change within
 * one input are copied. */
#include "internal.h"

#include <string.h>

#include "base/decimal.h"

char *view_text(struct core *core, const char *text)
{
    return text && *text ? arena_string(&core->out->arena, text) : NULL;
}

static void view_ports(struct core *core, const char *ports, Zmesos__V1__Attempt *view)
{
    size_t count = ports && *ports ? 1 : 0;
    for (const char *c = ports; c && *c; c++)
        count += *c == ' ';
    view->ports = arena_array(&core->out->arena, count, sizeof *view->ports);
    char *text = arena_string(&core->out->arena, ports), *rest = NULL;
    for (char *word = count ? strtok_r(text, " ", &rest) : NULL; word; word = strtok_r(NULL, " ", &rest)) {
        int64_t port;
        if (integer_parse(word, 0, UINT16_MAX, &port) == 0)
            view->ports[view->n_ports++] = (uint32_t)port;
    }
}

static Zmesos__V1__Attempt *view_attempt(
        struct core *core, const struct task *task, const struct attempt *attempt)
{
    Zmesos__V1__Attempt *view = arena_alloc(&core->out->arena, sizeof *view);
    zmesos__v1__attempt__init(view);
    view->has_number = view->has_state = view->has_launched_ns = view->has_changed_ns = true;
    view->number = attempt->number;
    view->mesos_task_id = task_mesos_id(&core->out->arena, task, attempt->number);
    view->state = attempt->state;
    view->agent_id = view_text(core, attempt->agent_id);
    view->hostname = view_text(core, attempt->hostname);
    view_ports(core, attempt->ports, view);
    view->launched_ns = attempt->launched_ns;
    view->changed_ns = attempt->changed_ns;
    view->message = view_text(core, attempt->message);
    view->reason = view_text(core, attempt->reason);
    view->agent_url = view_text(core, attempt->agent_url);
    view->has_healthy = attempt->healthy != 0;
    view->healthy = attempt->healthy > 0;
    view->check_status = check_status_view(&core->out->arena, attempt->check_status);
    view->has_unconfirmed_since_ns = pending_waits(attempt->pending);
    view->unconfirmed_since_ns = attempt->pending ? attempt->pending->since_ns : 0;
    view->has_replaced = view->replaced = attempt->flags & ATTEMPT_REPLACED;
    return view;
}

Zmesos__V1__Task *view_task(struct core *core, const struct task *task, bool all_attempts)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__Task *view = arena_alloc(arena, sizeof *view);
    zmesos__v1__task__init(view);
    view->has_state = view->has_revision = view->has_kill_requested = true;
    view->has_created_ns = view->has_changed_ns = true;
    view->id = task->id;
    view->name = task->name ? task->name : task->id;
    view->role = task->shape->role->name;
    view->submitter = view_text(core, task->shape->line->id.submitter->name);
    view->group = task->task_group ? task->task_group->name : NULL;
    view->state = task->state;
    view->revision = task->revision;
    view->kill_requested = task->kill_requested;
    view->message = view_text(core, task->message);
    view->reason = view_text(core, task->reason);
    view->created_ns = task->created_ns;
    view->changed_ns = task->changed_ns;
    view->has_retry_ns = task->state == STATE(QUEUED) && task->not_before_ns != 0;
    view->retry_ns = task->not_before_ns;
    view->has_held = view->held = task_is_held(task);
    view->has_adopted = view->adopted = task->flags & TASK_ADOPTED;
    view->placer = task->shape->placer;
    view->attempts = arena_array(arena, task->attempt_count, sizeof(Zmesos__V1__Attempt *));
    for (uint32_t i = all_attempts || task->attempt_count == 0 ? 0 : task->attempt_count - 1;
            i < task->attempt_count; i++)
        view->attempts[view->n_attempts++] = view_attempt(core, task, &task->attempts[i]);
    return view;
}

size_t view_heads(struct core *core, Zmesos__V1__Head ***heads)
{
    const ProtobufCEnumDescriptor *classes = &zmesos__v1__event_class__descriptor;
    *heads = arena_array(&core->out->arena, classes->n_values, sizeof **heads);
    for (unsigned i = 0; i < classes->n_values; i++) {
        Zmesos__V1__Head *head = arena_alloc(&core->out->arena, sizeof *head);
        zmesos__v1__head__init(head);
        head->has_class_ = head->has_number = true;
        head->class_ = (Zmesos__V1__EventClass)classes->values[i].value;
        head->number = core->numbers[head->class_];
        (*heads)[i] = head;
    }
    return classes->n_values;
}

static void view_weights(struct core *core, Zmesos__V1__DaemonStatus *view)
{
    view->weights = arena_array(&core->out->arena, core->config.weight_count, sizeof *view->weights);
    for (size_t i = 0; i < core->config.weight_count; i++) {
        const struct core_weight *weight = &core->config.weights[i];
        const struct submitter *submitter = map_get_string(&core->submitters, weight->submitter);
        Zmesos__V1__Weight *item = arena_alloc(&core->out->arena, sizeof *item);
        zmesos__v1__weight__init(item);
        item->submitter = arena_string(&core->out->arena, weight->submitter);
        item->has_weight = item->has_share = true;
        item->weight = milli_to_double(weight->weight);
        item->share = submitter ? shares_dominant(core, submitter) : 0;
        view->weights[view->n_weights++] = item;
    }
}

static void view_counts(struct core *core, Zmesos__V1__DaemonStatus *view)
{
    view->counts = arena_array(&core->out->arena, STATE_MAX + 1, sizeof *view->counts);
    for (int state = 0; state <= (int)STATE_MAX; state++) {
        if (core->counts[state] == 0)
            continue;
        Zmesos__V1__StateCount *count = arena_alloc(&core->out->arena, sizeof *count);
        zmesos__v1__state_count__init(count);
        count->has_state = count->has_tasks = true;
        count->state = (task_state)state;
        count->tasks = core->counts[state];
        view->counts[view->n_counts++] = count;
    }
}

Zmesos__V1__DaemonStatus *view_status(struct core *core)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__DaemonStatus *view = arena_alloc(arena, sizeof *view);
    zmesos__v1__daemon_status__init(view);
    view->has_run = view->has_subscription = view->has_offers = view->has_started_ns = true;
    view->version = arena_string(arena, core->config.version);
    view->store = arena_string(arena, core->config.store_id);
    view->run = core->config.run;
    view->framework_id = core->framework_id.value;
    view->master = view_text(core, core->master);
    view->subscription = core->subscription_state;
    view->message = view_text(core, core->down_text);
    view->offers = core->offers.count + core->leased;
    view->has_leases = view->has_leased_offers = core->leases.count > 0;
    view->leases = core->leases.count;
    view->leased_offers = core->leased;
    view->started_ns = core->config.started_ns;
    view->has_restored_ns = core->restored_ns != 0;
    view->restored_ns = core->restored_ns;
    view->has_held = core->restores > 0;
    view->held = core->held;
    view->has_strays = core->strays.count > 0;
    view->strays = core->strays.count;
    const char **roles = arena_array(arena, CORE_ROLES_MAX, sizeof *roles);
    view->n_roles = core_roles(core, roles);
    view->roles = (char **)(uintptr_t)roles;
    view->suppressed_roles = arena_array(arena, core->role_count, sizeof *view->suppressed_roles);
    for (size_t i = 0; i < core->role_count; i++) {
        enum role_state state = core->roles[i].state;
        if (core->roles[i].stopped && (state == ROLE_OURS || state == ROLE_LEAVING))
            view->suppressed_roles[view->n_suppressed_roles++] = core->roles[i].name;
    }
    view->offer_constraints = arena_array(arena, core->role_count, sizeof *view->offer_constraints);
    for (size_t i = 0; i < core->role_count; i++) {
        if (core->roles[i].state == ROLE_OURS && core->subscription != 0 &&
                core->roles[i].limits.told.length > 0)
            view->offer_constraints[view->n_offer_constraints++] = core->roles[i].name;
    }
    view->has_teardown = view->teardown = core->teardown.wanted;
    view->operations = operations_not_over(core, NULL);
    view->has_operations = view->operations > 0;
    view->has_held_operations = core->operations.held > 0;
    view->held_operations = core->operations.held;
    view->has_maintenance = core->windows.count > 0;
    view->maintenance = core->windows.count;
    view->has_unconfirmed = core->waiting.count > 0;
    view->unconfirmed = core->waiting.count;
    view->has_subscription_since_ns = core->subscription_since_ns != 0;
    view->subscription_since_ns = core->subscription_since_ns;
    view->has_agents = true;
    view->agents = agents_known(core);
    view->n_heads = view_heads(core, &view->heads);
    view_counts(core, view);
    view_weights(core, view);
    return view;
}
