/* Lines of text as wide as a screen, each with a style: what `zmesos top` shows, before a terminal or a pipe
 * has it. Widths are columns as a terminal counts them: setlocale(LC_CTYPE, ...) says what is a character. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum line_style {
    LINE_PLAIN,
    LINE_STRONG,
    LINE_TITLE,
    LINE_GOOD, /* runs, or ended well */
    LINE_WAITS,
    LINE_BAD,
    LINE_FAINT,
    LINE_CHOSEN,
    LINE_STYLES
};

struct lines {
    size_t width; /* columns; what is longer is cut */
    struct line {
        char *text;
        enum line_style style;
    } * items;
    size_t count, capacity;
};

void lines_init(struct lines *lines, size_t width);
void lines_clear(struct lines *lines);

/* Control characters are escaped; what is no character of the locale is '?'. */
void lines_add(struct lines *lines, enum line_style style, const char *format, ...) PRINTF_LIKE(3, 4);

/* A line of cells. A cell has so many columns, with a blank behind it; 0: what is left of the line, for the
 * last one. Negative: to the right. Text that is longer is cut, and ends with '~'. */
struct row {
    struct buf text;
    size_t width, used;
};

void row_begin(struct row *row, const struct lines *lines);
void row_cell(struct row *row, int columns, const char *text);
void row_cellf(struct row *row, int columns, const char *format, ...) PRINTF_LIKE(3, 4);
void row_end(struct row *row, struct lines *lines, enum line_style style);

#endif
