/* What a feed asks next. */
#include "feed_state.h"

#define PAGE 1000         /* events, agents */
#define SNAPSHOT_PAGE 250 /* what the daemon gives at most */

/* What is asked next; its turn is not before *at. */
static enum feed_question next_question(const struct feed *feed, int64_t mono_ms, int64_t *at)
{
    const struct {
        enum feed_question question;
        bool wanted;
        int64_t at_ms;
    } questions[] = {
            {feed->why_next ? ASK_WHY : ASK_LOOK, feed->look != NULL, feed->look_ms},
            {ASK_REPLAY, feed->store && !feed->paused && feed->done < feed->heard, feed->not_before_ms},
            {ASK_SNAPSHOT, feed->snapshot && !feed->paused, feed->not_before_ms},
            {ASK_MARK,
                    feed->key && feed->store && !feed->snapshot && !feed->paused &&
                            (feed->mark_going || feed->marked_added != model_added(feed->model)),
                    feed->mark_ms},
            {ASK_AGENTS, feed->store && !feed->paused, feed->agents_ms},
    };
    *at = INT64_MAX;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (!questions[i].wanted)
            continue;
        if (questions[i].at_ms <= mono_ms)
            return questions[i].question;
        if (questions[i].at_ms < *at)
            *at = questions[i].at_ms;
    }
    return ASK_NOTHING;
}

static void ask_look(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__get__init(&feed->get);
    feed->get.task_ids = &feed->look;
    feed->get.n_task_ids = 1;
    feed->get.has_with_spec = feed->get.with_spec = true;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request->get = &feed->get;
}

static void ask_why(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__why__init(&feed->why);
    feed->why.task_ids = &feed->look;
    feed->why.n_task_ids = 1;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request->why = &feed->why;
}

static void ask_replay(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__replay__init(&feed->replay);
    feed->replay.has_class_ = feed->replay.has_from = feed->replay.has_page_size = true;
    feed->replay.class_ = ZMESOS__V1__EVENT_CLASS__TASK;
    feed->replay.from = feed->done + 1;
    feed->replay.page_size = PAGE;
    feed->replay.store = feed->store;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
    request->replay = &feed->replay;
}

static void ask_snapshot(struct feed *feed, Zmesos__V1__Request *request, uint64_t after, bool labelled)
{
    zmesos__v1__snapshot__init(&feed->pages);
    feed->pages.has_after = feed->pages.has_page_size = true;
    feed->pages.after = after;
    feed->pages.page_size = SNAPSHOT_PAGE;
    if (labelled) {
        mesos__v1__label__init(&feed->label);
        feed->label.key = feed->key;
        feed->label.value = feed->value;
        feed->pages.label = &feed->label;
    }
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT;
    request->snapshot = &feed->pages;
}

static void ask_agents(struct feed *feed, Zmesos__V1__Request *request, int64_t mono_ms)
{
    if (!feed->agents_going) {
        feed->agents_going = true;
        feed->agents_begun_ms = mono_ms;
        feed_set_text(&feed->agents_after, NULL);
        model_begin_agents(feed->model);
    }
    zmesos__v1__list_agents__init(&feed->agents);
    feed->agents.has_page_size = true;
    feed->agents.page_size = PAGE;
    feed->agents.after = feed->agents_after;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS;
    request->list_agents = &feed->agents;
}

bool feed_ask(struct feed *feed, Zmesos__V1__Request *request, int64_t mono_ms)
{
    int64_t at;
    if (feed->out != ASK_NOTHING)
        return false;
    feed->out = next_question(feed, mono_ms, &at);
    zmesos__v1__request__init(request);
    switch (feed->out) {
    case ASK_NOTHING:
        return false;
    case ASK_LOOK:
        ask_look(feed, request);
        break;
    case ASK_WHY:
        ask_why(feed, request);
        break;
    case ASK_REPLAY:
        ask_replay(feed, request);
        break;
    case ASK_SNAPSHOT:
        ask_snapshot(feed, request, feed->snapshot_after, false);
        break;
    case ASK_MARK:
        if (!feed->mark_going)
            feed->marked_added = model_added(feed->model);
        ask_snapshot(feed, request, feed->mark_after, true);
        break;
    case ASK_AGENTS:
        ask_agents(feed, request, mono_ms);
        break;
    }
    return true;
}

int64_t feed_deadline(const struct feed *feed)
{
    int64_t at;
    if (feed->out != ASK_NOTHING)
        return INT64_MAX;
    return next_question(feed, INT64_MIN, &at) == ASK_NOTHING ? at : INT64_MIN;
}
