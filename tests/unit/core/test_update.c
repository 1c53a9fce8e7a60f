/* Status updates: what is written, published and acknowledged, and in which order (PROTOCOL "Updates and
 * acknowledgements"). */
#include "rig.h"

#include <string.h>

static struct rig *launched(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    return rig;
}

/* Durable first, then seen, then let go. */
static void written_published_acknowledged(void **state)
{
    struct rig *rig = launched(state);
    expect(in_update(
                   rig, "a.1.1 RUNNING by EXECUTOR uuid u1 because TASK_HEALTH_CHECK_STATUS_UPDATED : well"),
            "RECORD attempt 1.1 RUNNING on A1 \"well\" REASON_TASK_HEALTH_CHECK_STATUS_UPDATED\n"
            "RECORD task a RUNNING rev 3 \"well\" REASON_TASK_HEALTH_CHECK_STATUS_UPDATED\n"
            "EVENT task/a/RUNNING #3 rev 3\n"
            "EVENT mesos/UPDATE/a/1 #1 rev 3\n"
            "CALL ACKNOWLEDGE a.1.1 A1 u1\n");
}

static void each_state_in_turn(void **state)
{
    struct rig *rig = launched(state);
    rig_show(rig, SHOW_EVENTS);
    expect(in_update(rig, "a.1.1 STAGING by MASTER"),
            "EVENT task/a/STAGING #3 rev 3\nEVENT mesos/UPDATE/a/1 #1 rev 3\n");
    expect(in_update(rig, "a.1.1 STARTING by AGENT uuid u1"),
            "EVENT task/a/STARTING #4 rev 4\nEVENT mesos/UPDATE/a/1 #2 rev 4\n");
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid u2"),
            "EVENT task/a/RUNNING #5 rev 5\nEVENT mesos/UPDATE/a/1 #3 rev 5\n");
    expect(in_update(rig, "a.1.1 KILLING by AGENT uuid u3"),
            "EVENT task/a/KILLING #6 rev 6\nEVENT mesos/UPDATE/a/1 #4 rev 6\n");
    expect(in_update(rig, "a.1.1 KILLED by AGENT uuid u4"),
            "EVENT task/a/KILLED #7 rev 7\nEVENT mesos/UPDATE/a/1 #5 rev 7\n");
}

static void without_uuid_it_is_not_acknowledged(void **state)
{
    struct rig *rig = launched(state);
    rig_show(rig, SHOW_CALLS);
    expect(in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "");
}

/* Repeated by the agent: nothing is new, and it is published and acknowledged each time. */
static void acknowledged_each_time_it_is_seen(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u1");
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid u1"),
            "EVENT mesos/UPDATE/a/1 #2 rev 3\nCALL ACKNOWLEDGE a.1.1 A1 u1\n");
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u2");
    expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid u2"),
            "EVENT mesos/UPDATE/a/1 #4 rev 4\nCALL ACKNOWLEDGE a.1.1 A1 u2\n");
    rig_restart(rig);
    in_up(rig);
    expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid u2"),
            "EVENT mesos/UPDATE/a/1 #5 rev 4\nCALL ACKNOWLEDGE a.1.1 A1 u2\n");
}

static void of_a_task_that_is_not_ours(void **state)
{
    struct rig *rig = launched(state);
    static const char *const ids[] = {"b.2.1", "a.2.1", "b.1.1", "a.1.2", "a.1.0", "a.0.1", "a.1", "a",
            ".1.1", "..", "a.1.1.1", "a.1.-1", "a.-1.1", "a.1.4294967297", "a.9999999999999999999.1",
            "a.99999999999999999999999999999.1", "x"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        expect(in_update(rig, words(rig, "%s FINISHED by AGENT uuid u on A7", ids[i])),
                words(rig, "EVENT mesos/UPDATE//%s #%zu\nCALL ACKNOWLEDGE %s A7 u\n", ids[i], i + 1, ids[i]));
}

static void ids_with_dots(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a.1.1 | a");
    rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
    expect(in_offers(rig, "o1 A1 cpus 2"), "EVENT mesos/OFFERS #1\n"
                                           "EVENT task/a.1.1/LAUNCHING #3 rev 2\n"
                                           "EVENT task/a/LAUNCHING #4 rev 2\n"
                                           "CALL ACCEPT o1 [a.1.1.1.1 cpus 1] [a.2.1 cpus 1]\n");
    expect(in_update(rig, "a.1.1.1.1 RUNNING by AGENT"),
            "EVENT task/a.1.1/RUNNING #5 rev 3\nEVENT mesos/UPDATE/a.1.1/1 #1 rev 3\n");
    expect(in_update(rig, "a.1.1 FINISHED by AGENT"), "EVENT mesos/UPDATE//a.1.1 #2\n");
}

/* An update may overtake the 202 of its ACCEPT. */
static void before_the_accept_is_answered(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    expect(in_answer(rig, "o1", CORE_ACCEPTED, ""), "");
    rig_show(rig, SHOW_REPLIES);
    expect(in_get(rig, "a"), "REPLY 2 OK a:RUNNING\n");
}

static void a_cut_off_task_returns(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    rig_show(rig, SHOW_EVENTS);
    expect(in_update(rig, "a.1.1 UNREACHABLE by MASTER"),
            "EVENT task/a/UNREACHABLE #4 rev 4\nEVENT mesos/UPDATE/a/1 #2 rev 4\n");
    expect(in_update(rig, "a.1.1 RUNNING by MASTER because AGENT_REREGISTERED"),
            "EVENT task/a/RUNNING #5 rev 5\nEVENT mesos/UPDATE/a/1 #3 rev 5\n");
}

static void a_lost_task_returns(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_update(rig, "a.1.1 LOST by MASTER");
    rig_show(rig, SHOW_EVENTS);
    expect(in_update(rig, "a.1.1 RUNNING by MASTER"),
            "EVENT task/a/RUNNING #5 rev 5\nEVENT mesos/UPDATE/a/1 #3 rev 5\n");
    expect(in_update(rig, "a.1.1 FINISHED by AGENT"),
            "EVENT task/a/FINISHED #6 rev 6\nEVENT mesos/UPDATE/a/1 #4 rev 6\n");
}

/* ---- words ------------------------------------------------------------------------------------------- */

static const char *kept_message(struct rig *rig)
{
    return rig->disk.tasks[0].row.message;
}

static void say(struct rig *rig, const char *message)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    update.status = build_status(rig, "a.1.1 FINISHED by AGENT");
    update.status->message = arena_string(&rig->in, message);
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
    event.update = &update;
    in_event(rig, &event);
}

static void words_are_made_utf8(void **state)
{
    struct rig *rig = launched(state);
    say(rig, "caf\xc3\xa9 \xff ok");
    assert_string_equal(kept_message(rig), "caf?? ? ok");
    rig_destroy(rig);
    rig = launched(state);
    say(rig, "caf\xc3\xa9 ok");
    assert_string_equal(kept_message(rig), "caf\xc3\xa9 ok");
}

static void words_are_cut_at_4096_bytes_between_characters(void **state)
{
    struct rig *rig = launched(state);
    char text[4200];
    memset(text, 'x', sizeof text);
    text[4096] = '\0';
    say(rig, text);
    assert_int_equal(strlen(kept_message(rig)), 4096);
    rig_destroy(rig);
    rig = launched(state);
    memset(text, 'x', sizeof text);
    text[4097] = '\0';
    say(rig, text);
    assert_int_equal(strlen(kept_message(rig)), 4096);
    /* Cut before, within and behind a character of four bytes. */
    for (size_t at = 4092; at <= 4096; at++) {
        rig_destroy(rig);
        rig = launched(state);
        memset(text, 'x', sizeof text);
        memcpy(text + at, "\xf0\x9f\x98\x80", 4);
        text[4190] = '\0';
        say(rig, text);
        assert_int_equal(strlen(kept_message(rig)), at == 4092 ? 4096 : at);
        assert_int_equal(kept_message(rig)[at - 1], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(written_published_acknowledged),
            TEST(each_state_in_turn),
            TEST(without_uuid_it_is_not_acknowledged),
            TEST(acknowledged_each_time_it_is_seen),
            TEST(of_a_task_that_is_not_ours),
            TEST(ids_with_dots),
            TEST(before_the_accept_is_answered),
            TEST(a_cut_off_task_returns),
            TEST(a_lost_task_returns),
            TEST(words_are_made_utf8),
            TEST(words_are_cut_at_4096_bytes_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
