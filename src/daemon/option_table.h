/* The table of what can be said to zmesosd, by a flag or in the file, and how each is read. */
#ifndef DAEMON_OPTION_TABLE_H
#define DAEMON_OPTION_TABLE_H

#include "options.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_LIST,
    OPTION_SECONDS,
    OPTION_COUNT,
    OPTION_BYTES,
    OPTION_CHOICE,
    OPTION_LEVEL,
    OPTION_LOG_LEVEL,
    OPTION_NO_CHECKPOINT,
    OPTION_FLAG,
    OPTION_CONFIG
};

struct option_entry {
    const char *name;
    enum option_kind kind;
    size_t place;         /* in struct options */
    size_t count;         /* OPTION_LIST: place of its count */
    const char *fallback; /* NULL: none */
    const char *help;
};

#define OPTION_ENTRIES 45
extern const struct option_entry *const option_entries; /* so many */

/* Reads the value of one into *options; the text of an error names the flag. NULL as the value of a flag that
 * takes none. */
int option_set(struct options *options, const struct option_entry *entry, const char *value,
        struct error *err) MUST_CHECK;
bool option_has_value(const struct option_entry *entry); /* as a flag */
void option_free(struct options *options, const struct option_entry *entry);

/* options_check.c: what must hold between them, and of the form of some */
int options_check(const struct options *options, struct error *err) MUST_CHECK;

#endif
