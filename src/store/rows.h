/* Records as rows of tables. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "base/record.h"
#include "base/error.h"

struct database;

#define ROWS_META_SQL "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)"

/* The id never changes and is not written again. */
#define ROWS_TASK_SQL                                                                                        \
    "INSERT INTO task(key, id, state, revision, attempts, kill_requested, kill_policy, created_ns, "         \
    "changed_ns,"                                                                                            \
    " not_before_ns, message, reason, flags)"                                                                \
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"                                        \
    " ON CONFLICT(key) DO UPDATE SET state=?3, revision=?4, attempts=?5, kill_requested=?6, kill_policy=?7," \
    " created_ns=?8, changed_ns=?9, not_before_ns=?10, message=?11, reason=?12, flags=?13"

#define ROWS_SPEC_SQL "INSERT OR REPLACE INTO spec(task_key, spec) VALUES(?1, ?2)"

#define ROWS_ATTEMPT_SQL                                                                                     \
    "INSERT OR REPLACE INTO attempt(task_key, number, state, flags, agent_id, hostname, ports, "             \
    "unique_values,"                                                                                         \
    " launched_ns, changed_ns, message, reason, mesos_id, agent_url, healthy, check_status,"                 \
    " pending, pending_uuid, pending_before, pending_state, pending_ns, pending_number, pending_event)"      \
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"     \
    " ?21, ?22, ?23)"

#define ROWS_EVENT_SQL                                                                                       \
    "INSERT OR REPLACE INTO event(class, number, time_ns, topic, header, body) VALUES(?1, ?2, ?3, ?4, ?5, "  \
    "?6)"

#define ROWS_OPERATION_SQL                                                                                   \
    "INSERT OR REPLACE INTO operation(key, state, revision, flags, sent, mesos_id, agent_id, hostname, "     \
    "provider_id, created_ns, changed_ns, message, status, id, spec)"                                        \
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"

/* Of one that is there: the id and the specification stay. */
#define ROWS_OPERATION_AGAIN_SQL                                                                             \
    "UPDATE operation SET state=?2, revision=?3, flags=?4, sent=?5, mesos_id=?6, agent_id=?7, hostname=?8, " \
    "provider_id=?9, created_ns=?10, changed_ns=?11, message=?12, status=?13 WHERE key=?1"

#define ROWS_FORGET_TASK_SQL "DELETE FROM task WHERE key=?1"
#define ROWS_FORGET_SPEC_SQL "DELETE FROM spec WHERE task_key=?1"
#define ROWS_FORGET_ATTEMPTS_SQL "DELETE FROM attempt WHERE task_key=?1"
#define ROWS_FORGET_OPERATION_SQL "DELETE FROM operation WHERE key=?1"

/* Writes one record inside the transaction that is open. */
int rows_write(struct database *database, const struct record *record, struct error *err) MUST_CHECK;

#endif
