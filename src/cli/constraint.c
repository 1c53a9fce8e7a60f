/* See constraint.h for the grammar. A name ends at the first blank or sign of an operator, so what follows
 * tells the kind. */
#include "constraint.h"

#include <string.h>

#define BLANKS " \t"
#define SIGNS "=~!<>"
#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, BLANKS);
}

/* A copy of the first bytes without blanks at either end. */
static char *trimmed(struct arena *arena, const char *text, size_t length)
{
    char *copy;

    while (length && strchr(BLANKS, *text)) {
        text++;
        length--;
    }
    while (length && strchr(BLANKS, text[length - 1]))
        length--;
    copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

static int split_values(struct arena *arena, const char *list, Zmesos__V1__Constraint *constraint)
{
    size_t commas = 0;
    const char *at;

    for (at = list; *at; at++)
        commas += *at == ',';
    constraint->values = arena_array(arena, commas + 1, sizeof *constraint->values);
    for (;;) {
        size_t length = strcspn(list, ",");
        char *value = trimmed(arena, list, length);

        if (!*value)
            return ERR_INVALID;
        constraint->values[constraint->n_values++] = value;
        if (!list[length])
            return 0;
        list += length + 1;
    }
}

static int one_value(struct arena *arena, const char *text, Zmesos__V1__Constraint *constraint)
{
    char *value = trimmed(arena, text, strlen(text));

    constraint->values = arena_array(arena, 1, sizeof *constraint->values);
    constraint->values[0] = value;
    constraint->n_values = 1;
    return *value ? 0 : ERR_INVALID;
}

/* What follows the word, when the text begins with it; NULL otherwise. */
static const char *after_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && text[length] && strchr(BLANKS, text[length])
                   ? skip_blanks(text + length)
                   : NULL;
}

/* NAME, and a sign or a word with values. */
static int parse_infix(struct arena *arena, const char *text, Zmesos__V1__Constraint *constraint)
{
    static const struct {
        const char *sign;
        Zmesos__V1__Constraint__Operator op;
    } signs[] = {{"!=", OP(NOT_EQUALS)}, {"!~", OP(NOT_MATCHES)}, {"=", OP(EQUALS)}, {"~", OP(MATCHES)},
            {">", OP(GREATER)}, {"<", OP(LESS)}};
    static const struct {
        const char *word;
        Zmesos__V1__Constraint__Operator op;
    } words[] = {{"in", OP(IN)}, {"not in", OP(NOT_IN)}, {"near", OP(NEAR)}, {"far", OP(FAR)}};
    size_t length = strcspn(text, SIGNS BLANKS), i;
    const char *rest = skip_blanks(text + length), *values;

    if (!length)
        return ERR_INVALID;
    constraint->attribute = trimmed(arena, text, length);
    for (i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strncmp(rest, signs[i].sign, strlen(signs[i].sign)) != 0)
            continue;
        constraint->operator_ = signs[i].op;
        return one_value(arena, rest + strlen(signs[i].sign), constraint);
    }
    for (i = 0; i < sizeof words / sizeof *words; i++) {
        if (!(values = after_word(rest, words[i].word)))
            continue;
        constraint->operator_ = words[i].op;
        return split_values(arena, values, constraint);
    }
    return ERR_INVALID;
}

/* A word, and a NAME that is all of the rest, but for `over` and its values. */
static int parse_prefix(struct arena *arena, const char *text, Zmesos__V1__Constraint *constraint)
{
    static const struct {
        const char *word;
        Zmesos__V1__Constraint__Operator op;
    } words[] = {{"unique", OP(UNIQUE)}, {"together", OP(TOGETHER)}, {"spread", OP(SPREAD)},
            {"has", OP(EXISTS)}, {"no", OP(NOT_EXISTS)}, {"max", OP(MAX_PER)}};
    const char *rest = NULL;
    size_t i = 0, length;

    for (; i < sizeof words / sizeof *words && !rest; i++) {
        rest = after_word(text, words[i].word);
        constraint->operator_ = words[i].op;
    }
    if (rest && constraint->operator_ == OP(MAX_PER)) {
        length = strcspn(rest, BLANKS);
        if (one_value(arena, trimmed(arena, rest, length), constraint) < 0)
            return ERR_INVALID;
        rest = after_word(skip_blanks(rest + length), "per");
    }
    if (!rest)
        return ERR_INVALID;
    length = strcspn(rest, SIGNS BLANKS);
    constraint->attribute = trimmed(arena, rest, length);
    rest = skip_blanks(rest + length);
    if (!*rest)
        return *constraint->attribute ? 0 : ERR_INVALID;
    rest = constraint->operator_ == OP(SPREAD) ? after_word(rest, "over") : NULL;
    return rest ? split_values(arena, rest, constraint) : ERR_INVALID;
}

static int parse_plain(struct arena *arena, const char *text, Zmesos__V1__Constraint **out)
{
    int (*const forms[])(struct arena *, const char *, Zmesos__V1__Constraint *) = {
            parse_infix, parse_prefix};
    size_t i;

    for (i = 0; i < 2; i++) {
        Zmesos__V1__Constraint *constraint = arena_alloc(arena, sizeof *constraint);

        zmesos__v1__constraint__init(constraint);
        constraint->has_operator_ = 1;
        if (forms[i](arena, text, constraint) == 0) {
            *out = constraint;
            return 0;
        }
    }
    return ERR_INVALID;
}

int constraint_parse(struct arena *arena, const char *text, Zmesos__V1__Constraint **out, struct error *err)
{
    const char *rest = after_word(skip_blanks(text), "prefer");

    if (rest && parse_plain(arena, rest, out) == 0) {
        (*out)->has_preferred = (*out)->preferred = 1;
        return 0;
    }
    if (parse_plain(arena, skip_blanks(text), out) == 0)
        return 0;
    return error_set(err, ERR_INVALID,
            "constraint '%s': expected NAME=VALUE, NAME in VALUE,..., NAME~REGEX, unique NAME or another "
            "form of "
            "zmesos(1)",
            text);
}
