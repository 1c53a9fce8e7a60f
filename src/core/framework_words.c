/* What Mesos knows of a framework besides its roles and may be changed while it runs: name, webui_url,
 * labels, failover_timeout. Changed by request (framework.c); holds over restarts for as long as the flags
 * say the same about all of it as when it was changed. Kept as a text: letters, each with the length of a
 * value and the value; of what was changed alone. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

#define NAME_MOST 255
#define URL_MOST 2000
#define LABELS_MOST 64
#define LABELS_BYTES_MOST 16000
#define FAILOVER_MOST_NS ((int64_t)315360000 * 1000000000)

enum word {
    NAME = 'n',
    URL = 'u',
    FAILOVER = 'f', /* ms */
    LABELS = 'l',   /* empty: those that follow are all there are */
    KEY = 'k',
    VALUE = 'v', /* of the key before */
};

static const char *add(struct arena *arena, const char *text, enum word word, const char *value)
{
    return arena_format(arena, "%s%c%zu:%s", text, (char)word, strlen(value), value);
}

/* "5:" and so many bytes behind it. */
static bool read_length(const char **at, size_t *length)
{
    const char *c = *at;
    *length = 0;
    for (; *c >= '0' && *c <= '9' && *length < 1000000; c++)
        *length = *length * 10 + (size_t)(*c - '0');
    if (*c != ':' || strlen(c + 1) < *length)
        return false;
    *at = c + 1;
    return true;
}

/* False: there is no other. */
static bool next(struct arena *arena, const char **at, char *word, const char **value)
{
    size_t length;
    if (!**at)
        return false;
    *word = *(*at)++;
    if (!read_length(at, &length))
        return false;
    *value = arena_format(arena, "%.*s", (int)length, *at);
    *at += length;
    return true;
}

/* ---- checking ---- */

static int check_labels(const Mesos__V1__Labels *labels, struct error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; labels && i < labels->n_labels; i++) {
        if (!*labels->labels[i]->key)
            return error_set_field(err, ERR_INVALID, "update_framework.labels", "a label has a key");
        bytes += strlen(labels->labels[i]->key) +
                 (labels->labels[i]->value ? strlen(labels->labels[i]->value) : 0);
    }
    if (labels && (labels->n_labels > LABELS_MOST || bytes > LABELS_BYTES_MOST))
        return error_set_field(err, ERR_TOO_LARGE, "update_framework.labels",
                "at most %d labels, of %d bytes together", LABELS_MOST, LABELS_BYTES_MOST);
    return 0;
}

int framework_words_check(const Zmesos__V1__UpdateFramework *update, struct error *err)
{
    if (update->name && (!*update->name || strlen(update->name) > NAME_MOST))
        return error_set_field(
                err, ERR_INVALID, "update_framework.name", "a name has 1 to %d bytes", NAME_MOST);
    if (update->webui_url && strlen(update->webui_url) > URL_MOST)
        return error_set_field(
                err, ERR_TOO_LARGE, "update_framework.webui_url", "at most %d bytes", URL_MOST);
    if (update->failover_timeout && (update->failover_timeout->nanoseconds < 0 ||
                                            update->failover_timeout->nanoseconds > FAILOVER_MOST_NS))
        return error_set_field(err, ERR_INVALID, "update_framework.failover_timeout", "it is 0 to 3650 days");
    return check_labels(update->labels, err);
}

bool framework_words_any(const Zmesos__V1__UpdateFramework *update)
{
    return update->name || update->webui_url || update->failover_timeout || update->labels;
}

/* ---- changing ---- */

static bool is_changed(const Zmesos__V1__UpdateFramework *update, char word)
{
    return (word == NAME && update->name) || (word == URL && update->webui_url) ||
           (word == FAILOVER && update->failover_timeout) ||
           ((word == LABELS || word == KEY || word == VALUE) && update->labels);
}

static int64_t failover_ms(const char *at, int64_t configured_ms)
{
    struct arena arena;
    const char *value;
    char word;
    arena_init(&arena);
    while (next(&arena, &at, &word, &value)) {
        if (word == FAILOVER && integer_parse(value, 0, INT64_MAX, &configured_ms))
            break;
    }
    arena_clear(&arena);
    return configured_ms;
}

/* While it is not certain which one the master goes by, the shorter one counts: before the call leaves that
 * is on disk. */
static void expect_shorter(struct core *core)
{
    int64_t asked_ms = failover_ms(core->words_asked, INT64_MAX);
    if (asked_ms >= core->config.failover_timeout_ms)
        return;
    core->config.failover_timeout_ms = asked_ms;
    output_meta_number(core, META_FAILOVER_MS, asked_ms);
}

/* What is to be, once the master has it. */
void framework_words_change(struct core *core, const Zmesos__V1__UpdateFramework *update)
{
    struct arena *arena = &core->out->arena;
    const char *text = "", *at = core->words, *value;
    char word, number[24];
    if (!framework_words_any(update))
        return;
    while (next(arena, &at, &word, &value))
        text = is_changed(update, word) ? text : add(arena, text, (enum word)word, value);
    if (update->name)
        text = add(arena, text, NAME, update->name);
    if (update->webui_url)
        text = add(arena, text, URL, update->webui_url);
    if (update->failover_timeout) {
        snprintf(number, sizeof number, "%lld", (long long)(update->failover_timeout->nanoseconds / 1000000));
        text = add(arena, text, FAILOVER, number);
    }
    if (update->labels)
        text = add(arena, text, LABELS, "");
    for (size_t i = 0; update->labels && i < update->labels->n_labels; i++) {
        text = add(arena, text, KEY, update->labels->labels[i]->key);
        if (update->labels->labels[i]->value)
            text = add(arena, text, VALUE, update->labels->labels[i]->value);
    }
    free(core->words_asked);
    core->words_asked = alloc_string(text);
    expect_shorter(core);
}

void framework_words_answered(struct core *core, bool done)
{
    if (!core->words_asked)
        return;
    if (done) {
        free(core->words);
        core->words = core->words_asked;
        core->words_asked = NULL;
        int64_t told_ms = failover_ms(core->words, -1);
        if (told_ms >= 0)
            output_meta_number(core, META_FAILOVER_MS, told_ms);
        output_meta(core, META_FRAMEWORK,
                arena_format(&core->out->arena, "%zu:%s%s", strlen(core->config.framework_flags),
                        core->config.framework_flags, core->words));
    }
    free(core->words_asked);
    core->words_asked = NULL;
}

void recover_framework_words(struct core *core, const char *value)
{
    size_t length;
    const char *flags = core->config.framework_flags;
    bool same = read_length(&value, &length) && length == strlen(flags) && strncmp(value, flags, length) == 0;
    free(core->words);
    core->words = alloc_string(same ? value + length : "");
}

/* ---- telling ---- */

static Mesos__V1__Label *add_label(struct arena *arena, Mesos__V1__Labels *labels, const char *key)
{
    Mesos__V1__Label *label = arena_alloc(arena, sizeof *label);
    mesos__v1__label__init(label);
    label->key = arena_string(arena, key);
    labels->labels[labels->n_labels++] = label;
    return label;
}

static void tell(struct arena *arena, const char *at, Mesos__V1__FrameworkInfo *info)
{
    Mesos__V1__Label *label = NULL;
    const char *value;
    char word;
    int64_t ms;
    while (next(arena, &at, &word, &value)) {
        if (word == NAME) {
            info->name = arena_string(arena, value);
        } else if (word == URL) {
            info->webui_url = arena_string(arena, value);
        } else if (word == FAILOVER && integer_parse(value, 0, INT64_MAX, &ms) == 0) {
            info->has_failover_timeout = true;
            info->failover_timeout = (double)ms / 1000;
        } else if (word == LABELS) {
            info->labels = arena_alloc(arena, sizeof *info->labels);
            mesos__v1__labels__init(info->labels);
            info->labels->labels = arena_array(arena, LABELS_MOST, sizeof *info->labels->labels);
        } else if (word == KEY && info->labels && info->labels->n_labels < LABELS_MOST) {
            label = add_label(arena, info->labels, value);
        } else if (word == VALUE && label) {
            label->value = arena_string(arena, value);
        }
    }
}

void framework_words_tell(struct core *core, Mesos__V1__FrameworkInfo *info)
{
    tell(&core->out->arena, core->words_asked ? core->words_asked : core->words, info);
}

void core_framework_info(const struct core *core, struct arena *arena, Mesos__V1__FrameworkInfo *info)
{
    tell(arena, core->words, info);
}

int64_t core_failover_ms(const struct core *core, int64_t configured_ms)
{
    return failover_ms(core->words, configured_ms);
}
