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

bool faults_split_streams(const struct local *local)
{
    return local->faults->split;
}

static void due(struct timer *timer)
{
    struct held *held = timer_owner(timer, struct held, timer);
    struct http_request *request = held->request;
    struct local *local = held->faults->local;
    bool answer = held->answer;
    request->faulted = held->faulted;
    held_destroy(held);
    api_handle(local, request);
    if (!answer)
        http_forget_reply(request);
    http_release(request);
}

static void hold(struct faults *faults, struct http_request *request, int64_t ms, bool answer, bool faulted)
{
    struct held *held = alloc_zeroed(1, sizeof(*held));
    held->faults = faults;
    held->request = request;
    held->answer = answer;
    held->faulted = faulted;
    held->timer.fire = due;
    list_append(&faults->held, &held->link);
    http_hold(request, true);
    loop_start_timer(&faults->local->loop, &held->timer, ms);
}

/* The first rule for this type of call (-1: before it is known), counted. */
static bool take_rule(struct faults *faults, int call, struct rule *taken)
{
    for (struct list_link *link = list_first(&faults->rules); link != NULL;
            link = list_next(&faults->rules, link)) {
        struct rule *rule = list_item(link, struct rule, link);
        if (rule->call != call)
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

static void no_answer(struct faults *faults, struct http_request *request, const struct rule *rule)
{
    if (rule->act == ACT_LATER) {
        hold(faults, request, rule->act_after_ms, rule->answer_late, true);
        return;
    }
    if (rule->act == ACT_NOW) {
        request->faulted = true;
        api_handle(faults->local, request);
        http_forget_reply(request);
    }
    if (!rule->close)
        http_hold(request, false);
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
    }
    free(rule->text);
}

bool faults_take_request(struct local *local, struct http_request *request)
{
    struct faults *faults = local->faults;
    struct rule rule;
    int64_t stalled_ms = faults->stalled_until_ms - local->loop.now.mono_ms;
    if (stalled_ms > 0) {
        hold(faults, request, stalled_ms, true, request->faulted);
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
    if (rule.kind != RULE_NO_ANSWER || rule.act == ACT_NEVER)
        state_log_call(local, call, request->status);
    return true;
}

static void stall_over(struct timer *timer)
{
    struct faults *faults = timer_owner(timer, struct faults, stall);
    http_stall_streams(faults->local->http, false);
}

void faults_stall(struct faults *faults, int64_t ms)
{
    faults->stalled_until_ms = faults->local->loop.now.mono_ms + ms;
    faults->stall.fire = stall_over;
    http_stall_streams(faults->local->http, true);
    loop_start_timer(&faults->local->loop, &faults->stall, ms);
}

void faults_add_rule(struct faults *faults, const struct rule *rule)
{
    struct rule *added = alloc_zeroed(1, sizeof(*added));
    *added = *rule;
    added->text = alloc_string(rule->text);
    added->link = (struct list_link){NULL, NULL};
    list_append(&faults->rules, &added->link);
}
