/* When this store was started lately. */
#ifndef DAEMON_STARTS_H
#define DAEMON_STARTS_H

#include <stdint.h>

#define STARTS_MAX 8                          /* starts that are remembered */
#define STARTS_TEXT_MAX (STARTS_MAX * 21 + 1) /* of META_STARTS, with its NUL */

/* Takes the list that was kept ("" or NULL for none; what cannot be read in it is left out), puts the one
 * with this start into `after`, and returns how many starts there were in the quarter of an hour before: 0 to
 * STARTS_MAX. */
unsigned starts_add(const char *before, int64_t now_ns, char after[STARTS_TEXT_MAX]);

#endif
