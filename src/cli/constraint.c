/* See constraint.h for the grammar. A name ends at the first blank, '=' or '~', so what follows tells the
 * kind. */
#include "constraint.h"

#include <string.h>

#define BLANKS " \t"

static int refuse(const char *text, struct error *err)
{
    return error_set(err, ERR_INVALID,
            "constraint '%s': expected NAME=VALUE, NAME in VALUE,VALUE..., NAME~REGEX or unique NAME", text);
}

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

static Zmesos__V1__Constraint *make(
        struct arena *arena, char *attribute, Zmesos__V1__Constraint__Operator operator)
{
    Zmesos__V1__Constraint *constraint = arena_alloc(arena, sizeof *constraint);

    zmesos__v1__constraint__init(constraint);
    constraint->attribute = attribute;
    constraint->has_operator_ = 1;
    constraint->operator_ = operator;
    return constraint;
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

int constraint_parse(struct arena *arena, const char *text, Zmesos__V1__Constraint **out, struct error *err)
{
    const char *name = skip_blanks(text);
    size_t length = strcspn(name, "=~" BLANKS);
    const char *rest = skip_blanks(name + length);
    Zmesos__V1__Constraint *constraint;
    char *attribute, *value;

    if (!length || !*rest)
        return refuse(text, err);
    attribute = trimmed(arena, name, length);
    if (*rest == '=' || *rest == '~') {
        constraint = make(arena, attribute,
                *rest == '=' ? ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS
                             : ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES);
        value = trimmed(arena, rest + 1, strlen(rest + 1));
        if (!*value)
            return refuse(text, err);
        constraint->values = arena_array(arena, 1, sizeof *constraint->values);
        constraint->values[0] = value;
        constraint->n_values = 1;
    } else if (strncmp(rest, "in", 2) == 0 && rest[2] && strchr(BLANKS, rest[2])) {
        constraint = make(arena, attribute, ZMESOS__V1__CONSTRAINT__OPERATOR__IN);
        if (split_values(arena, rest + 2, constraint) < 0)
            return refuse(text, err);
    } else if (strcmp(attribute, "unique") == 0) {
        value = trimmed(arena, rest, strlen(rest));
        if (value[strcspn(value, "=~" BLANKS)])
            return refuse(text, err);
        constraint = make(arena, value, ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE);
    } else {
        return refuse(text, err);
    }
    *out = constraint;
    return 0;
}
