/* The fields of a fault's JSON object. Each function reads one, or gives what holds where it is absent; a
 * wrong type or a value out of bounds is ERR_INVALID with a sentence that names the field. */
#ifndef LOCAL_FAULT_FIELDS_H
#define LOCAL_FAULT_FIELDS_H

#include <jansson.h>

#include "local.h"

int field_text(json_t *body, const char *key, const char *otherwise, const char **text,
        struct error *err) MUST_CHECK; /* borrowed from body */
int field_integer(json_t *body, const char *key, int64_t min, int64_t otherwise, int64_t *number,
        struct error *err) MUST_CHECK; /* from min to 10^9 */
int field_flag(json_t *body, const char *key, bool otherwise, bool *flag, struct error *err) MUST_CHECK;
/* One of the words, by its place; the first where it is absent. */
int field_word(json_t *body, const char *key, const char *const *words, size_t count, size_t *place,
        struct error *err) MUST_CHECK;
int field_call(json_t *body, int *call, struct error *err) MUST_CHECK; /* a CallType; -1: absent */
/* The frameworks that a fault is for, in an array that the caller frees: all, or the one that "framework"
 * names. */
int field_frameworks(struct local *local, json_t *body, struct framework ***list, size_t *count,
        struct error *err) MUST_CHECK;
int field_agent(struct local *local, json_t *body, struct agent **agent, struct error *err) MUST_CHECK;

#endif
