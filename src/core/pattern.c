/* Which regular expressions are taken from clients. glibc compiles X+ as XX*, so nested repetitions double
 * the expression each time: twenty of them in 60 bytes want gigabytes. Intervals do the same at once, and
 * back-references make matching exponential. What is left costs in proportion to its length. */
#include "internal.h"

#include <string.h>

#define PATTERN_MAX_BYTES 256

/* The last character of a bracket expression; `c` is at its '['. A ']' that comes first is a member; classes
 * as [:alpha:] nest. Where the end is missing (regcomp() says so later), the last one there is. */
static const char *skip_brackets(const char *c)
{
    c += c[1] == '^' ? 2 : 1;
    if (*c == ']')
        c++;
    for (; *c && *c != ']'; c++) {
        if (*c == '[' && (c[1] == ':' || c[1] == '.' || c[1] == '=')) {
            const char end[] = {c[1], ']', '\0'};
            const char *close = strstr(c + 2, end);
            if (!close)
                return c + strlen(c) - 1;
            c = close + 1;
        }
    }
    return *c ? c : c - 1;
}

/* Refuses a '+' of what holds a '+'. */
static int check_nesting(const char *pattern, const char *where, struct error *err)
{
    bool repeats[PATTERN_MAX_BYTES + 1] = {false}; /* whether the group at that depth holds a '+' */
    size_t depth = 0;
    bool last = false; /* whether what stands before `c` does */
    for (const char *c = pattern; *c; c++) {
        bool repeated = false;
        switch (*c) {
        case '\\':
            if (c[1] >= '1' && c[1] <= '9')
                return error_set_field(err, ERR_INVALID, where, "back-references are not allowed");
            c += c[1] ? 1 : 0;
            break;
        case '[':
            c = skip_brackets(c);
            break;
        case '{':
            return error_set_field(err, ERR_INVALID, where, "intervals {} are not allowed");
        case '(':
            repeats[++depth] = false;
            break;
        case ')':
            repeated = depth > 0 && repeats[depth];
            depth -= depth > 0;
            repeats[depth] |= repeated;
            break;
        case '*':
        case '+':
        case '?':
            if (*c == '+' && last)
                return error_set_field(err, ERR_INVALID, where, "a '+' of what holds a '+' is not allowed");
            repeated = last || *c == '+';
            repeats[depth] |= repeated;
            break;
        default:
            break;
        }
        last = repeated;
    }
    return 0;
}

int pattern_check(const char *pattern, const char *where, struct error *err)
{
    if (strlen(pattern) > PATTERN_MAX_BYTES)
        return error_set_field(
                err, ERR_TOO_LARGE, where, "a regular expression has at most %d bytes", PATTERN_MAX_BYTES);
    int rc = check_nesting(pattern, where, err);
    if (rc)
        return rc;
    regex_t regex;
    int code = constraint_compile(pattern, &regex);
    if (code) {
        char words[128];
        regerror(code, NULL, words, sizeof words);
        return error_set_field(err, ERR_INVALID, where, "not a regular expression: %s", words);
    }
    regfree(&regex);
    return 0;
}
