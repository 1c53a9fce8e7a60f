/* "rack:r1;zone:a;cores:8;ports:[1-2]" as attributes: a number is a scalar, brackets are ranges, the rest is
 * text. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

#include "attributes.h"

static int parse_ranges(const char *name, char *value, Attribute *attribute, struct error *err)
{
    Mesos__V1__Value__Ranges *ranges = alloc_bytes(sizeof(*ranges));
    mesos__v1__value__ranges__init(ranges);
    attribute->type = VALUE(RANGES);
    attribute->ranges = ranges;
    for (char *part; (part = strsep(&value, ",")) != NULL;) {
        int64_t begin;
        int64_t end;
        char *dash = strchr(part, '-');
        if (dash != NULL)
            *dash++ = '\0';
        if (dash == NULL || integer_parse(part, 0, INT64_MAX, &begin) != 0 ||
                integer_parse(dash, begin, INT64_MAX, &end) != 0)
            return error_set(err, ERR_INVALID, "attribute '%s' wants ranges such as [1-10]", name);
        Mesos__V1__Value__Range *range = alloc_bytes(sizeof(*range));
        mesos__v1__value__range__init(range);
        range->begin = (uint64_t)begin;
        range->end = (uint64_t)end;
        ranges->range = alloc_resize(ranges->range, ranges->n_range + 1, sizeof(*ranges->range));
        ranges->range[ranges->n_range++] = range;
    }
    return 0;
}

static int parse_one(char *text, Attribute *attribute, struct error *err)
{
    char *value = strchr(text, ':');
    milli_t number;
    if (value == NULL || value == text || value[1] == '\0')
        return error_set(err, ERR_INVALID, "'%s' is no attribute: it wants name:value", text);
    *value++ = '\0';
    attribute->name = alloc_string(text);
    size_t length = strlen(value);
    if (value[0] == '[' && value[length - 1] == ']') {
        value[length - 1] = '\0';
        return parse_ranges(text, value + 1, attribute, err);
    }
    if (milli_parse(value, &number) == 0) {
        attribute->type = VALUE(SCALAR);
        attribute->scalar = alloc_bytes(sizeof(*attribute->scalar));
        mesos__v1__value__scalar__init(attribute->scalar);
        attribute->scalar->value = milli_to_double(number);
        return 0;
    }
    attribute->type = VALUE(TEXT);
    attribute->text = alloc_bytes(sizeof(*attribute->text));
    mesos__v1__value__text__init(attribute->text);
    attribute->text->value = alloc_string(value);
    return 0;
}

int attributes_parse(const char *text, Attribute ***attributes, size_t *count, struct error *err)
{
    int code = 0;
    char *copy = alloc_string(text);
    char *rest = copy;
    Attribute **list = NULL;
    size_t length = 0;
    for (char *part; code == 0 && (part = strsep(&rest, ";")) != NULL;) {
        part += strspn(part, " ");
        if (part[0] == '\0')
            continue;
        list = alloc_resize(list, length + 1, sizeof(Attribute *));
        list[length] = alloc_bytes(sizeof(Attribute));
        mesos__v1__attribute__init(list[length]);
        code = parse_one(part, list[length++], err);
    }
    free(copy);
    if (code != 0) {
        attributes_free(list, length);
        return code;
    }
    *attributes = list;
    *count = length;
    return 0;
}

void attributes_free(Attribute **attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mesos__v1__attribute__free_unpacked(attributes[i], NULL);
    free(attributes);
}
