/* Rules and switches of misbehaviour, shared by faults.c, which obeys them, and handle_faults.c, which sets
 * them. */
#ifndef LOCAL_FAULTS_H
#define LOCAL_FAULTS_H

#include <stdlib.h>

#include "local.h"

enum rule_kind { RULE_REDIRECT, RULE_ANSWER, RULE_NO_ANSWER };
enum rule_act { ACT_NEVER, ACT_NOW, ACT_LATER };

/* What to do with coming requests instead of the usual. */
struct rule {
    struct list_link link;
    enum rule_kind kind;
    int call;      /* CallType; -1: any request, before it is read */
    int64_t count; /* so many more; 0: until cleared */
    unsigned status;
    char *text; /* of the answer; where to redirect; owned */
    enum rule_act act;
    int64_t act_after_ms;
    bool answer_late;
    bool close; /* close the connection rather than leave it open */
};

struct faults {
    struct local *local;
    struct list rules;
    struct list held;
    bool silent; /* no heartbeats */
    bool split;  /* every byte of a stream in a chunk of its own */
    int64_t stalled_until_ms;
    struct timer stall;
};

void faults_add_rule(struct faults *faults, const struct rule *rule); /* copies it and its text */
void faults_clear_rules(struct faults *faults);
void faults_stall(struct faults *faults, int64_t ms); /* no answers, no bytes on streams */

#endif
