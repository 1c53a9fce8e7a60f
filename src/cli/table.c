/* Rows with aligned columns. A long list is printed in pieces, so that memory and the wait for the first line
 * stay small; later pieces are as wide as the earlier ones, or wider. */
#include "table.h"

#include <string.h>

#include "base/alloc.h"
#include "format.h"

#define CELL_MAX 4096

void table_init(struct table *table, const char *const *headers, size_t columns)
{
    size_t i;

    *table = (struct table){.headers = headers, .columns = columns};
    for (i = 0; i < columns; i++)
        table->widths[i] = format_width(headers[i]);
    buf_init(&table->cells, 0);
}

void table_clear(struct table *table)
{
    buf_clear(&table->cells);
    table->rows = 0;
}

void table_row(struct table *table, const char *const *cells)
{
    char clean[CELL_MAX];
    size_t i, width;

    for (i = 0; i < table->columns; i++) {
        const char *text = cells[i];

        if (!text || !*text)
            text = i + 1 < table->columns ? "-" : "";
        format_clean(text, clean, sizeof clean);
        width = format_width(clean);
        if (width > table->widths[i])
            table->widths[i] = width;
        if (buf_append(&table->cells, clean, strlen(clean) + 1) < 0)
            return; /* there is no limit that could be reached */
    }
    table->rows++;
}

static void print_cell(const struct table *table, size_t column, const char *text, FILE *out)
{
    size_t width = format_width(text);

    fputs(text, out);
    if (column + 1 == table->columns) {
        fputc('\n', out);
        return;
    }
    fprintf(out, "%*s", (int)(table->widths[column] - width + 2), "");
}

void table_print(struct table *table, FILE *out)
{
    const char *cell = (const char *)table->cells.data;
    size_t row, column;

    if (!table->rows)
        return;
    for (column = 0; !table->begun && column < table->columns; column++)
        print_cell(table, column, table->headers[column], out);
    table->begun = true;
    for (row = 0; row < table->rows; row++) {
        for (column = 0; column < table->columns; column++) {
            print_cell(table, column, cell, out);
            cell += strlen(cell) + 1;
        }
    }
    table_clear(table);
}
