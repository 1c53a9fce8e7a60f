/* Faults that wait for requests: each arms a rule, which faults.c obeys. */
#include "fault_handlers.h"

#include <string.h>

#include "fault_fields.h"
#include "faults.h"

/* What every rule has: for which call, after how many, for how many and for how long. */
static int field_rule(json_t *body, int64_t count, struct rule *rule, struct error *err)
{
    int code = field_call(body, &rule->call, err);
    if (code == 0)
        code = field_integer(body, "skip", 0, 0, &rule->skip, err);
    if (code == 0)
        code = field_integer(body, "for_ms", 0, 0, &rule->for_ms, err);
    if (code == 0)
        code = field_integer(body, "count", 0, rule->for_ms > 0 ? 0 : count, &rule->count, err);
    return code;
}

int fault_redirect(struct local *local, json_t *body, struct error *err)
{
    const char *to = NULL;
    struct rule rule = {.kind = RULE_REDIRECT};
    int code = field_text(body, "to", NULL, &to, err);
    if (code == 0 && (to == NULL || strlen(to) > 256))
        code = error_set(err, ERR_INVALID, "'to' wants HOST:PORT");
    if (code == 0)
        code = field_rule(body, 0, &rule, err);
    if (code != 0)
        return code;
    rule.text = (char *)(uintptr_t)to;
    faults_add_rule(local->faults, &rule);
    return 0;
}

int fault_answer(struct local *local, json_t *body, struct error *err)
{
    const char *text = NULL;
    int64_t status = 0;
    struct rule rule = {.kind = RULE_ANSWER};
    int code = field_text(body, "text", "", &text, err);
    if (code == 0)
        code = field_integer(body, "status", 200, 0, &status, err);
    if (code == 0 && (status < 200 || status > 599))
        code = error_set(err, ERR_INVALID, "'status' wants a number from 200 to 599");
    if (code == 0)
        code = field_rule(body, 1, &rule, err);
    if (code != 0)
        return code;
    rule.text = (char *)(uintptr_t)text;
    rule.status = (unsigned)status;
    faults_add_rule(local->faults, &rule);
    return 0;
}

int fault_no_answer(struct local *local, json_t *body, struct error *err)
{
    static const char *const acts[] = {"never", "now", "later"};
    struct rule rule = {.kind = RULE_NO_ANSWER};
    size_t act = 0;
    int code = field_word(body, "act", acts, 3, &act, err);
    if (code == 0)
        code = field_integer(body, "act_after_ms", 0, 1000, &rule.after_ms, err);
    if (code == 0)
        code = field_flag(body, "close", false, &rule.close, err);
    if (code == 0)
        code = field_flag(body, "answer", false, &rule.answer_late, err);
    if (code == 0)
        code = field_rule(body, 1, &rule, err);
    if (code != 0)
        return code;
    rule.act = (enum rule_act)act;
    faults_add_rule(local->faults, &rule);
    return 0;
}

int fault_delay(struct local *local, json_t *body, struct error *err)
{
    static const char *const whats[] = {"call", "answer"};
    struct rule rule = {.kind = RULE_DELAY};
    size_t what = 0;
    int code = field_word(body, "what", whats, 2, &what, err);
    if (code == 0)
        code = field_integer(body, "ms", 0, 1000, &rule.after_ms, err);
    if (code == 0)
        code = field_rule(body, 1, &rule, err);
    if (code != 0)
        return code;
    rule.act = what == 1 ? ACT_NOW : ACT_LATER;
    faults_add_rule(local->faults, &rule);
    return 0;
}

int fault_double(struct local *local, json_t *body, struct error *err)
{
    struct rule rule = {.kind = RULE_DOUBLE};
    int code = field_integer(body, "after_ms", 0, 0, &rule.after_ms, err);
    if (code == 0)
        code = field_rule(body, 1, &rule, err);
    if (code == 0)
        faults_add_rule(local->faults, &rule);
    return code;
}
