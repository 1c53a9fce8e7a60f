/* The fields of a fault's JSON object: each function reads one, or gives what holds without it. What has the
 * wrong type or is out of bounds is ERR_INVALID with a sentence that names the field. */
#include "fault_fields.h"

#include <string.h>

#include "base/alloc.h"

#include "parts.h"

int field_text(json_t *body, const char *key, const char *otherwise, const char **text, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value == NULL) {
        *text = otherwise;
        return 0;
    }
    if (!json_is_string(value))
        return error_set(err, ERR_INVALID, "'%s' wants a text", key);
    *text = json_string_value(value);
    return 0;
}

int field_integer(
        json_t *body, const char *key, int64_t min, int64_t otherwise, int64_t *number, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value == NULL) {
        *number = otherwise;
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > 1000000000)
        return error_set(
                err, ERR_INVALID, "'%s' wants a number from %lld to 1000000000", key, (long long)min);
    *number = json_integer_value(value);
    return 0;
}

int field_flag(json_t *body, const char *key, bool otherwise, bool *flag, struct error *err)
{
    json_t *value = json_object_get(body, key);
    if (value != NULL && !json_is_boolean(value))
        return error_set(err, ERR_INVALID, "'%s' wants true or false", key);
    *flag = value == NULL ? otherwise : json_is_true(value);
    return 0;
}

/* One of the words, by its place. */
int field_word(json_t *body, const char *key, const char *const *words, size_t count, size_t *place,
        struct error *err)
{
    const char *text = NULL;
    int code = field_text(body, key, words[0], &text, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (strcmp(words[i], text) == 0) {
            *place = i;
            return 0;
        }
    return code != 0 ? code : error_set(err, ERR_INVALID, "'%s' knows no '%s'", key, text);
}

int field_call(json_t *body, int *call, struct error *err)
{
    const char *name = NULL;
    int code = field_text(body, "call", NULL, &name, err);
    if (code != 0)
        return code;
    *call = -1;
    if (name == NULL)
        return 0;
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(&mesos__v1__scheduler__call__type__descriptor, name);
    if (value == NULL)
        return error_set(err, ERR_INVALID, "there is no call '%s'", name);
    *call = value->value;
    return 0;
}

/* The frameworks that a fault is for, in an array of their own: all, or the one that "framework" names. */
int field_frameworks(
        struct local *local, json_t *body, struct framework ***list, size_t *count, struct error *err)
{
    const char *id = NULL;
    struct framework *framework;
    size_t at = 0;
    int code = field_text(body, "framework", NULL, &id, err);
    if (code != 0)
        return code;
    if (id != NULL && framework_find(local, id) == NULL)
        return error_set(err, ERR_INVALID, "there is no framework '%s'", id);
    struct framework **frameworks = alloc_zeroed(local->frameworks.count + 1, sizeof(*frameworks));
    *count = 0;
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        if (id == NULL || strcmp(framework->id, id) == 0)
            frameworks[(*count)++] = framework;
    *list = frameworks;
    return 0;
}

int field_agent(struct local *local, json_t *body, struct agent **agent, struct error *err)
{
    int64_t number = 0;
    int code = field_integer(body, "agent", 1, 0, &number, err);
    if (code != 0)
        return code;
    if (number < 1 || (size_t)number > local->agent_count)
        return error_set(err, ERR_INVALID, "'agent' wants a number from 1 to %zu", local->agent_count);
    *agent = local->agents[number - 1];
    return 0;
}
