/* A core in virtual time. Each in_*() gives it one input and returns the outputs as text, a line each, which
 * lives until the next input. After every input the rig checks what must always hold:
 *
 *   - event numbers have no holes, calls carry the framework and the current subscription, no Mesos id is
 * launched twice, no offer answered twice,
 *   - the core is at rest: asked again at the same instant it has nothing more to do, and its next deadline
 * is in the future,
 *   - the rows written so far, given to a new core, make one that lists the very same tasks and counts them
 * alike. */
#ifndef TEST_CORE_RIG_H
#define TEST_CORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/core.h"

enum show {
    SHOW_RECORDS = 1,
    SHOW_EVENTS = 2,
    SHOW_CALLS = 4,
    SHOW_REPLIES = 8,
    SHOW_ALL = 15,
    SHOW_WHY = 16
};

#define DEFAULT_AGENT "A1"
#define RIG_CLASSES 32

/* The last row of each kind, as a store keeps them. Owns what it points to. */
struct disk_task {
    struct task_row row;
    struct attempt_row *attempts;
    size_t attempt_count;
};

struct disk_meta {
    const char *name, *value;
};

struct disk {
    struct arena arena;
    struct disk_task *tasks; /* by key, ascending */
    size_t task_count;
    struct operation_row *operations; /* by key, ascending */
    size_t operation_count;
    int64_t last_key; /* of all that were ever written */
    struct disk_meta metas[32];
    size_t meta_count;
    uint64_t numbers[RIG_CLASSES];
};

/* An ACCEPT that left, to be answered by the id of its offer. */
struct rig_accept {
    char offer[32];
    uint64_t number;
};

struct rig {
    struct core_config config;
    struct core *core;
    struct core_outputs out;
    struct now now;
    struct arena in;           /* of the input that is being given */
    struct arena kept;         /* of words() */
    const struct slice *specs; /* when set: the bytes of a launch's tasks, instead of their packed form */
    struct buf text;
    unsigned show;  /* of enum show: what goes into the text */
    bool unchecked; /* for large histories: no check after each input */
    uint64_t subscription, subscriptions, token, calls;
    uint64_t numbers[RIG_CLASSES];
    struct disk disk, backup; /* `backup` borrows the strings of `disk` */
    struct rig_accept *accepts;
    size_t accept_count;
    uint64_t last_call;     /* its number */
    uint64_t last_update;   /* of the last UPDATE_FRAMEWORK */
    size_t call_counts[64]; /* calls made, by type */
    struct map launched;    /* Mesos ids that were in an ACCEPT */
    struct map offers;      /* ids of those that were made and not answered */
    struct buf story; /* of the events of tasks: "a:RUNNING/2 ", 2 being the last attempt; "-" for none */
    size_t forgotten; /* tasks, in all */
    size_t forgotten_once; /* the most in one input */
};

/* With roles r1 and r2 and heartbeats of our own left out. `change` may be NULL. */
struct rig *rig_create(void (*change)(struct core_config *config));
void rig_destroy(struct rig *rig);
void rig_restart(struct rig *rig); /* the process ends anywhere and starts again, from the rows written */
/* As rig_restart(), from rows that are said to be those of a backup. Returns what that input gave. */
const char *rig_restore(struct rig *rig, const char *store_id);
void rig_backup(struct rig *rig);      /* keeps the rows as they are now */
void rig_load_backup(struct rig *rig); /* the rows are those again; rig_restore() must follow */
void rig_check(struct rig *rig);       /* what is checked after every input */
int rig_teardown(void **state);        /* for cmocka: destroys *state */
void rig_show(struct rig *rig, unsigned show);

/* Compares and names the difference. */
#define expect(text, expected) assert_string_equal(text, expected)
#define TEST(name) cmocka_unit_test_teardown(name, rig_teardown) /* the test leaves its rig in *state */

#define CALLS(name) call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__##name]

/* Formatted text that lives as long as the rig. */
#define words(rig, ...) arena_format(&(rig)->kept, __VA_ARGS__)

const char *in_tick(struct rig *rig);
/* Lets time pass, with a tick at each deadline; lines begin with the milliseconds since the call. */
const char *in_wait(struct rig *rig, int64_t ms);

const char *in_connecting(struct rig *rig);
const char *in_up(struct rig *rig);
const char *in_down(struct rig *rig, const char *text);
const char *in_refused(struct rig *rig, const char *text); /* the master does not take this framework */
const char *in_removed(struct rig *rig, const char *framework_id);

/* "o1 A1 cpus 4 mem 512 ports 1-2,7-9 | o2 A2 role r2 host h2 cpus/r2 4 @rack=a @n:1.5 @r#1-2,4-5 @s%a,b":
 * cpus/r2 is reserved for r2; +revocable, +shared, +volume, +provider after a name make it so; +dynamic makes
 * the reservation so, +dynamic=v1 a volume of it, +raw=d1 storage of the provider p1. */
const char *in_offers(struct rig *rig, const char *offers);
/* "i1 A1 600+60 | i2 A2 30": windows in so many seconds, for so many or without an end. Offers have them as
 * "down 600+60". */
const char *in_inverse_offers(struct rig *rig, const char *offers);
const char *in_rescind_inverse_offer(struct rig *rig, const char *id);
const char *in_rescind(struct rig *rig, const char *offer_id);
/* "a.1.1 RUNNING by AGENT uuid u1 because RECONCILIATION on A1 healthy yes check HTTP:200 : words" */
const char *in_update(struct rig *rig, const char *update);
/* The event without anything inside. */
const char *in_event(struct rig *rig, const Mesos__V1__Scheduler__Event *event);
const char *in_answer(struct rig *rig, const char *offer_id, enum core_answer answer, const char *text);

/* "consumer NAME 60000 WAIT": its time limit in ms; any words for its policy but WAIT and ACKNOWLEDGE are
 * none. */
/* "a cpus 1 mem 32 ports 2 prio 5 role r2 placer p name n label k=v where rack EQUALS a prefer rack IN a,b |
 * b"; cpus 1 where no resource is named, and a command. Of the retry policy: "tries 3 on FAILED,GONE backoff
 * 500 most 4000 replace 60000 elsewhere yes", and "timeout 5000", all in ms; "despite yes": of maintenance.
 * Of resources: "want ports#80-80 want net:2.5+ONLY want disk=v1" (see add_request()); "exec e1=cpus:0.5"
 * instead of the command, or beside it, for its group, "default e1=cpus:0.1,mem:32,disk:1"; "group g". */
const char *in_launch(struct rig *rig, const char *specs);
const char *in_launch_specs(struct rig *rig, Zmesos__V1__TaskSpec **specs, size_t count);
const char *in_kill(struct rig *rig, const char *ids);
const char *in_kill_policy(struct rig *rig, const char *ids, int64_t grace_ns);
const char *in_kill_label(struct rig *rig, const char *key, const char *value);
const char *in_release(struct rig *rig, const char *action, const char *ids); /* no action: "" */
const char *in_ask(struct rig *rig);                                          /* a reconciliation */
/* To the last call that was made, whatever it was. */
const char *in_answer_last(struct rig *rig, enum core_answer answer, const char *text);
const char *in_request(struct rig *rig, Zmesos__V1__Request *request);
const char *in_get(struct rig *rig, const char *ids);
const char *in_list(struct rig *rig, Zmesos__V1__List *list);
/* "a.1 uuid | b.2 uuid": task, attempt and uuid. */
const char *in_confirm(struct rig *rig, const char *consumer, const char *updates);
/* NULL: of all consumers. */
const char *in_unconfirmed(struct rig *rig, const char *consumer, uint64_t after, uint32_t page_size);
const char *in_status(struct rig *rig);

/* leases.c: "l1 max 2 for 5000 cpus 1 ports 2 role r2 despite yes where rack EQUALS a"; "-" for no id. */
const char *in_lease(struct rig *rig, const char *lease);
const char *in_renew(struct rig *rig, const char *lease); /* "l1 max 2 for 5000" */
/* "l1 o1 o2"; `refuse` below 0: not said. */
const char *in_give_back(struct rig *rig, const char *lease, double refuse);
const char *in_place(struct rig *rig, const char *places); /* "l1 o1,o2:a,b o3:c+d": d is an operation */

/* look.c: what clients see now. It lives until the next input or look. */
const Zmesos__V1__Task *look(struct rig *rig, const char *id); /* NULL: there is none */
const Zmesos__V1__DaemonStatus *look_status(struct rig *rig);
/* "QUEUED held adopted kill" of the task, and " | RUNNING replaced" of each attempt; "none" for no task. */
const char *look_states(struct rig *rig, const char *id);
/* The task's message holds both words, in any case. */
void expect_words(struct rig *rig, const char *id, const char *first, const char *second);

/* scene.c: what many tests begin with. */
struct rig *rig_up(void **state, void (*change)(struct core_config *config)); /* for a minute; it is *state */
/* An offer of 9 cpus of that agent, with `more` words or ""; its ACCEPT is answered. Returns the Mesos ids
 * launched,
 * "" for none; what is not taken is rescinded. */
const char *place(struct rig *rig, const char *agent, const char *more);
/* Waits for `ms` to the millisecond before anything is placed on the agent, and returns what place() gives
 * then. */
const char *place_after(struct rig *rig, int64_t ms, const char *agent);
void expect_state(struct rig *rig, const char *id, const char *state);
bool has_line(const char *text, const char *line); /* a whole one, the time in front of it left out */
size_t count_lines(const char *text, const char *line);
/* Forgets the story; then compares it. */
void story_begin(struct rig *rig);
void expect_story(struct rig *rig, const char *story);

/* builder_operations.c: "a RESERVE cpus/r1+dynamic 2 as role r1 where rack EQUALS a label k=v | b
 * SHRINK_VOLUME disk/r1+dynamic=v1 10 by 4": behind "as" what a specification of in_launch() has. */
const char *in_operate(struct rig *rig, const char *operations);
const char *in_operate_specs(struct rig *rig, Zmesos__V1__OperationSpec **specs, size_t count);
Zmesos__V1__OperationSpec *build_operation(struct rig *rig, const char *text);
/* "a.1.1 FINISHED uuid u1 on A1 by p1 made disk/r1 5 : words"; on an agent only where it says so */
const char *in_operation_update(struct rig *rig, const char *update);
const char *in_get_operations(struct rig *rig, const char *ids);
const char *in_cancel_operations(struct rig *rig, const char *ids);
const Zmesos__V1__Operation *look_operation(struct rig *rig, const char *id); /* NULL: there is none */
void expect_operation(struct rig *rig, const char *id, const char *state);    /* "none" for none */

/* builder.c: from the words above, in rig->in. */
size_t split_parts(struct rig *rig, const char *text, char ***parts); /* between " | " */
void *build_new(struct rig *rig, const ProtobufCMessageDescriptor *descriptor);
Mesos__V1__Resource *build_resource(
        struct rig *rig, char *name, const char *amount, Mesos__V1__Resource__AllocationInfo *allocation);
int enum_value(
        struct rig *rig, const ProtobufCEnumDescriptor *descriptor, const char *prefix, const char *name);
Mesos__V1__Scheduler__Event *build_offers(struct rig *rig, const char *text);
Mesos__V1__TaskStatus *build_status(struct rig *rig, const char *text);
Zmesos__V1__TaskSpec *build_spec(struct rig *rig, const char *text);
/* As build_spec(), packed in so many bytes by its `data`. */
Zmesos__V1__TaskSpec *build_large_spec(struct rig *rig, const char *text, size_t size);
Mesos__V1__DurationInfo *build_ms(struct rig *rig, const char *text);
Zmesos__V1__Request *build_request(struct rig *rig, Zmesos__V1__Request__OperationCase operation);
size_t split(struct rig *rig, const char *text, const char *separators, char ***words);
struct slice pack(struct rig *rig, const ProtobufCMessage *message);

/* text.c */
void text_output(struct rig *rig, const struct core_output *output);
void text_task(struct buf *buf, const Zmesos__V1__Task *task); /* every field of it */
void text_unconfirmed(
        struct buf *buf, const Zmesos__V1__UnconfirmedUpdate *update); /* " a.1 RUNNING #3 uuid by NAME" */
void text_counts(struct buf *buf, const Zmesos__V1__DaemonStatus *status);
void text_operation(struct buf *buf, const Zmesos__V1__Operation *operation); /* but for its obstacle */
const char *operation_state_name(int state);
const char *state_name(int state);
/* " r1: rack=r1 & row? or host#h7": "?" exists, "-" does not; selectors host#, region#, zone#. */
void text_offer_constraints(struct buf *buf, const Mesos__V1__Scheduler__OfferConstraints *constraints);
void text_add(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* disk.c */
void disk_write(struct disk *disk, const struct record *record);
void disk_event(struct disk *disk, const struct core_event *event);
const char *disk_meta(const struct disk *disk, const char *name);           /* "" for none */
struct disk_task *disk_task(const struct disk *disk, int64_t key);          /* NULL: none */
struct operation_row *disk_operation(const struct disk *disk, int64_t key); /* likewise */
struct core *disk_recover(const struct disk *disk, const struct core_config *config, struct now now);
/* `to` borrows the strings of `from`; what it held is dropped. */
void disk_copy(struct disk *to, const struct disk *from);
void disk_clear(struct disk *disk);

#endif
