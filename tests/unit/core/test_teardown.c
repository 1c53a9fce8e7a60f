/* The end of the framework by request: asked for twice, kept on disk, told once. */
#include "rig.h"

#include <string.h>

static const char *tear_down(struct rig *rig, const char *token)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    request->teardown->token = (char *)(uintptr_t)token;
    return in_request(rig, request);
}

static const Zmesos__V1__TeardownReply *answer(struct rig *rig)
{
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            return rig->out.items[i].reply.reply->teardown;
    }
    return NULL;
}

static const char *get_token(struct rig *rig)
{
    tear_down(rig, NULL);
    assert_non_null(answer(rig)->token);
    return words(rig, "%s", answer(rig)->token);
}

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a cpus 1 tries 3 on FAILED,KILLED,GONE | b cpus 1 | c cpus 1");
    in_offers(rig, "o1 A1 cpus 2");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u1");
    rig_show(rig, SHOW_ALL);
    return rig;
}

static void it_is_asked_for_twice(void **state)
{
    struct rig *rig = ready(state);
    expect(tear_down(rig, NULL), "REPLY 2 OK ends 3 token\n");
    assert_int_equal(answer(rig)->valid_ms, 60000);
    const char *token = words(rig, "%s", answer(rig)->token);
    expect(tear_down(rig, token), "RECORD teardown framework-1\nEVENT zmesos/MASTER #3 SUBSCRIBED "
                                  "m:5050\nREPLY 3 OK ends 3 begun\nCALL TEARDOWN\n");
    expect(tear_down(rig, token), "REPLY 4 OK ends 3 begun\n"); /* the reply was lost */
    expect(tear_down(rig, NULL), "REPLY 5 OK ends 3 begun\n");
}

static void a_token_is_valid_for_a_minute(void **state)
{
    struct rig *rig = ready(state);
    rig_show(rig, SHOW_REPLIES);
    const char *token = get_token(rig);
    in_wait(rig, 59999);
    rig_show(rig, SHOW_REPLIES);
    assert_string_equal(get_token(rig), token); /* and longer, where it is asked for again */
    in_wait(rig, 60000);
    expect(tear_down(rig, token), "REPLY 4 INVALID \"it is not the token, or its minute is over; ask without "
                                  "one for another\" teardown.token\n");
    assert_string_not_equal(get_token(rig), token);
    expect(tear_down(rig, ""), "REPLY 6 INVALID \"it is not the token, or its minute is over; ask without "
                               "one for another\" teardown.token\n");
    assert_false(core_is_tearing_down(rig->core));
}

static void no_token_fits_before_one_was_given(void **state)
{
    struct rig *rig = ready(state);
    rig_show(rig, SHOW_REPLIES | SHOW_CALLS);
    expect(tear_down(rig, "0000000000000000"), "REPLY 2 INVALID \"it is not the token, or its minute is "
                                               "over; ask without one for another\" teardown.token\n");
}

static void forbid(struct core_config *config)
{
    config->no_teardown = true;
}

static void it_may_be_forbidden(void **state)
{
    struct rig *rig = *state = rig_create(forbid);
    rig_show(rig, SHOW_ALL);
    expect(tear_down(rig, NULL), "REPLY 1 INVALID \"this zmesosd runs with --no-teardown\" teardown\n");
}

static void nothing_is_launched_any_more(void **state)
{
    struct rig *rig = ready(state);
    tear_down(rig, get_token(rig));
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(in_launch(rig, "d cpus 1"), "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [d UNAVAILABLE retry "
                                       "\"the framework is being torn down\"]\n");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL DECLINE o2 for 3600 s\n");
    expect_state(rig, "c", "QUEUED");
}

/* Swallowed by the network: said again, until the master speaks of it. */
static void it_is_repeated(void **state)
{
    struct rig *rig = ready(state);
    tear_down(rig, get_token(rig));
    rig_show(rig, SHOW_CALLS);
    in_answer_last(rig, CORE_ACCEPTED, "");
    const char *text = in_wait(rig, 20000);
    assert_int_equal(count_lines(text, "CALL TEARDOWN"), 2); /* after 5 s and 10 s more */
    in_down(rig, "gone");
    assert_true(has_line(in_up(rig), "CALL TEARDOWN"));
}

static void its_tasks_are_over_by_our_own_word(void **state)
{
    struct rig *rig = ready(state);
    tear_down(rig, get_token(rig));
    in_down(rig, "Framework has been removed");
    story_begin(rig);
    rig_show(rig, SHOW_RECORDS);
    const char *text = in_removed(rig, "framework-2");
    assert_true(has_line(text, "RECORD teardown "));
    assert_true(has_line(text, "RECORD framework_id framework-2"));
    expect_story(rig, "a:KILLED/1 b:KILLED/1 c:KILLED/- ");
    expect_words(rig, "a", "framework", "torn down");
    expect_words(rig, "c", "framework", "torn down");
    assert_false(core_is_tearing_down(rig->core));
    rig_restart(rig); /* the next start: another framework, with nothing to do */
    assert_false(core_is_tearing_down(rig->core));
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE implicit\n");
}

static void the_wish_survives_a_crash(void **state)
{
    struct rig *rig = ready(state);
    const char *roles[2];
    tear_down(rig, get_token(rig));
    rig_restart(rig);
    assert_true(core_is_tearing_down(rig->core));
    assert_true(look_status(rig)->teardown);
    assert_int_equal(core_suppressed_roles(rig->core, roles), 2);
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_up(rig), "CALL TEARDOWN")); /* it had not left, or the master is a new one */
}

/* What was asked for one framework is not for its successor. */
static void the_wish_is_for_that_framework(void **state)
{
    struct rig *rig = ready(state);
    tear_down(rig, get_token(rig));
    rig->config.framework_id = "framework-9";
    rig_restart(rig);
    assert_false(core_is_tearing_down(rig->core));
}

static void a_restored_store_does_not_want_it(void **state)
{
    struct rig *rig = ready(state);
    tear_down(rig, get_token(rig));
    rig_show(rig, SHOW_RECORDS);
    assert_true(has_line(rig_restore(rig, "store-2"), "RECORD teardown "));
    assert_false(core_is_tearing_down(rig->core));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(it_is_asked_for_twice),
            TEST(a_token_is_valid_for_a_minute),
            TEST(no_token_fits_before_one_was_given),
            TEST(it_may_be_forbidden),
            TEST(nothing_is_launched_any_more),
            TEST(it_is_repeated),
            TEST(its_tasks_are_over_by_our_own_word),
            TEST(the_wish_survives_a_crash),
            TEST(the_wish_is_for_that_framework),
            TEST(a_restored_store_does_not_want_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
