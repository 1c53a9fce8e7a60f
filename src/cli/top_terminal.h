/* What terminfo knows of the terminal. Apart from all else: its header defines `lines` and `columns`. */
#ifndef CLI_TOP_TERMINAL_H
#define CLI_TOP_TERMINAL_H

#include "base/error.h"

#define TERMINAL_ADVICE "zmesos top --once prints a page without one"

/* ERR_IO where TERM names none that is known, or one whose cursor cannot be moved. */
int terminal_check(struct error *err) MUST_CHECK;

#endif
