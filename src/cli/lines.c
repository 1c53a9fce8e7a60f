/* See lines.h. */
#include "lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "format.h"

#define TEXT_MAX 4096

void lines_init(struct lines *lines, size_t width)
{
    *lines = (struct lines){.width = width};
}

void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->items[i].text);
    free(lines->items);
    *lines = (struct lines){.width = lines->width};
}

/* There is no limit that could be reached. */
static void append(struct buf *buf, const char *text, size_t length)
{
    if (buf_append(buf, text, length) < 0)
        abort();
}

/* One character of the text: its bytes, and its columns. What is none is a byte and stands as '?'. */
static size_t next_character(const char *text, size_t *columns, bool *broken)
{
    mbstate_t state;
    wchar_t character;
    memset(&state, 0, sizeof state);
    size_t length = mbrtowc(&character, text, strlen(text), &state);
    int width = length == (size_t)-1 || length == (size_t)-2 || length == 0 ? -1 : wcwidth(character);
    *broken = width < 0;
    *columns = width < 0 ? 1 : (size_t)width;
    return length == (size_t)-1 || length == (size_t)-2 || length == 0 ? 1 : length;
}

static size_t columns_of(const char *text)
{
    size_t sum = 0, columns;
    bool broken;
    while (*text) {
        text += next_character(text, &columns, &broken);
        sum += columns;
    }
    return sum;
}

/* As much as fits, with a mark where that is not all. Returns the columns. */
static size_t append_cut(struct buf *buf, const char *text, size_t most)
{
    bool whole = columns_of(text) <= most, broken;
    size_t used = 0, columns, room = whole || most == 0 ? most : most - 1;
    while (*text) {
        size_t length = next_character(text, &columns, &broken);
        if (used + columns > room)
            break;
        append(buf, broken ? "?" : text, broken ? 1 : length);
        used += columns;
        text += length;
    }
    if (!whole && most > 0) {
        append(buf, "~", 1);
        used++;
    }
    return used;
}

static void append_blanks(struct buf *buf, size_t count)
{
    while (count-- > 0)
        append(buf, " ", 1);
}

static void add_text(struct lines *lines, enum line_style style, struct buf *text)
{
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity ? 2 * lines->capacity : 32;
        lines->items = alloc_resize(lines->items, lines->capacity, sizeof *lines->items);
    }
    while (text->length > 0 && text->data[text->length - 1] == ' ')
        text->length--;
    lines->items[lines->count++] =
            (struct line){.text = alloc_string_n(text->length ? (const char *)text->data : "", text->length),
                    .style = style};
    buf_clear(text);
}

void lines_add(struct lines *lines, enum line_style style, const char *format, ...)
{
    char text[TEXT_MAX];
    struct row row;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    row_begin(&row, lines);
    row_cell(&row, 0, text);
    row_end(&row, lines, style);
}

void row_begin(struct row *row, const struct lines *lines)
{
    *row = (struct row){.width = lines->width};
    buf_init(&row->text, 0);
}

void row_cell(struct row *row, int columns, const char *text)
{
    char clean[TEXT_MAX];
    size_t left = row->width > row->used ? row->width - row->used : 0;
    size_t wanted = columns == 0 ? left : (size_t)abs(columns), used;
    size_t most = wanted < left ? wanted : left;

    format_clean(text ? text : "", clean, sizeof clean);
    used = columns_of(clean);
    if (columns < 0 && used < most)
        append_blanks(&row->text, most - used);
    row->used += columns < 0 && used < most ? most - used : 0;
    used = append_cut(&row->text, clean, most);
    row->used += used;
    if (columns > 0 && used < most) {
        append_blanks(&row->text, most - used);
        row->used += most - used;
    }
    if (columns != 0 && row->used < row->width) {
        append_blanks(&row->text, 1);
        row->used++;
    }
}

void row_cellf(struct row *row, int columns, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    row_cell(row, columns, text);
}

void row_end(struct row *row, struct lines *lines, enum line_style style)
{
    add_text(lines, style, &row->text);
}
