/* Attributes and fault domains of agents from their text form. */
#ifndef LOCAL_ATTRIBUTES_H
#define LOCAL_ATTRIBUTES_H

#include <stddef.h>

#include "base/error.h"
#include "types.h"

/* ERR_INVALID with a sentence. The caller frees the attributes. */
int attributes_parse(const char *text, Attribute ***attributes, size_t *count, struct error *err) MUST_CHECK;
/* "REGION/ZONE"; NULL for "". The caller frees it with mesos__v1__domain_info__free_unpacked(). */
int domain_parse(const char *text, Mesos__V1__DomainInfo **domain, struct error *err) MUST_CHECK;
void attributes_free(Attribute **attributes, size_t count);

#endif
