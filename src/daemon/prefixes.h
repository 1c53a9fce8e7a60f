/* Topic prefixes of a request: a set that a topic can be held against at a cost that hardly grows with it. */
#ifndef DAEMON_PREFIXES_H
#define DAEMON_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

struct prefixes;

/* What all topics of a class begin with; "" for a class that is not known here. */
const char *prefixes_root(int class);

/* Whether some topic that begins with the root can begin with the prefix. */
bool prefixes_can_match(const char *prefix, const char *root);

/* Copies them. NULL where they are none, or take all that begins with the root. The caller destroys it. */
struct prefixes *prefixes_create(char *const *texts, size_t count, const char *root);
void prefixes_destroy(struct prefixes *prefixes); /* takes NULL */

/* Whether the topic begins with one of them. From any thread. */
bool prefixes_match(const struct prefixes *prefixes, const char *topic);

#endif
