/* Offer constraints: what the master is told of the agents of which a role wants offers, and when. */
#include "rig.h"

#include <string.h>

static void limited(struct core_config *config)
{
    config->offer_constraints = true;
}

/* Subscribed for a minute, REVIVEs shown. */
static struct rig *ready(void **state)
{
    struct rig *rig = rig_up(state, limited);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static const char *subscribe(struct rig *rig)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena);
    buf_init(&buf, 0);
    text_offer_constraints(&buf, core_offer_constraints(rig->core, &arena));
    const char *text = words(rig, "%.*s", (int)buf.length, (const char *)buf.data);
    buf_clear(&buf);
    arena_clear(&arena);
    return text;
}

static const char *status(struct rig *rig)
{
    const Zmesos__V1__DaemonStatus *view = look_status(rig);
    const char *text = "";
    for (size_t i = 0; i < view->n_offer_constraints; i++)
        text = words(rig, "%s%s%s", text, *text ? " " : "", view->offer_constraints[i]);
    return text;
}

/* The lines of a wait that tell the master something. */
static const char *updates(struct rig *rig, int64_t ms)
{
    const char *all = in_wait(rig, ms), *text = "";
    for (const char *line = all, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (memmem(line, (size_t)(end - line), "UPDATE_FRAMEWORK", 16))
            text = words(rig, "%s%.*s", text, (int)(end - line + 1), line);
    }
    return text;
}

static const char *answered(struct rig *rig, enum core_answer answer)
{
    rig->last_call = rig->last_update;
    return in_answer_last(rig, answer, "the master's words");
}

static void accepted(struct rig *rig)
{
    answered(rig, CORE_ACCEPTED);
}

/* Less is wanted once that has been so for three intervals. */
static void told_when_it_stands(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 where rack EQUALS r1");
    expect(updates(rig, 8999), "");
    expect(updates(rig, 1), "+1 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
    expect(status(rig), "");
    accepted(rig);
    expect(status(rig), "r1");
    expect(updates(rig, 600000), "");
}

/* Every shape that waits is a group; equal ones are one. */
static void the_groups_of_all_that_waits(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 where rack EQUALS r2 | b cpus 2 where rack EQUALS r1 where row EXISTS | "
                   "c cpus 3 where rack EQUALS r2 | d role r2 where hostname EQUALS h1");
    expect(updates(rig, 9000),
            "+9000 CALL UPDATE_FRAMEWORK r1 r2 r1: rack=r1 & row? or rack=r2 r2: host#=h1\n");
    accepted(rig);
    expect(status(rig), "r1 r2");
}

static void what_is_placed_at_once_is_not_told(void **state)
{
    struct rig *rig = ready(state);
    for (int i = 0; i < 5; i++) {
        in_launch(rig, words(rig, "a%d cpus 1 where rack EQUALS r%d", i, i));
        in_wait(rig, 2500);
        in_offers(rig, words(rig, "o%d A1 cpus 1 @rack=r%d", i, i));
        expect(updates(rig, 2500), "");
    }
}

static void other_wishes_begin_anew(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    expect(updates(rig, 6000), "");
    in_launch(rig, "b where rack EQUALS r2");
    expect(updates(rig, 8999), "");
    expect(updates(rig, 1), "+1 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1 or rack=r2\n");
}

/* New work is never without offers for it. */
static void more_is_told_at_once(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    accepted(rig);
    in_wait(rig, 9000);
    expect(in_launch(rig, "b where rack EQUALS r2"),
            "CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1 or rack=r2\n");
    accepted(rig);
    /* Not more than one in an interval. */
    expect(in_launch(rig, "c"), "");
    expect(updates(rig, 2999), "");
    expect(updates(rig, 1), "+1 CALL UPDATE_FRAMEWORK r1 r2 -r2\n");
    accepted(rig);
    expect(status(rig), "");
    /* One that asks for nothing alone is gone again: the others are told when that stands. */
    in_kill(rig, "c");
    expect(updates(rig, 8999), "");
    expect(updates(rig, 1), "+1 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1 or rack=r2\n");
}

static void one_at_a_time(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    in_launch(rig, "b");
    expect(updates(rig, 60000), "");
    expect(status(rig), "");
    accepted(rig); /* and with it the next leaves */
    expect(status(rig), "r1");
    assert_int_equal(rig->CALLS(UPDATE_FRAMEWORK), 2);
    accepted(rig);
    expect(status(rig), "");
    expect(updates(rig, 60000), "");
}

/* A role in which nothing waits is suppressed soon, and what it was limited to may be what comes again. */
static void nothing_waits(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    accepted(rig);
    in_offers(rig, "o1 A1 cpus 1 @rack=r1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    expect(updates(rig, 60000), "");
    expect(status(rig), "r1");
    in_launch(rig, "b where rack EQUALS r1");
    expect(updates(rig, 60000), "");
    expect(in_launch(rig, "c where rack EQUALS r2"),
            "CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1 or rack=r2\n");
    accepted(rig);
    in_kill(rig, "c");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
}

static void a_task_that_waits_for_its_next_attempt(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a tries 3 on FAILED backoff 60000 elsewhere yes where rack EQUALS r1");
    in_offers(rig, "o1 A1 cpus 1 @rack=r1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 FAILED uuid u1");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
    accepted(rig);
    in_kill(rig, "a");
    expect(updates(rig, 60000), "");
    expect(in_launch(rig, "b"), "CALL UPDATE_FRAMEWORK r1 r2 -r1 -r2\nCALL REVIVE r1\n");
}

static void more_groups_than_are_told(void **state)
{
    struct rig *rig = ready(state);
    const char *tasks = "";
    for (int i = 0; i < 64; i++)
        tasks = words(rig, "%s%st%d where rack EQUALS r%02d", tasks, i ? " | " : "", i, i);
    in_launch(rig, tasks);
    const char *told = updates(rig, 9000);
    assert_non_null(strstr(told, "r1: rack=r00 or rack=r01 or "));
    assert_non_null(strstr(told, " or rack=r63\n"));
    accepted(rig);
    in_wait(rig, 9000);
    expect(in_launch(rig, "u where rack EQUALS r64"), "CALL UPDATE_FRAMEWORK r1 r2 -r2\n");
    accepted(rig);
    expect(updates(rig, 60000), "");
    in_kill(rig, "t0");
    told = updates(rig, 9000);
    assert_non_null(strstr(told, "r1: rack=r01 or "));
    assert_non_null(strstr(told, " or rack=r64\n"));
}

/* Together with what is told already there would be too many: then what waits now, alone. */
static void more_groups_than_fit_beside(void **state)
{
    struct rig *rig = ready(state);
    const char *tasks = "", *ids = "";
    for (int i = 0; i < 64; i++) {
        tasks = words(rig, "%s%st%d where rack EQUALS r%02d", tasks, i ? " | " : "", i, i);
        ids = words(rig, "%s%st%d", ids, i ? " " : "", i);
    }
    in_launch(rig, tasks);
    in_wait(rig, 9000);
    accepted(rig);
    in_wait(rig, 9000);
    in_kill(rig, ids);
    expect(in_launch(rig, "u where rack EQUALS r64"),
            "CALL UPDATE_FRAMEWORK r1 r2 -r1 -r2 r1: rack=r64\nCALL REVIVE r1\n");
}

/* The master's own limits are not known: offers of all agents then, and not told again. */
static void a_wish_that_is_refused(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack MATCHES r[0-9]+");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack~r[0-9]+\n");
    answered(rig, CORE_REFUSED);
    expect(updates(rig, 600000), "");
    expect(status(rig), "");
    in_launch(rig, "b where row EQUALS 1");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: row=1 or rack~r[0-9]+\n");
    answered(rig, CORE_REFUSED);
    in_kill(rig, "a");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: row=1\n");
    accepted(rig);
    in_wait(rig, 9000);
    /* What is to be told at once and is refused: its agents would be withheld. */
    expect(in_launch(rig, "c where rack MATCHES r[0-9]+"),
            "CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: row=1 or rack~r[0-9]+\n");
    answered(rig, CORE_REFUSED);
    expect(updates(rig, 60000), "+3000 CALL UPDATE_FRAMEWORK r1 r2 -r2\n");
    accepted(rig);
    expect(updates(rig, 60000), "");
}

/* An older master knows no such call. */
static void refusals_are_not_repeated(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        in_launch(rig, words(rig, "a%d where rack EQUALS r%d", i, i % 50));
        in_wait(rig, 12000);
        if (rig->CALLS(UPDATE_FRAMEWORK) > sent)
            answered(rig, CORE_REFUSED);
        sent = rig->CALLS(UPDATE_FRAMEWORK);
    }
    assert_in_range(sent, 5, 12);
}

/* At a start everything that waits is known: its constraints stand in the SUBSCRIBE. */
static void with_the_subscription(void **state)
{
    struct rig *rig = *state = rig_create(limited);
    rig_show(rig, SHOW_CALLS);
    expect(subscribe(rig), "");
    in_launch(rig, "a where rack EQUALS r1 where row MATCHES x+ | b role r2");
    expect(subscribe(rig), " r1: rack=r1");
    in_up(rig);
    expect(status(rig), "r1");
    expect(updates(rig, 60000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 r1: rack=r1 & row~x+\n");
    accepted(rig);
    in_down(rig, "gone");
    expect(status(rig), "");
    expect(subscribe(rig), " r1: rack=r1");
    in_launch(rig, "c where row MATCHES x+"); /* nothing is left of it without its pattern */
    expect(subscribe(rig), "");
    rig_restart(rig);
    in_kill(rig, "c");
    expect(subscribe(rig), " r1: rack=r1");
}

static void a_subscription_that_is_refused(void **state)
{
    struct rig *rig = *state = rig_create(limited);
    in_launch(rig, "a where rack EQUALS r1");
    expect(subscribe(rig), " r1: rack=r1");
    in_refused(rig, "whatever it is");
    expect(subscribe(rig), "");
    in_up(rig);
    expect(status(rig), "");
    in_down(rig, "gone");
    expect(subscribe(rig), " r1: rack=r1");
}

/* A call that got no answer ends the subscription. */
static void lost_on_the_way(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    answered(rig, CORE_UNANSWERED);
    in_down(rig, "cut");
    in_kill(rig, "a");
    in_launch(rig, "b where rack EQUALS r2");
    expect(subscribe(rig), " r1: rack=r2");
    in_up(rig);
    expect(status(rig), "r1");
    expect(updates(rig, 60000), "");
}

static const char *update_roles(struct rig *rig, const char *added)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK);
    request->update_framework->n_add_roles = split(rig, added, ",", &request->update_framework->add_roles);
    return in_request(rig, request);
}

/* UPDATE_FRAMEWORK says everything anew: one by request says what the master goes by. */
static void beside_updates_by_request(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    accepted(rig);
    expect(update_roles(rig, "r3"), "CALL UPDATE_FRAMEWORK r1 r2 r3 -r2 -r3 r1: rack=r1\n");
    in_launch(rig, "b"); /* waits for that answer */
    expect(updates(rig, 10000), "");
    rig_show(rig, SHOW_CALLS);
    expect(answered(rig, CORE_ACCEPTED), "CALL UPDATE_FRAMEWORK r1 r2 r3 -r2 -r3\n");
    uint64_t ours = rig->last_update;
    /* Ours is on its way: what it says is not the master's yet. */
    expect(update_roles(rig, "r4"), "CALL UPDATE_FRAMEWORK r1 r2 r3 r4 -r2 -r3 -r4 r1: rack=r1\n");
    uint64_t theirs = rig->last_update;
    rig->last_update = ours;
    accepted(rig);
    expect(status(rig), "");
    rig->last_update = theirs;
    accepted(rig);
    expect(status(rig), "r1");
    expect(updates(rig, 60000), "+3000 CALL UPDATE_FRAMEWORK r1 r2 r3 r4 -r2 -r3 -r4\n");
    accepted(rig);
    expect(status(rig), "");
}

static void an_operator_who_wants_offers(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a where rack EQUALS r1");
    in_wait(rig, 9000);
    accepted(rig);
    in_wait(rig, 9000);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_REVIVE);
    expect(in_request(rig, request), "CALL UPDATE_FRAMEWORK r1 r2 -r2\nCALL REVIVE r1\nCALL REVIVE r2\n");
    accepted(rig);
    expect(updates(rig, 8999), "");
    expect(updates(rig, 1), "+1 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
}

static void a_role_that_is_suppressed(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS);
    in_request(rig, request);
    in_launch(rig, "a where rack EQUALS r1");
    expect(updates(rig, 60000), "");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_REVIVE);
    in_request(rig, request);
    expect(updates(rig, 60000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
}

static void why_there_are_no_offers(void **state)
{
    struct rig *rig = *state = rig_create(limited);
    in_launch(rig, "a where rack EQUALS r1");
    subscribe(rig);
    in_up(rig);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_WHY);
    char name[] = "a", *ids[] = {name};
    request->why->task_ids = ids;
    request->why->n_task_ids = 1;
    in_request(rig, request);
    const Zmesos__V1__Explanation *view = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            view = rig->out.items[i].reply.reply->explanations->explanations[0];
    }
    assert_non_null(view);
    assert_int_equal(view->n_reasons, 1);
    assert_int_equal(view->reasons[0]->kind, ZMESOS__V1__REASON__KIND__NO_OFFERS);
    assert_non_null(strstr(view->reasons[0]->message, "constraints"));
}

static void switched_off(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS);
    in_launch(rig, "a where rack EQUALS r1");
    expect(updates(rig, 60000), "");
    expect(subscribe(rig), "");
}

/* Whoever leases may want any agent. */
static void a_lease_wants_offers_of_all_agents(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 where rack EQUALS r1");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
    accepted(rig);
    in_wait(rig, 3000);
    assert_non_null(strstr(in_lease(rig, "l1 for 5000"), "CALL UPDATE_FRAMEWORK r1 r2 -r2\n"));
    accepted(rig);
    expect(status(rig), "");
    expect(updates(rig, 30000), "+14000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
}

/* A task with a placer waits for a lease, and for no offer. */
static void what_waits_for_a_placer_wants_none(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 where rack EQUALS r1 | b cpus 1 placer p");
    expect(updates(rig, 9000), "+9000 CALL UPDATE_FRAMEWORK r1 r2 -r2 r1: rack=r1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(told_when_it_stands),
            TEST(the_groups_of_all_that_waits),
            TEST(what_is_placed_at_once_is_not_told),
            TEST(other_wishes_begin_anew),
            TEST(more_is_told_at_once),
            TEST(one_at_a_time),
            TEST(nothing_waits),
            TEST(a_task_that_waits_for_its_next_attempt),
            TEST(more_groups_than_are_told),
            TEST(more_groups_than_fit_beside),
            TEST(a_wish_that_is_refused),
            TEST(refusals_are_not_repeated),
            TEST(with_the_subscription),
            TEST(a_subscription_that_is_refused),
            TEST(lost_on_the_way),
            TEST(beside_updates_by_request),
            TEST(an_operator_who_wants_offers),
            TEST(a_role_that_is_suppressed),
            TEST(why_there_are_no_offers),
            TEST(switched_off),
            TEST(a_lease_wants_offers_of_all_agents),
            TEST(what_waits_for_a_placer_wants_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
