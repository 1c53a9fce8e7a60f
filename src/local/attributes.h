/* Attributes of agents from their text form. */
#ifndef LOCAL_ATTRIBUTES_H
#define LOCAL_ATTRIBUTES_H

#include <stddef.h>

#include "base/error.h"
#include "types.h"

/* ERR_INVALID with a sentence. The caller frees the attributes. */
int attributes_parse(const char *text, Attribute ***attributes, size_t *count, struct error *err) MUST_CHECK;
void attributes_free(Attribute **attributes, size_t count);

#endif
