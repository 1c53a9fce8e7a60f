/* Outputs as text. A line says all that a test may care about, in the words of the messages. */
#include <stdio.h>
#include <string.h>

#include "rig.h"

#include "base/decimal.h"

void text_add(struct buf *buf, const char *format, ...)
{
    char text[16384];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(length, 0, sizeof text - 1);
    assert_int_equal(buf_append(buf, text, (size_t)length), 0);
}

const char *state_name(int state)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&zmesos__v1__task_state__descriptor, state);
    assert_non_null(value);
    return value->name;
}

const char *operation_state_name(int state)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&zmesos__v1__operation__state__descriptor, state);
    assert_non_null(value);
    return value->name;
}

static const char *code_name(Zmesos__V1__Code code)
{
    return protobuf_c_enum_descriptor_get_value(&zmesos__v1__code__descriptor, (int)code)->name;
}

static void add_words(struct buf *buf, const char *message, const char *reason)
{
    if (message && *message)
        text_add(buf, " \"%s\"", message);
    if (reason && *reason)
        text_add(buf, " %s", reason);
}

static void add_record(struct rig *rig, const struct record *record)
{
    struct buf *buf = &rig->text;
    const struct task_row *task = &record->task;
    const struct attempt_row *attempt = &record->attempt;
    switch (record->kind) {
    case RECORD_META:
        text_add(buf, "RECORD %s", record->meta.name);
        if (strcmp(record->meta.name, META_ALIVE_NS) != 0)
            text_add(buf, " %s", record->meta.value);
        break;
    case RECORD_TASK:
        text_add(buf, "RECORD task %s %s rev %llu", task->id, state_name(task->state),
                (unsigned long long)task->revision);
        text_add(buf, "%s%s%s", task->spec ? " spec" : "", task->kill_requested ? " kill" : "",
                task->kill_policy ? " policy" : "");
        if (task->not_before_ns)
            text_add(buf, " after %lld ms", (long long)((task->not_before_ns - rig->now.wall_ns) / 1000000));
        add_words(buf, task->message, task->reason);
        break;
    case RECORD_ATTEMPT:
        text_add(buf, "RECORD attempt %lld.%u %s on %s", (long long)attempt->task_key, attempt->number,
                state_name(attempt->state), attempt->agent_id);
        if (*attempt->ports)
            text_add(buf, " ports %s", attempt->ports);
        for (const char *c = attempt->unique; *c; c++)
            text_add(buf, c == attempt->unique ? " unique %c" : *c == '\n' ? ";" : "%c", *c);
        if (*attempt->mesos_id)
            text_add(buf, " as %s", attempt->mesos_id);
        if (attempt->pending)
            text_add(buf, " pending %d", attempt->pending);
        add_words(buf, attempt->message, attempt->reason);
        break;
    case RECORD_FORGET:
        text_add(buf, "RECORD forget %lld", (long long)record->forget.task_key);
        break;
    case RECORD_OPERATION: {
        const struct operation_row *operation = &record->operation;
        text_add(buf, "RECORD operation %s %s rev %llu%s", operation->id,
                operation_state_name(operation->state), (unsigned long long)operation->revision,
                operation->spec ? " spec" : "");
        if (*operation->mesos_id)
            text_add(buf, " as %s on %s", operation->mesos_id, operation->agent_id);
        text_add(buf, "%s", operation->status ? " status" : "");
        add_words(buf, operation->message, NULL);
        break;
    }
    case RECORD_FORGET_OPERATION:
        text_add(buf, "RECORD forget operation %lld", (long long)record->forget_operation.key);
        break;
    case RECORD_EVENT:
        fail();
    }
    text_add(buf, "\n");
}

static void add_resource(struct buf *buf, const Mesos__V1__Resource *resource)
{
    char text[MILLI_TEXT_MAX];
    milli_t milli;
    assert_non_null(resource->allocation_info);
    text_add(buf, " %s", resource->name);
    if (resource->n_reservations)
        text_add(buf, "/%s", resource->reservations[resource->n_reservations - 1]->role);
    if (resource->scalar) {
        assert_int_equal(milli_from_double(resource->scalar->value, &milli), 0);
        text_add(buf, " %s", milli_format(milli, text));
    }
    if (resource->disk && resource->disk->persistence)
        text_add(buf, " volume %s", resource->disk->persistence->id);
    if (resource->revocable)
        text_add(buf, " revocable");
    for (size_t i = 0; resource->set && i < resource->set->n_item; i++)
        text_add(buf, "%s%s", i ? "," : " ", resource->set->item[i]);
    for (size_t i = 0; resource->ranges && i < resource->ranges->n_range; i++)
        text_add(buf, "%s%llu-%llu", i ? "," : " ", (unsigned long long)resource->ranges->range[i]->begin,
                (unsigned long long)resource->ranges->range[i]->end);
}

static void add_launch(struct buf *buf, const struct core_launch *launch)
{
    if (launch->group > 0)
        text_add(buf, " GROUP %zu", launch->group);
    if (launch->executor_id)
        text_add(buf, " (%s", launch->executor_id);
    for (size_t i = 0; i < launch->executor_resource_count; i++)
        add_resource(buf, launch->executor_resources[i]);
    if (launch->executor_id)
        text_add(buf, ")");
    text_add(buf, " [%s", launch->task_id);
    for (size_t i = 0; i < launch->resource_count; i++)
        add_resource(buf, launch->resources[i]);
    for (size_t i = 0; i < launch->port_count; i++)
        text_add(buf, "%s%u", i ? " " : " PORTS ", launch->ports[i]);
    text_add(buf, "]");
    assert_non_null(launch->spec);
}

static void add_ids(struct buf *buf, Mesos__V1__OfferID **ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(buf, " %s", ids[i]->value);
}

static void add_condition(struct buf *buf, const Mesos__V1__Scheduler__AttributeConstraint *condition)
{
    static const char *const pseudo[] = {"UNKNOWN#", "host#", "region#", "zone#"};
    const Mesos__V1__Scheduler__AttributeConstraint__Predicate *p = condition->predicate;
    assert_int_equal((p->exists != NULL) + (p->not_exists != NULL) + (p->text_equals != NULL) +
                             (p->text_not_equals != NULL) + (p->text_matches != NULL) +
                             (p->text_not_matches != NULL),
            1);
    assert_int_equal(
            condition->selector->has_pseudoattribute_type, condition->selector->attribute_name == NULL);
    text_add(buf, "%s",
            condition->selector->attribute_name ? condition->selector->attribute_name
                                                : pseudo[condition->selector->pseudoattribute_type]);
    if (p->exists || p->not_exists)
        text_add(buf, "%s", p->exists ? "?" : "-");
    if (p->text_equals)
        text_add(buf, "=%s", p->text_equals->value);
    if (p->text_not_equals)
        text_add(buf, "!=%s", p->text_not_equals->value);
    if (p->text_matches)
        text_add(buf, "~%s", p->text_matches->regex);
    if (p->text_not_matches)
        text_add(buf, "!~%s", p->text_not_matches->regex);
}

void text_offer_constraints(struct buf *buf, const Mesos__V1__Scheduler__OfferConstraints *constraints)
{
    for (size_t i = 0; constraints && i < constraints->n_role_constraints; i++) {
        const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints *role =
                constraints->role_constraints[i]->value;
        text_add(buf, " %s:", constraints->role_constraints[i]->key);
        assert_true(role->n_groups > 0);
        for (size_t g = 0; g < role->n_groups; g++) {
            text_add(buf, "%s", g ? " or " : " ");
            assert_true(role->groups[g]->n_attribute_constraints > 0);
            for (size_t c = 0; c < role->groups[g]->n_attribute_constraints; c++) {
                text_add(buf, "%s", c ? " & " : "");
                add_condition(buf, role->groups[g]->attribute_constraints[c]);
            }
        }
    }
}

/* What is not roles. */
static void add_info(struct buf *buf, const Mesos__V1__FrameworkInfo *info)
{
    if (info->name)
        text_add(buf, " name '%s'", info->name);
    if (info->webui_url)
        text_add(buf, " url '%s'", info->webui_url);
    if (info->has_failover_timeout)
        text_add(buf, " failover %g", info->failover_timeout);
    for (size_t i = 0; info->labels && i < info->labels->n_labels; i++)
        text_add(buf, " %s=%s", info->labels->labels[i]->key,
                info->labels->labels[i]->value ? info->labels->labels[i]->value : "NONE");
    if (info->labels && info->labels->n_labels == 0)
        text_add(buf, " no labels");
}

static void add_call(struct buf *buf, const struct core_call *call)
{
    const Mesos__V1__Scheduler__Call *c = call->call;
    const ProtobufCEnumValue *type =
            protobuf_c_enum_descriptor_get_value(&mesos__v1__scheduler__call__type__descriptor, (int)c->type);
    text_add(buf, "CALL %s", type->name);
    if (c->accept) {
        add_ids(buf, c->accept->offer_ids, c->accept->n_offer_ids);
        for (size_t i = 0; i < call->operation_count; i++)
            text_add(buf, " {%s}", call->operations[i].operation_id);
        for (size_t i = 0; i < call->launch_count; i++)
            add_launch(buf, &call->launches[i]);
        assert_true(c->accept->filters->has_refuse_seconds);
        assert_true(c->accept->filters->refuse_seconds == 0);
    }
    if (c->decline) {
        add_ids(buf, c->decline->offer_ids, c->decline->n_offer_ids);
        text_add(buf, " for %lld s", (long long)c->decline->filters->refuse_seconds);
    }
    for (size_t i = 0; c->suppress && i < c->suppress->n_roles; i++)
        text_add(buf, " %s", c->suppress->roles[i]);
    for (size_t i = 0; c->revive && i < c->revive->n_roles; i++)
        text_add(buf, " %s", c->revive->roles[i]);
    if (c->acknowledge)
        text_add(buf, " %s %s %.*s", c->acknowledge->task_id->value, c->acknowledge->agent_id->value,
                (int)c->acknowledge->uuid.len, (const char *)c->acknowledge->uuid.data);
    if (c->acknowledge_operation_status)
        text_add(buf, " %s %.*s", c->acknowledge_operation_status->operation_id->value,
                (int)c->acknowledge_operation_status->uuid.len,
                (const char *)c->acknowledge_operation_status->uuid.data);
    if (c->kill)
        text_add(buf, " %s %s%s", c->kill->task_id->value, c->kill->agent_id->value,
                call->kill_policy ? " policy" : "");
    if (c->update_framework) {
        for (size_t i = 0; i < c->update_framework->framework_info->n_roles; i++)
            text_add(buf, " %s", c->update_framework->framework_info->roles[i]);
        for (size_t i = 0; i < c->update_framework->n_suppressed_roles; i++)
            text_add(buf, " -%s", c->update_framework->suppressed_roles[i]);
        add_info(buf, c->update_framework->framework_info);
        text_offer_constraints(buf, c->update_framework->offer_constraints);
    }
    if (c->accept_inverse_offers) {
        add_ids(buf, c->accept_inverse_offers->inverse_offer_ids,
                c->accept_inverse_offers->n_inverse_offer_ids);
        text_add(buf, " for %lld s", (long long)c->accept_inverse_offers->filters->refuse_seconds);
    }
    if (c->decline_inverse_offers) {
        add_ids(buf, c->decline_inverse_offers->inverse_offer_ids,
                c->decline_inverse_offers->n_inverse_offer_ids);
        text_add(buf, " for %lld s", (long long)c->decline_inverse_offers->filters->refuse_seconds);
    }
    if (c->shutdown)
        text_add(buf, " %s@%s", c->shutdown->executor_id->value, c->shutdown->agent_id->value);
    if (c->message)
        text_add(buf, " %s@%s %zu bytes", c->message->executor_id->value, c->message->agent_id->value,
                c->message->data.len);
    if (c->request)
        text_add(buf, " %zu wishes", c->request->n_requests);
    for (size_t i = 0; c->reconcile_operations && i < c->reconcile_operations->n_operations; i++) {
        const Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *asked =
                c->reconcile_operations->operations[i];
        text_add(buf, " %s@%s/%s", asked->operation_id->value,
                asked->agent_id ? asked->agent_id->value : "nowhere",
                asked->resource_provider_id ? asked->resource_provider_id->value : "-");
    }
    for (size_t i = 0; c->reconcile && i < c->reconcile->n_tasks; i++)
        text_add(buf, " %s@%s", c->reconcile->tasks[i]->task_id->value,
                c->reconcile->tasks[i]->agent_id ? c->reconcile->tasks[i]->agent_id->value : "nowhere");
    text_add(buf, "%s\n", c->reconcile && c->reconcile->n_tasks == 0 ? " implicit" : "");
}

static void add_check(struct buf *buf, const Mesos__V1__CheckStatusInfo *status)
{
    if (status)
        text_add(buf, " check");
    if (status && status->command)
        text_add(buf, status->command->has_exit_code ? " exited %d" : " exited?", status->command->exit_code);
    if (status && status->http)
        text_add(buf, status->http->has_status_code ? " http %u" : " http?", status->http->status_code);
    if (status && status->tcp)
        text_add(buf, status->tcp->has_succeeded ? " tcp %d" : " tcp?", status->tcp->succeeded);
}

void text_task(struct buf *buf, const Zmesos__V1__Task *task)
{
    text_add(buf, "%s name %s role %s %s rev %llu created %lld changed %lld", task->id, task->name,
            task->role, state_name((int)task->state), (unsigned long long)task->revision,
            (long long)task->created_ns, (long long)task->changed_ns);
    text_add(buf, "%s%s%s", task->kill_requested ? " kill" : "", task->held ? " held" : "",
            task->adopted ? " adopted" : "");
    if (task->group)
        text_add(buf, " group %s", task->group);
    text_add(buf, "%s%s", task->placer ? " placer " : "", task->placer ? task->placer : "");
    if (task->has_retry_ns)
        text_add(buf, " not before %lld", (long long)task->retry_ns);
    add_words(buf, task->message, task->reason);
    for (size_t i = 0; i < task->n_attempts; i++) {
        const Zmesos__V1__Attempt *attempt = task->attempts[i];
        text_add(buf, " (%u %s %s on %s %s launched %lld changed %lld", attempt->number,
                attempt->mesos_task_id, state_name((int)attempt->state), attempt->agent_id, attempt->hostname,
                (long long)attempt->launched_ns, (long long)attempt->changed_ns);
        text_add(buf, "%s%s%s", attempt->replaced ? " replaced" : "", attempt->agent_url ? " " : "",
                attempt->agent_url ? attempt->agent_url : "");
        for (size_t p = 0; p < attempt->n_ports; p++)
            text_add(buf, " :%u", attempt->ports[p]);
        if (attempt->has_healthy)
            text_add(buf, " %s", attempt->healthy ? "healthy" : "unhealthy");
        add_check(buf, attempt->check_status);
        if (attempt->has_unconfirmed_since_ns)
            text_add(buf, " unconfirmed since %lld", (long long)attempt->unconfirmed_since_ns);
        add_words(buf, attempt->message, attempt->reason);
        text_add(buf, ")");
    }
}

void text_operation(struct buf *buf, const Zmesos__V1__Operation *operation)
{
    text_add(buf, "%s role %s type %d %s rev %llu sent %u created %lld changed %lld", operation->id,
            operation->role, (int)operation->type, operation_state_name((int)operation->state),
            (unsigned long long)operation->revision, operation->sent, (long long)operation->created_ns,
            (long long)operation->changed_ns);
    text_add(buf, " %s on %s %s/%s%s", operation->operation_id ? operation->operation_id : "-",
            operation->agent_id ? operation->agent_id : "-", operation->hostname ? operation->hostname : "-",
            operation->resource_provider_id ? operation->resource_provider_id : "-",
            operation->held ? " held" : "");
    add_words(buf, operation->message, NULL);
}

void text_counts(struct buf *buf, const Zmesos__V1__DaemonStatus *status)
{
    for (size_t i = 0; i < status->n_counts; i++)
        text_add(buf, "%s %llu ", state_name((int)status->counts[i]->state),
                (unsigned long long)status->counts[i]->tasks);
    for (size_t i = 0; i < status->n_suppressed_roles; i++)
        text_add(buf, "%s suppressed ", status->suppressed_roles[i]);
    if (status->has_unconfirmed)
        text_add(buf, "%llu unconfirmed ", (unsigned long long)status->unconfirmed);
    text_add(buf, "%s", status->teardown ? "teardown " : "");
    if (status->has_operations)
        text_add(buf, "operations %llu held %llu ", (unsigned long long)status->operations,
                (unsigned long long)status->held_operations);
    text_add(buf, "held %llu restored %lld store %s framework %s", (unsigned long long)status->held,
            (long long)status->restored_ns, status->store, status->framework_id);
}

static void add_items(struct buf *buf, const Zmesos__V1__Items *items)
{
    for (size_t i = 0; i < items->n_items; i++) {
        const Zmesos__V1__Item *item = items->items[i];
        const char *id = item->task_id ? item->task_id : item->operation_id;
        text_add(buf, " [%s %s", id ? id : "-", code_name(item->code));
        if (item->has_operation_state)
            text_add(buf, " %s rev %llu", operation_state_name((int)item->operation_state),
                    (unsigned long long)item->revision);
        if (item->has_state)
            text_add(buf, " %s rev %llu", state_name((int)item->state), (unsigned long long)item->revision);
        text_add(buf, "%s%s", item->known ? " known" : "", item->retry ? " retry" : "");
        add_words(buf, item->message, item->field);
        text_add(buf, "]");
    }
    if (items->has_total)
        text_add(buf, " of %llu", (unsigned long long)items->total);
}

void text_unconfirmed(struct buf *buf, const Zmesos__V1__UnconfirmedUpdate *update)
{
    text_add(buf, " %s.%u %s #%llu %.*s by %s%s", update->task_id, update->attempt,
            protobuf_c_enum_descriptor_get_value(&mesos__v1__task_state__descriptor, (int)update->state)
                            ->name +
                    strlen("TASK_"),
            (unsigned long long)update->number, (int)update->uuid.len, (const char *)update->uuid.data,
            update->consumer, update->late ? " late" : "");
    if (update->has_outcome)
        text_add(buf, " %s",
                protobuf_c_enum_descriptor_get_value(
                        &zmesos__v1__unconfirmed_update__outcome__descriptor, (int)update->outcome)
                        ->name);
}

static void add_names(struct buf *buf, const char *word, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(buf, "%s%s", i ? " " : word, names[i]);
}

static void add_lease(struct buf *buf, const Zmesos__V1__LeaseReply *lease)
{
    assert_true(lease->lease_id && lease->role && lease->has_valid_ms && lease->has_until_ns);
    text_add(buf, " %s of %s for %lld", lease->lease_id, lease->role, (long long)lease->valid_ms);
    for (size_t i = 0; i < lease->n_offers; i++)
        text_add(buf, "%s%s", i ? " " : ": ", lease->offers[i]->id->value);
    add_names(buf, " not ", lease->missing, lease->n_missing);
    text_add(buf, "%s", lease->over ? " over" : "");
}

static void add_lease_change(struct buf *buf, const Zmesos__V1__LeaseChange *change)
{
    assert_true(change->lease_id && change->role && change->has_until_ns);
    add_names(buf, " came ", change->came, change->n_came);
    add_names(buf, " gone ", change->gone, change->n_gone);
    if (change->has_why)
        text_add(buf, " %s",
                protobuf_c_enum_descriptor_get_value(
                        &zmesos__v1__lease_change__why__descriptor, (int)change->why)
                        ->name);
    text_add(buf, "%s has %llu", change->over ? " over" : "", (unsigned long long)change->offers);
}

static void add_reply(struct buf *buf, const struct core_reply *out)
{
    const Zmesos__V1__Reply *reply = out->reply;
    assert_true(reply->has_version && reply->version == 1 && reply->has_code);
    text_add(buf, "REPLY %llu %s%s", (unsigned long long)out->token, code_name(reply->code),
            reply->retry ? " retry" : "");
    add_words(buf, reply->message, reply->field);
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_ITEMS)
        add_items(buf, reply->items);
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_RECONCILE)
        text_add(buf, " asks about %llu", (unsigned long long)reply->reconcile->tasks);
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_TASKS) {
        const Zmesos__V1__Tasks *tasks = reply->tasks;
        for (size_t i = 0; i < tasks->n_tasks; i++)
            text_add(buf, " %s:%s%s", tasks->tasks[i]->id, state_name((int)tasks->tasks[i]->state),
                    out->specs ? "+spec" : "");
        for (size_t i = 0; i < tasks->n_missing; i++)
            text_add(buf, " no %s", tasks->missing[i]);
        if (tasks->has_next)
            text_add(buf, " next %llu", (unsigned long long)tasks->next);
    }
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_UNCONFIRMED) {
        const Zmesos__V1__UnconfirmedUpdates *page = reply->unconfirmed;
        for (size_t i = 0; i < page->n_updates; i++) {
            text_add(buf, i ? "," : "");
            text_unconfirmed(buf, page->updates[i]);
        }
        text_add(buf, " of %llu", (unsigned long long)page->total);
        if (page->has_next)
            text_add(buf, " next %llu", (unsigned long long)page->next);
    }
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_OPERATIONS) {
        const Zmesos__V1__Operations *list = reply->operations;
        for (size_t i = 0; i < list->n_operations; i++)
            text_add(buf, " %s:%s%s%s", list->operations[i]->id,
                    operation_state_name((int)list->operations[i]->state), out->specs ? "+spec" : "",
                    out->statuses && out->statuses[i] ? "+status" : "");
        for (size_t i = 0; i < list->n_missing; i++)
            text_add(buf, " no %s", list->missing[i]);
        if (list->has_next)
            text_add(buf, " next %llu", (unsigned long long)list->next);
    }
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_TEARDOWN)
        text_add(buf, " ends %llu%s%s", (unsigned long long)reply->teardown->tasks,
                reply->teardown->begun ? " begun" : "", reply->teardown->token ? " token" : "");
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_LEASE)
        add_lease(buf, reply->lease);
    text_add(buf, "\n");
}

static void add_event(struct buf *buf, const struct core_event *event)
{
    text_add(buf, "EVENT %s #%llu", event->topic, (unsigned long long)event->number);
    if (event->revision)
        text_add(buf, " rev %llu", (unsigned long long)event->revision);
    if (event->status) {
        const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(
                &zmesos__v1__subscription__descriptor, (int)event->status->subscription);
        text_add(buf, " %s %s", name->name, event->status->master ? event->status->master : "-");
        add_words(buf, event->status->message, NULL);
    }
    if (event->unconfirmed)
        text_unconfirmed(buf, event->unconfirmed);
    if (event->orphan) {
        const Zmesos__V1__Orphan *orphan = event->orphan;
        bool adopted = orphan->action == ZMESOS__V1__ORPHAN__ACTION__ADOPTED;
        assert_true(orphan->has_action && orphan->mesos_task_id);
        assert_int_equal(orphan->task_id != NULL, adopted);
        text_add(buf, " %s on %s", orphan->mesos_task_id, orphan->agent_id ? orphan->agent_id : "-");
        text_add(buf, "%s%s", adopted ? " ADOPTED as " : " KILLED", adopted ? orphan->task_id : "");
    }
    if (event->lease)
        add_lease_change(buf, event->lease);
    text_add(buf, "\n");
}

void text_output(struct rig *rig, const struct core_output *output)
{
    static const unsigned shows[] = {[CORE_OUT_RECORD] = SHOW_RECORDS,
            [CORE_OUT_CALL] = SHOW_CALLS,
            [CORE_OUT_REPLY] = SHOW_REPLIES,
            [CORE_OUT_EVENT] = SHOW_EVENTS};
    bool why = output->kind == CORE_OUT_EVENT && output->event.explanation;
    if (!((why ? (unsigned)SHOW_WHY : shows[output->kind]) & rig->show))
        return;
    switch (output->kind) {
    case CORE_OUT_RECORD:
        add_record(rig, &output->record);
        break;
    case CORE_OUT_CALL:
        add_call(&rig->text, &output->call);
        break;
    case CORE_OUT_REPLY:
        add_reply(&rig->text, &output->reply);
        break;
    case CORE_OUT_EVENT:
        add_event(&rig->text, &output->event);
        break;
    }
}
