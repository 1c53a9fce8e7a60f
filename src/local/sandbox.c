/* Where a task runs, and with what: WORK/AGENT/FRAMEWORK/TASK, the environment, the arguments. Ids make path
 * parts: they were checked to hold no slash and not to be "." or "..". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#include "parts.h"
#include "run.h"

struct sandbox sandbox_of(const struct task *task)
{
    return (struct sandbox){
            .local = task->local,
            .agent = task->agent,
            .framework = task->framework,
            .key = task->key,
            .executor_id = task->executor_id,
            .task_id = task->id,
    };
}

static char *path_of(const struct sandbox *sandbox)
{
    struct buf path;
    buf_init(&path, 0);
    if (buf_printf(&path, "%s/%s/%s", sandbox->local->work_dir, sandbox->agent->id, sandbox->key) != 0 ||
            buf_append(&path, "", 1) != 0)
        abort(); /* there is no limit */
    return (char *)buf_release(&path);
}

char *sandbox_path(const struct task *task)
{
    struct sandbox sandbox = sandbox_of(task);
    return path_of(&sandbox);
}

int sandbox_make(const struct sandbox *sandbox, char **path, struct error *err)
{
    char *made = path_of(sandbox);
    for (char *slash = made + strlen(sandbox->local->work_dir); slash != NULL;
            slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(made, 0755) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            goto fail;
    }
    if (mkdir(made, 0755) != 0 && errno != EEXIST)
        goto fail;
    *path = made;
    return 0;
fail:;
    int code = error_set_errno(err, errno, "cannot make the sandbox %s", made);
    free(made);
    return code;
}

int sandbox_create(const struct task *task, char **path, struct error *err)
{
    struct sandbox sandbox = sandbox_of(task);
    return sandbox_make(&sandbox, path, err);
}

/* Variables in a list that grows in the arena's way: by being copied. */
struct variables {
    struct arena *arena;
    char **list;
    size_t count, capacity;
};

/* Takes the place of an earlier one of the same name. */
static void put(struct variables *variables, const char *name, const char *value)
{
    size_t length = strlen(name);
    char *text = arena_format(variables->arena, "%s=%s", name, value);
    for (size_t i = 0; i < variables->count; i++)
        if (strncmp(variables->list[i], name, length) == 0 && variables->list[i][length] == '=') {
            variables->list[i] = text;
            return;
        }
    if (variables->count + 1 >= variables->capacity) {
        variables->capacity = variables->capacity * 2 + 64;
        char **list = arena_array(variables->arena, variables->capacity, sizeof(char *));
        if (variables->count > 0)
            memcpy(list, variables->list, variables->count * sizeof(char *));
        variables->list = list;
    }
    variables->list[variables->count++] = text;
    variables->list[variables->count] = NULL;
}

static void put_common(struct variables *variables, const struct sandbox *sandbox)
{
    char *directory = path_of(sandbox);
    for (char **own = environ; *own != NULL; own++) {
        char *value = strchr(*own, '=');
        if (value == NULL || strncmp(*own, "MESOS_", 6) == 0 || strncmp(*own, "ZMESOS_", 7) == 0)
            continue;
        char *name = arena_copy(variables->arena, *own, (size_t)(value - *own) + 1);
        name[value - *own] = '\0';
        put(variables, name, value + 1);
    }
    put(variables, "MESOS_SANDBOX", directory);
    if (sandbox->task_id != NULL)
        put(variables, "MESOS_TASK_ID", sandbox->task_id);
    put(variables, "MESOS_EXECUTOR_ID", sandbox->executor_id);
    put(variables, "MESOS_FRAMEWORK_ID", sandbox->framework->id);
    put(variables, "MESOS_AGENT_ID", sandbox->agent->id);
    put(variables, "MESOS_CONTAINER_IP", "127.0.0.1");
    free(directory);
}

static void put_own(struct variables *variables, const CommandInfo *command)
{
    if (command->environment != NULL)
        for (size_t i = 0; i < command->environment->n_variables; i++) {
            const Mesos__V1__Environment__Variable *variable = command->environment->variables[i];
            put(variables, variable->name, variable->value == NULL ? "" : variable->value);
        }
}

char **sandbox_environment(const struct task *task, const CommandInfo *command, struct arena *arena)
{
    struct variables variables = {.arena = arena};
    struct sandbox sandbox = sandbox_of(task);
    put_common(&variables, &sandbox);
    put_own(&variables, command);
    return variables.list;
}

char **sandbox_executor_environment(const struct sandbox *sandbox, const CommandInfo *command,
        int64_t shutdown_grace_ms, struct arena *arena)
{
    struct variables variables = {.arena = arena};
    const struct local *local = sandbox->local;
    char *directory = path_of(sandbox);
    char *endpoint = arena_format(arena, "%s:%u", local->options->ip, local->port);
    put_common(&variables, sandbox);
    put(&variables, "MESOS_DIRECTORY", directory);
    put(&variables, "MESOS_SLAVE_ID", sandbox->agent->id);
    put(&variables, "MESOS_SLAVE_PID",
            arena_format(arena, "slave(%zu)@%s", sandbox->agent->number + 1, endpoint));
    put(&variables, "MESOS_AGENT_ENDPOINT", endpoint);
    put(&variables, "MESOS_CHECKPOINT", sandbox->framework->info->checkpoint ? "1" : "0");
    put(&variables, "MESOS_HTTP_COMMAND_EXECUTOR", "0");
    put(&variables, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
            arena_format(arena, "%lldms", (long long)shutdown_grace_ms));
    if (sandbox->framework->info->checkpoint) {
        put(&variables, "MESOS_RECOVERY_TIMEOUT", "15mins");
        put(&variables, "MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs");
    }
    put_own(&variables, command);
    free(directory);
    return variables.list;
}

char **sandbox_arguments(const CommandInfo *command, const char **program, struct arena *arena)
{
    char **arguments = arena_array(arena, command->n_arguments + 4, sizeof(char *));
    if (command->shell) {
        arguments[0] = arena_string(arena, "sh");
        arguments[1] = arena_string(arena, "-c");
        arguments[2] = command->value;
        *program = "/bin/sh";
        return arguments;
    }
    for (size_t i = 0; i < command->n_arguments; i++)
        arguments[i] = command->arguments[i];
    if (command->n_arguments == 0)
        arguments[0] = command->value;
    *program = command->value;
    return arguments;
}
