/* What clients see of the core under test, asked for as they would. */
#include <stdio.h>
#include <string.h>

#include "rig.h"

static const Zmesos__V1__Reply *ask(struct rig *rig, const Zmesos__V1__Request *request)
{
    struct core_input input = {.kind = CORE_IN_REQUEST, .request = {.token = 1, .request = request}};
    core_outputs_reset(&rig->out);
    core_handle(rig->core, &input, rig->now, &rig->out);
    assert_int_equal(rig->out.count, 1); /* it is at rest */
    assert_int_equal(rig->out.items[0].kind, CORE_OUT_REPLY);
    return rig->out.items[0].reply.reply;
}

const Zmesos__V1__Task *look(struct rig *rig, const char *id)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Get get = ZMESOS__V1__GET__INIT;
    char *ids[] = {arena_string(&rig->kept, id)};
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request.get = &get;
    get.task_ids = ids;
    get.n_task_ids = 1;
    const Zmesos__V1__Tasks *tasks = ask(rig, &request)->tasks;
    return tasks->n_tasks ? tasks->tasks[0] : NULL;
}

const Zmesos__V1__DaemonStatus *look_status(struct rig *rig)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Status status = ZMESOS__V1__STATUS__INIT;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_STATUS;
    request.status = &status;
    return ask(rig, &request)->status;
}

const Zmesos__V1__Operation *look_operation(struct rig *rig, const char *id)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__GetOperations get = ZMESOS__V1__GET_OPERATIONS__INIT;
    char *ids[] = {arena_string(&rig->kept, id)};
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET_OPERATIONS;
    request.get_operations = &get;
    get.operation_ids = ids;
    get.n_operation_ids = 1;
    const Zmesos__V1__Operations *operations = ask(rig, &request)->operations;
    return operations->n_operations ? operations->operations[0] : NULL;
}

void expect_operation(struct rig *rig, const char *id, const char *state)
{
    const Zmesos__V1__Operation *operation = look_operation(rig, id);
    expect(operation ? operation_state_name((int)operation->state) : "none", state);
}

const char *look_states(struct rig *rig, const char *id)
{
    const Zmesos__V1__Task *task = look(rig, id);
    if (!task)
        return "none";
    const char *text = words(rig, "%s%s%s%s", state_name((int)task->state), task->held ? " held" : "",
            task->adopted ? " adopted" : "", task->kill_requested ? " kill" : "");
    for (size_t i = 0; i < task->n_attempts; i++)
        text = words(rig, "%s | %s%s", text, state_name((int)task->attempts[i]->state),
                task->attempts[i]->replaced ? " replaced" : "");
    return text;
}

void expect_words(struct rig *rig, const char *id, const char *first, const char *second)
{
    const Zmesos__V1__Task *task = look(rig, id);
    assert_non_null(task);
    assert_non_null(task->message);
    if (!strcasestr(task->message, first) || !strcasestr(task->message, second))
        fail_msg("'%s' says neither '%s' nor '%s', or one alone", task->message, first, second);
}
