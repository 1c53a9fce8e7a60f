/* Resources as text, as Mesos's --resources takes them and its messages print them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "resources.h"

#define RESOURCE_TEXT_MAX 65536

/* Cuts spaces off both ends, in place. */
static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\n')
        text++;
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\n'))
        text[--length] = '\0';
    return text;
}

/* "[1-3,5-5]" without its brackets. */
static int parse_ranges(char *text, struct arena *arena, Resource *message, struct error *err)
{
    Mesos__V1__Value__Ranges *ranges = arena_alloc(arena, sizeof(*ranges));
    mesos__v1__value__ranges__init(ranges);
    ranges->range = arena_array(arena, strlen(text) / 2 + 1, sizeof(*ranges->range));
    char *rest = text;
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        char *end = strchr(part, '-');
        int64_t begin_value;
        int64_t end_value;
        if (end != NULL)
            *end++ = '\0';
        if (end == NULL || integer_parse(trim(part), 0, INT64_MAX, &begin_value) != 0 ||
                integer_parse(trim(end), begin_value, INT64_MAX, &end_value) != 0)
            return error_set(
                    err, ERR_INVALID, "resource '%s' wants ranges such as [31000-32000]", message->name);
        Mesos__V1__Value__Range *range = arena_alloc(arena, sizeof(*range));
        mesos__v1__value__range__init(range);
        range->begin = (uint64_t)begin_value;
        range->end = (uint64_t)end_value;
        ranges->range[ranges->n_range++] = range;
    }
    message->type = VALUE(RANGES);
    message->ranges = ranges;
    return 0;
}

/* "{a,b}" without its braces. */
static int parse_set(char *text, struct arena *arena, Resource *message, struct error *err)
{
    Mesos__V1__Value__Set *set = arena_alloc(arena, sizeof(*set));
    mesos__v1__value__set__init(set);
    set->item = arena_array(arena, strlen(text) / 2 + 2, sizeof(*set->item));
    char *rest = text;
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        part = trim(part);
        if (part[0] == '\0')
            return error_set(err, ERR_INVALID, "resource '%s' has an empty item", message->name);
        set->item[set->n_item++] = part;
    }
    message->type = VALUE(SET);
    message->set = set;
    return 0;
}

static int parse_scalar(const char *text, struct arena *arena, Resource *message, struct error *err)
{
    milli_t amount;
    if (milli_parse(text, &amount) != 0 || amount < 0)
        return error_set(err, ERR_INVALID, "resource '%s' wants an amount such as 4 or 0.5, not '%s'",
                message->name, text);
    message->type = VALUE(SCALAR);
    message->scalar = arena_alloc(arena, sizeof(*message->scalar));
    mesos__v1__value__scalar__init(message->scalar);
    message->scalar->value = milli_to_double(amount);
    return 0;
}

/* "name(role):value" */
static int parse_one(char *text, struct arena *arena, Resource *message, struct error *err)
{
    mesos__v1__resource__init(message);
    char *value = strchr(text, ':');
    if (value == NULL)
        return error_set(err, ERR_INVALID, "'%s' is no resource: it wants name:value", text);
    *value++ = '\0';
    value = trim(value);
    char *role = strchr(text, '(');
    if (role != NULL) {
        *role++ = '\0';
        char *close = strchr(role, ')');
        if (close == NULL || close == role || *trim(close + 1) != '\0')
            return error_set(err, ERR_INVALID, "resource '%s' wants its role as name(role)", text);
        *close = '\0';
        types_set_resource_role(message, role);
    }
    message->name = trim(text);
    if (message->name[0] == '\0')
        return error_set(err, ERR_INVALID, "a resource without a name");
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '[' && value[length - 1] == ']') {
        value[length - 1] = '\0';
        return parse_ranges(value + 1, arena, message, err);
    }
    if (length >= 2 && value[0] == '{' && value[length - 1] == '}') {
        value[length - 1] = '\0';
        return parse_set(value + 1, arena, message, err);
    }
    return parse_scalar(value, arena, message, err);
}

int resources_parse(
        struct resource_kinds *kinds, const char *text, struct resources *resources, struct error *err)
{
    if (strlen(text) > RESOURCE_TEXT_MAX)
        return error_set(err, ERR_TOO_LARGE, "more than %d bytes of resources", RESOURCE_TEXT_MAX);
    int code = 0;
    struct arena arena;
    arena_init(&arena);
    char *copy = arena_string(&arena, text);
    Resource *messages = arena_array(&arena, strlen(text) + 1, sizeof(*messages));
    size_t count = 0;
    for (char *part; (part = strsep(&copy, ";")) != NULL;) {
        part = trim(part);
        if (part[0] != '\0' && (code = parse_one(part, &arena, &messages[count++], err)) != 0)
            goto out;
    }
    for (int scalars = 0; scalars < 2; scalars++)
        for (size_t i = 0; i < count; i++)
            if ((messages[i].type == VALUE(SCALAR)) == (scalars == 1))
                resources_read(kinds, &messages[i], true, resources);
out:
    arena_clear(&arena);
    return code;
}

static void put(struct buf *out, const char *text)
{
    if (buf_append_string(out, text) != 0)
        return; /* cut at the limit: this is text for people */
}

static void put_disk(const Mesos__V1__Resource__DiskInfo *disk, struct buf *out)
{
    put(out, "[");
    if (disk->persistence != NULL)
        put(out, disk->persistence->id);
    if (disk->volume != NULL) {
        put(out, ":");
        put(out, disk->volume->container_path);
    }
    put(out, "]");
}

void resource_message_format(const Resource *message, const char *role, struct buf *out)
{
    char number[MILLI_TEXT_MAX];
    put(out, message->name);
    if (role != NULL) {
        put(out, "(allocated: ");
        put(out, role);
        put(out, ")");
    }
    for (size_t i = 0; i < message->n_reservations; i++) {
        put(out, i == 0 ? "(reservations: [(" : ",(");
        put(out, message->reservations[i]->type == MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC
                         ? "STATIC,"
                         : "DYNAMIC,");
        put(out, message->reservations[i]->role == NULL ? "" : message->reservations[i]->role);
        if (message->reservations[i]->principal != NULL) {
            put(out, ",");
            put(out, message->reservations[i]->principal);
        }
        put(out, i + 1 == message->n_reservations ? ")])" : ")");
    }
    if (message->disk != NULL)
        put_disk(message->disk, out);
    if (message->revocable != NULL)
        put(out, "{REV}");
    if (message->shared != NULL)
        put(out, "<SHARED>");
    put(out, ":");
    milli_t amount = 0;
    if (message->scalar != NULL && milli_from_double(message->scalar->value, &amount) == 0)
        put(out, milli_format(amount, number));
    for (size_t i = 0; message->ranges != NULL && i < message->ranges->n_range; i++)
        if (buf_printf(out, "%s%llu-%llu", i == 0 ? "[" : ", ",
                    (unsigned long long)message->ranges->range[i]->begin,
                    (unsigned long long)message->ranges->range[i]->end) != 0)
            return;
    if (message->ranges != NULL)
        put(out, "]");
    for (size_t i = 0; message->set != NULL && i < message->set->n_item; i++) {
        put(out, i == 0 ? "{" : ", ");
        put(out, message->set->item[i]);
    }
    if (message->set != NULL)
        put(out, "}");
}

void resources_format(const struct resources *resources, const char *role, struct buf *out)
{
    struct arena arena;
    arena_init(&arena);
    Resource **messages;
    size_t count = resources_write(resources, NULL, true, &arena, &messages);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(out, "; ");
        resource_message_format(messages[i], role, out);
    }
    arena_clear(&arena);
}
