/* See resource_words.h. */
#include "resource_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../seed.h"
#include "base/alloc.h"

#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

static void *new_of(struct arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    void *made = arena_alloc(arena, descriptor->sizeof_message);
    descriptor->message_init(made);
    return made;
}

static size_t split(struct arena *arena, const char *text, const char *separators, char ***words)
{
    char *copy = arena_string(arena, text), *rest = NULL;
    *words = arena_array(arena, strlen(text) + 1, sizeof **words);
    size_t count = 0;
    for (char *word = strtok_r(copy, separators, &rest); word; word = strtok_r(NULL, separators, &rest))
        (*words)[count++] = word;
    return count;
}

/* Cuts the text at the character; what follows it, or NULL. */
static char *cut(char *text, char at)
{
    char *end = strchr(text, at);
    if (!end)
        return NULL;
    *end = '\0';
    return end + 1;
}

/* ---- from words ---- */

Mesos__V1__Labels *labels_of(struct arena *arena, const char *words)
{
    char **pairs;
    Mesos__V1__Labels *labels = new_of(arena, &mesos__v1__labels__descriptor);
    labels->n_labels = split(arena, words, " ", &pairs);
    labels->labels = arena_array(arena, labels->n_labels, sizeof *labels->labels);
    for (size_t i = 0; i < labels->n_labels; i++) {
        labels->labels[i] = new_of(arena, &mesos__v1__label__descriptor);
        labels->labels[i]->value = cut(pairs[i], '=');
        labels->labels[i]->key = pairs[i];
    }
    return labels;
}

static Mesos__V1__Resource__ReservationInfo *layer_of(struct arena *arena, char *text)
{
    Mesos__V1__Resource__ReservationInfo *layer =
            new_of(arena, &mesos__v1__resource__reservation_info__descriptor);
    bool fixed = cut(text, '!') != NULL;
    char *label = cut(text, '~');
    layer->labels = label ? labels_of(arena, label) : NULL;
    layer->principal = cut(text, '=');
    layer->role = text;
    layer->has_type = true;
    layer->type = fixed ? MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC
                        : MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    return layer;
}

static Mesos__V1__Resource__DiskInfo__Source *source_of(struct arena *arena, message *to)
{
    if (!to->disk)
        to->disk = new_of(arena, &mesos__v1__resource__disk_info__descriptor);
    if (!to->disk->source)
        to->disk->source = new_of(arena, &mesos__v1__resource__disk_info__source__descriptor);
    return to->disk->source;
}

static void add_volume(struct arena *arena, message *to, char *id)
{
    if (!to->disk)
        to->disk = new_of(arena, &mesos__v1__resource__disk_info__descriptor);
    to->disk->persistence = new_of(arena, &mesos__v1__resource__disk_info__persistence__descriptor);
    to->disk->persistence->id = id;
    to->disk->volume = new_of(arena, &mesos__v1__volume__descriptor);
    to->disk->volume->container_path = arena_string(arena, "data");
    to->disk->volume->mode = MESOS__V1__VOLUME__MODE__RW;
}

static void mark(struct arena *arena, message *to, char *text)
{
    char *value = cut(text, '.');
    if (strcmp(text, "revocable") == 0) {
        to->revocable = new_of(arena, &mesos__v1__resource__revocable_info__descriptor);
    } else if (strcmp(text, "shared") == 0) {
        to->shared = new_of(arena, &mesos__v1__resource__shared_info__descriptor);
    } else if (strcmp(text, "by") == 0) {
        to->provider_id = new_of(arena, &mesos__v1__resource_provider_id__descriptor);
        to->provider_id->value = value;
    } else if (strcmp(text, "volume") == 0) {
        add_volume(arena, to, value);
    } else if (strcmp(text, "path") == 0) {
        source_of(arena, to)->type = SOURCE(PATH);
        to->disk->source->path = new_of(arena, &mesos__v1__resource__disk_info__source__path__descriptor);
        to->disk->source->path->root = value;
    } else if (strcmp(text, "mount") == 0) {
        source_of(arena, to)->type = SOURCE(MOUNT);
        to->disk->source->mount = new_of(arena, &mesos__v1__resource__disk_info__source__mount__descriptor);
        to->disk->source->mount->root = value;
    } else if (strcmp(text, "block") == 0 || strcmp(text, "raw") == 0) {
        source_of(arena, to)->type = strcmp(text, "raw") == 0 ? SOURCE(RAW) : SOURCE(BLOCK);
        to->disk->source->id = value;
    } else if (strcmp(text, "pool") == 0) {
        source_of(arena, to)->type = SOURCE(RAW);
    } else if (strcmp(text, "profile") == 0) {
        source_of(arena, to)->profile = value;
    } else {
        fail_msg("a resource cannot be %s", text);
    }
}

static void set_value(struct arena *arena, message *to, char *text)
{
    char **parts;
    if (*text == '[') {
        to->type = RESOURCE_RANGES;
        to->ranges = new_of(arena, &mesos__v1__value__ranges__descriptor);
        to->ranges->n_range = split(arena, text, "[],", &parts);
        to->ranges->range = arena_array(arena, to->ranges->n_range, sizeof *to->ranges->range);
        for (size_t i = 0; i < to->ranges->n_range; i++) {
            to->ranges->range[i] = new_of(arena, &mesos__v1__value__range__descriptor);
            to->ranges->range[i]->begin = strtoull(parts[i], NULL, 10);
            to->ranges->range[i]->end = strtoull(cut(parts[i], '-'), NULL, 10);
        }
    } else if (*text == '{') {
        to->type = RESOURCE_ITEMS;
        to->set = new_of(arena, &mesos__v1__value__set__descriptor);
        to->set->n_item = split(arena, text, "{},", &to->set->item);
    } else {
        to->type = RESOURCE_SCALAR;
        to->scalar = new_of(arena, &mesos__v1__value__scalar__descriptor);
        to->scalar->value = strtod(text, NULL);
    }
}

message *message_of(struct arena *arena, const char *role, const char *word)
{
    message *to = new_of(arena, &mesos__v1__resource__descriptor);
    char *text = arena_string(arena, word), *value = strrchr(text, ':'), **parts;
    if (!value)
        fail_msg("'%s' has no value", word);
    *value = '\0';
    set_value(arena, to, value + 1);
    char *marks = cut(text, '+'), *layers = cut(text, '(');
    to->name = text;
    if (layers) {
        cut(layers, ')');
        to->n_reservations = split(arena, layers, ",", &parts);
        to->reservations = arena_array(arena, to->n_reservations, sizeof *to->reservations);
        for (size_t i = 0; i < to->n_reservations; i++)
            to->reservations[i] = layer_of(arena, parts[i]);
    }
    size_t count = marks ? split(arena, marks, "+", &parts) : 0;
    for (size_t i = 0; i < count; i++)
        mark(arena, to, parts[i]);
    if (role) {
        to->allocation_info = new_of(arena, &mesos__v1__resource__allocation_info__descriptor);
        to->allocation_info->role = arena_string(arena, role);
    }
    return to;
}

size_t messages_of(struct arena *arena, const char *role, const char *words, message ***messages)
{
    char **parts;
    size_t count = split(arena, words, " ", &parts);
    *messages = arena_array(arena, count, sizeof **messages);
    for (size_t i = 0; i < count; i++)
        (*messages)[i] = message_of(arena, role, parts[i]);
    return count;
}

struct resource one_of(struct arena *arena, const char *role, const char *word)
{
    struct resource one;
    struct error err;
    if (resource_read(arena, message_of(arena, role, word), &one, &err))
        fail_msg("%s: %s", word, err.text);
    return one;
}

struct resource_set set_of(struct arena *arena, const char *role, const char *words)
{
    message **messages;
    size_t count = messages_of(arena, role, words, &messages);
    struct resource_set set;
    struct error err;
    resource_set_init(&set, arena);
    if (resource_set_add_messages(&set, messages, count, "resources", &err))
        fail_msg("%s: %s %s", words, err.field, err.text);
    return set;
}

struct resource_set offer_of(struct arena *arena, const char *role, const char *words)
{
    message **messages;
    size_t count = messages_of(arena, role, words, &messages);
    struct resource_set set;
    struct resource one;
    resource_set_init(&set, arena);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(resource_read(arena, messages[i], &one, NULL), 0);
        assert_int_equal(resource_set_append(&set, &one, NULL), 0);
    }
    return set;
}

/* ---- as words ---- */

static char *value_words(struct arena *arena, const struct resource_value *value)
{
    char text[MILLI_TEXT_MAX], *words;
    if (value->type == RESOURCE_SCALAR)
        return arena_string(arena, milli_format(value->scalar, text));
    words = arena_string(arena, value->type == RESOURCE_RANGES ? "[" : "{");
    for (size_t i = 0; i < value->count; i++) {
        const char *comma = i > 0 ? "," : "";
        if (value->type == RESOURCE_RANGES)
            words = arena_format(arena, "%s%s%llu-%llu", words, comma,
                    (unsigned long long)value->ranges[i].begin, (unsigned long long)value->ranges[i].end);
        else
            words = arena_format(arena, "%s%s%s", words, comma, value->items[i]);
    }
    return arena_format(arena, "%s%s", words, value->type == RESOURCE_RANGES ? "]" : "}");
}

static char *layer_words(struct arena *arena, const Mesos__V1__Resource__ReservationInfo *layer)
{
    char *words = arena_string(arena, layer->role ? layer->role : "");
    if (layer->principal)
        words = arena_format(arena, "%s=%s", words, layer->principal);
    for (size_t i = 0; layer->labels && i < layer->labels->n_labels; i++)
        words = arena_format(arena, "%s~%s", words, layer->labels->labels[i]->key);
    bool fixed = layer->type == MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
    return fixed ? arena_format(arena, "%s!", words) : words;
}

static char *source_words(struct arena *arena, const Mesos__V1__Resource__DiskInfo__Source *source)
{
    char *words;
    if (source->type == SOURCE(PATH))
        words = arena_format(arena, "+path.%s", source->path ? source->path->root : "");
    else if (source->type == SOURCE(MOUNT))
        words = arena_format(arena, "+mount.%s", source->mount ? source->mount->root : "");
    else if (source->type == SOURCE(RAW) && !source->id)
        words = arena_string(arena, "+pool");
    else
        words = arena_format(arena, "+%s.%s", source->type == SOURCE(RAW) ? "raw" : "block", source->id);
    return source->profile ? arena_format(arena, "%s+profile.%s", words, source->profile) : words;
}

static char *kind_words(struct arena *arena, const message *kind)
{
    char *words = arena_string(arena, kind->name);
    for (size_t i = 0; i < kind->n_reservations; i++)
        words = arena_format(
                arena, "%s%c%s", words, i > 0 ? ',' : '(', layer_words(arena, kind->reservations[i]));
    if (kind->n_reservations > 0)
        words = arena_format(arena, "%s)", words);
    if (kind->disk && kind->disk->persistence)
        words = arena_format(arena, "%s+volume.%s", words, kind->disk->persistence->id);
    if (kind->disk && kind->disk->source)
        words = arena_format(arena, "%s%s", words, source_words(arena, kind->disk->source));
    if (kind->provider_id)
        words = arena_format(arena, "%s+by.%s", words, kind->provider_id->value);
    return arena_format(
            arena, "%s%s%s", words, kind->revocable ? "+revocable" : "", kind->shared ? "+shared" : "");
}

const char *words_of(struct arena *arena, const struct resource_set *set)
{
    char *words = arena_string(arena, "");
    for (size_t i = 0; i < set->count; i++) {
        const struct resource *item = &set->items[i];
        if (item->copies == 0 || resource_value_amount(&item->value) == 0)
            continue;
        const char *copies = item->copies > 1 ? arena_format(arena, "%u*", item->copies) : "";
        words = arena_format(arena, "%s%s%s%s:%s", words, *words ? " " : "", copies,
                kind_words(arena, item->kind), value_words(arena, &item->value));
    }
    return words;
}

struct resource_set packed_and_read(struct arena *arena, const struct resource_set *set)
{
    message **messages;
    size_t count = resource_set_write(set, arena, &messages);
    struct resource_set read;
    resource_set_init(&read, arena);
    for (size_t i = 0; i < count; i++) {
        size_t size = protobuf_c_message_get_packed_size(&messages[i]->base);
        uint8_t *bytes = arena_alloc(arena, size + 1);
        protobuf_c_message_pack(&messages[i]->base, bytes);
        message *unpacked = mesos__v1__resource__unpack(NULL, size, bytes);
        assert_non_null(unpacked);
        message *copy = message_copy(arena, unpacked);
        mesos__v1__resource__free_unpacked(unpacked, NULL);
        struct resource one;
        assert_int_equal(resource_read(arena, copy, &one, NULL), 0);
        assert_int_equal(resource_set_append(&read, &one, NULL), 0);
    }
    return read;
}

void expect_words(struct arena *arena, const struct resource_set *set, const char *words)
{
    assert_string_equal(words_of(arena, set), words);
    struct resource_set read = packed_and_read(arena, set);
    assert_true(resource_set_equal(&read, set));
}

/* ---- for all tests ---- */

int arena_setup(void **state)
{
    struct arena *arena = alloc_bytes(sizeof *arena);
    arena_init(arena);
    *state = arena;
    return 0;
}

int arena_teardown(void **state)
{
    arena_clear(*state);
    free(*state);
    return 0;
}

uint64_t seed_draw(const char *test)
{
    return seed_of(test) * 2862933555777941757ULL + 3037000493ULL;
}

uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 11) % below;
}
