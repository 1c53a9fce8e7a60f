/* Fair shares: whose tasks go next. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static struct rig *ready(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = *state = rig_create(change);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static void launch_many(struct rig *rig, const char *prefix, int count, const char *more)
{
    for (int done = 0; done < count;) {
        Zmesos__V1__TaskSpec *specs[1000];
        int batch = 0;
        for (; batch < 1000 && done < count; batch++, done++)
            specs[batch] = build_spec(rig, words(rig, "%s%d %s", prefix, done, more));
        in_launch_specs(rig, specs, (size_t)batch);
    }
}

/* How many whose id begins so were launched by the last input. */
static int launched(const struct rig *rig, const char *prefix)
{
    int count = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        for (size_t j = 0; output->kind == CORE_OUT_CALL && j < output->call.launch_count; j++)
            count += strncmp(output->call.launches[j].task_id, prefix, strlen(prefix)) == 0;
    }
    return count;
}

static void ten_beside_a_hundred_thousand(void **state)
{
    struct rig *rig = ready(state, NULL);
    rig->unchecked = true;
    rig_show(rig, 0);
    launch_many(rig, "many", 100000, "from big");
    launch_many(rig, "few", 10, "from small");
    in_offers(rig, "o1 A1 cpus 30");
    assert_int_equal(launched(rig, "few"), 10);
    assert_int_equal(launched(rig, "many"), 20);
}

/* Who comes late goes first until it has as much. */
static void one_that_comes_late(void **state)
{
    struct rig *rig = ready(state, NULL);
    launch_many(rig, "a", 20, "from early");
    in_offers(rig, "o1 A1 cpus 6");
    assert_int_equal(launched(rig, "a"), 6);
    launch_many(rig, "b", 20, "from late");
    in_offers(rig, "o2 A2 cpus 6");
    assert_int_equal(launched(rig, "b"), 6);
    in_offers(rig, "o3 A3 cpus 6");
    assert_int_equal(launched(rig, "a"), 3);
    assert_int_equal(launched(rig, "b"), 3);
}

static void by_turns(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a | a2 from a | b1 from b | c1 | a3 from a | b2 from b");
    expect(in_offers(rig, "o1 A1 cpus 5"), "CALL ACCEPT o1 [a1.1.1 cpus 1] [b1.3.1 cpus 1] [c1.4.1 cpus 1] "
                                           "[a2.2.1 cpus 1] [b2.6.1 cpus 1]\n");
}

static void priority_before_shares(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a prio 1 | a2 from a prio 1 | b1 from b");
    expect(in_offers(rig, "o1 A1 cpus 2"), "CALL ACCEPT o1 [a1.1.1 cpus 1] [a2.2.1 cpus 1]\n");
}

static void a_weighs_three(struct core_config *config)
{
    static const struct core_weight weights[] = {{"a", 3000}, {"", 500}};
    config->weights = weights;
    config->weight_count = 2;
}

static void weights(void **state)
{
    struct rig *rig = ready(state, a_weighs_three);
    launch_many(rig, "a", 50, "from a");
    launch_many(rig, "b", 50, "from b");
    launch_many(rig, "n", 50, "");
    in_offers(rig, "o1 A1 cpus 36");
    assert_int_equal(launched(rig, "a"), 24);
    assert_int_equal(launched(rig, "b"), 8);
    assert_int_equal(launched(rig, "n"), 4);
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    assert_int_equal(status->n_weights, 2);
    assert_string_equal(status->weights[0]->submitter, "a");
    assert_true(status->weights[0]->weight > 2.999 && status->weights[0]->weight < 3.001);
    assert_true(status->weights[0]->share > 0.66 && status->weights[0]->share < 0.67);
    assert_string_equal(status->weights[1]->submitter, "");
    assert_string_equal(look(rig, "a0")->submitter, "a");
}

/* The example of the paper: 9 cpus and 18 of memory; one asks for 1 and 4, the other for 3 and 1. */
static void the_dominant_share_counts(void **state)
{
    struct rig *rig = ready(state, NULL);
    launch_many(rig, "a", 9, "cpus 1 mem 4 from a");
    launch_many(rig, "b", 9, "cpus 3 mem 1 from b");
    in_offers(rig, "o1 A1 cpus 9 mem 18");
    assert_int_equal(launched(rig, "a"), 3);
    assert_int_equal(launched(rig, "b"), 2);
}

/* What one has that is over is no share any more. */
static void what_is_over_counts_no_more(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a | a2 from a | b1 from b");
    in_offers(rig, "o1 A1 cpus 3");
    in_update(rig, "a1.1.1 FINISHED");
    in_update(rig, "a2.2.1 FINISHED");
    in_launch(rig, "b2 from b | a3 from a");
    expect(in_offers(rig, "o2 A1 cpus 1"), "CALL ACCEPT o2 [a3.5.1 cpus 1]\n");
}

static void after_a_restart(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a | a2 from a");
    in_offers(rig, "o1 A1 cpus 2");
    in_update(rig, "a1.1.1 RUNNING");
    in_launch(rig, "a3 from a | b1 from b | b2 from b");
    rig_restart(rig);
    in_up(rig);
    expect(in_offers(rig, "o2 A2 cpus 2"), "CALL ACCEPT o2 [b1.4.1 cpus 1] [b2.5.1 cpus 1]\n");
}

/* A shape that fits nowhere gives its submitter's turn to the next of the same submitter. */
static void what_fits_nowhere_keeps_no_turn(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "huge from a cpus 99 | b1 from b | a1 from a | b2 from b");
    expect(in_offers(rig, "o1 A1 cpus 2"), "CALL ACCEPT o1 [b1.2.1 cpus 1] [a1.3.1 cpus 1]\n");
}

static void why_it_waits(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a | a2 from a");
    in_offers(rig, "o1 A1 cpus 1");
    in_launch(rig, "b1 from b");
    in_offers(rig, "o2 A2 cpus 1");
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why why = ZMESOS__V1__WHY__INIT;
    char *ids[] = {(char[]){"a2"}};
    why.task_ids = ids;
    why.n_task_ids = 1;
    request.has_version = true;
    request.version = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &why;
    in_request(rig, &request);
    const Zmesos__V1__Reason *reason = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind != CORE_OUT_REPLY)
            continue;
        const Zmesos__V1__Explanation *view = rig->out.items[i].reply.reply->explanations->explanations[0];
        for (size_t j = 0; j < view->n_reasons; j++) {
            if (view->reasons[j]->kind == ZMESOS__V1__REASON__KIND__TAKEN)
                reason = view->reasons[j];
        }
    }
    assert_non_null(reason);
    assert_non_null(strstr(reason->message, "submitter b"));
}

static void the_name_has_a_limit(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_REPLIES);
    char name[130];
    memset(name, 'x', 129);
    name[128] = '\0';
    in_launch(rig, words(rig, "a from %s", name));
    assert_non_null(look(rig, "a"));
    name[128] = 'x';
    name[129] = '\0';
    in_launch(rig, words(rig, "b from %s", name));
    assert_null(look(rig, "b"));
}

/* Of agents that have made no offer since, one knows what our tasks use there, and it grows with each of
 * them. */
static void the_whole_is_the_same_for_a_round(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 from a | b1 from b | a2 from a | b2 from b | a3 from a | b3 from b");
    in_offers(rig, "o1 A1 cpus 6");
    in_down(rig, "");
    in_up(rig);
    in_launch(rig, "a4 from a | a5 from a | b4 from b | b5 from b");
    expect(in_offers(rig, "o2 A2 cpus 3"),
            "CALL ACCEPT o2 [a4.7.1 cpus 1] [b4.9.1 cpus 1] [a5.8.1 cpus 1]\n");
}

/* However it is asked for. */
static void what_is_asked_for_by_name_counts(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a1 mem 1 from a want cpus:2 | b1 from b | b2 from b | a2 mem 1 from a want cpus:2");
    expect(in_offers(rig, "o1 A1 cpus 6 mem 9"),
            "CALL ACCEPT o1 [a1.1.1 cpus 2 mem 1] [b1.2.1 cpus 1] [b2.3.1 cpus 1] [a2.4.1 cpus 2 mem 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(ten_beside_a_hundred_thousand),
            TEST(one_that_comes_late),
            TEST(by_turns),
            TEST(priority_before_shares),
            TEST(weights),
            TEST(the_dominant_share_counts),
            TEST(what_is_over_counts_no_more),
            TEST(the_whole_is_the_same_for_a_round),
            TEST(what_is_asked_for_by_name_counts),
            TEST(after_a_restart),
            TEST(what_fits_nowhere_keeps_no_turn),
            TEST(why_it_waits),
            TEST(the_name_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
