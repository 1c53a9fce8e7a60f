/* What resource_operation.c and resource_volume.c share. */
#ifndef CORE_RESOURCE_OPERATION_H
#define CORE_RESOURCE_OPERATION_H

#include "resource.h"

#define OPERATION_FIELD_MAX (ERROR_FIELD_MAX / 2)

/* One operation on its way; the set is a copy. */
struct operation_job {
    struct arena *arena;
    const char *role;
    char field[ERROR_FIELD_MAX]; /* what is looked at */
    struct resource_set set;
    bool check; /* nothing is there yet: only what it asks for is looked at */
    struct error *err;
};

int operation_refuse(struct operation_job *job, const char *why); /* at the field */

/* What is looked at now; a path that is too long is cut. */
void operation_at(struct operation_job *job, const char *format, ...) PRINTF_LIKE(2, 3);
void operation_path(char path[OPERATION_FIELD_MAX], const char *format, ...) PRINTF_LIKE(2, 3);

/* Checks it, and makes a copy in the modern form that is allocated. */
int operation_prepare(struct operation_job *job, const Mesos__V1__Resource *from,
        const Mesos__V1__Resource **to) MUST_CHECK;
int operation_read(
        struct operation_job *job, const Mesos__V1__Resource *from, struct resource_set *set) MUST_CHECK;

/* The one gives way to the other in the set. */
int operation_convert(
        struct operation_job *job, const struct resource_set *from, const struct resource_set *to) MUST_CHECK;
int operation_convert_one(
        struct operation_job *job, const Mesos__V1__Resource *from, const Mesos__V1__Resource *to) MUST_CHECK;

/* resource_volume.c */
int operation_create(struct operation_job *job, const Mesos__V1__Resource *volume) MUST_CHECK;
int operation_destroy(struct operation_job *job, const Mesos__V1__Resource *volume) MUST_CHECK;
int operation_grow(struct operation_job *job, const Mesos__V1__Offer__Operation__GrowVolume *grow,
        const char *path) MUST_CHECK;
int operation_shrink(struct operation_job *job, const Mesos__V1__Offer__Operation__ShrinkVolume *shrink,
        const char *path) MUST_CHECK;

#endif
