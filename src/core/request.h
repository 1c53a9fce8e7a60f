/* What clients ask for, and how they are answered. */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "offer.h"

/* A call that a request asked for; its reply waits for the master's answer. */
struct asked_call {
    uint64_t number, token;
    bool update;      /* UPDATE_FRAMEWORK */
    char *request_id; /* NULL: none */
};

/* The end of the framework. */
struct teardown {
    bool wanted;    /* on disk */
    uint64_t token; /* 0: was not asked for */
    int64_t token_until_ms;
    int64_t at_ms, backoff_ms; /* the next TEARDOWN */
};

/* view.c */
char *view_text(struct core *core, const char *text); /* a copy; NULL for "" and NULL */
/* Without all_attempts the last one alone: an event must not grow with each try. */
Zmesos__V1__Task *view_task(struct core *core, const struct task *task, bool all_attempts);
Zmesos__V1__DaemonStatus *view_status(struct core *core);
size_t view_heads(struct core *core, Zmesos__V1__Head ***heads); /* how many */

/* request.c */
void handle_request(struct core *core, const struct core_input *input);
Zmesos__V1__Reply *reply_new(struct core *core, const Zmesos__V1__Request *request);
void reply_send(struct core *core, uint64_t token, Zmesos__V1__Reply *reply, struct blob **specs);
Zmesos__V1__Code code_of(int error_code); /* the one table from our errors to what clients see */
void reply_refuse(struct core *core, const struct core_input *input, int code, const struct error *err);

/* launch.c, query.c */
/* Of a task that spec_check() took. */
void launch_add(
        struct core *core, const Zmesos__V1__TaskSpec *spec, struct slice bytes, Zmesos__V1__Item *item);
/* ERR_UNAVAILABLE unless so many tasks more may be launched. */
int launch_may(const struct core *core, size_t count, struct error *err) MUST_CHECK;
bool launch_is_same(const struct core *core, const struct task *task, struct slice bytes);
void handle_launch(struct core *core, const struct core_input *input);
void handle_kill(struct core *core, const struct core_input *input);
Zmesos__V1__Items *items_new(struct core *core, Zmesos__V1__Reply *reply, size_t room);
Zmesos__V1__Item *item_add(struct core *core, Zmesos__V1__Items *items, const char *task_id);
void item_refuse(struct core *core, Zmesos__V1__Item *item, int code, const struct error *err);
/* The item of request.what_ids[i]: there is no such `what`, a task or an operation. */
void item_not_found(
        struct core *core, Zmesos__V1__Item *item, const char *request, const char *what, size_t i);
/* The same of operation.task_ids[i], added. */
void item_missing(
        struct core *core, Zmesos__V1__Items *items, const char *operation, const char *id, size_t i);
Zmesos__V1__Item *item_add_operation(struct core *core, Zmesos__V1__Items *items, const char *operation_id);
void item_operation_state(Zmesos__V1__Item *item, const struct operation *operation);
void item_state(Zmesos__V1__Item *item, const struct task *task);
void reply_items(struct core *core, const struct core_input *input, Zmesos__V1__Reply *reply);
void handle_get(struct core *core, const struct core_input *input);

/* why.c */
void tally_add(struct shape *shape, const struct offer *offer, int misfit);
void tally_skipped(struct shape *shape, const struct skipped *skipped);
void tallies_clear(struct shape *shape);
void why_tell(struct core *core, struct shape *shape); /* publishes where the first reason has changed */
/* What one offer lacks for it: not MISFIT_NONE. */
Zmesos__V1__Reason *why_misfit(
        struct core *core, const struct shape *shape, const struct offer *offer, int misfit);
void handle_why(struct core *core, const struct core_input *input);
void handle_sandbox(struct core *core, const struct core_input *input);
void handle_list(struct core *core, const struct core_input *input);
void handle_snapshot(struct core *core, const struct core_input *input);

/* asked.c: MESSAGE, SHUTDOWN, REQUEST, RECONCILE_OPERATIONS by request */
void handle_shutdown_executor(struct core *core, const struct core_input *input);
void handle_send_message(struct core *core, const struct core_input *input);
void handle_request_resources(struct core *core, const struct core_input *input);
void handle_reconcile_operations(struct core *core, const struct core_input *input);
/* True when that call was asked for by request: its reply is on its way. */
bool asked_answered(struct core *core, uint64_t call, enum core_answer answer, const char *text);
void asked_clear(struct core *core);

/* A line of RECONCILE_OPERATIONS; `agent_id` and `provider_id` may be NULL. */
Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *reconcile_operation(
        struct core *core, const char *mesos_id, const char *agent_id, const char *provider_id);
/* The id of the executor that runs the attempt; in the arena, or of the task's shape. */
const char *task_executor_id(struct core *core, const struct task *task, const struct attempt *attempt);
int asked_may(const struct core *core, struct error *err) MUST_CHECK;
Mesos__V1__Scheduler__Call *asked_send(
        struct core *core, const struct core_input *input, Mesos__V1__Scheduler__Call__Type type);

/* framework_words.c: what is not roles */
int framework_words_check(const Zmesos__V1__UpdateFramework *update, struct error *err) MUST_CHECK;
bool framework_words_any(const Zmesos__V1__UpdateFramework *update);
void framework_words_change(struct core *core, const Zmesos__V1__UpdateFramework *update);
void framework_words_answered(struct core *core, bool done);
/* As they are asked for, or else as they are. */
void framework_words_tell(struct core *core, Mesos__V1__FrameworkInfo *info);
void recover_framework_words(struct core *core, const char *value);

/* framework.c: UPDATE_FRAMEWORK by request */
/* All that stays and comes, without offer constraints. */
Mesos__V1__Scheduler__Call__UpdateFramework *framework_message(struct core *core);
struct role *role_slot(const struct core *core, const char *name); /* of any state; NULL: there is none */
struct role *role_add(struct core *core, const char *name); /* there is room; role_find() does not know it */
char *roles_configured(const struct core_config *config);   /* malloc'ed */
void recover_roles(struct core *core, const char *value);
void handle_update_framework(struct core *core, const struct core_input *input);
void framework_updated(struct core *core, bool done); /* the master has answered */

/* roles.c: SUPPRESS and REVIVE by request */
void handle_suppress(struct core *core, const struct core_input *input);
void handle_revive(struct core *core, const struct core_input *input);
void write_suppressed(struct core *core);
void recover_suppressed(struct core *core, const char *value);

/* teardown.c */
void handle_teardown(struct core *core, const struct core_input *input);
void teardown_forget(struct core *core); /* the wish was for a framework that is not ours any more */
void teardown_end(struct core *core, struct task *task); /* by our own word */
void teardown_tick(struct core *core);
int64_t teardown_deadline(const struct core *core);

#endif
