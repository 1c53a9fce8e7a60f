/* What the files of this folder offer one another, by file. See local.h for the structs. */
#ifndef LOCAL_PARTS_H
#define LOCAL_PARTS_H

#include "local.h"

/* ---- framework.c: frameworks come, lose their stream, go ---- */

#define FRAMEWORK_ROLES_MAX 1000 /* in any list of them in a call */

struct framework *framework_find(struct local *local, const char *id); /* NULL also for forgotten ones */
bool framework_can(const struct framework *framework, int capability);
struct framework *framework_create(struct local *local, const char *id, FrameworkInfo *info); /* takes info */
void framework_set_info(struct framework *framework, FrameworkInfo *info, char **suppressed,
        size_t suppressed_count, bool new_subscription); /* takes info; keeps what never changes */
void framework_connect(struct framework *framework, struct http_stream *stream, const char *stream_id,
        enum encoding encoding);
void framework_disconnect(struct framework *framework); /* the stream is gone already */
void framework_end_stream(struct framework *framework, bool cut);
void framework_remove(struct framework *framework);  /* kills its tasks; remembers the id */
void framework_forget(struct framework *framework);  /* the master's failover */
void framework_recover(struct framework *framework); /* an agent has told the master of it */
void framework_ref(struct framework *framework);     /* see framework.references */
void framework_unref(struct framework *framework);   /* the last one frees one that has gone */
bool framework_was_removed(const struct local *local, const char *id);
struct framework_role *framework_role(const struct framework *framework, const char *name);
void framework_destroy(struct framework *framework);

/* ---- constraints.c: which agents a role wants offers of ---- */

bool constraints_hold(const OfferConstraints *constraints, const char *role, const struct agent *agent);
/* As a master refuses them. */
int constraints_check(
        const OfferConstraints *constraints, char **roles, size_t role_count, struct error *err) MUST_CHECK;
void framework_set_constraints(struct framework *framework, OfferConstraints *constraints); /* takes them */

/* ---- agent_api.c ---- */

bool agent_api_handle(struct local *local, struct http_request *request); /* false: no agent's address */

/* ---- events.c: what goes out on a stream ---- */

void events_send(struct framework *framework, const Event *event);
void events_send_raw(struct framework *framework, const void *record, size_t length);
/* Any message as one record. */
void events_write(struct http_stream *stream, enum encoding encoding, const ProtobufCMessage *event,
        struct buf *scratch);
void send_subscribed(struct framework *framework);
void send_heartbeat(struct framework *framework);
void send_error(struct framework *framework, const char *message);
void send_rescind(struct framework *framework, const char *offer_id);
void send_rescind_inverse(struct framework *framework, const char *id);
void send_failure(struct framework *framework, const char *agent_id);
void send_executor_failure(
        struct framework *framework, const char *agent_id, const char *executor_id, int status);
void send_message(
        struct framework *framework, const char *agent_id, const char *executor_id, ProtobufCBinaryData data);

/* A status that the master makes itself, without uuid. `task` may be NULL, and agent_id too. */
struct master_status {
    const char *task_id;
    const char *agent_id;
    TaskState state;
    int reason;
    const char *message;
    const struct task *task; /* for container_status and health, of a known task */
    int64_t unreachable_ns;  /* 0: not */
};
void send_master_status(struct framework *framework, const struct master_status *status);
void send_update(const struct task *task, const struct update *update);
struct operation_status {
    const char *id;
    const char *agent_id; /* NULL: none */
    OperationState state;
    const char *message;
    const uint8_t *uuid; /* 16 bytes; NULL: from the master, not to be acknowledged */
};
void send_operation_status(struct framework *framework, const struct operation_status *status);

/* ---- agent.c, agent_states.c ---- */

int agents_create(struct local *local, struct error *err) MUST_CHECK;
void agents_destroy(struct local *local);
struct agent *agent_find(struct local *local, const char *id);
void agent_disconnect(struct agent *agent);  /* offers end; updates and calls do not pass any more */
void agent_unreachable(struct agent *agent); /* the master gives it up and says so */
void agent_gone(struct agent *agent);        /* by the operator's word */
void agent_return(struct agent *agent, enum agent_tasks with);
void agent_replace(struct agent *agent);       /* a new one in its place */
void agent_recovering(struct agent *agent);    /* the master has failed over */
void agent_removed(struct agent *agent);       /* it has unregistered; its tasks live on */
void agent_drop_tasks(struct agent *agent);    /* without a word */
void agent_forget_task(struct task *task);     /* of an agent that is away: without it */
void task_unknown_to_agent(struct task *task); /* the agent says so */
const char *agent_state_name(enum agent_state state);

/* ---- offers.c ---- */

struct offer *offer_create(
        struct framework_role *role, struct agent *agent, const struct resources *resources);
struct offer *offer_find(struct local *local, const char *id);
void offer_destroy(struct offer *offer, bool give_back); /* give_back: its resources are free again */
void offer_rescind(struct offer *offer);
Mesos__V1__URL *offer_url(const struct agent *agent, struct arena *arena); /* where its API is */
void send_offers(struct framework *framework, struct offer **offers, size_t count);

/* ---- maintenance.c ---- */

struct call_context;
void handle_schedule(struct local *local, struct http_request *request);
void handle_accept_inverse_offers(struct call_context *context);
void handle_decline_inverse_offers(struct call_context *context);
void maintenance_run(struct local *local);                  /* asks for agents that are to be maintained */
void maintenance_resubscribed(struct framework *framework); /* it is asked anew */
void maintenance_clear(struct agent *agent);
Mesos__V1__Unavailability *maintenance_write(const struct agent *agent, struct arena *arena); /* or NULL */

/* ---- allocator.c ---- */

void allocator_start(struct local *local);
void allocator_run(struct local *local);
void allocator_filter(struct framework_role *role, struct agent *agent, const struct resources *resources,
        const Filters *filters);
void allocator_forget_filters(struct framework_role *role);

/* ---- task.c: tasks as objects ---- */

struct task *task_create(
        struct framework *framework, struct agent *agent, TaskInfo *info, const char *executor_id);
void task_destroy(struct task *task); /* frees what it holds; its run must be over */
void task_know(struct task *task);    /* the master knows it from now on */
void task_unknow(struct task *task);
struct task *task_find(struct framework *framework, const char *id); /* that the master knows */
struct task *task_on_agent(struct agent *agent, const char *framework_id, const char *task_id);
void task_free_resources(struct task *task);
/* The state, or LOST for a framework that knows no partitions. */
TaskState task_partition_state(const struct task *task, TaskState state);
void task_drop(
        struct task *task); /* the framework or the agent is gone: end the run without a word, destroy */
struct executor *executor_find(struct agent *agent, const char *framework_id, const char *executor_id);
struct executor *executor_create(
        struct framework *framework, struct agent *agent, ExecutorInfo *info); /* takes it */
void executor_free(struct executor *executor); /* only this; out of the agent's map too */
/* The task has ended: leaves group and executor. True: that was the last of a default executor, which is no
 * more. */
bool executor_leave(struct task *task);

/* ---- executors.c, executor_events.c: executors of the framework's own ---- */

void executor_begin(struct executor *executor, struct framework *framework); /* a new one is such */
void executor_launch(
        struct task *task); /* starts the executor if it has to; the task waits until it has subscribed */
void executor_idle(struct executor *executor);    /* its last task has left it: one not started is no more */
void executor_deliver(struct executor *executor); /* the tasks that wait */
void executor_kill_task(struct task *task, const Mesos__V1__KillPolicy *policy);
void executor_shutdown(struct executor *executor);
void executors_drop(struct agent *agent);   /* killed, without a word; their tasks are without */
void executors_report(struct agent *agent); /* that is back */
void executors_of_framework_end(struct framework *framework);
void executors_forget_streams(struct local *local);                          /* they are freed already */
bool executor_api_handle(struct local *local, struct http_request *request); /* false: another address */

void send_executor_subscribed(struct executor *executor);
void send_executor_launch(struct executor *executor, const struct task *task);
void send_executor_kill(
        struct executor *executor, const struct task *task, const Mesos__V1__KillPolicy *policy);
void send_executor_acknowledged(struct executor *executor, const char *task_id, ProtobufCBinaryData uuid);
void send_executor_message(struct executor *executor, ProtobufCBinaryData data);
void send_executor_shutdown(struct executor *executor);

/* ---- updates.c: from the agent to the framework, at least once ---- */

void update_add(struct task *task, TaskState state, int reason, const char *message, int healthy);
void update_add_from(
        struct task *task, TaskState state, Source source, int reason, const char *message, int healthy);
void update_add_own(struct task *task, TaskStatus *status); /* an executor's; takes it */
bool update_is_known(const struct task *task, const uint8_t uuid[16]);
void update_forward(struct task *task);      /* sends the first again now, if there is one */
void update_repeat(const struct task *task); /* likewise; its retries stay as they were */
void update_resume(struct framework *framework);
void update_acknowledge(struct task *task, const uint8_t uuid[16]);
void updates_clear(struct task *task);

/* ---- operations.c, operation_apply.c: what is done at once and reported until it is acknowledged ---- */

/* Changes `left` and the agent's total, or says what is wrong. The operation has been validated. */
int operation_apply(const Operation *operation, struct agent *agent, const char *role, struct resources *left,
        struct error *err) MUST_CHECK;
void operation_done(struct framework *framework, struct agent *agent, const char *id, OperationState state);
/* The master loses them with the agent; it says so where there is a state for it (0: none). */
void operations_lost(struct agent *agent, OperationState state, const char *message);
void operations_report(struct agent *agent);                          /* that is back */
void operations_drop(struct agent *agent);                            /* without a word */
void operations_of_framework(struct framework *framework, bool drop); /* it is gone, or forgotten */

/* ---- volumes.c: persistent volumes as directories ---- */

int volumes_check_paths(const TaskInfo *info, struct error *err) MUST_CHECK;
int volumes_link(const struct task *task, const char *sandbox, struct error *err) MUST_CHECK;
void volumes_remove(const struct agent *agent, Resource **volumes, size_t count);

/* ---- run.c: what a task does on its agent ---- */

void run_start(struct task *task);
int run_process(struct task *task, struct error *err) MUST_CHECK; /* without a word */
void run_kill(
        struct task *task, const Mesos__V1__KillPolicy *policy); /* with KILLING where it is understood */
void run_drop(struct task *task);                                /* ends it without a word */
void task_ended(
        struct task *task, TaskState state, Source source, int reason, const char *message, int healthy);

void task_reported(
        struct task *task, TaskStatus *status); /* by an executor of the framework's own; takes it */

/* ---- simulate.c: tasks that only report ---- */

void simulate_start(struct task *task);
void simulate_endless(struct task *task); /* until it is killed; without a word */
void simulate_kill(struct task *task);

/* ---- staging.c: launches that do not come to anything ---- */

enum staging {
    STAGING_NOT,
    STAGING_SLOW, /* the agent takes its time */
    STAGING_DEAF, /* and does not hear a KILL meanwhile */
    STAGING_LOST, /* the launch has never reached the agent */
};
void staging_start(struct task *task, enum staging how, int64_t ms); /* ms 0: for ever */
void staging_kill(struct task *task);
void staging_hurry(struct task *task); /* what is to come of it comes now */
enum staging staging_of(const struct task *task);

/* ---- calls: one file each ---- */

struct call_context {
    struct local *local;
    struct http_request *request;
    struct framework *framework; /* NULL for SUBSCRIBE */
    Call *call;                  /* handlers may take parts out of it */
    const char *principal;       /* NULL without authentication */
    enum encoding accept;
};

void handle_subscribe(struct call_context *context);
void handle_update_framework(struct call_context *context);
void handle_accept(struct call_context *context);
void handle_decline(struct call_context *context);
void handle_revive(struct call_context *context);
void handle_suppress(struct call_context *context);
void handle_kill(struct call_context *context);
void handle_message(struct call_context *context);
void handle_shutdown(struct call_context *context);
void handle_acknowledge(struct call_context *context);
void handle_reconcile(struct call_context *context);
void handle_reconcile_operations(struct call_context *context);
void handle_acknowledge_operation_status(struct call_context *context);
void reconcile_task(struct framework *framework, const char *task_id, const char *agent_id);

/* NULL, or what is wrong with a framework's info (the text is in err). */
int validate_framework(const FrameworkInfo *info, struct error *err) MUST_CHECK;
/* A call's parts that its type wants. */
int validate_call(const Call *call, const char *principal, struct error *err) MUST_CHECK;
/* A task of an ACCEPT against its offers. `left`: what the offers have left; `*used` is set to what it takes
 * of it. */
int validate_task(struct framework *framework, struct agent *agent, const TaskInfo *info, const char *role,
        const struct resources *left, const struct resources *used, struct error *err) MUST_CHECK;
/* An executor of a task, or of a group (`type` DEFAULT), against one of that id that there is (or NULL). */
int validate_executor(struct framework *framework, const ExecutorInfo *info, const struct executor *known,
        Mesos__V1__ExecutorInfo__Type type, struct error *err) MUST_CHECK;
int validate_id(const char *id, struct error *err) MUST_CHECK;
/* An operation that is no launch and has its part, against all but what the offers have. */
int validate_operation(struct framework *framework, struct agent *agent, const Operation *operation,
        const char *role, struct error *err) MUST_CHECK;
/* What an operation's resources are wrong in, whatever the offers: costs the whole operation. */
int validate_operation_resources(const Operation *operation, const char *role, struct error *err) MUST_CHECK;

/* ---- api.c: HTTP rules, and to whom a call goes ---- */

void api_handle(void *local, struct http_request *request); /* an http_handler */
void api_scheduler(struct local *local, struct http_request *request);
bool api_accepts(const char *accept, const char *type); /* an Accept header, NULL: absent */
/* Reads a POST's body of either type; false: it was answered. The caller frees the message. */
bool api_read(
        struct http_request *request, const ProtobufCMessageDescriptor *type, ProtobufCMessage **message);
void api_error(struct http_request *request, unsigned status, const char *text);
const char *call_type_name(CallType type);

/* ---- auth.c ---- */

int credentials_read(const char *path, struct credentials **credentials, struct error *err) MUST_CHECK;
void credentials_destroy(struct credentials *credentials);
/* The principal of a request, borrowed, or NULL. */
const char *credentials_check(const struct credentials *credentials, const char *authorization);

/* ---- state.c: what tests look at ---- */

struct state_log *state_log_create(void);
void state_log_destroy(struct state_log *log);
void state_log_call(struct local *local, const Call *call, unsigned status);
void state_log_event(struct local *local, int type);
void handle_state(struct local *local, struct http_request *request);

/* ---- faults.c ---- */

struct faults *faults_create(struct local *local);
void faults_destroy(struct faults *faults);
void handle_faults(struct local *local, struct http_request *request);
/* Whether a fault has taken care of the request: before the body is read, and once the call is known. */
bool faults_take_request(struct local *local, struct http_request *request);
bool faults_take_call(struct local *local, struct http_request *request, const Call *call);
/* Whether a launch stays STAGING: it has been begun then. */
bool faults_stage_task(struct task *task);
bool faults_silence_heartbeats(const struct local *local);
bool faults_split_streams(const struct local *local);
bool faults_double_updates(const struct local *local);
size_t faults_held(const struct local *local); /* requests that wait for their time */

/* ---- failover.c ---- */

void failover(struct local *local); /* the agents stay away until they return */

#endif
