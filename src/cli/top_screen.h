/* The terminal of `zmesos top`, by ncurses. One at a time. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "lines.h"

/* ERR_IO, with a sentence, where standard input and output are no terminal whose cursor can be
 * moved. */
int screen_open(struct error *err) MUST_CHECK;
void screen_close(void); /* also where none is open */

void screen_size(size_t *width, size_t *height);
void screen_show(const struct lines *lines);

/* What was pressed (enum top_key), or TOP_KEY_NONE. */
int screen_key(void);

#endif
