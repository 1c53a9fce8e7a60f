/* Messages from words. What is built lives in rig->in until the input was given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

size_t split(struct rig *rig, const char *text, const char *separators, char ***words)
{
    char *copy = arena_string(&rig->in, text), *rest = NULL;
    *words = arena_array(&rig->in, strlen(text) + 1, sizeof **words);
    size_t count = 0;
    for (char *word = strtok_r(copy, separators, &rest); word; word = strtok_r(NULL, separators, &rest))
        (*words)[count++] = word;
    return count;
}

/* The parts between " | "; a lone | is for regular expressions. */
size_t split_parts(struct rig *rig, const char *text, char ***parts)
{
    char *at = arena_string(&rig->in, text);
    *parts = arena_array(&rig->in, strlen(text) + 1, sizeof **parts);
    size_t count = 0;
    for (char *end; at; at = end) {
        end = strstr(at, " | ");
        if (end) {
            *end = '\0';
            end += 3;
        }
        (*parts)[count++] = at;
    }
    return count;
}

struct slice pack(struct rig *rig, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(&rig->in, size + 1);
    protobuf_c_message_pack(message, bytes);
    return slice_of(bytes, size);
}

void *build_new(struct rig *rig, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = arena_alloc(&rig->in, descriptor->sizeof_message);
    descriptor->message_init(message);
    return message;
}

static Mesos__V1__Value__Ranges *build_ranges(struct rig *rig, const char *text)
{
    char **words;
    Mesos__V1__Value__Ranges *ranges = build_new(rig, &mesos__v1__value__ranges__descriptor);
    ranges->n_range = split(rig, text, ",", &words);
    ranges->range = arena_array(&rig->in, ranges->n_range, sizeof *ranges->range);
    for (size_t i = 0; i < ranges->n_range; i++) {
        unsigned long long begin, end;
        assert_int_equal(sscanf(words[i], "%llu-%llu", &begin, &end), 2);
        ranges->range[i] = build_new(rig, &mesos__v1__value__range__descriptor);
        ranges->range[i]->begin = begin;
        ranges->range[i]->end = end;
    }
    return ranges;
}

static Mesos__V1__Value__Set *build_set(struct rig *rig, const char *text)
{
    Mesos__V1__Value__Set *set = build_new(rig, &mesos__v1__value__set__descriptor);
    set->n_item = split(rig, text, ",", &set->item);
    return set;
}

static Mesos__V1__Value__Scalar *build_scalar(struct rig *rig, const char *text)
{
    Mesos__V1__Value__Scalar *scalar = build_new(rig, &mesos__v1__value__scalar__descriptor);
    scalar->value = strtod(text, NULL);
    return scalar;
}

static Mesos__V1__Resource__DiskInfo *build_volume(struct rig *rig, const char *persistence_id)
{
    Mesos__V1__Resource__DiskInfo *disk = build_new(rig, &mesos__v1__resource__disk_info__descriptor);
    disk->persistence = build_new(rig, &mesos__v1__resource__disk_info__persistence__descriptor);
    disk->persistence->id = arena_string(&rig->in, persistence_id);
    return disk;
}

/* As a master has it. */
static void make_volume(struct rig *rig, Mesos__V1__Resource *resource, const char *id)
{
    resource->disk = build_volume(rig, id);
    resource->disk->volume = build_new(rig, &mesos__v1__volume__descriptor);
    resource->disk->volume->container_path = arena_string(&rig->in, "data");
    resource->disk->volume->mode = MESOS__V1__VOLUME__MODE__RW;
}

/* Storage of the provider p1. */
static void make_raw(struct rig *rig, Mesos__V1__Resource *resource, const char *id)
{
    resource->disk = build_new(rig, &mesos__v1__resource__disk_info__descriptor);
    resource->disk->source = build_new(rig, &mesos__v1__resource__disk_info__source__descriptor);
    resource->disk->source->type = MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__RAW;
    resource->disk->source->id = arena_string(&rig->in, id);
    resource->provider_id = build_new(rig, &mesos__v1__resource_provider_id__descriptor);
    resource->provider_id->value = arena_string(&rig->in, "p1");
}

static void spoil(struct rig *rig, Mesos__V1__Resource *resource, const char *how)
{
    if (strcmp(how, "revocable") == 0)
        resource->revocable = build_new(rig, &mesos__v1__resource__revocable_info__descriptor);
    else if (strcmp(how, "shared") == 0)
        resource->shared = build_new(rig, &mesos__v1__resource__shared_info__descriptor);
    else if (strcmp(how, "volume") == 0)
        resource->disk = build_new(rig, &mesos__v1__resource__disk_info__descriptor);
    else if (strncmp(how, "volume=", 7) == 0)
        resource->disk = build_volume(rig, how + 7);
    else if (strcmp(how, "provider") == 0)
        resource->provider_id = build_new(rig, &mesos__v1__resource_provider_id__descriptor);
    else if (strncmp(how, "dynamic=", 8) == 0)
        make_volume(rig, resource, how + 8);
    else if (strncmp(how, "raw=", 4) == 0)
        make_raw(rig, resource, how + 4);
    else if (strcmp(how, "dynamic") != 0)
        fail_msg("a resource cannot be %s", how);
}

Mesos__V1__Resource *build_resource(
        struct rig *rig, char *name, const char *amount, Mesos__V1__Resource__AllocationInfo *allocation)
{
    Mesos__V1__Resource *resource = build_new(rig, &mesos__v1__resource__descriptor);
    char *plus = strchr(name, '+'), *slash = strchr(name, '/');
    if (plus) {
        *plus = '\0';
        spoil(rig, resource, plus + 1);
    }
    if (slash) {
        *slash = '\0';
        resource->n_reservations = 1;
        resource->reservations = arena_array(&rig->in, 1, sizeof *resource->reservations);
        resource->reservations[0] = build_new(rig, &mesos__v1__resource__reservation_info__descriptor);
        resource->reservations[0]->role = slash + 1;
        resource->reservations[0]->has_type = true;
        resource->reservations[0]->type = plus && strncmp(plus + 1, "dynamic", 7) == 0
                                                  ? MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC
                                                  : MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
    }
    resource->name = name;
    resource->allocation_info = allocation;
    if (*amount == '%') {
        resource->type = MESOS__V1__VALUE__TYPE__SET;
        resource->set = build_set(rig, amount + 1);
    } else if (strcmp(name, "ports") == 0 || *amount == '#') {
        amount += *amount == '#';
        resource->type = MESOS__V1__VALUE__TYPE__RANGES;
        resource->ranges = build_ranges(rig, amount);
    } else {
        resource->type = MESOS__V1__VALUE__TYPE__SCALAR;
        resource->scalar = build_scalar(rig, amount);
    }
    return resource;
}

/* name=text, name:scalar, name#ranges or name%set */
static Mesos__V1__Attribute *build_attribute(struct rig *rig, char *text)
{
    Mesos__V1__Attribute *attribute = build_new(rig, &mesos__v1__attribute__descriptor);
    char *sign = strpbrk(text, "=:#%");
    assert_non_null(sign);
    char kind = *sign;
    *sign = '\0';
    attribute->name = text;
    if (kind == '=') {
        attribute->type = MESOS__V1__VALUE__TYPE__TEXT;
        attribute->text = build_new(rig, &mesos__v1__value__text__descriptor);
        attribute->text->value = sign + 1;
    } else if (kind == ':') {
        attribute->type = MESOS__V1__VALUE__TYPE__SCALAR;
        attribute->scalar = build_scalar(rig, sign + 1);
    } else if (kind == '#') {
        attribute->type = MESOS__V1__VALUE__TYPE__RANGES;
        attribute->ranges = build_ranges(rig, sign + 1);
    } else {
        attribute->type = MESOS__V1__VALUE__TYPE__SET;
        attribute->set = build_set(rig, sign + 1);
    }
    return attribute;
}

/* "600" or "600+60": seconds from now, and how long. */
static Mesos__V1__Unavailability *build_window(struct rig *rig, const char *text)
{
    Mesos__V1__Unavailability *window = build_new(rig, &mesos__v1__unavailability__descriptor);
    char *plus;
    window->start = build_new(rig, &mesos__v1__time_info__descriptor);
    window->start->nanoseconds = rig->now.wall_ns + strtoll(text, &plus, 10) * 1000000000;
    if (*plus == '+') {
        window->duration = build_new(rig, &mesos__v1__duration_info__descriptor);
        window->duration->nanoseconds = strtoll(plus + 1, NULL, 10) * 1000000000;
    }
    return window;
}

/* "i1 A1 600+60 | i2 A2 0" */
const char *in_inverse_offers(struct rig *rig, const char *text)
{
    char **parts, **fields;
    Mesos__V1__Scheduler__Event *event = build_new(rig, &mesos__v1__scheduler__event__descriptor);
    event->has_type = true;
    event->type = MESOS__V1__SCHEDULER__EVENT__TYPE__INVERSE_OFFERS;
    Mesos__V1__Scheduler__Event__InverseOffers *body =
            build_new(rig, &mesos__v1__scheduler__event__inverse_offers__descriptor);
    event->inverse_offers = body;
    body->n_inverse_offers = split_parts(rig, text, &parts);
    body->inverse_offers = arena_array(&rig->in, body->n_inverse_offers, sizeof *body->inverse_offers);
    for (size_t i = 0; i < body->n_inverse_offers; i++) {
        Mesos__V1__InverseOffer *offer = build_new(rig, &mesos__v1__inverse_offer__descriptor);
        assert_int_equal(split(rig, parts[i], " ", &fields), 3);
        offer->id = build_new(rig, &mesos__v1__offer_id__descriptor);
        offer->id->value = fields[0];
        offer->framework_id = build_new(rig, &mesos__v1__framework_id__descriptor);
        offer->framework_id->value = arena_string(&rig->in, rig->config.framework_id);
        offer->agent_id = build_new(rig, &mesos__v1__agent_id__descriptor);
        offer->agent_id->value = fields[1];
        offer->unavailability = build_window(rig, fields[2]);
        body->inverse_offers[i] = offer;
    }
    return in_event(rig, event);
}

const char *in_rescind_inverse_offer(struct rig *rig, const char *id)
{
    Mesos__V1__Scheduler__Event *event = build_new(rig, &mesos__v1__scheduler__event__descriptor);
    event->has_type = true;
    event->type = MESOS__V1__SCHEDULER__EVENT__TYPE__RESCIND_INVERSE_OFFER;
    event->rescind_inverse_offer =
            build_new(rig, &mesos__v1__scheduler__event__rescind_inverse_offer__descriptor);
    event->rescind_inverse_offer->inverse_offer_id = build_new(rig, &mesos__v1__offer_id__descriptor);
    event->rescind_inverse_offer->inverse_offer_id->value = arena_string(&rig->in, id);
    return in_event(rig, event);
}

static Mesos__V1__Offer *build_offer(struct rig *rig, const char *text)
{
    char **words;
    size_t count = split(rig, text, " ", &words);
    assert_in_range(count, 2, 1000);
    Mesos__V1__Offer *offer = build_new(rig, &mesos__v1__offer__descriptor);
    offer->id = build_new(rig, &mesos__v1__offer_id__descriptor);
    offer->id->value = words[0];
    offer->agent_id = build_new(rig, &mesos__v1__agent_id__descriptor);
    offer->agent_id->value = words[1];
    offer->hostname = arena_format(&rig->in, "host-%s", words[1]);
    offer->framework_id = build_new(rig, &mesos__v1__framework_id__descriptor);
    offer->framework_id->value = arena_string(&rig->in, rig->config.framework_id);
    offer->allocation_info = build_new(rig, &mesos__v1__resource__allocation_info__descriptor);
    offer->allocation_info->role = arena_string(&rig->in, "r1");
    offer->resources = arena_array(&rig->in, count, sizeof *offer->resources);
    offer->attributes = arena_array(&rig->in, count, sizeof *offer->attributes);
    for (size_t i = 2; i < count; i++) {
        if (words[i][0] == '@') {
            offer->attributes[offer->n_attributes++] = build_attribute(rig, words[i] + 1);
            continue;
        }
        assert_true(i + 1 < count);
        if (strcmp(words[i], "role") == 0)
            offer->allocation_info->role = words[++i];
        else if (strcmp(words[i], "host") == 0)
            offer->hostname = words[++i];
        else if (strcmp(words[i], "down") == 0)
            offer->unavailability = build_window(rig, words[++i]);
        else {
            offer->resources[offer->n_resources++] =
                    build_resource(rig, words[i], words[i + 1], offer->allocation_info);
            i++;
        }
    }
    return offer;
}

Mesos__V1__Scheduler__Event *build_offers(struct rig *rig, const char *text)
{
    char **parts;
    Mesos__V1__Scheduler__Event *event = build_new(rig, &mesos__v1__scheduler__event__descriptor);
    event->has_type = true;
    event->type = MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS;
    event->offers = build_new(rig, &mesos__v1__scheduler__event__offers__descriptor);
    event->offers->n_offers = split_parts(rig, text, &parts);
    event->offers->offers = arena_array(&rig->in, event->offers->n_offers, sizeof *event->offers->offers);
    for (size_t i = 0; i < event->offers->n_offers; i++)
        event->offers->offers[i] = build_offer(rig, parts[i]);
    return event;
}

int enum_value(
        struct rig *rig, const ProtobufCEnumDescriptor *descriptor, const char *prefix, const char *name)
{
    char *whole = arena_format(&rig->in, "%s%s", prefix, name);
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(descriptor, whole);
    if (!value)
        fail_msg("there is no %s", whole);
    return value->value;
}

/* "COMMAND", "COMMAND:3", "HTTP:200", "TCP:1" */
static Mesos__V1__CheckStatusInfo *build_check_status(struct rig *rig, char *text)
{
    Mesos__V1__CheckStatusInfo *status = build_new(rig, &mesos__v1__check_status_info__descriptor);
    char *result = strchr(text, ':');
    if (result)
        *result++ = '\0';
    status->has_type = true;
    status->type =
            (Mesos__V1__CheckInfo__Type)enum_value(rig, &mesos__v1__check_info__type__descriptor, "", text);
    if (status->type == MESOS__V1__CHECK_INFO__TYPE__COMMAND) {
        status->command = build_new(rig, &mesos__v1__check_status_info__command__descriptor);
        status->command->has_exit_code = result != NULL;
        status->command->exit_code = result ? atoi(result) : 0;
    } else if (status->type == MESOS__V1__CHECK_INFO__TYPE__HTTP) {
        status->http = build_new(rig, &mesos__v1__check_status_info__http__descriptor);
        status->http->has_status_code = result != NULL;
        status->http->status_code = result ? (uint32_t)atoi(result) : 0;
    } else if (status->type == MESOS__V1__CHECK_INFO__TYPE__TCP) {
        status->tcp = build_new(rig, &mesos__v1__check_status_info__tcp__descriptor);
        status->tcp->has_succeeded = result != NULL;
        status->tcp->succeeded = result && atoi(result);
    }
    return status;
}

Mesos__V1__TaskStatus *build_status(struct rig *rig, const char *text)
{
    Mesos__V1__TaskStatus *status = build_new(rig, &mesos__v1__task_status__descriptor);
    char *copy = arena_string(&rig->in, text), *colon = strstr(copy, " : ");
    if (colon) {
        *colon = '\0';
        status->message = colon + 3;
    }
    char **words;
    size_t count = split(rig, copy, " ", &words);
    assert_true(count >= 2 && count % 2 == 0);
    status->task_id = build_new(rig, &mesos__v1__task_id__descriptor);
    status->task_id->value = words[0];
    status->state =
            (Mesos__V1__TaskState)enum_value(rig, &mesos__v1__task_state__descriptor, "TASK_", words[1]);
    status->agent_id = build_new(rig, &mesos__v1__agent_id__descriptor);
    status->agent_id->value = arena_string(&rig->in, DEFAULT_AGENT);
    for (size_t i = 2; i < count; i += 2) {
        if (strcmp(words[i], "by") == 0) {
            status->has_source = true;
            status->source = (Mesos__V1__TaskStatus__Source)enum_value(
                    rig, &mesos__v1__task_status__source__descriptor, "SOURCE_", words[i + 1]);
        } else if (strcmp(words[i], "because") == 0) {
            status->has_reason = true;
            status->reason = (Mesos__V1__TaskStatus__Reason)enum_value(
                    rig, &mesos__v1__task_status__reason__descriptor, "REASON_", words[i + 1]);
        } else if (strcmp(words[i], "uuid") == 0) {
            status->has_uuid = true;
            status->uuid.data = (uint8_t *)words[i + 1];
            status->uuid.len = strlen(words[i + 1]);
        } else if (strcmp(words[i], "on") == 0) {
            status->agent_id->value = words[i + 1];
        } else if (strcmp(words[i], "healthy") == 0) {
            status->has_healthy = true;
            status->healthy = strcmp(words[i + 1], "yes") == 0;
        } else if (strcmp(words[i], "check") == 0) {
            status->check_status = build_check_status(rig, words[i + 1]);
        } else {
            fail_msg("what is '%s' in an update?", words[i]);
        }
    }
    return status;
}

static bool is_word(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0)
            return true;
    }
    return false;
}

/* where|prefer ATTRIBUTE OPERATOR [VALUE,VALUE...]; SPREAD takes "-" for no values */
static size_t add_constraint(struct rig *rig, Zmesos__V1__TaskSpec *spec, char **words, bool preferred)
{
    static const char *const bare[] = {"UNIQUE", "EXISTS", "NOT_EXISTS", "TOGETHER", NULL};
    static const char *const many[] = {"IN", "NOT_IN", "SPREAD", "NEAR", "FAR", NULL};
    Zmesos__V1__Constraint *constraint = build_new(rig, &zmesos__v1__constraint__descriptor);
    constraint->attribute = words[0];
    constraint->has_operator_ = true;
    constraint->operator_ = (Zmesos__V1__Constraint__Operator)enum_value(
            rig, &zmesos__v1__constraint__operator__descriptor, "", words[1]);
    constraint->has_preferred = constraint->preferred = preferred;
    spec->constraints[spec->n_constraints++] = constraint;
    if (is_word(words[1], bare))
        return 2;
    if (strcmp(words[2], "-") != 0)
        constraint->n_values = split(rig, words[2], is_word(words[1], many) ? "," : " ", &constraint->values);
    return 3;
}

static void add_label(struct rig *rig, Zmesos__V1__TaskSpec *spec, char *text, size_t room)
{
    if (!spec->labels) {
        spec->labels = build_new(rig, &mesos__v1__labels__descriptor);
        spec->labels->labels = arena_array(&rig->in, room, sizeof *spec->labels->labels);
    }
    Mesos__V1__Label *label = build_new(rig, &mesos__v1__label__descriptor);
    label->key = text;
    label->value = strchr(text, '=');
    if (label->value)
        *label->value++ = '\0';
    spec->labels->labels[spec->labels->n_labels++] = label;
}

Mesos__V1__DurationInfo *build_ms(struct rig *rig, const char *text)
{
    Mesos__V1__DurationInfo *duration = build_new(rig, &mesos__v1__duration_info__descriptor);
    duration->nanoseconds = strtoll(text, NULL, 10) * 1000000;
    return duration;
}

static void add_outcomes(struct rig *rig, Zmesos__V1__RetryPolicy *retry, const char *text)
{
    char **names;
    retry->n_on = split(rig, text, ",", &names);
    retry->on = arena_array(&rig->in, retry->n_on, sizeof *retry->on);
    for (size_t i = 0; i < retry->n_on; i++)
        retry->on[i] = (Zmesos__V1__RetryPolicy__Outcome)enum_value(
                rig, &zmesos__v1__retry_policy__outcome__descriptor, "", names[i]);
}

/* Whether the word is one of a retry policy. */
static bool add_retry(struct rig *rig, Zmesos__V1__TaskSpec *spec, const char *word, const char *value)
{
    Zmesos__V1__RetryPolicy *retry =
            spec->retry ? spec->retry : build_new(rig, &zmesos__v1__retry_policy__descriptor);
    if (strcmp(word, "tries") == 0) {
        retry->has_max_attempts = true;
        retry->max_attempts = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(word, "on") == 0) {
        add_outcomes(rig, retry, value);
    } else if (strcmp(word, "backoff") == 0) {
        retry->backoff = build_ms(rig, value);
    } else if (strcmp(word, "most") == 0) {
        retry->backoff_max = build_ms(rig, value);
    } else if (strcmp(word, "replace") == 0) {
        retry->replace_after = build_ms(rig, value);
    } else if (strcmp(word, "elsewhere") == 0) {
        retry->has_elsewhere = true;
        retry->elsewhere = strcmp(value, "yes") == 0;
    } else {
        return false;
    }
    spec->retry = retry;
    return true;
}

/* name:2.5, name#*2 (numbers), name%*2 (items), name#1-2,5-5, name%a,b, disk=volume, disk~size; and +ONLY,
 * +FIRST, /RESERVED, /UNRESERVED after it */
static void add_request(struct rig *rig, Zmesos__V1__TaskSpec *spec, char *text, size_t room)
{
    Zmesos__V1__ResourceRequest *request = build_new(rig, &zmesos__v1__resource_request__descriptor);
    char *from = strchr(text, '/'), *revocable = strchr(text, '+'), *sign = strpbrk(text, ":#%=~");
    if (from) {
        *from = '\0';
        request->has_from = true;
        request->from = (Zmesos__V1__ResourceRequest__From)enum_value(
                rig, &zmesos__v1__resource_request__from__descriptor, "", from + 1);
    }
    if (revocable) {
        *revocable = '\0';
        request->has_revocable = true;
        request->revocable = (Zmesos__V1__ResourceRequest__Revocable)enum_value(
                rig, &zmesos__v1__resource_request__revocable__descriptor, "", revocable + 1);
    }
    char kind = sign ? *sign : '\0';
    if (sign)
        *sign++ = '\0';
    request->name = text;
    if (kind == ':') {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_SCALAR;
        request->scalar = strtod(sign, NULL);
    } else if (kind == '#' && *sign == '*') {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_NUMBERS;
        request->numbers = strtoull(sign + 1, NULL, 10);
    } else if (kind == '%' && *sign == '*') {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_ITEMS;
        request->items = strtoull(sign + 1, NULL, 10);
    } else if (kind == '#') {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_RANGES;
        request->ranges = build_ranges(rig, sign);
    } else if (kind == '%') {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_SET;
        request->set = build_set(rig, sign);
    } else if (kind) {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_DISK;
        request->disk = build_new(rig, &zmesos__v1__disk_request__descriptor);
        request->disk->persistence_id = kind == '=' ? sign : NULL;
        request->disk->size = kind == '~' ? strtod(sign, NULL) : 0;
        request->disk->has_size = kind == '~';
    }
    if (!spec->resources)
        spec->resources = arena_array(&rig->in, room, sizeof *spec->resources);
    spec->resources[spec->n_resources++] = request;
}

/* e1=cpus:0.5,mem:32 */
static Mesos__V1__ExecutorInfo *build_executor(struct rig *rig, char *text)
{
    Mesos__V1__ExecutorInfo *executor = build_new(rig, &mesos__v1__executor_info__descriptor);
    char *amounts = strchr(text, '='), **words;
    if (amounts)
        *amounts++ = '\0';
    executor->executor_id = build_new(rig, &mesos__v1__executor_id__descriptor);
    executor->executor_id->value = text;
    executor->command = build_new(rig, &mesos__v1__command_info__descriptor);
    executor->n_resources = amounts ? split(rig, amounts, ",", &words) : 0;
    executor->resources = arena_array(&rig->in, executor->n_resources, sizeof *executor->resources);
    for (size_t i = 0; i < executor->n_resources; i++) {
        char *amount = strchr(words[i], ':');
        assert_non_null(amount);
        *amount++ = '\0';
        executor->resources[i] = build_resource(rig, words[i], amount, NULL);
    }
    return executor;
}

/* NAME MS POLICY; "-" for what is left out */
static size_t add_consumer(struct rig *rig, Zmesos__V1__TaskSpec *spec, char **words)
{
    Zmesos__V1__Consumer *consumer = build_new(rig, &zmesos__v1__consumer__descriptor);
    spec->consumer = consumer;
    if (strcmp(words[0], "-") != 0)
        consumer->name = words[0];
    if (strcmp(words[1], "-") != 0)
        consumer->timeout = build_ms(rig, words[1]);
    if (strcmp(words[2], "-") != 0) {
        consumer->has_after_timeout = true;
        consumer->after_timeout = (Zmesos__V1__Consumer__AfterTimeout)enum_value(
                rig, &zmesos__v1__consumer__after_timeout__descriptor, "", words[2]);
    }
    return 3;
}

Zmesos__V1__TaskSpec *build_spec(struct rig *rig, const char *text)
{
    char **words;
    size_t count = split(rig, text, " ", &words);
    Zmesos__V1__TaskSpec *spec = build_new(rig, &zmesos__v1__task_spec__descriptor);
    assert_in_range(count, 1, 1000);
    spec->id = words[0];
    spec->constraints = arena_array(&rig->in, count, sizeof *spec->constraints);
    spec->command = build_new(rig, &mesos__v1__command_info__descriptor);
    spec->command->value = arena_string(&rig->in, "true");
    struct {
        const char *name;
        protobuf_c_boolean *has;
        double *value;
    } amounts[] = {{"cpus", &spec->has_cpus, &spec->cpus}, {"mem", &spec->has_mem, &spec->mem},
            {"disk", &spec->has_disk, &spec->disk}, {"gpus", &spec->has_gpus, &spec->gpus}};
    bool some = false;
    for (size_t i = 1; i < count; i += 2) {
        const char *word = words[i];
        assert_true(i + 1 < count);
        if (strcmp(word, "where") == 0 || strcmp(word, "prefer") == 0) {
            i += add_constraint(rig, spec, words + i + 1, *word == 'p') - 1;
        } else if (strcmp(word, "ports") == 0) {
            spec->has_ports = some = true;
            spec->ports = (uint32_t)strtoul(words[i + 1], NULL, 10);
        } else if (strcmp(word, "prio") == 0) {
            spec->has_priority = true;
            spec->priority = (int32_t)strtol(words[i + 1], NULL, 10);
        } else if (strcmp(word, "role") == 0) {
            spec->role = words[i + 1];
        } else if (strcmp(word, "from") == 0) {
            spec->submitter = words[i + 1];
        } else if (strcmp(word, "name") == 0) {
            spec->name = words[i + 1];
        } else if (strcmp(word, "group") == 0) {
            spec->group = words[i + 1];
        } else if (strcmp(word, "default") == 0) {
            spec->executor = build_executor(rig, words[i + 1]);
            spec->executor->command = NULL;
            spec->executor->has_type = true;
            spec->executor->type = MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
        } else if (strcmp(word, "placer") == 0) {
            spec->placer = words[i + 1];
        } else if (strcmp(word, "label") == 0) {
            add_label(rig, spec, words[i + 1], count);
        } else if (strcmp(word, "despite") == 0) {
            spec->has_despite_maintenance = true;
            spec->despite_maintenance = strcmp(words[i + 1], "yes") == 0;
        } else if (strcmp(word, "want") == 0) {
            add_request(rig, spec, words[i + 1], count);
            some = true;
        } else if (strcmp(word, "exec") == 0) {
            spec->command = NULL;
            spec->executor = build_executor(rig, words[i + 1]);
        } else if (strcmp(word, "consumer") == 0) {
            i += add_consumer(rig, spec, words + i + 1) - 1;
        } else if (strcmp(word, "timeout") == 0) {
            spec->launch_timeout = build_ms(rig, words[i + 1]);
        } else if (!add_retry(rig, spec, word, words[i + 1])) {
            size_t a = 0;
            while (a < 4 && strcmp(amounts[a].name, word) != 0)
                a++;
            if (a == 4)
                fail_msg("what is '%s' in a specification?", word);
            *amounts[a].has = some = true;
            *amounts[a].value = strtod(words[i + 1], NULL);
        }
    }
    if (!some) {
        spec->has_cpus = true;
        spec->cpus = 1;
    }
    return spec;
}

Zmesos__V1__TaskSpec *build_large_spec(struct rig *rig, const char *text, size_t size)
{
    Zmesos__V1__TaskSpec *spec = build_spec(rig, text);
    spec->has_data = true;
    spec->data.data = arena_alloc(&rig->in, size);
    spec->data.len = size - zmesos__v1__task_spec__get_packed_size(spec);
    spec->data.len -= zmesos__v1__task_spec__get_packed_size(spec) - size; /* the length takes bytes too */
    assert_int_equal(zmesos__v1__task_spec__get_packed_size(spec), size);
    return spec;
}

/* ---- requests --------------------------------------------------------------------------------------------
 */

Zmesos__V1__Request *build_request(struct rig *rig, Zmesos__V1__Request__OperationCase operation)
{
    static const ProtobufCMessageDescriptor *const bodies[] = {
            [ZMESOS__V1__REQUEST__OPERATION_LAUNCH] = &zmesos__v1__launch__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_KILL] = &zmesos__v1__kill__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_GET] = &zmesos__v1__get__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_LIST] = &zmesos__v1__list__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_STATUS] = &zmesos__v1__status__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS] = &zmesos__v1__list_agents__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT] = &zmesos__v1__snapshot__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_RECONCILE] = &zmesos__v1__reconcile__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_PING] = &zmesos__v1__ping__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_RELEASE] = &zmesos__v1__release__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_OPERATE] = &zmesos__v1__operate__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_GET_OPERATIONS] = &zmesos__v1__get_operations__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS] = &zmesos__v1__list_operations__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_CANCEL_OPERATIONS] = &zmesos__v1__cancel_operations__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_SANDBOX] = &zmesos__v1__sandbox__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_TEARDOWN] = &zmesos__v1__teardown__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_SUPPRESS] = &zmesos__v1__suppress__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_REVIVE] = &zmesos__v1__revive__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_WHY] = &zmesos__v1__why__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_LEASE] = &zmesos__v1__lease__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_RENEW_LEASE] = &zmesos__v1__renew_lease__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_RELEASE_LEASE] = &zmesos__v1__release_lease__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_PLACE] = &zmesos__v1__place__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_SHUTDOWN_EXECUTOR] = &zmesos__v1__shutdown_executor__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK] = &zmesos__v1__update_framework__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_MESSAGE] = &zmesos__v1__send_message__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_CONFIRM] = &zmesos__v1__confirm__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED] = &zmesos__v1__unconfirmed__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_REQUEST_RESOURCES] = &zmesos__v1__request_resources__descriptor,
            [ZMESOS__V1__REQUEST__OPERATION_RECONCILE_OPERATIONS] =
                    &zmesos__v1__reconcile_operations__descriptor};
    Zmesos__V1__Request *request = build_new(rig, &zmesos__v1__request__descriptor);
    request->has_version = true;
    request->version = 1;
    request->operation_case = operation;
    request->launch = build_new(rig, bodies[operation]); /* members of one union */
    return request;
}

const char *in_launch_specs(struct rig *rig, Zmesos__V1__TaskSpec **specs, size_t count)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LAUNCH);
    request->launch->tasks = specs;
    request->launch->n_tasks = count;
    return in_request(rig, request);
}

const char *in_launch(struct rig *rig, const char *text)
{
    char **parts;
    size_t count = split_parts(rig, text, &parts);
    Zmesos__V1__TaskSpec **specs = arena_array(&rig->in, count, sizeof *specs);
    for (size_t i = 0; i < count; i++)
        specs[i] = build_spec(rig, parts[i]);
    return in_launch_specs(rig, specs, count);
}

const char *in_kill(struct rig *rig, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    request->kill->n_task_ids = split(rig, ids, " ", &request->kill->task_ids);
    return in_request(rig, request);
}

const char *in_kill_policy(struct rig *rig, const char *ids, int64_t grace_ns)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    request->kill->n_task_ids = split(rig, ids, " ", &request->kill->task_ids);
    request->kill->kill_policy = build_new(rig, &mesos__v1__kill_policy__descriptor);
    request->kill->kill_policy->grace_period = build_new(rig, &mesos__v1__duration_info__descriptor);
    request->kill->kill_policy->grace_period->nanoseconds = grace_ns;
    return in_request(rig, request);
}

const char *in_kill_label(struct rig *rig, const char *key, const char *value)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    request->kill->label = build_new(rig, &mesos__v1__label__descriptor);
    request->kill->label->key = arena_string(&rig->in, key);
    request->kill->label->value = arena_string(&rig->in, value);
    return in_request(rig, request);
}

const char *in_get(struct rig *rig, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    request->get->n_task_ids = split(rig, ids, " ", &request->get->task_ids);
    return in_request(rig, request);
}

const char *in_list(struct rig *rig, Zmesos__V1__List *list)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST);
    request->list = list;
    return in_request(rig, request);
}

const char *in_confirm(struct rig *rig, const char *consumer, const char *text)
{
    char **parts = NULL, **words;
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_CONFIRM);
    Zmesos__V1__Confirm *confirm = request->confirm;
    confirm->consumer = arena_string(&rig->in, consumer);
    confirm->n_updates = *text ? split_parts(rig, text, &parts) : 0;
    confirm->updates = arena_array(&rig->in, confirm->n_updates, sizeof *confirm->updates);
    for (size_t i = 0; i < confirm->n_updates; i++) {
        Zmesos__V1__Confirm__Update *update = build_new(rig, &zmesos__v1__confirm__update__descriptor);
        assert_int_equal(split(rig, parts[i], " ", &words), 2);
        char *dot = strrchr(words[0], '.');
        assert_non_null(dot);
        *dot = '\0';
        update->task_id = words[0];
        update->has_attempt = update->has_uuid = true;
        update->attempt = (uint32_t)strtoul(dot + 1, NULL, 10);
        update->uuid.data = (uint8_t *)words[1];
        update->uuid.len = strlen(words[1]);
        confirm->updates[i] = update;
    }
    return in_request(rig, request);
}

const char *in_unconfirmed(struct rig *rig, const char *consumer, uint64_t after, uint32_t page_size)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED);
    request->unconfirmed->consumer = arena_string(&rig->in, consumer);
    request->unconfirmed->after = after;
    request->unconfirmed->page_size = page_size;
    return in_request(rig, request);
}

const char *in_status(struct rig *rig)
{
    return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_STATUS));
}

const char *in_release(struct rig *rig, const char *action, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    if (*action) {
        request->release->has_action = true;
        request->release->action = (Zmesos__V1__Release__Action)enum_value(
                rig, &zmesos__v1__release__action__descriptor, "", action);
    }
    request->release->n_task_ids = split(rig, ids, " ", &request->release->task_ids);
    return in_request(rig, request);
}

const char *in_ask(struct rig *rig)
{
    return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RECONCILE));
}
