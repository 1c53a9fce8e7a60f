/* Our daemon: the store (store_model.c), what src/mesos does (mesos_model.c), the process (daemon_model.c).
 */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

#include "net.h"

/* ---- the store ---- */

struct store_row {
    struct record record;
    struct store_row *next;
};

struct kept_task {
    struct task_row row;
    struct attempt_row *attempts;
    size_t attempt_count, capacity;
};

/* What is on a disk. */
struct disk {
    struct kept_task *tasks; /* by key */
    size_t task_count, task_capacity;
    struct operation_row *operations; /* by key */
    size_t operation_count, operation_capacity;
    struct meta_row metas[METAS_MAX];
    size_t meta_count;
    uint64_t numbers[32];
    int64_t taken_us; /* of a copy; 0: there is none */
};

struct store {
    struct store_row *groups[2], **ends[2];
    uint64_t handed, committed;
    bool in_flight;
    struct disk disk, backup;
    struct disk ahead; /* as the core has decided: with what is not on disk yet */
};

void store_add(struct sim *sim, const struct record *record);
uint64_t store_group(const struct sim *sim);
void store_flush(struct sim *sim);
void store_finish(struct sim *sim);    /* waits for all */
void store_crash(struct sim *sim);     /* what was not synced is lost; what was being synced perhaps */
bool store_write_now(struct sim *sim); /* the number of the run; false: the disk is full */
void store_load(struct sim *sim, void (*row)(struct sim *sim, const struct record *record));
void store_clear(struct sim *sim); /* drops blobs */
/* disk_model.c */
void disk_keep(struct sim *sim, const struct record *record);
void disk_decide(struct sim *sim, const struct record *record); /* what is ahead of the disk */
void disk_copy(struct disk *to, const struct disk *from);       /* replaces what was there */
void disk_clear(struct disk *disk);
void store_take_backup(struct sim *sim);
bool store_restore(struct sim *sim);                             /* false: there is no backup */
const char *store_meta(const struct sim *sim, const char *name); /* NULL: never written */
/* As the core has decided. */
const struct attempt_row *decided_attempt(
        const struct sim *sim, const char *mesos_id, const struct kept_task **task);
const struct kept_task *store_task(const struct sim *sim, const char *id);
/* By Mesos's id; NULL: none. *task is its task. */
const struct attempt_row *store_attempt(
        const struct sim *sim, const char *mesos_id, const struct kept_task **task);

/* ---- the master client ---- */

enum link_state { LINK_STOPPED, LINK_WAITING, LINK_SUBSCRIBING, LINK_UP };

enum link_end {
    END_LOST,
    END_ERROR,        /* the master's ERROR */
    END_UNAUTHORIZED, /* 401 */
    END_REDIRECTED,   /* 307 */
};

struct held {
    const struct word *word; /* NULL: the master closed the stream */
    struct held *next;
};

struct lane {
    struct conn *conn;
    struct call *call;
};

struct mesos {
    enum link_state state;
    uint64_t subscription, stream_id;
    struct conn *stream;
    struct lane lanes[LANES]; /* the first one is ordered */
    struct call_queue {
        struct call **items;
        size_t first, count, capacity;
    } queues[2];
    int64_t backoff_us, heard_us;
    uint64_t attempt; /* generation */
    bool ending;
    const char *ending_text;
    enum link_end ending_why;
    int redirects;
    struct held *held, **held_end; /* of the stream, while our daemon is paused */
    int delivered;                 /* since the last turn */
    int64_t wish_us;               /* resubscribe after; -1: none */
    bool inside;
    bool answered;        /* the SUBSCRIBE on `stream`: it cannot come any more */
    unsigned unaccounted; /* of those that were given up, how many may */
    int64_t up_us;        /* since when */
};

void mesos_start(struct sim *sim);
void mesos_crash(struct sim *sim);
void mesos_send(struct sim *sim, struct call *call);
void mesos_turn(struct sim *sim);
void mesos_was_paused(struct sim *sim, int64_t us);
void mesos_read_held(struct sim *sim); /* our daemon reads again */
void mesos_end(struct sim *sim, const char *text, enum link_end why);
void mesos_answer_core(struct sim *sim, const struct call *call, enum core_answer answer, const char *text);
void mesos_handle_subscribe_answer(struct sim *sim, int status);
void mesos_handle_stream_closed(struct sim *sim);
/* mesos_calls.c */
void mesos_begin_calls(struct sim *sim);
void mesos_abandon_calls(struct sim *sim, const char *text);
size_t mesos_waiting_calls(const struct sim *sim);
void mesos_handle_word(struct sim *sim, struct conn *conn, void *message);
void mesos_handle_answer(struct sim *sim, struct conn *conn, void *message);
void mesos_handle_closed(struct sim *sim, struct conn *conn);

struct answer {
    uint64_t number;
    int status;
    bool about_stream; /* of a 400 */
};

/* ---- the process ---- */

enum parcel_kind { PARCEL_CALL, PARCEL_REPLY, PARCEL_EVENT };

struct parcel {
    enum parcel_kind kind;
    uint64_t group;
    struct call *call;
    struct answered *reply;
    struct published *event;
    struct parcel *next;
};

/* What became of one event of the master. */
struct heard {
    const struct word *word;
    bool handled;
    unsigned published, acknowledged;
    bool adopted;
};

struct daemon {
    bool up;
    uint64_t run; /* also the generation of its events */
    struct core *core, *dead;
    struct core_config config;
    struct core_outputs outputs;
    struct arena in; /* of one input */
    struct parcel *first, **end;
    size_t waiting;
    bool turning;
    int requests; /* read since the last turn */
    bool paused;  /* too much waits for the disk: nothing is read */
    int64_t paused_us;
    uint64_t tick;
    int64_t frozen_until_us;
    unsigned points;   /* until the next crash; 0: none is planned */
    bool refused;      /* ended by itself: the master does not want this framework */
    bool begins_again; /* rather than that */
    uint64_t framework;
    unsigned late_before; /* SUBSCRIBEs of earlier runs that came in this one */
    struct heard heard;
    const struct request *asking; /* that is handled now */
    const struct call *answering; /* likewise, its answer: */
    enum core_answer answer;
    const char *inverse_heard;
};

void daemon_start(struct sim *sim, void *context, uint64_t number);
void daemon_crash(struct sim *sim);
void daemon_end(struct sim *sim, int64_t again_us); /* as a crash; starts again after that time */
/* While the process is frozen its events come later: true: this one was put off. */
bool daemon_put_off(struct sim *sim, event_fn *fn, void *context, uint64_t number);
bool daemon_point(struct sim *sim); /* a place where it may crash: true: it did */
void daemon_input(struct sim *sim, const struct core_input *input);
void daemon_turn_soon(struct sim *sim);
void daemon_stop(struct sim *sim, bool refused);
void daemon_take_outputs(struct sim *sim); /* daemon_outputs.c */
void daemon_release(struct sim *sim);
void daemon_begin_again(struct sim *sim);
void daemon_torn_down(struct sim *sim);
void daemon_restore(struct sim *sim);
void daemon_word(struct sim *sim, const struct word *word);
void daemon_clear(struct sim *sim);
struct call *daemon_call(struct sim *sim, const struct core_call *out); /* daemon_encode.c */
void daemon_event(struct sim *sim, const struct word *word, struct core_input *input,
        Mesos__V1__Scheduler__Event *event);

#endif
