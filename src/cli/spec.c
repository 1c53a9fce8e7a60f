/* One task from flags; those of its retries are in retry.c. What is a number is read here; whether Mesos and
 * the daemon like it they say themselves. */
#include "spec.h"

#include <string.h>

#include "base/decimal.h"
#include "base/text.h"
#include "constraint.h"
#include "consumer.h"
#include "duration.h"
#include "retry.h"

#define CPUS_DEFAULT 1.0
#define MEM_DEFAULT 128.0
#define PORTS_MAX 1000
#define ID_RANDOM 12 /* characters of the id that is made up */

void spec_init(struct spec *spec, size_t most)
{
    *spec = (struct spec){.most = most};
    arena_init(&spec->arena);
    zmesos__v1__task_spec__init(&spec->task);
    mesos__v1__command_info__init(&spec->command);
    zmesos__v1__retry_policy__init(&spec->retry);
    zmesos__v1__consumer__init(&spec->consumer);
}

void spec_clear(struct spec *spec)
{
    arena_clear(&spec->arena);
}

static int amount(
        const char *flag, const char *text, double *value, protobuf_c_boolean *has, struct error *err)
{
    milli_t milli;

    if (milli_parse(text, &milli) < 0 || milli < 0)
        return error_set(err, ERR_INVALID,
                "--%s %s: expected a number of at most three decimals, not below 0", flag, text);
    *value = milli_to_double(milli);
    *has = 1;
    return 1;
}

int spec_duration(struct spec *spec, const char *flag, const char *text, int64_t max,
        Mesos__V1__DurationInfo **out, struct error *err)
{
    Mesos__V1__DurationInfo *duration;
    char most[DURATION_TEXT_MAX];
    int64_t ns;

    if (duration_parse(text, max, &ns) < 0)
        return error_set(err, ERR_INVALID,
                "--%s %s: expected a time, such as 500ms, 1.5s or 10m, of at most %s", flag, text,
                duration_format(max, most));
    duration = arena_alloc(&spec->arena, sizeof *duration);
    mesos__v1__duration_info__init(duration);
    duration->nanoseconds = ns;
    *out = duration;
    return 1;
}

static int add_constraint(struct spec *spec, const char *text, struct error *err)
{
    Zmesos__V1__TaskSpec *task = &spec->task;
    Zmesos__V1__Constraint *constraint;

    if (constraint_parse(&spec->arena, text, &constraint, err) < 0)
        return ERR_INVALID;
    if (!task->constraints)
        task->constraints = arena_array(&spec->arena, spec->most, sizeof *task->constraints);
    task->constraints[task->n_constraints++] = constraint;
    return 1;
}

/* On that agent alone. */
static int pin(struct spec *spec, char *agent_id)
{
    Zmesos__V1__TaskSpec *task = &spec->task;
    Zmesos__V1__Constraint *constraint = arena_alloc(&spec->arena, sizeof *constraint);

    zmesos__v1__constraint__init(constraint);
    constraint->attribute = arena_string(&spec->arena, "agent_id");
    constraint->has_operator_ = 1;
    constraint->operator_ = ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS;
    constraint->values = arena_array(&spec->arena, 1, sizeof *constraint->values);
    constraint->values[0] = agent_id;
    constraint->n_values = 1;
    if (!task->constraints)
        task->constraints = arena_array(&spec->arena, spec->most, sizeof *task->constraints);
    task->constraints[task->n_constraints++] = constraint;
    return 1;
}

/* The two sides of the first '='. Returns false when there is none; the key is all then. */
static bool split(struct arena *arena, const char *text, char **key, char **value)
{
    const char *sign = strchr(text, '=');

    *key = arena_string(arena, text);
    if (!sign)
        return false;
    (*key)[sign - text] = 0;
    *value = arena_string(arena, sign + 1);
    return true;
}

static int add_env(struct spec *spec, const char *text, struct error *err)
{
    Mesos__V1__Environment *environment = spec->command.environment;
    Mesos__V1__Environment__Variable *variable = arena_alloc(&spec->arena, sizeof *variable);

    mesos__v1__environment__variable__init(variable);
    if (!split(&spec->arena, text, &variable->name, &variable->value) || !*variable->name)
        return error_set(err, ERR_INVALID, "--env %s: expected NAME=VALUE", text);
    if (!environment) {
        environment = arena_alloc(&spec->arena, sizeof *environment);
        mesos__v1__environment__init(environment);
        environment->variables = arena_array(&spec->arena, spec->most, sizeof *environment->variables);
        spec->command.environment = environment;
    }
    environment->variables[environment->n_variables++] = variable;
    return 1;
}

int spec_label(struct arena *arena, const char *text, Mesos__V1__Label **out, struct error *err)
{
    Mesos__V1__Label *label = arena_alloc(arena, sizeof *label);

    mesos__v1__label__init(label);
    split(arena, text, &label->key, &label->value);
    if (!*label->key)
        return error_set(err, ERR_INVALID, "--label %s: expected KEY or KEY=VALUE", text);
    *out = label;
    return 0;
}

static int add_label(struct spec *spec, const char *text, struct error *err)
{
    Mesos__V1__Labels *labels = spec->task.labels;
    Mesos__V1__Label *label;

    if (spec_label(&spec->arena, text, &label, err) < 0)
        return ERR_INVALID;
    if (!labels) {
        labels = arena_alloc(&spec->arena, sizeof *labels);
        mesos__v1__labels__init(labels);
        labels->labels = arena_array(&spec->arena, spec->most, sizeof *labels->labels);
        spec->task.labels = labels;
    }
    labels->labels[labels->n_labels++] = label;
    return 1;
}

static int set_image(struct spec *spec, char *name)
{
    Mesos__V1__ContainerInfo *container = arena_alloc(&spec->arena, sizeof *container);
    Mesos__V1__ContainerInfo__MesosInfo *mesos = arena_alloc(&spec->arena, sizeof *mesos);
    Mesos__V1__Image *image = arena_alloc(&spec->arena, sizeof *image);
    Mesos__V1__Image__Docker *docker = arena_alloc(&spec->arena, sizeof *docker);

    mesos__v1__container_info__init(container);
    mesos__v1__container_info__mesos_info__init(mesos);
    mesos__v1__image__init(image);
    mesos__v1__image__docker__init(docker);
    docker->name = name;
    image->type = MESOS__V1__IMAGE__TYPE__DOCKER;
    image->docker = docker;
    mesos->image = image;
    container->type = MESOS__V1__CONTAINER_INFO__TYPE__MESOS;
    container->mesos = mesos;
    spec->task.container = container;
    return 1;
}

static int set_ports(struct spec *spec, const char *text, struct error *err)
{
    int64_t value;

    if (integer_parse(text, 0, PORTS_MAX, &value) < 0)
        return error_set(err, ERR_INVALID, "--ports %s: expected how many, at most %d", text, PORTS_MAX);
    spec->task.has_ports = 1;
    spec->task.ports = (uint32_t)value;
    return 1;
}

static int set_priority(struct spec *spec, const char *text, struct error *err)
{
    int64_t value;

    if (integer_parse(text, INT32_MIN, INT32_MAX, &value) < 0)
        return error_set(err, ERR_INVALID, "--priority %s: expected an integer of 32 bits", text);
    spec->task.has_priority = 1;
    spec->task.priority = (int32_t)value;
    return 1;
}

int spec_option(struct spec *spec, int option, char *value, struct error *err)
{
    Zmesos__V1__TaskSpec *task = &spec->task;

    if (option < OPTION_OWN || option >= OPTION_AFTER_SPEC)
        return 0;
    spec->touched = true;
    switch (option) {
    case OPTION_ID:
        task->id = value;
        return 1;
    case OPTION_NAME:
        task->name = value;
        return 1;
    case OPTION_CPUS:
        return amount("cpus", value, &task->cpus, &task->has_cpus, err);
    case OPTION_MEM:
        return amount("mem", value, &task->mem, &task->has_mem, err);
    case OPTION_DISK:
        return amount("disk", value, &task->disk, &task->has_disk, err);
    case OPTION_GPUS:
        return amount("gpus", value, &task->gpus, &task->has_gpus, err);
    case OPTION_PORTS:
        return set_ports(spec, value, err);
    case OPTION_ROLE:
        task->role = value;
        return 1;
    case OPTION_DESPITE_MAINTENANCE:
        task->has_despite_maintenance = task->despite_maintenance = 1;
        return 1;
    case OPTION_SUBMITTER:
        task->submitter = value;
        return 1;
    case OPTION_PRIORITY:
        return set_priority(spec, value, err);
    case OPTION_CONSTRAINT:
        return add_constraint(spec, value, err);
    case OPTION_PIN:
        return pin(spec, value);
    case OPTION_PLACER:
        task->placer = value;
        return 1;
    case OPTION_ENV:
        return add_env(spec, value, err);
    case OPTION_LABEL:
        return add_label(spec, value, err);
    case OPTION_USER:
        spec->command.user = value;
        return 1;
    case OPTION_IMAGE:
        return set_image(spec, value);
    case OPTION_CONSUMER:
    case OPTION_CONFIRM_TIMEOUT:
    case OPTION_CONFIRM_AFTER:
        return consumer_option(spec, option, value, err);
    default:
        return retry_option(spec, option, value, err);
    }
}

int spec_finish(struct spec *spec, int argc, char **argv, struct error *err)
{
    Zmesos__V1__TaskSpec *task = &spec->task;
    char uuid[TEXT_UUID_SIZE];

    if (argc < 1)
        return error_set(err, ERR_INVALID, "there is no command to run; it comes behind the flags, after --");
    spec->command.has_shell = 1;
    spec->command.shell = argc == 1;
    spec->command.value = argv[0];
    if (argc > 1) {
        spec->command.n_arguments = (size_t)argc;
        spec->command.arguments = argv;
    }
    task->command = &spec->command;
    if (retry_finish(spec, err) < 0 || consumer_finish(spec, err) < 0)
        return ERR_INVALID;
    if (!task->id) {
        text_uuid(uuid);
        /* the last group of a UUID, all of it random */
        task->id = arena_format(&spec->arena, "task-%s", uuid + TEXT_UUID_SIZE - 1 - ID_RANDOM);
    }
    if (!task->has_cpus) {
        task->has_cpus = 1;
        task->cpus = CPUS_DEFAULT;
    }
    if (!task->has_mem) {
        task->has_mem = 1;
        task->mem = MEM_DEFAULT;
    }
    return 0;
}
