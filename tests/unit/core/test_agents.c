/* list_agents: what offers and our own tasks say of agents. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    return rig;
}

static const Zmesos__V1__Agents *ask(struct rig *rig, const char *after, uint32_t page_size)
{
    uint64_t known = look_status(rig)->agents;
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS);
    request->list_agents->after = after ? words(rig, "%s", after) : NULL;
    request->list_agents->has_page_size = true;
    request->list_agents->page_size = page_size;
    in_request(rig, request);
    const struct core_output *last = &rig->out.items[rig->out.count - 1];
    assert_int_equal(last->kind, CORE_OUT_REPLY);
    const Zmesos__V1__Reply *reply = last->reply.reply;
    assert_int_equal(reply->code, ZMESOS__V1__CODE__OK);
    assert_int_equal(reply->result_case, ZMESOS__V1__REPLY__RESULT_AGENTS);
    assert_int_equal(reply->agents->total, known);
    return reply->agents;
}

static const char *amounts(struct rig *rig, const char *name, const Zmesos__V1__Amounts *amounts)
{
    return amounts ? words(rig, " %s %g/%g/%g/%g", name, amounts->cpus, amounts->mem, amounts->disk,
                             amounts->gpus)
                   : "";
}

/* "A1 h1 2 tasks used 2/64/0/0 known 4/512/0/0 offered 2/448/0/0 rack=a; A2 ..." */
static const char *agents(struct rig *rig)
{
    const Zmesos__V1__Agents *page = ask(rig, NULL, 1000);
    const char *text = "";
    assert_int_equal(page->total, page->n_agents);
    for (size_t i = 0; i < page->n_agents; i++) {
        const Zmesos__V1__Agent *agent = page->agents[i];
        assert_true(agent->has_tasks && agent->has_strays && agent->has_offers && agent->used);
        assert_int_equal(agent->known != NULL, agent->last_offer != NULL);
        assert_int_equal(agent->known != NULL, agent->has_last_offer_ns);
        text = words(rig, "%s%s%s %s %u tasks%s%s%s", text, i ? "; " : "", agent->id,
                agent->hostname ? agent->hostname : "-", (unsigned)agent->tasks,
                amounts(rig, "used", agent->used), amounts(rig, "known", agent->known),
                amounts(rig, "offered", agent->last_offer));
        if (agent->offers > 0)
            text = words(rig, "%s held %u", text, (unsigned)agent->offers);
        if (agent->strays > 0)
            text = words(rig, "%s strays %u", text, (unsigned)agent->strays);
        for (size_t a = 0; a < agent->n_attributes; a++)
            text = words(rig, "%s %s=%s", text, agent->attributes[a]->key, agent->attributes[a]->value);
    }
    return text;
}

static void there_are_none_before_the_first_offer(void **state)
{
    struct rig *rig = ready(state);
    expect(agents(rig), "");
}

static void offers_and_tasks_tell_of_one(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 mem 32 | b cpus 0.5 mem 16");
    in_offers(rig, "o1 A1 host h1 cpus 4 mem 512 disk 100 gpus 2 @rack=a @n:1.5");
    expect(agents(rig), "A1 h1 2 tasks used 1.5/48/0/0 known 4/512/100/2 offered 4/512/100/2 rack=a n=1.5");
    /* What is left comes back: nothing new is known by that. */
    rig->now.wall_ns += 7;
    in_offers(rig, "o2 A1 host h1 cpus 2.5 mem 464 disk 100 gpus 2 @rack=a @n:1.5");
    expect(agents(rig),
            "A1 h1 2 tasks used 1.5/48/0/0 known 4/512/100/2 offered 2.5/464/100/2 held 1 rack=a n=1.5");
    const Zmesos__V1__Agent *agent = ask(rig, NULL, 1)->agents[0];
    assert_true(agent->last_offer_ns == rig->now.wall_ns);
    assert_null(agent->maintenance);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u");
    in_rescind(rig, "o2");
    expect(agents(rig), "A1 h1 1 tasks used 0.5/16/0/0 known 4/512/100/2 offered 2.5/464/100/2 rack=a n=1.5");
}

/* An offer that others leave us is less than the agent has. */
static void what_is_known_is_the_most_that_was_seen(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 host h1 cpus 3 mem 100");
    in_rescind(rig, "o1");
    in_offers(rig, "o2 A1 host h1 cpus 1 mem 200");
    expect(agents(rig), "A1 h1 0 tasks used 0/0/0/0 known 3/200/0/0 offered 1/200/0/0 held 1");
    /* Another attribute makes it another agent to us. */
    in_rescind(rig, "o2");
    in_offers(rig, "o3 A1 host h1 cpus 1 mem 100 @rack=b");
    expect(agents(rig), "A1 h1 0 tasks used 0/0/0/0 known 1/100/0/0 offered 1/100/0/0 held 1 rack=b");
}

static void only_what_our_roles_are_offered_counts(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 host h1 role r9 cpus 3 | o2 A2 host h2 cpus 2 cpus/r1 1 cpus/r2 4");
    expect(agents(rig),
            "A1 h1 0 tasks used 0/0/0/0; A2 h2 0 tasks used 0/0/0/0 known 3/0/0/0 offered 3/0/0/0 "
            "held 1");
}

/* With a new subscription agents are known by what runs there alone, until they make an offer. */
static void one_that_runs_ours_is_known_without_an_offer(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 | b cpus 1 want net:2.5");
    in_offers(rig, "o1 A1 host h1 cpus 1 @rack=a | o2 A2 host h2 cpus 1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_down(rig, "gone");
    expect(agents(rig), "A1 h1 1 tasks used 1/0/0/0 known 1/0/0/0 offered 1/0/0/0 rack=a; A2 h2 0 tasks used "
                        "0/0/0/0 known 1/0/0/0 offered 1/0/0/0");
    in_up(rig);
    expect(agents(rig), "A1 h1 1 tasks used 1/0/0/0");
    rig_restart(rig);
    expect(agents(rig), "A1 h1 1 tasks used 1/0/0/0");
    in_up(rig);
    in_offers(
            rig, "o3 A1 host h1 cpus 2 | o4 A0 host h0 cpus 1"); /* b waits: what does not fit is declined */
    expect(agents(rig),
            "A0 h0 0 tasks used 0/0/0/0 known 1/0/0/0 offered 1/0/0/0; A1 h1 1 tasks used 1/0/0/0 "
            "known 3/0/0/0 offered 2/0/0/0");
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u on A1");
    rig_restart(rig);
    expect(agents(rig), "");
}

static void its_attributes_may_change_while_it_runs_ours(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 host h1 cpus 3 @rack=a");
    in_offers(rig, "o2 A1 host h1 cpus 2 @rack=b");
    expect(agents(rig), "A1 h1 1 tasks used 1/0/0/0 known 3/0/0/0 offered 2/0/0/0 held 1 rack=b");
}

static void an_agent_that_is_gone_is_not_known(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 host h1 cpus 2 | o2 A2 host h2 cpus 2");
    Mesos__V1__AgentID id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    id.value = words(rig, "A1");
    failure.agent_id = &id;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE;
    event.failure = &failure;
    in_rescind(rig, "o1");
    in_event(rig, &event);
    expect(agents(rig), "A2 h2 0 tasks used 0/0/0/0 known 2/0/0/0 offered 2/0/0/0 held 1");
}

static void its_maintenance(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 1 down 600+60 | o2 A2 cpus 1 down 600 | o3 A3 cpus 1");
    const Zmesos__V1__Agents *page = ask(rig, NULL, 10);
    assert_true(page->agents[0]->maintenance->start->nanoseconds == rig->now.wall_ns + 600 * 1000000000LL);
    assert_true(page->agents[0]->maintenance->duration->nanoseconds == 60 * 1000000000LL);
    assert_non_null(page->agents[1]->maintenance->start);
    assert_null(page->agents[1]->maintenance->duration);
    assert_null(page->agents[2]->maintenance);
}

/* One that is given up and may live does not count as a task, and is told of. */
static void strays_are_told_of(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 tries 2 on LOST backoff 0 replace 0");
    in_offers(rig, "o1 A1 host h1 cpus 1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_update(rig, "a.1.1 LOST by MASTER");
    in_wait(rig, 60000);
    expect(agents(rig), "A1 h1 0 tasks used 0/0/0/0 known 1/0/0/0 offered 1/0/0/0 strays 1");
}

/* "A01 A02 next A02" */
static const char *page_of(struct rig *rig, const char *after, uint32_t page_size)
{
    const Zmesos__V1__Agents *page = ask(rig, after, page_size);
    const char *text = "";
    for (size_t i = 0; i < page->n_agents; i++)
        text = words(rig, "%s%s ", text, page->agents[i]->id);
    assert_int_equal(page->total, 7);
    return page->next ? words(rig, "%snext %s", text, page->next) : text;
}

static void they_come_in_pages_in_the_order_of_their_ids(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 5");
    in_offers(rig, "o9 A3 cpus 5");
    in_down(rig, "gone");
    in_up(rig); /* A3 is known by its task alone */
    in_offers(rig, "o1 A5 cpus 1 | o2 A1 cpus 1 | o3 A7 cpus 1 | o4 A2 cpus 1 | o5 A6 cpus 1 | o6 A4 cpus 1");
    expect(page_of(rig, NULL, 2), "A1 A2 next A2");
    expect(page_of(rig, "A2", 2), "A3 A4 next A4");
    expect(page_of(rig, "A4", 3), "A5 A6 A7 ");
    expect(page_of(rig, "A4", 1), "A5 next A5");
    expect(page_of(rig, NULL, 7), "A1 A2 A3 A4 A5 A6 A7 ");
    expect(page_of(rig, NULL, 1000), "A1 A2 A3 A4 A5 A6 A7 ");
    expect(page_of(rig, "A25", 1000), "A3 A4 A5 A6 A7 ");
    expect(page_of(rig, "A7", 2), "");
    expect(page_of(rig, "", 1), "A1 next A1");
}

static void many(void **state)
{
    enum { AGENTS = 2500 };
    struct rig *rig = ready(state);
    rig->unchecked = true;
    for (int i = 0; i < AGENTS; i++) /* 7 and 2500 have no divisor in common: each once, in no order */
        in_offers(rig, words(rig, "o%d A%04d cpus 1", i, i * 7 % AGENTS));
    const char *after = NULL;
    for (int i = 0; i < AGENTS;) {
        const Zmesos__V1__Agents *page = ask(rig, after, 1000);
        assert_int_equal(page->total, AGENTS);
        for (size_t n = 0; n < page->n_agents; n++, i++) {
            expect(page->agents[n]->id, words(rig, "A%04d", i));
            assert_int_equal(page->agents[n]->offers, 1);
        }
        assert_int_equal(page->next != NULL, i < AGENTS);
        after = page->next ? words(rig, "%s", page->next) : NULL;
    }
}

static void a_page_has_its_limits(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS);
    request->list_agents->has_page_size = true;
    request->list_agents->page_size = 0;
    expect(in_request(rig, request),
            "REPLY 1 INVALID \"a page has 1 to 1000 agents\" list_agents.page_size\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS);
    request->list_agents->has_page_size = true;
    request->list_agents->page_size = CORE_GET_MAX + 1;
    expect(in_request(rig, request),
            "REPLY 2 TOO_LARGE \"a page has 1 to 1000 agents\" list_agents.page_size\n");
}

static void since_when_there_is_a_subscription(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    assert_false(look_status(rig)->has_subscription_since_ns);
    in_down(rig, "nobody there"); /* there was none, and there is none */
    assert_false(look_status(rig)->has_subscription_since_ns);
    rig->now.wall_ns += 5;
    in_up(rig);
    int64_t up = rig->now.wall_ns;
    rig->now.wall_ns += 5;
    assert_true(look_status(rig)->has_subscription_since_ns);
    assert_true(look_status(rig)->subscription_since_ns == up);
    in_down(rig, "gone");
    int64_t down = rig->now.wall_ns;
    rig->now.wall_ns += 5;
    in_down(rig, "still gone");
    assert_true(look_status(rig)->subscription_since_ns == down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(there_are_none_before_the_first_offer),
            TEST(offers_and_tasks_tell_of_one), TEST(what_is_known_is_the_most_that_was_seen),
            TEST(only_what_our_roles_are_offered_counts), TEST(one_that_runs_ours_is_known_without_an_offer),
            TEST(its_attributes_may_change_while_it_runs_ours), TEST(an_agent_that_is_gone_is_not_known),
            TEST(its_maintenance), TEST(strays_are_told_of),
            TEST(they_come_in_pages_in_the_order_of_their_ids), TEST(many), TEST(a_page_has_its_limits),
            TEST(since_when_there_is_a_subscription)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
