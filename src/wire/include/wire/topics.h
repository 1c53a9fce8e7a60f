/* Topics of publications by class (docs/protocol.md "Publications"). */
#ifndef WIRE_TOPICS_H
#define WIRE_TOPICS_H

#include <stdbool.h>

/* What all topics of a class begin with; "" for a class that is not known here. */
const char *topics_root(int class);

/* Whether some topic that begins with the root can begin with the prefix. */
bool topics_can_match(const char *prefix, const char *root);

#endif
