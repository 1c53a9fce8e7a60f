/* Rules and switches of misbehaviour, shared by faults.c, which obeys them, and handle_faults.c, which sets
 * them. */
#ifndef LOCAL_FAULTS_H
#define LOCAL_FAULTS_H

#include <stdlib.h>

#include "parts.h"

enum rule_kind { RULE_REDIRECT, RULE_ANSWER, RULE_NO_ANSWER, RULE_DELAY, RULE_DOUBLE };
enum rule_act { ACT_NEVER, ACT_NOW, ACT_LATER };

/* What to do with coming requests instead of the usual. */
struct rule {
    struct list_link link;
    enum rule_kind kind;
    int call;                 /* CallType; -1: any request, before it is read */
    int64_t skip;             /* so many pass first */
    int64_t count;            /* so many more; 0: until cleared */
    int64_t for_ms, until_ms; /* how long, and until when (monotonic) it holds; 0: without an end */
    unsigned status;
    char *text; /* of the answer; where to redirect; owned */
    enum rule_act act;
    int64_t after_ms; /* act, answer, or act once more so much later */
    bool answer_late;
    bool close; /* close the connection rather than leave it open */
};

/* The next launches stay STAGING. */
struct stage_rule {
    enum staging how;
    int64_t left;
    int64_t ms;   /* 0: for ever */
    size_t agent; /* its number from 1; 0: any */
};

struct faults {
    struct local *local;
    struct list rules;
    struct list held;
    struct stage_rule stage;
    bool silent;              /* no heartbeats */
    bool split;               /* every byte of a stream in a chunk of its own */
    bool twice;               /* every update is sent two times */
    int64_t stalled_until_ms; /* for calls */
    struct timer stall;       /* the end of it for streams */
};

void faults_add_rule(struct faults *faults, const struct rule *rule); /* copies it and its text */
void faults_clear_rules(struct faults *faults);
void faults_release(struct faults *faults);                   /* what is held is due now, a stall is over */
void faults_stall_calls(struct faults *faults, int64_t ms);   /* no answers */
void faults_stall_streams(struct faults *faults, int64_t ms); /* no bytes */

#endif
