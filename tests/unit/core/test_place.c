/* place: tasks on leased offers, by somebody else's word. */
#include "rig.h"

#include <string.h>

/* With a lease l1 of o1 and o2, of agents A1 and A2. */
static struct rig *leased(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_offers(rig, "o1 A1 cpus 4 ports 1-3 @rack=a | o2 A2 cpus 4 @rack=b | o3 A3 cpus 1 | o4 A4 cpus 1");
    in_lease(rig, "l1 max 2");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    return rig;
}

static void a_task_waits_for_its_placer(void **state)
{
    struct rig *rig = leased(state);
    rig_show(rig, SHOW_ALL);
    expect(in_launch(rig, "a placer p"), "RECORD task a QUEUED rev 1 spec\nEVENT task/a/QUEUED #1 rev 1\n"
                                         "REPLY 2 OK [a OK QUEUED rev 1]\n");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    in_launch(rig, "b | c");
    expect_state(rig, "a", "QUEUED");
    expect_state(rig, "b", "LAUNCHING");
    expect(in_wait(rig, 60000),
            "+2000 CALL SUPPRESS r2\n+12000 CALL DECLINE o1 o2 for 3600 s\n+12000 CALL SUPPRESS r1\n");
    expect_state(rig, "a", "QUEUED");
}

static void it_is_placed_by_a_lease(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a ports 2 placer p | b placer p");
    rig_show(rig, SHOW_ALL);
    expect(in_place(rig, "l1 o1:a,b"),
            "RECORD attempt 1.1 LAUNCHING on A1 ports 1 2\nRECORD task a LAUNCHING rev 2\n"
            "EVENT task/a/LAUNCHING #3 rev 2\nRECORD attempt 2.1 LAUNCHING on A1\n"
            "RECORD task b LAUNCHING rev 2\nEVENT task/b/LAUNCHING #4 rev 2\n"
            "EVENT zmesos/LEASE/l1 #2 gone o1 USED has 1\n"
            "CALL ACCEPT o1 [a.1.1 ports 1-2 PORTS 1 2] [b.2.1 cpus 1]\n"
            "REPLY 3 OK [a OK LAUNCHING rev 2] [b OK LAUNCHING rev 2]\n"
            "EVENT zmesos/LEASE/l1 #3 came o3 has 2\n");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u");
    expect_state(rig, "a", "RUNNING");
}

/* What an offer is taken apart for does not count as the lease's. */
static void the_last_offer_that_is_used_is_replaced(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_offers(rig, "o1 A1 cpus 4 ports 1-3,5-9,11-20 @rack=a | o2 A2 cpus 4");
    in_lease(rig, "l1 ports 1 max 1");
    in_launch(rig, "a want ports#12-12 placer p");
    rig_show(rig, SHOW_EVENTS);
    assert_non_null(strstr(in_place(rig, "l1 o1:a"), "gone o1 USED has 0"));
    assert_non_null(strstr(in_offers(rig, "o3 A1 cpus 4 ports 12-20"), "came o3 has 1"));
}

static void so_is_one_without_a_placer(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a cpus 4");
    expect(in_place(rig, "l1 o2:a"), "CALL ACCEPT o2 [a.1.1 cpus 4]\nREPLY 3 OK [a OK LAUNCHING rev 2]\n");
}

static void several_offers_of_one_agent_are_used_together(void **state)
{
    struct rig *rig = leased(state);
    in_offers(rig, "p1 A2 cpus 3 | p2 A2 cpus 2 | p3 A5 cpus 1 | p4 A6 cpus 1 | p5 A7 cpus 1");
    in_lease(rig, "l2 where agent_id EQUALS A2");
    in_launch(rig, "a cpus 4 placer p | b cpus 1 placer p | c cpus 1 placer p");
    expect(in_place(rig, "l2 p1,p2:a,b,c"),
            "CALL ACCEPT p1 p2 [a.1.1 cpus 4] [b.2.1 cpus 1]\n"
            "REPLY 4 SOME_REFUSED \"1 of 3 were refused\" [a OK LAUNCHING rev 2] [b OK LAUNCHING rev 2] "
            "[c CONFLICT QUEUED rev 1 \"not enough cpus: wants 1, the most an offer had is 0\" "
            "place.placements[0].task_ids[2]]\n");
    rig_show(rig, SHOW_CALLS);
    /* The ACCEPT was wrong; its offers are still ours to answer. */
    expect(in_answer(rig, "p1", CORE_REFUSED, "no"), "CALL DECLINE p1 for 0 s\nCALL DECLINE p2 for 0 s\n");
    expect_state(rig, "a", "ERROR");
}

/* Nothing of it was used when nothing of it was taken. */
static void what_is_refused_leaves_the_offer_as_it_was(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a cpus 5 placer p | b cpus 1 placer p");
    expect(in_place(rig, "l1 o1,o2:b o1:a"),
            "REPLY 3 INVALID \"an offer is named once: all that goes to it goes into one placement\" "
            "place.placements[1].offer_ids[0]\n");
    expect(in_place(rig, "l1 o1,o2:b"), "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [b INVALID QUEUED rev "
                                        "1 \"the offers of a placement "
                                        "are of one agent\" place.placements[0].offer_ids[1]]\n");
    expect(in_place(rig, "l1 o1:a"), "REPLY 5 SOME_REFUSED \"1 of 1 were refused\" [a CONFLICT QUEUED rev 1 "
                                     "\"not enough cpus: wants 5, "
                                     "the most an offer had is 4\" place.placements[0].task_ids[0]]\n");
    expect(in_place(rig, "l1 o1:b"), "CALL ACCEPT o1 [b.2.1 cpus 1]\nREPLY 6 OK [b OK LAUNCHING rev 2]\n");
}

static void an_offer_is_used_once(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p | b placer p");
    in_place(rig, "l1 o1:a");
    expect(in_place(rig, "l1 o1:b"),
            "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [b NOT_FOUND QUEUED rev 1 \"there is no such "
            "offer: "
            "it was rescinded, used, or never was\" place.placements[0].offer_ids[0]]\n");
    expect(in_place(rig, "l1 o2:a"),
            "REPLY 5 SOME_REFUSED \"1 of 1 were refused\" [a CONFLICT LAUNCHING rev 2 \"it is LAUNCHING\" "
            "place.placements[0].task_ids[0]]\n");
}

static void nor_is_anothers_or_nobodys(void **state)
{
    struct rig *rig = leased(state);
    in_offers(rig, "o5 A5 cpus 1 | o6 A6 cpus 1");
    in_lease(rig, "l2 max 1 where agent_id EQUALS A5");
    in_launch(rig, "a placer p | b placer p | c placer p");
    expect(in_place(rig, "l1 o5:a o6:b o1:c"),
            "CALL ACCEPT o1 [c.3.1 cpus 1]\n"
            "REPLY 4 SOME_REFUSED \"2 of 3 were refused\" [a CONFLICT QUEUED rev 1 \"it is another lease's "
            "offer\" place.placements[0].offer_ids[0]] [b CONFLICT QUEUED rev 1 \"the lease does not hold "
            "that "
            "offer any more\" place.placements[1].offer_ids[0]] [c OK LAUNCHING rev 2]\n");
    in_rescind(rig, "o2");
    expect(in_place(rig, "l1 o2:a"),
            "REPLY 5 SOME_REFUSED \"1 of 1 were refused\" [a NOT_FOUND QUEUED rev 1 \"there is no such "
            "offer: "
            "it was rescinded, used, or never was\" place.placements[0].offer_ids[0]]\n");
}

static void late_is_refused(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p");
    in_wait(rig, 10000);
    expect(in_place(rig, "l1 o1:a"),
            "REPLY 3 NOT_FOUND \"there is no such lease: it is over, or never was\" place.lease_id\n");
    expect_state(rig, "a", "QUEUED");
}

static void each_is_refused_with_its_reason(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a role r2 placer p | b where rack EQUALS b placer p | c ports 4 placer p | d placer p");
    in_kill(rig, "d");
    expect(in_place(rig, "l1 o1:a,b,c,d,e"),
            "REPLY 4 SOME_REFUSED \"5 of 5 were refused\" "
            "[a INVALID QUEUED rev 1 \"its role is r2, and the lease's r1\" place.placements[0].task_ids[0]] "
            "[b CONFLICT QUEUED rev 1 \"constraint rack EQUALS b does not hold\" "
            "place.placements[0].task_ids[1]] "
            "[c CONFLICT QUEUED rev 1 \"not enough ports: wants 4, the most an offer had is 3\" "
            "place.placements[0].task_ids[2]] "
            "[d CONFLICT KILLED rev 2 \"it is KILLED\" place.placements[0].task_ids[3]] "
            "[e NOT_FOUND \"no such task\" place.placements[0].task_ids[4]]\n");
    expect(in_place(rig, "l1 o2:b"), "CALL ACCEPT o2 [b.2.1 cpus 1]\nREPLY 5 OK [b OK LAUNCHING rev 2]\n");
}

static const Zmesos__V1__Item *first_item(const struct rig *rig)
{
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            return rig->out.items[i].reply.reply->items->items[0];
    }
    return NULL;
}

static void the_reason_is_for_programs_too(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a cpus 5 placer p | b where host EXISTS where rack EQUALS x placer p");
    in_place(rig, "l1 o1:a");
    assert_int_equal(first_item(rig)->reason->kind, ZMESOS__V1__REASON__KIND__CPUS);
    assert_true(first_item(rig)->reason->wanted == 5 && first_item(rig)->reason->best == 4);
    in_place(rig, "l1 o1:b");
    assert_int_equal(first_item(rig)->reason->kind, ZMESOS__V1__REASON__KIND__CONSTRAINT);
    assert_int_equal(first_item(rig)->reason->constraint, 0);
}

/* Tasks of the same request count for one another. */
static void constraints_look_at_what_was_just_placed(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a name n where rack UNIQUE placer p | b name n where rack UNIQUE placer p");
    const char *text = in_place(rig, "l1 o1:a,b");
    assert_non_null(strstr(text, "[a OK"));
    assert_non_null(strstr(text, "[b CONFLICT QUEUED rev 1 \"constraint rack UNIQUE does not hold\""));
    assert_non_null(strstr(in_place(rig, "l1 o2:b"), "[b OK"));
}

static void maintenance_counts(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p | b placer p despite yes");
    in_inverse_offers(rig, "i1 A1 600+60");
    const char *text = in_place(rig, "l1 o1:a,b");
    assert_non_null(strstr(text, "[a CONFLICT QUEUED rev 1 \"maintenance of the agent begins soon\""));
    assert_non_null(strstr(text, "[b OK LAUNCHING"));
}

/* Once more: to the placer, after its backoff. */
static void another_attempt_waits_for_the_placer_again(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p tries 2 backoff 5000");
    in_place(rig, "l1 o1:a");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u");
    expect_state(rig, "a", "QUEUED");
    expect(in_place(rig, "l1 o2:a"), "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [a UNAVAILABLE QUEUED rev "
                                     "3 retry \"its backoff is not "
                                     "over\" place.placements[0].task_ids[0]]\n");
    in_wait(rig, 5000);
    in_offers(rig, "o9 A9 cpus 4");
    expect_state(rig, "a", "QUEUED");
    expect(in_place(rig, "l1 o2:a"), "CALL ACCEPT o2 [a.1.2 cpus 1]\nREPLY 5 OK [a OK LAUNCHING rev 4]\n");
}

static void what_never_ran_waits_for_the_placer_again(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p");
    in_place(rig, "l1 o1:a");
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    in_down(rig, "gone");
    in_up(rig);
    in_offers(rig, "o1 A1 cpus 4 | o2 A2 cpus 4");
    expect_state(rig, "a", "QUEUED");
    in_lease(rig, "l2 max 1");
    expect(in_place(rig, "l2 o1:a"), "CALL ACCEPT o1 [a.1.2 cpus 1]\nREPLY 5 OK [a OK LAUNCHING rev 4]\n");
}

static void elsewhere_holds_for_a_placer(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p tries 2 backoff 0 elsewhere yes");
    in_place(rig, "l1 o1:a");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u");
    in_offers(rig, "o8 A1 cpus 4 | o9 A9 cpus 4");
    in_lease(rig, "l2 max 1 where agent_id EQUALS A1");
    expect_state(rig, "a", "QUEUED");
    assert_non_null(strstr(in_place(rig, "l2 o8:a"), "\"an attempt of it has ended on that agent"));
    assert_non_null(strstr(in_place(rig, "l1 o2:a"), "[a OK LAUNCHING"));
}

static void a_held_task_waits_for_its_release(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p");
    rig_restore(rig, "another");
    in_up(rig);
    in_offers(rig, "o1 A1 cpus 4");
    in_lease(rig, "l1");
    assert_non_null(strstr(in_place(rig, "l1 o1:a"),
            "[a CONFLICT QUEUED rev 2 \"it was restored from a backup, and waits for a release\""));
    in_release(rig, "RUN", "a");
    assert_non_null(strstr(in_place(rig, "l1 o1:a"), "[a OK LAUNCHING"));
}

static void how_much_has_a_limit(void **state)
{
    struct rig *rig = leased(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_PLACE);
    expect(in_request(rig, request), "REPLY 2 INVALID \"there are 1 to 1000 of them\" place.placements\n");
    expect(in_place(rig, "l1 :a"),
            "REPLY 3 INVALID \"a placement names 1 to 100 offers\" place.placements[0].offer_ids\n");
    expect(in_place(rig, "l1 o1:"),
            "REPLY 4 INVALID \"a placement names at least one task or operation, and a place at most "
            "1000\" place.placements[0].task_ids\n");
    const char *tasks = "t0";
    for (int i = 1; i < 1000; i++)
        tasks = words(rig, "%s,t%d", tasks, i);
    assert_non_null(
            strstr(in_place(rig, words(rig, "l1 o1:%s", tasks)), "REPLY 5 SOME_REFUSED \"1000 of 1000"));
    expect(in_place(rig, words(rig, "l1 o2:x o1:%s", tasks)),
            "REPLY 6 TOO_LARGE \"a placement names at least one task or operation, and a place at most "
            "1000\" "
            "place.placements[1].task_ids\n");
    const char *offers = "p0";
    for (int i = 1; i < 100; i++)
        offers = words(rig, "%s,p%d", offers, i);
    assert_non_null(strstr(in_place(rig, words(rig, "l1 %s:a", offers)), "SOME_REFUSED"));
    expect(in_place(rig, words(rig, "l1 %s,x:a", offers)),
            "REPLY 8 TOO_LARGE \"a placement names 1 to 100 offers\" place.placements[0].offer_ids\n");
    const char *many = "l1";
    for (int i = 0; i < 1001; i++)
        many = words(rig, "%s q%d:a", many, i);
    expect(in_place(rig, many), "REPLY 9 TOO_LARGE \"there are 1 to 1000 of them\" place.placements\n");
}

/* All of it goes to one place. */
static void a_group_is_not_placed_from_outside(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a cpus 4 mem 9999 group g | b group g");
    const char *text = in_place(rig, "l1 o1:b");
    assert_non_null(
            strstr(text, "[b INVALID QUEUED rev 1 \"it is one of a group, which zmesosd places itself\""));
    text = in_launch(rig, "c placer p group h");
    assert_non_null(strstr(text, "\"a group is placed by zmesosd itself\" launch.tasks[0].placer"));
}

/* ---- the placer's name ---- */

static void a_name_has_a_length(void **state)
{
    struct rig *rig = leased(state);
    char name[202];
    memset(name, 'n', sizeof name);
    name[200] = '\0';
    expect(in_launch(rig, words(rig, "a placer %s", name)), "REPLY 2 OK [a OK QUEUED rev 1]\n");
    expect(in_launch(rig, words(rig, "b placer %sn", name)),
            "REPLY 3 SOME_REFUSED \"1 of 1 were refused\" [b TOO_LARGE \"a placer's name has 1 to 200 "
            "bytes\" "
            "launch.tasks[0].placer]\n");
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "c"), *specs[] = {spec};
    spec->placer = name + 200;
    expect(in_launch_specs(rig, specs, 1),
            "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [c INVALID \"a placer's name has 1 to 200 bytes\" "
            "launch.tasks[0].placer]\n");
}

static void those_that_wait_for_it_are_listed(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p | b placer q | c | d placer p");
    Zmesos__V1__List list = ZMESOS__V1__LIST__INIT;
    list.placer = words(rig, "p");
    expect(in_list(rig, &list), "REPLY 3 OK a:QUEUED d:QUEUED\n");
    in_place(rig, "l1 o1:a");
    Zmesos__V1__TaskState states[] = {ZMESOS__V1__TASK_STATE__QUEUED};
    list.states = states;
    list.n_states = 1;
    expect(in_list(rig, &list), "REPLY 5 OK d:QUEUED\n");
    expect(look(rig, "a")->placer, "p");
    rig_restart(rig);
    expect(look(rig, "d")->placer, "p");
}

static void why_says_who_is_waited_for(void **state)
{
    struct rig *rig = leased(state);
    in_launch(rig, "a placer p");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_WHY);
    char *ids[] = {words(rig, "a")};
    request->why->task_ids = ids;
    request->why->n_task_ids = 1;
    in_request(rig, request);
    const Zmesos__V1__Explanation *why = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            why = rig->out.items[i].reply.reply->explanations->explanations[0];
    }
    assert_int_equal(why->n_reasons, 1);
    assert_int_equal(why->reasons[0]->kind, ZMESOS__V1__REASON__KIND__WAITS_FOR_PLACER);
    expect(why->reasons[0]->message, "waits for placer p: 1 leases of role r1 are held");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_task_waits_for_its_placer),
            TEST(it_is_placed_by_a_lease),
            TEST(the_last_offer_that_is_used_is_replaced),
            TEST(so_is_one_without_a_placer),
            TEST(several_offers_of_one_agent_are_used_together),
            TEST(what_is_refused_leaves_the_offer_as_it_was),
            TEST(an_offer_is_used_once),
            TEST(nor_is_anothers_or_nobodys),
            TEST(late_is_refused),
            TEST(each_is_refused_with_its_reason),
            TEST(the_reason_is_for_programs_too),
            TEST(constraints_look_at_what_was_just_placed),
            TEST(maintenance_counts),
            TEST(another_attempt_waits_for_the_placer_again),
            TEST(what_never_ran_waits_for_the_placer_again),
            TEST(elsewhere_holds_for_a_placer),
            TEST(a_held_task_waits_for_its_release),
            TEST(how_much_has_a_limit),
            TEST(a_group_is_not_placed_from_outside),
            TEST(a_name_has_a_length),
            TEST(those_that_wait_for_it_are_listed),
            TEST(why_says_who_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
