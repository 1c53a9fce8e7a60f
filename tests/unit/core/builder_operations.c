/* Operations from words: specifications, requests, statuses. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define TYPE(name) MESOS__V1__OFFER__OPERATION__TYPE__##name

typedef Mesos__V1__Resource **resources;

static resources build_resources(struct rig *rig, char **words, size_t count)
{
    resources list = arena_array(&rig->in, count, sizeof *list);
    assert_int_equal(count % 2, 0);
    for (size_t i = 0; i < count; i += 2)
        list[i / 2] = build_resource(rig, words[i], words[i + 1], NULL);
    return list;
}

static void fill_lists(struct rig *rig, Mesos__V1__Offer__Operation *operation, resources list, size_t count)
{
    switch (operation->type) {
    case TYPE(RESERVE):
        operation->reserve = build_new(rig, &mesos__v1__offer__operation__reserve__descriptor);
        operation->reserve->resources = list;
        operation->reserve->n_resources = count;
        break;
    case TYPE(UNRESERVE):
        operation->unreserve = build_new(rig, &mesos__v1__offer__operation__unreserve__descriptor);
        operation->unreserve->resources = list;
        operation->unreserve->n_resources = count;
        break;
    case TYPE(CREATE):
        operation->create = build_new(rig, &mesos__v1__offer__operation__create__descriptor);
        operation->create->volumes = list;
        operation->create->n_volumes = count;
        break;
    case TYPE(DESTROY):
        operation->destroy = build_new(rig, &mesos__v1__offer__operation__destroy__descriptor);
        operation->destroy->volumes = list;
        operation->destroy->n_volumes = count;
        break;
    default:
        fail_msg("there are no words for operation type %d", (int)operation->type);
    }
}

static void fill(struct rig *rig, Mesos__V1__Offer__Operation *operation, char **words, size_t count)
{
    double by = 0;
    if (count > 2 && strcmp(words[count - 2], "by") == 0) {
        by = strtod(words[count - 1], NULL);
        count -= 2;
    }
    resources list = build_resources(rig, words, count);
    switch (operation->type) {
    case TYPE(GROW_VOLUME):
        operation->grow_volume = build_new(rig, &mesos__v1__offer__operation__grow_volume__descriptor);
        operation->grow_volume->volume = list[0];
        operation->grow_volume->addition = list[1];
        break;
    case TYPE(SHRINK_VOLUME):
        operation->shrink_volume = build_new(rig, &mesos__v1__offer__operation__shrink_volume__descriptor);
        operation->shrink_volume->volume = list[0];
        operation->shrink_volume->subtract = build_new(rig, &mesos__v1__value__scalar__descriptor);
        operation->shrink_volume->subtract->value = by;
        break;
    case TYPE(CREATE_DISK):
        operation->create_disk = build_new(rig, &mesos__v1__offer__operation__create_disk__descriptor);
        operation->create_disk->source = list[0];
        operation->create_disk->target_type = MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT;
        break;
    case TYPE(DESTROY_DISK):
        operation->destroy_disk = build_new(rig, &mesos__v1__offer__operation__destroy_disk__descriptor);
        operation->destroy_disk->source = list[0];
        break;
    default:
        fill_lists(rig, operation, list, count / 2);
    }
}

Zmesos__V1__OperationSpec *build_operation(struct rig *rig, const char *text)
{
    Zmesos__V1__OperationSpec *spec = build_new(rig, &zmesos__v1__operation_spec__descriptor);
    char *copy = arena_string(&rig->in, text), *as = strstr(copy, " as "), **parts;
    if (as) {
        *as = '\0';
        Zmesos__V1__TaskSpec *more = build_spec(rig, arena_format(&rig->in, "x %s", as + 4));
        spec->constraints = more->constraints;
        spec->n_constraints = more->n_constraints;
        spec->labels = more->labels;
        spec->role = more->role;
        spec->placer = more->placer;
    }
    size_t count = split(rig, copy, " ", &parts);
    assert_true(count >= 2);
    spec->id = parts[0];
    spec->operation = build_new(rig, &mesos__v1__offer__operation__descriptor);
    spec->operation->has_type = true;
    spec->operation->type = (Mesos__V1__Offer__Operation__Type)enum_value(
            rig, &mesos__v1__offer__operation__type__descriptor, "", parts[1]);
    if (count > 2)
        fill(rig, spec->operation, parts + 2, count - 2);
    return spec;
}

const char *in_operate_specs(struct rig *rig, Zmesos__V1__OperationSpec **specs, size_t count)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_OPERATE);
    request->operate->operations = specs;
    request->operate->n_operations = count;
    return in_request(rig, request);
}

const char *in_operate(struct rig *rig, const char *text)
{
    char **parts;
    size_t count = split_parts(rig, text, &parts);
    Zmesos__V1__OperationSpec **specs = arena_array(&rig->in, count, sizeof *specs);
    for (size_t i = 0; i < count; i++)
        specs[i] = build_operation(rig, parts[i]);
    return in_operate_specs(rig, specs, count);
}

const char *in_operation_update(struct rig *rig, const char *text)
{
    Mesos__V1__Scheduler__Event *event = build_new(rig, &mesos__v1__scheduler__event__descriptor);
    Mesos__V1__OperationStatus *status = build_new(rig, &mesos__v1__operation_status__descriptor);
    event->has_type = true;
    event->type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS;
    event->update_operation_status =
            build_new(rig, &mesos__v1__scheduler__event__update_operation_status__descriptor);
    event->update_operation_status->status = status;
    char *copy = arena_string(&rig->in, text), *colon = strstr(copy, " : "), **words;
    if (colon) {
        *colon = '\0';
        status->message = colon + 3;
    }
    size_t count = split(rig, copy, " ", &words);
    assert_true(count >= 2);
    status->operation_id = build_new(rig, &mesos__v1__operation_id__descriptor);
    status->operation_id->value = words[0];
    status->state = (Mesos__V1__OperationState)enum_value(
            rig, &mesos__v1__operation_state__descriptor, "OPERATION_", words[1]);
    for (size_t i = 2; i + 1 < count; i += 2) {
        if (strcmp(words[i], "uuid") == 0) {
            status->uuid = build_new(rig, &mesos__v1__uuid__descriptor);
            status->uuid->value.data = (uint8_t *)words[i + 1];
            status->uuid->value.len = strlen(words[i + 1]);
        } else if (strcmp(words[i], "on") == 0) {
            status->agent_id = build_new(rig, &mesos__v1__agent_id__descriptor);
            status->agent_id->value = words[i + 1];
        } else if (strcmp(words[i], "by") == 0) {
            status->resource_provider_id = build_new(rig, &mesos__v1__resource_provider_id__descriptor);
            status->resource_provider_id->value = words[i + 1];
        } else if (strcmp(words[i], "made") == 0) {
            status->converted_resources = build_resources(rig, words + i + 1, count - i - 1);
            status->n_converted_resources = (count - i - 1) / 2;
            break;
        } else {
            fail_msg("what is '%s' in a status?", words[i]);
        }
    }
    return in_event(rig, event);
}

const char *in_get_operations(struct rig *rig, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET_OPERATIONS);
    request->get_operations->n_operation_ids = split(rig, ids, " ", &request->get_operations->operation_ids);
    return in_request(rig, request);
}

const char *in_cancel_operations(struct rig *rig, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_CANCEL_OPERATIONS);
    request->cancel_operations->n_operation_ids =
            split(rig, ids, " ", &request->cancel_operations->operation_ids);
    return in_request(rig, request);
}
