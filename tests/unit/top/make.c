/* See make.h. */
#include "make.h"

struct arena made;

Zmesos__V1__Task *make_task(const char *id, int state, uint64_t revision, int64_t changed_s)
{
    Zmesos__V1__Task *task = arena_alloc(&made, sizeof *task);
    zmesos__v1__task__init(task);
    task->id = arena_string(&made, id);
    task->has_state = task->has_revision = task->has_created_ns = task->has_changed_ns = true;
    task->state = (Zmesos__V1__TaskState)state;
    task->revision = revision;
    task->created_ns = S(CREATED);
    task->changed_ns = S(changed_s);
    task->attempts = arena_array(&made, 100, sizeof(Zmesos__V1__Attempt *));
    return task;
}

Zmesos__V1__Attempt *make_attempt(Zmesos__V1__Task *task, int state, int64_t launched_s, int64_t changed_s,
        const char *host, const char *message, const char *reason)
{
    Zmesos__V1__Attempt *attempt = arena_alloc(&made, sizeof *attempt);
    zmesos__v1__attempt__init(attempt);
    attempt->has_number = attempt->has_state = attempt->has_launched_ns = attempt->has_changed_ns = true;
    attempt->number = task->n_attempts ? task->attempts[task->n_attempts - 1]->number + 1 : 1;
    attempt->state = (Zmesos__V1__TaskState)state;
    attempt->launched_ns = S(launched_s);
    attempt->changed_ns = S(changed_s);
    attempt->hostname = arena_string(&made, host);
    attempt->message = arena_string(&made, message);
    attempt->reason = arena_string(&made, reason);
    task->attempts[task->n_attempts++] = attempt;
    return attempt;
}

/* A copy by protobuf-c's own allocator, as one that came. */
static Zmesos__V1__DaemonStatus *as_if_it_came(const Zmesos__V1__DaemonStatus *status)
{
    size_t size = zmesos__v1__daemon_status__get_packed_size(status);
    uint8_t *bytes = arena_alloc(&made, size);
    zmesos__v1__daemon_status__pack(status, bytes);
    Zmesos__V1__DaemonStatus *came = zmesos__v1__daemon_status__unpack(NULL, size, bytes);
    assert_non_null(came);
    return came;
}

Zmesos__V1__DaemonStatus *make_status(const char *store, uint64_t run, uint64_t head, ...)
{
    Zmesos__V1__DaemonStatus status = ZMESOS__V1__DAEMON_STATUS__INIT;
    Zmesos__V1__Head tasks = ZMESOS__V1__HEAD__INIT, *heads[] = {&tasks};
    Zmesos__V1__StateCount counts[MODEL_STATES], *list[MODEL_STATES];
    va_list args;

    status.store = arena_string(&made, store);
    status.has_run = true;
    status.run = run;
    tasks.has_class_ = tasks.has_number = true;
    tasks.class_ = ZMESOS__V1__EVENT_CLASS__TASK;
    tasks.number = head;
    status.heads = heads;
    status.n_heads = 1;
    status.counts = list;
    va_start(args, head);
    for (int state; (state = va_arg(args, int)) != 0; status.n_counts++) {
        zmesos__v1__state_count__init(&counts[status.n_counts]);
        list[status.n_counts] = &counts[status.n_counts];
        counts[status.n_counts].has_state = counts[status.n_counts].has_tasks = true;
        counts[status.n_counts].state = (Zmesos__V1__TaskState)state;
        counts[status.n_counts].tasks = (uint64_t)va_arg(args, int);
    }
    va_end(args);
    return as_if_it_came(&status);
}

Zmesos__V1__EventHeader *make_header(const char *store, uint64_t number, int64_t time_s)
{
    Zmesos__V1__EventHeader *header = arena_alloc(&made, sizeof *header);
    zmesos__v1__event_header__init(header);
    header->store = arena_string(&made, store);
    header->has_number = header->has_time_ns = true;
    header->number = number;
    header->time_ns = S(time_s);
    return header;
}

struct model *make_model(void)
{
    static const uint64_t seed[2] = {1, 2};
    return model_create(seed);
}

int make_clear(void **state)
{
    (void)state;
    arena_clear(&made);
    return 0;
}
