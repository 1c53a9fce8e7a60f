/* Rows with aligned columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 8

struct table {
    const char *const *headers; /* borrowed */
    size_t columns;
    size_t widths[TABLE_COLUMNS_MAX]; /* grow, also from one print to the next */
    struct buf cells;                 /* those not printed yet, each ended with NUL */
    size_t rows;                      /* not printed yet */
    bool begun;                       /* the header was printed */
};

void table_init(struct table *table, const char *const *headers, size_t columns);
void table_clear(struct table *table);

/* Copies the cells; NULL and "" are printed as "-", the last column's as nothing. Control characters are
 * escaped. */
void table_row(struct table *table, const char *const *cells);

/* Prints what was added since the last time, under the header if that was not printed yet. Nothing at all
 * when there was never a row. The last column is not padded. */
void table_print(struct table *table, FILE *out);

#endif
