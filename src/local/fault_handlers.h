/* One function for each fault of POST /local/faults: reads its fields and does it, or arms a rule. What is
 * wrong with the fields is ERR_INVALID, and then nothing was done. */
#ifndef LOCAL_FAULT_HANDLERS_H
#define LOCAL_FAULT_HANDLERS_H

#include <jansson.h>

#include "local.h"

/* ---- fault_calls.c ---- */

int fault_redirect(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_answer(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_no_answer(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_delay(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_double(struct local *local, json_t *body, struct error *err) MUST_CHECK;

/* ---- fault_streams.c ---- */

int fault_split_streams(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_silence_heartbeats(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_unknown_event(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_send_event(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_stall(struct local *local, json_t *body, struct error *err) MUST_CHECK;

/* ---- fault_frameworks.c ---- */

int fault_drop_stream(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_remove_framework(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_failover_framework(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_rescind(struct local *local, json_t *body, struct error *err) MUST_CHECK;

/* ---- fault_agents.c ---- */

int fault_lose_agent(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_return_agent(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_restart_agent(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_failover(struct local *local, json_t *body, struct error *err) MUST_CHECK;

/* ---- fault_tasks.c ---- */

int fault_stage_tasks(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_repeat_updates(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_double_updates(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_orphan(struct local *local, json_t *body, struct error *err) MUST_CHECK;

/* ---- fault_ends.c ---- */

int fault_clear(struct local *local, json_t *body, struct error *err) MUST_CHECK;
int fault_release(struct local *local, json_t *body, struct error *err) MUST_CHECK;

#endif
