/* See top_terminal.h. */
#include "top_terminal.h"

#include <curses.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

static bool has(const char *name)
{
    const char *value = tigetstr(name);
    return value && value != (const char *)-1; /* the manual's own sign of what is no text */
}

int terminal_check(struct error *err)
{
    const char *name = getenv("TERM");
    int found;

    if (!name || !*name)
        return error_set(err, ERR_IO, "TERM does not say which terminal this is; " TERMINAL_ADVICE);
    if (setupterm(NULL, STDOUT_FILENO, &found) == ERR)
        return error_set(err, ERR_IO, "TERM says '%s', which is not known here; " TERMINAL_ADVICE, name);
    bool moves = has("cup") && has("clear");
    del_curterm(cur_term);
    if (!moves)
        return error_set(err, ERR_IO, "TERM says '%s', whose cursor cannot be moved; " TERMINAL_ADVICE, name);
    return 0;
}
