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

static void *new_message(const ProtobufCMessageDescriptor *descriptor)
{
    void *message = alloc_bytes(descriptor->sizeof_message);
    descriptor->message_init(message);
    return message;
}

int domain_parse(const char *text, Mesos__V1__DomainInfo **domain, struct error *err)
{
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : 0;
    *domain = NULL;
    if (text[0] == '\0')
        return 0;
    if (length == 0 || slash[1] == '\0' || strchr(slash + 1, '/') != NULL)
        return error_set(err, ERR_INVALID, "domain '%.100s' is not REGION/ZONE", text);
    Mesos__V1__DomainInfo__FaultDomain *fault =
            new_message(&mesos__v1__domain_info__fault_domain__descriptor);
    fault->region = new_message(&mesos__v1__domain_info__fault_domain__region_info__descriptor);
    fault->region->name = alloc_string(text);
    fault->region->name[length] = '\0';
    fault->zone = new_message(&mesos__v1__domain_info__fault_domain__zone_info__descriptor);
    fault->zone->name = alloc_string(slash + 1);
    *domain = new_message(&mesos__v1__domain_info__descriptor);
    (*domain)->fault_domain = fault;
    return 0;
}
