/* Topic prefixes of a request: a set that a topic can be held against at a cost that hardly grows with it. */
#ifndef DAEMON_PREFIXES_H
#define DAEMON_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

struct prefixes;

/* Copies them. NULL where they are none, or take all that begins with the root. The caller destroys it. */
struct prefixes *prefixes_create(char *const *texts, size_t count, const char *root);
void prefixes_destroy(struct prefixes *prefixes); /* takes NULL */

/* Whether the topic begins with one of them. From any thread. */
bool prefixes_match(const struct prefixes *prefixes, const char *topic);

#endif
