/* Misbehaviour on request: POST /local/faults with {"fault": NAME, ...}. Most faults happen at once; those
 * that wait for requests are rules, kept in order, each for a number of requests. docs/zmesos-local.md has an
 * example of each. */
#include "faults.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

/* A request that is held until its time. */
struct held {
    struct list_link link;
    struct faults *faults;
    struct http_request *request;
    struct timer timer;
    bool acted;   /* it was handled, and only its answer waits */
    bool answer;  /* send what comes of it */
    bool faulted; /* handle it as usual then */
};

struct faults *faults_create(struct local *local)
{
    struct faults *faults = alloc_zeroed(1, sizeof(*faults));
    faults->local = local;
    list_init(&faults->rules);
    list_init(&faults->held);
    return faults;
}

static void rule_destroy(struct faults *faults, struct rule *rule)
{
    list_remove(&faults->rules, &rule->link);
    free(rule->text);
    free(rule);
}

void faults_clear_rules(struct faults *faults)
{
    for (struct list_link *link; (link = list_first(&faults->rules)) != NULL;)
        rule_destroy(faults, list_item(link, struct rule, link));
}

static void held_destroy(struct held *held)
{
    loop_stop_timer(&held->faults->local->loop, &held->timer);
    list_remove(&held->faults->held, &held->link);
    free(held);
}

void faults_destroy(struct faults *faults)
{
    if (faults == NULL)
        return;
    faults_clear_rules(faults);
    for (struct list_link *link; (link = list_first(&faults->held)) != NULL;)
        held_destroy(list_item(link, struct held, link));
    loop_stop_timer(&faults->local->loop, &faults->stall);
    free(faults);
}

bool faults_silence_heartbeats(const struct local *local)
{
    return local->faults->silent;
}

bool faults_stage_task(struct task *task)
{
    struct stage_rule *rule = &task->local->faults->stage;
    if (rule->left == 0 || (rule->agent != 0 && rule->agent != task->agent->number + 1))
        return false;
    if (rule->left != INT64_MAX)
        rule->left--;
    staging_start(task, rule->how, rule->ms);
    return true;
}

bool faults_double_updates(const struct local *local)
{
    return local->faults->twice;
}

bool faults_split_streams(const struct local *local)
{
    return local->faults->split;
}

static void due(struct timer *timer)
{
    struct held *held = timer_owner(timer, struct held, timer);
    struct http_request *request = held->request;
    struct local *local = held->faults->local;
    bool acted = held->acted;
    request->faulted = held->faulted;
    request->unheard |= !held->answer;
    held_destroy(held);
    if (!acted) /* and it may be held again: by a rule, or a stall */
        api_handle(local, request);
    if (request->unheard)
        http_forget_reply(request);
    http_release(request);
}

/* `how` says what is due then: its acted, answer and faulted. */
static void hold(struct faults *faults, struct http_request *request, int64_t ms, struct held how)
{
    struct held *held = alloc_zeroed(1, sizeof(*held));
    *held = how;
    held->faults = faults;
    held->request = request;
    held->timer.fire = due;
    list_append(&faults->held, &held->link);
    http_hold(request, true);
    loop_start_timer(&faults->local->loop, &held->timer, ms);
}

/* The first rule for this type of call (-1: before it is known), counted. */
static bool take_rule(struct faults *faults, int call, struct rule *taken)
{
    int64_t now_ms = faults->local->loop.now.mono_ms;
    for (struct list_link *link = list_first(&faults->rules); link != NULL;) {
        struct rule *rule = list_item(link, struct rule, link);
        link = list_next(&faults->rules, link);
        if (rule->until_ms > 0 && rule->until_ms <= now_ms) {
            rule_destroy(faults, rule);
            continue;
        }
        if (rule->call != call || (rule->skip > 0 && rule->skip-- > 0))
            continue;
        *taken = *rule;
        taken->text = alloc_string(rule->text);
        if (rule->count > 0 && --rule->count == 0)
            rule_destroy(faults, rule);
        return true;
    }
    return false;
}

static void redirect(struct http_request *request, const char *to)
{
    char location[512];
    snprintf(location, sizeof(location), "//%s/api/v1/scheduler", to);
    struct http_header headers[] = {{"Location", location}, {NULL, NULL}};
    http_reply(request, MHD_HTTP_TEMPORARY_REDIRECT, NULL, "", 0, headers);
}

static void answer(struct http_request *request, const struct rule *rule)
{
    struct http_header headers[] = {
            {rule->status == MHD_HTTP_UNAUTHORIZED ? "WWW-Authenticate" : NULL,
                    "Basic realm=\"mesos-master-scheduler\""},
            {NULL, NULL},
    };
    http_reply(request, rule->status, "text/plain; charset=utf-8", rule->text, strlen(rule->text), headers);
}

/* Handles a request as usual: no rule gets it again. */
static void act(struct faults *faults, struct http_request *request)
{
    request->faulted = true;
    api_handle(faults->local, request);
}

static void no_answer(struct faults *faults, struct http_request *request, const struct rule *rule)
{
    if (rule->act == ACT_LATER) {
        hold(faults, request, rule->after_ms, (struct held){.answer = rule->answer_late, .faulted = true});
        return;
    }
    if (rule->act == ACT_NOW) {
        act(faults, request);
        http_forget_reply(request);
    }
    if (!rule->close)
        http_hold(request, false);
}

static void delay(struct faults *faults, struct http_request *request, const struct rule *rule)
{
    bool now = rule->act == ACT_NOW;
    if (now)
        act(faults, request);
    hold(faults, request, rule->after_ms, (struct held){.acted = now, .answer = true, .faulted = true});
}

/* The second time nobody hears the answer, as when a client has sent its request again by itself. */
static void act_twice(struct faults *faults, struct http_request *request, const struct rule *rule)
{
    struct http_request *again = http_copy(request);
    act(faults, request);
    if (rule->after_ms > 0) {
        hold(faults, again, rule->after_ms, (struct held){.faulted = true});
    } else {
        act(faults, again);
        http_forget_reply(again);
    }
    http_release(again);
}

static void apply(struct faults *faults, struct http_request *request, struct rule *rule)
{
    switch (rule->kind) {
    case RULE_REDIRECT:
        redirect(request, rule->text);
        break;
    case RULE_ANSWER:
        answer(request, rule);
        break;
    case RULE_NO_ANSWER:
        no_answer(faults, request, rule);
        break;
    case RULE_DELAY:
        delay(faults, request, rule);
        break;
    case RULE_DOUBLE:
        act_twice(faults, request, rule);
        break;
    }
    free(rule->text);
}

bool faults_take_request(struct local *local, struct http_request *request)
{
    struct faults *faults = local->faults;
    struct rule rule;
    int64_t stalled_ms = faults->stalled_until_ms - local->loop.now.mono_ms;
    if (stalled_ms > 0) {
        hold(faults, request, stalled_ms,
                (struct held){.acted = false, .answer = true, .faulted = request->faulted});
        return true;
    }
    if (request->faulted || list_first(&faults->rules) == NULL || !take_rule(faults, -1, &rule))
        return false;
    apply(faults, request, &rule);
    return true;
}

bool faults_take_call(struct local *local, struct http_request *request, const Call *call)
{
    struct faults *faults = local->faults;
    struct rule rule;
    if (request->faulted || list_first(&faults->rules) == NULL || !call->has_type ||
            !take_rule(faults, (int)call->type, &rule))
        return false;
    apply(faults, request, &rule);
    bool usual = rule.kind == RULE_DELAY || rule.kind == RULE_DOUBLE ||
                 (rule.kind == RULE_NO_ANSWER && rule.act != ACT_NEVER);
    if (!usual) /* else it is told when it is handled */
        state_log_call(local, call, request->status);
    return true;
}

static void stall_over(struct timer *timer)
{
    struct faults *faults = timer_owner(timer, struct faults, stall);
    http_stall_streams(faults->local->http, false);
}

void faults_stall_calls(struct faults *faults, int64_t ms)
{
    faults->stalled_until_ms = loop_in(&faults->local->loop, ms);
}

void faults_stall_streams(struct faults *faults, int64_t ms)
{
    faults->stall.fire = stall_over;
    http_stall_streams(faults->local->http, true);
    loop_start_timer(&faults->local->loop, &faults->stall, ms);
}

size_t faults_held(const struct local *local)
{
    return local->faults->held.count;
}

void faults_release(struct faults *faults)
{
    struct loop *loop = &faults->local->loop;
    faults->stalled_until_ms = 0;
    loop_hurry_timer(loop, &faults->stall);
    for (struct list_link *link = list_first(&faults->held); link != NULL;
            link = list_next(&faults->held, link))
        loop_hurry_timer(loop, &list_item(link, struct held, link)->timer);
}

void faults_add_rule(struct faults *faults, const struct rule *rule)
{
    struct rule *added = alloc_zeroed(1, sizeof(*added));
    *added = *rule;
    added->text = alloc_string(rule->text);
    added->until_ms = rule->for_ms == 0 ? 0 : loop_in(&faults->local->loop, rule->for_ms);
    added->link = (struct list_link){NULL, NULL};
    list_append(&faults->rules, &added->link);
}
