/* What a daemon says, made for tests: messages in an arena. Times are seconds since 1970. */
#ifndef TEST_TOP_MAKE_H
#define TEST_TOP_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "top/feed.h"
#include "top/list.h"
#include "top/model.h"

#define S(seconds) ((int64_t)(seconds)*1000000000)
#define STATE(name) ((int)ZMESOS__V1__TASK_STATE__##name)
#define CREATED 1000 /* of tasks, unless said otherwise */

extern struct arena made;

Zmesos__V1__Task *make_task(const char *id, int state, uint64_t revision, int64_t changed_s);
/* One attempt more; reason and message may be NULL. */
Zmesos__V1__Attempt *make_attempt(Zmesos__V1__Task *task, int state, int64_t launched_s, int64_t changed_s,
        const char *host, const char *message, const char *reason);

/* Counts as pairs of state and number, ended by 0. The caller hands it to the model, or frees it. */
Zmesos__V1__DaemonStatus *make_status(const char *store, uint64_t run, uint64_t head, ...);
Zmesos__V1__EventHeader *make_header(const char *store, uint64_t number, int64_t time_s);

struct model *make_model(void);
int make_clear(void **state); /* a cmocka teardown */

#endif
