/* Keys, apart from the names of ncurses. */
#ifndef CLI_TOP_KEY_H
#define CLI_TOP_KEY_H

/* A character (a code point), or one of these. */
enum top_key {
    TOP_KEY_NONE = -1,
    TOP_KEY_UP = 0x200000, /* above all characters */
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_ENTER,
    TOP_KEY_ESCAPE,
    TOP_KEY_BACKSPACE,
    TOP_KEY_RESIZE,
};

#endif
