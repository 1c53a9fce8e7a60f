/* See top_screen.h. The rest of the program does not see ncurses, which defines words of all days. */
#define NCURSES_NOMACROS
#include "top_screen.h"

#include <curses.h>
#include <stdlib.h>
#include <unistd.h>

#include "top_key.h"
#include "top_terminal.h"

#define ESCAPE_MS 50 /* a key that begins with Escape comes whole in that time */

static SCREEN *screen;

static void prepare_colours(void)
{
    static const struct {
        enum line_style style;
        short colour;
    } colours[] = {{LINE_GOOD, COLOR_GREEN}, {LINE_WAITS, COLOR_YELLOW}, {LINE_BAD, COLOR_RED}};

    if (!has_colors() || start_color() == ERR || use_default_colors() == ERR)
        return;
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        init_pair((short)colours[i].style, colours[i].colour, -1);
}

int screen_open(struct error *err)
{
    int rc;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, ERR_IO, "standard input and output are no terminal; " TERMINAL_ADVICE);
    rc = terminal_check(err);
    if (rc < 0)
        return rc;
    screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return error_set(err, ERR_IO, "the terminal cannot be prepared; " TERMINAL_ADVICE);
    cbreak();
    noecho();
    nonl(); /* Enter is Enter */
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
    prepare_colours();
    return 0;
}

void screen_close(void)
{
    if (!screen)
        return;
    endwin();
    delscreen(screen);
    screen = NULL;
}

void screen_size(size_t *width, size_t *height)
{
    *width = COLS > 0 ? (size_t)COLS : 0;
    *height = LINES > 0 ? (size_t)LINES : 0;
}

static attr_t attributes(enum line_style style)
{
    switch (style) {
    case LINE_STRONG:
        return A_BOLD;
    case LINE_TITLE:
    case LINE_CHOSEN:
        return A_REVERSE;
    case LINE_FAINT:
        return A_DIM;
    default:
        return A_NORMAL;
    }
}

void screen_show(const struct lines *lines)
{
    erase();
    for (size_t i = 0; i < lines->count && i < (size_t)LINES; i++) {
        enum line_style style = lines->items[i].style;
        bool coloured = has_colors() && (style == LINE_GOOD || style == LINE_WAITS || style == LINE_BAD);
        attr_set(attributes(style), coloured ? (short)style : 0, NULL);
        mvaddstr((int)i, 0, lines->items[i].text);
        if (style == LINE_TITLE || style == LINE_CHOSEN)
            mvchgat((int)i, 0, -1, attributes(style), 0, NULL);
    }
    attr_set(A_NORMAL, 0, NULL);
    refresh();
}

static int special_key(wint_t key)
{
    switch (key) {
    case KEY_UP:
        return TOP_KEY_UP;
    case KEY_DOWN:
        return TOP_KEY_DOWN;
    case KEY_PPAGE:
        return TOP_KEY_PAGE_UP;
    case KEY_NPAGE:
        return TOP_KEY_PAGE_DOWN;
    case KEY_HOME:
        return TOP_KEY_HOME;
    case KEY_END:
        return TOP_KEY_END;
    case KEY_ENTER:
        return TOP_KEY_ENTER;
    case KEY_BACKSPACE:
        return TOP_KEY_BACKSPACE;
    default:
        return TOP_KEY_RESIZE; /* and what has no meaning here */
    }
}

int screen_key(void)
{
    wint_t key;
    int rc = get_wch(&key);

    if (rc == ERR)
        return TOP_KEY_NONE;
    if (rc == KEY_CODE_YES)
        return special_key(key);
    switch (key) {
    case '\r':
    case '\n':
        return TOP_KEY_ENTER;
    case 27:
        return TOP_KEY_ESCAPE;
    case 8:
    case 127:
        return TOP_KEY_BACKSPACE;
    default:
        return (int)key;
    }
}
