/* Regular expressions for the master, whose syntax is RE2's where ours is POSIX's, extended, over bytes: only
 * what means the same in both for every text is passed on. RE2 goes by characters of UTF-8, we by bytes, so
 *
 *   - a '.' becomes \C, any byte: RE2's own leaves the line feed out, and takes a whole character;
 *   - a negated set takes bytes of longer characters here, and the character there. Repeated, they come to
 *     the same, but not next to each other or next to \C: there one character could be shared between two.
 *
 * All else is ASCII. The master limits the size of the compiled program (100 by default), and refuses the
 * whole call past it. */
#include "internal.h"

#include <string.h>

#define PROGRAM_MOST 80
#define PROGRAM_BASE 4
#define NEGATED_COST 20
#define ESCAPED ".[]()*+?{}|^$\\-/"

struct reading {
    const char *at;
    struct buf *out;
    size_t program; /* how large RE2's will be, about */
    size_t depth, any, negated, negated_plus;
    bool content;    /* something stands before, since the last '(' or '|' */
    bool repeatable; /* and it can be repeated */
};

static bool put(struct reading *r, const char *text, size_t length, size_t program)
{
    r->program += program;
    return buf_append(r->out, text, length) == 0;
}

static bool is_plain(char c)
{
    return c >= ' ' && c <= '~';
}

/* What follows the '[' of [:name:]; NULL: it is none that both have. */
static const char *class_end(const char *at)
{
    static const char *const names[] = {
            ":alpha:]", ":digit:]", ":alnum:]", ":upper:]", ":lower:]", ":xdigit:]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(at, names[i], strlen(names[i])) == 0)
            return at + strlen(names[i]);
    }
    return NULL;
}

/* One character, range or class of a set; NULL: not alike in both. */
static const char *set_item(const char *at, bool first)
{
    if (*at == '[')
        return class_end(at + 1);
    bool hyphen = *at == '-';
    if (!is_plain(*at) || *at == '\\' || *at == ']' || *at == '^' || (hyphen && !first && at[1] != ']'))
        return NULL;
    if (hyphen || at[1] != '-' || at[2] == ']')
        return at + 1;
    const char *high = at + 2;
    return is_plain(*high) && !strchr("\\[]^-", *high) ? at + 3 : NULL;
}

static bool read_set(struct reading *r)
{
    const char *begin = r->at, *at = begin + 1;
    bool negated = *at == '^';
    size_t items = 0;
    at += negated;
    do {
        at = set_item(at, items == 0);
        items++;
    } while (at && *at && *at != ']');
    if (!at || !*at)
        return false;
    if (negated) {
        char repeated = at[1];
        if (repeated != '*' && repeated != '+')
            return false;
        r->negated++;
        r->negated_plus += repeated == '+';
    }
    r->at = at + 1;
    r->content = r->repeatable = true;
    return put(r, begin, (size_t)(r->at - begin), items * 3 + (negated ? NEGATED_COST : 0));
}

static bool read_atom(struct reading *r)
{
    size_t length = 1;
    const char *text = r->at;
    if (*text == '.') {
        r->any++;
        text = "\\C";
        length = 2;
    } else if (*text == '\\') {
        if (!text[1] || !strchr(ESCAPED, text[1]))
            return false;
        length = 2;
    } else if (!is_plain(*text) || strchr("^$]{}", *text)) {
        return false;
    }
    r->at += *r->at == '\\' ? 2 : 1;
    r->content = r->repeatable = true;
    return put(r, text, length, 1);
}

static bool read_open(struct reading *r)
{
    r->depth++;
    r->content = r->repeatable = false;
    return put(r, r->at++, 1, 2);
}

/* Empty branches are left to us. */
static bool read_close(struct reading *r)
{
    if (!r->content || (*r->at == ')' && r->depth == 0))
        return false;
    bool closes = *r->at == ')';
    r->depth -= closes;
    r->content = r->repeatable = closes;
    return put(r, r->at++, 1, 1);
}

static bool read_repeat(struct reading *r)
{
    if (!r->repeatable)
        return false;
    r->repeatable = false;
    return put(r, r->at++, 1, 1);
}

static bool read_next(struct reading *r)
{
    switch (*r->at) {
    case '[':
        return read_set(r);
    case '(':
        return read_open(r);
    case ')':
    case '|':
        return read_close(r);
    case '*':
    case '+':
    case '?':
        return read_repeat(r);
    default:
        return read_atom(r);
    }
}

bool limit_pattern(struct buf *out, const char *pattern)
{
    size_t begin = out->length, length = strlen(pattern);
    struct reading r = {.at = pattern, .out = out, .program = PROGRAM_BASE};
    /* The whole value is matched anyway. */
    r.at += *pattern == '^';
    bool ends = length > 1 && pattern[length - 1] == '$' && pattern[length - 2] != '\\';
    const char *end = pattern + length - ends;
    bool same = true;
    while (same && r.at < end)
        same = read_next(&r);
    same = same && r.content && r.depth == 0 && r.program <= PROGRAM_MOST && !(r.negated > 0 && r.any > 0) &&
           !(r.negated_plus > 0 && r.negated > 1);
    if (!same)
        out->length = begin;
    return same;
}
