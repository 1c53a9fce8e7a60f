/* The master has removed the framework, and the daemon begins again as another one: what lived is lost, and
 * nobody can be asked about it any more; what waits goes on waiting. */
#include "rig.h"

#include <string.h>

#define NEW "framework-2"

/* Refused, with tasks in every situation. Keys 1 to 9 in this order. */
static struct rig *refused(void **state)
{
    static const char *const specs[] = {"running", "default tries 9 backoff 0",
            "named tries 2 on LOST replace 90000 backoff 0", "cut-off tries 2 on UNREACHABLE replace 90000",
            "killed", "finished", "backoff tries 9 backoff 3600000 most 3600000",
            "stray tries 2 on LOST replace 1000 backoff 0"};
    struct rig *rig = rig_up(state, NULL);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        in_launch(rig, specs[i]);
        const char *id = place(rig, "A1", "");
        in_update(rig, words(rig, "%s RUNNING by AGENT uuid u", id));
    }
    in_update(rig, "cut-off.4.1 UNREACHABLE by MASTER");
    in_kill(rig, "killed");
    in_update(rig, "finished.6.1 FINISHED by AGENT uuid v");
    in_update(rig, "backoff.7.1 FAILED by AGENT uuid v");
    in_update(rig, "stray.8.1 LOST by MASTER");
    in_wait(rig, 1000);
    in_launch(rig, "launching");
    expect(place(rig, "A2", ""), "stray.8.2 launching.9.1");
    in_launch(rig, "waits");
    in_refused(rig, "Framework has been removed");
    return rig;
}

static struct rig *removed(void **state)
{
    struct rig *rig = refused(state);
    in_removed(rig, NEW);
    return rig;
}

static void expect_lost(struct rig *rig)
{
    expect(look_states(rig, "running"), "LOST | LOST");
    expect(look_states(rig, "default"), "LOST | LOST"); /* GONE is named, which is certain; this is not */
    expect(look_states(rig, "cut-off"), "LOST | LOST");
    expect(look_states(rig, "killed"), "LOST kill | LOST");
    expect(look_states(rig, "launching"), "LOST | LOST");
    expect(look_states(rig, "finished"), "FINISHED | FINISHED");
    expect(look_states(rig, "backoff"), "QUEUED | FAILED");
    expect(look_states(rig, "waits"), "QUEUED");
}

static void what_lived_is_lost(void **state)
{
    struct rig *rig = refused(state);
    story_begin(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_removed(rig, NEW), "");
    assert_string_equal(disk_meta(&rig->disk, META_FRAMEWORK_ID), NEW);
    expect_lost(rig);
    expect(look_states(rig, "named"), "UNKNOWN | LOST"); /* until it is replaced */
    assert_string_equal(look_status(rig)->framework_id, NEW);
    expect_words(rig, "running", "removed", "");
    expect_story(rig,
            "running:LOST/1 default:LOST/1 named:UNKNOWN/1 cut-off:LOST/1 killed:LOST/1 stray:LOST/2 "
            "launching:LOST/1 ");
    rig_restart(rig);
    expect_lost(rig);
}

/* The master knows none of them in the new framework: whatever it would say means nothing. */
static void nobody_is_asked_about_them(void **state)
{
    struct rig *rig = removed(state);
    for (int i = 0; i < 2; i++) {
        rig_show(rig, SHOW_CALLS);
        const char *text = in_up(rig);
        assert_true(has_line(text, "CALL RECONCILE implicit"));
        assert_int_equal(rig->CALLS(RECONCILE), 2 + i); /* no other */
        assert_null(strstr(text, "CALL KILL"));
        assert_null(strstr(in_ask(rig), "@"));
        assert_null(strstr(in_offers(rig, "o1 A1 cpus 0.1 | o2 A2 cpus 0.1"), "@"));
        text = in_wait(rig, 3600000);
        assert_null(strstr(text, "@"));
        assert_null(strstr(text, "CALL KILL"));
        in_kill(rig, "running");
        assert_null(strstr(in_wait(rig, 60000), "CALL KILL"));
        assert_int_equal(look_status(rig)->strays, 0);
        rig_restart(rig);
        rig->CALLS(RECONCILE) = 2;
    }
}

static void what_waits_is_launched(void **state)
{
    struct rig *rig = removed(state);
    in_up(rig);
    expect(place(rig, "A1", ""), "waits.10.1"); /* the rig sees that each call has the new id */
    in_update(rig, "waits.10.1 RUNNING by AGENT uuid u");
    in_wait(rig, 3600000);
    assert_non_null(strstr(place(rig, "A1", ""), "backoff.7.2"));
    in_update(rig, "waits.10.1 FINISHED by AGENT uuid v");
    expect_state(rig, "waits", "FINISHED");
}

static void a_policy_that_names_lost(void **state)
{
    struct rig *rig = removed(state);
    in_up(rig);
    place(rig, "A1", "");
    in_wait(rig, 89999);
    expect(place(rig, "A1", ""), "");
    in_wait(rig, 1);
    expect(place(rig, "A1", ""), "named.3.2");
    assert_int_equal(look_status(rig)->strays, 0);
    in_update(rig, "named.3.2 RUNNING by AGENT uuid u");
    expect(look_states(rig, "named"), "RUNNING | LOST replaced | RUNNING");
    rig_restart(rig);
    rig_show(rig, SHOW_CALLS);
    const char *text = in_up(rig);
    assert_non_null(strstr(text, "named.3.2@A1"));
    assert_null(strstr(text, "named.3.1"));
}

static void removed_again(void **state)
{
    struct rig *rig = removed(state);
    in_up(rig);
    expect(place(rig, "A1", ""), "waits.10.1");
    in_refused(rig, "Framework has been removed");
    in_removed(rig, "framework-3");
    expect_state(rig, "waits", "LOST");
    assert_string_equal(disk_meta(&rig->disk, META_FRAMEWORK_ID), "framework-3");
    in_up(rig);
    in_launch(rig, "new");
    expect(place(rig, "A1", ""), "new.11.1");
}

/* How long we were away says nothing of a framework that is new. */
static void an_absence_of_the_old_one_does_not_count(void **state)
{
    struct rig *rig = removed(state);
    in_wait(rig, (int64_t)30 * 24 * 3600 * 1000);
    in_up(rig);
    expect(place(rig, "A1", ""), "backoff.7.2 waits.10.1");
    in_ask(rig);
    in_update(rig, "waits.10.1 GONE by MASTER because RECONCILIATION");
    expect_state(rig, "waits", "QUEUED"); /* under P */
}

static void without_tasks(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_removed(rig, NEW);
    in_up(rig);
    in_launch(rig, "a");
    expect(place(rig, "A1", ""), "a.1.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_lived_is_lost),
            TEST(nobody_is_asked_about_them),
            TEST(what_waits_is_launched),
            TEST(a_policy_that_names_lost),
            TEST(removed_again),
            TEST(an_absence_of_the_old_one_does_not_count),
            TEST(without_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
