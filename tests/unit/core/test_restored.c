/* A store that was restored from a backup: its daemon went on after the backup was made, and nobody here
 * knows what it did. So nothing is launched before a release, absence proves nothing, and no Mesos id is one
 * of the other history. */
#include "rig.h"

#include <string.h>

#define STORE "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
#define SECOND "6fa459ea-ee8a-3ca4-894e-db77e160355e"
#define R "-r1b4e28ba" /* its first eight characters */
#define JUMP ((long long)CORE_KEYS_JUMP)

/* queued, launching on A1, running on A2, in a backoff; finished, lost. Keys 1 to 6; not subscribed. */
static struct rig *backed_up(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = rig_up(state, change);
    in_launch(rig, "launching");
    in_offers(rig, "o1 A1 cpus 1");
    static const char *const others[] = {
            "running tries 2 backoff 0", "backoff tries 3 backoff 3600000 most 3600000", "finished", "lost"};
    for (int i = 0; i < 4; i++) {
        in_launch(rig, others[i]);
        const char *id = place(rig, "A2", "");
        in_update(rig, words(rig, "%s RUNNING by AGENT uuid u on A2", id));
    }
    in_update(rig, "backoff.3.1 FAILED by AGENT uuid v on A2");
    in_update(rig, "finished.4.1 FINISHED by AGENT uuid v on A2");
    in_update(rig, "lost.5.1 LOST by MASTER on A2");
    in_launch(rig, "queued");
    return rig;
}

static struct rig *restored(void **state)
{
    struct rig *rig = backed_up(state, NULL);
    rig_restore(rig, STORE);
    return rig;
}

static void what_is_written(void **state)
{
    struct rig *rig = backed_up(state, NULL);
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    rig->now.wall_ns += 12345;
    expect(rig_restore(rig, STORE), "");
    assert_string_equal(disk_meta(&rig->disk, META_STORE_ID), STORE);
    assert_string_equal(disk_meta(&rig->disk, META_BACKUP), "");
    assert_string_equal(disk_meta(&rig->disk, META_RESTORES), "1");
    assert_string_equal(
            disk_meta(&rig->disk, META_RESTORED_NS), words(rig, "%lld", (long long)rig->now.wall_ns));
    assert_string_equal(disk_meta(&rig->disk, META_NEXT_KEY), words(rig, "%lld", 7 + JUMP));
    assert_string_equal(disk_meta(&rig->disk, META_FOREIGN_KEYS), words(rig, "7-%lld", 6 + JUMP));
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    assert_string_equal(status->store, STORE);
    assert_int_equal(status->restored_ns, rig->now.wall_ns);
    assert_int_equal(status->held, 5);
}

static void never_restored(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    assert_false(status->has_restored_ns);
    assert_int_equal(status->held, 0);
    rig_show(rig, SHOW_RECORDS | SHOW_REPLIES);
    in_launch(rig, "a");
    expect(in_release(rig, "RUN", ""), "REPLY 2 OK of 0\n");
    expect(in_release(rig, "DROP", "a"), "REPLY 3 OK [a OK QUEUED rev 1 known]\n"); /* not held: nothing */
}

/* ---- held -------------------------------------------------------------------------------------------- */

static void what_is_not_over_is_held(void **state)
{
    struct rig *rig = restored(state);
    for (int i = 0; i < 3; i++) {
        expect(look_states(rig, "queued"), "QUEUED held");
        expect(look_states(rig, "launching"), "LAUNCHING held | LAUNCHING");
        expect(look_states(rig, "running"), "RUNNING held | RUNNING");
        expect(look_states(rig, "backoff"), "QUEUED held | FAILED");
        expect(look_states(rig, "finished"), "FINISHED | FINISHED");
        expect(look_states(rig, "lost"), "LOST held | LOST"); /* it may return, and end */
        rig_restart(rig);
        assert_int_equal(look_status(rig)->held, 5);
        in_up(rig);
    }
}

static void nothing_is_launched(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    size_t revives = rig->CALLS(REVIVE);
    in_wait(rig, 7200000);
    expect(place(rig, "A1", ""), "");
    assert_int_equal(rig->CALLS(REVIVE), revives); /* what is held wants no offers */
    in_launch(rig, "new");
    expect(place(rig, "A1", ""), words(rig, "new.%lld.1" R, 7 + JUMP)); /* what comes now is not held */
    expect(look_states(rig, "new"), "LAUNCHING | LAUNCHING");
}

static void what_runs_goes_on(void **state)
{
    struct rig *rig = restored(state);
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_up(rig), "CALL RECONCILE launching.1.1@A1 running.2.1@A2 lost.5.1@A2"));
    in_update(rig, "running.2.1 RUNNING by MASTER because RECONCILIATION on A2");
    expect(look_states(rig, "running"), "RUNNING held | RUNNING");
    in_update(rig, "launching.1.1 RUNNING by MASTER because RECONCILIATION");
    in_update(rig, "launching.1.1 FINISHED by AGENT uuid v");
    expect(look_states(rig, "launching"), "FINISHED | FINISHED");
    assert_int_equal(look_status(rig)->held, 4);
    /* Its policy is followed, up to where it would be launched. */
    in_update(rig, "running.2.1 FAILED by AGENT uuid v on A2");
    expect(look_states(rig, "running"), "QUEUED held | FAILED");
    in_wait(rig, 60000);
    expect(place(rig, "A2", ""), "");
    in_release(rig, "RUN", "running");
    expect(place(rig, "A2", ""), "running.2.2" R);
}

static void absence_proves_nothing(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "launching.1.1 GONE by MASTER because RECONCILIATION");
    expect(look_states(rig, "launching"), "GONE | GONE");
    rig_destroy(rig);
    rig = restored(state);
    in_up(rig);
    in_release(rig, "RUN", ""); /* nor after a release */
    in_update(rig, "launching.1.1 STAGING by MASTER because RECONCILIATION");
    in_update(rig, "launching.1.1 DROPPED by MASTER because INVALID_OFFERS");
    in_wait(rig, 1000);
    in_update(rig, "launching.1.1 GONE by MASTER because RECONCILIATION");
    expect(look_states(rig, "launching"), "GONE | GONE");
    in_update(rig, "lost.5.1 STAGING by MASTER because RECONCILIATION on A2");
    in_ask(rig);
    in_update(rig, "lost.5.1 GONE by MASTER because RECONCILIATION on A2");
    expect(look_states(rig, "lost"), "GONE | GONE");
}

static void what_is_lost_is_held_when_it_returns(void **state)
{
    struct rig *rig = backed_up(state, NULL);
    in_launch(rig, "again tries 9 backoff 0");
    expect(place(rig, "A3", ""), "queued.6.1 again.7.1");
    in_update(rig, "again.7.1 LOST by MASTER on A3");
    rig_restore(rig, STORE);
    in_up(rig);
    in_update(rig, "again.7.1 RUNNING by MASTER on A3");
    expect(look_states(rig, "again"), "RUNNING held | RUNNING");
    in_update(rig, "again.7.1 FAILED by AGENT uuid u on A3");
    expect(look_states(rig, "again"), "QUEUED held | FAILED");
    expect(place(rig, "A3", ""), "");
    in_release(rig, "RUN", "");
    expect(place(rig, "A3", ""), "again.7.2" R);
}

static void a_held_task_can_be_killed(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_kill(rig, "queued running"), "CALL KILL running.2.1 A2\n");
    expect(look_states(rig, "queued"), "KILLED kill");
    assert_int_equal(look_status(rig)->held, 4);
}

/* ---- release ----------------------------------------------------------------------------------------- */

static void run_some(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    expect(in_release(rig, "RUN", "queued"), "REPLY 7 OK [queued OK QUEUED rev 3]\n");
    assert_int_equal(look_status(rig)->held, 4);
    expect(place(rig, "A1", ""), "queued.6.1" R);
    in_update(rig, "queued.6.1" R " RUNNING by AGENT uuid u");
    expect(look_states(rig, "queued"), "RUNNING | RUNNING");
    assert_string_equal(look(rig, "queued")->attempts[0]->mesos_task_id, "queued.6.1" R);
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "queued.6.1" R " FINISHED by AGENT uuid v");
    expect(look_states(rig, "queued"), "FINISHED | FINISHED");
}

static void run_all(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    expect(in_release(rig, "RUN", ""),
            "REPLY 7 OK [launching OK LAUNCHING rev 4] [running OK RUNNING rev 5] "
            "[backoff OK QUEUED rev 6] [lost OK LOST rev 6] [queued OK QUEUED rev 3] of 5\n");
    assert_int_equal(look_status(rig)->held, 0);
    expect(in_release(rig, "RUN", ""), "REPLY 8 OK of 0\n");
    expect(place(rig, "A1", ""), "queued.6.1" R); /* the other one waits for its backoff */
    in_wait(rig, 3600000);
    expect(place(rig, "A1", ""), "backoff.3.2" R);
    rig_restart(rig);
    assert_int_equal(look_status(rig)->held, 0);
}

static void drop(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_release(rig, "DROP", "queued running"), "CALL KILL running.2.1 A2\n");
    expect(look_states(rig, "queued"), "KILLED kill");
    expect(look_states(rig, "running"), "RUNNING kill | RUNNING");
    const char *text = in_release(rig, "DROP", "");
    assert_true(has_line(text, "CALL KILL launching.1.1 A1"));
    expect(look_states(rig, "backoff"), "KILLED kill | FAILED");
    in_update(rig, "launching.1.1 GONE by MASTER because RECONCILIATION");
    expect(look_states(rig, "launching"), "KILLED kill | GONE");
    expect(look_states(rig, "lost"), "LOST kill | LOST"); /* the wish is kept until it returns */
    in_wait(rig, 3600000);
    expect(place(rig, "A1", ""), "");
}

static void drop_while_disconnected(void **state)
{
    struct rig *rig = restored(state);
    in_release(rig, "DROP", "");
    rig_restart(rig);
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_up(rig), "CALL KILL running.2.1 A2"));
}

static void ids_that_are_not_held_or_not_there(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES | SHOW_CALLS | SHOW_RECORDS | SHOW_EVENTS);
    expect(in_release(rig, "DROP", "nobody finished"),
            "REPLY 7 SOME_REFUSED \"1 of 2 were refused\" [nobody NOT_FOUND \"no such task\" "
            "release.task_ids[0]] [finished OK FINISHED rev 4 known]\n");
    in_release(rig, "RUN", "running");
    expect(in_release(rig, "DROP", "running"), "REPLY 9 OK [running OK RUNNING rev 5 known]\n");
    assert_int_equal(look_status(rig)->held, 4);
    rig_show(rig, SHOW_REPLIES);
    in_release(rig, "RUN", "queued queued"); /* named twice */
    assert_int_equal(look_status(rig)->held, 3);
}

static void refusals(void **state)
{
    struct rig *rig = restored(state);
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_release(rig, "", ""), "REPLY 7 INVALID "));
    assert_non_null(strstr(in_release(rig, "", "queued"), " release.action\n"));
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    request->release->has_action = true;
    request->release->action = (Zmesos__V1__Release__Action)3;
    assert_non_null(strstr(in_request(rig, request), " release.action\n"));
    char id[] = "queued", *ids[CORE_KILL_MAX + 1];
    for (size_t i = 0; i <= CORE_KILL_MAX; i++)
        ids[i] = id;
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    request->release->has_action = true;
    request->release->action = ZMESOS__V1__RELEASE__ACTION__RUN;
    request->release->task_ids = ids;
    request->release->n_task_ids = CORE_KILL_MAX + 1;
    assert_non_null(strstr(in_request(rig, request), "TOO_LARGE "));
    assert_int_equal(look_status(rig)->held, 5);
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    request->release->has_action = true;
    request->release->action = ZMESOS__V1__RELEASE__ACTION__RUN;
    request->release->task_ids = ids;
    request->release->n_task_ids = CORE_KILL_MAX;
    rig_show(rig, 0);
    in_request(rig, request);
    assert_int_equal(look_status(rig)->held, 4);
}

/* ---- the other history ------------------------------------------------------------------------------- */

/* What it launched after the backup and we do not know as tasks. */
static void what_it_launched_is_adopted(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "theirs.7.1 RUNNING by MASTER because RECONCILIATION on A3");
    expect(look_states(rig, "theirs"), "RUNNING adopted | RUNNING");
    in_update(rig, words(rig, "last.%lld.1 RUNNING by MASTER because RECONCILIATION on A3", 6 + JUMP));
    expect(look_states(rig, "last"), "RUNNING adopted | RUNNING");
    /* The key of a task that is there, and not its id. */
    in_update(rig, "other.6.1 RUNNING by MASTER because RECONCILIATION on A3");
    expect(look_states(rig, "other"), "RUNNING adopted | RUNNING");
    expect(look_states(rig, "queued"), "QUEUED held");
}

/* Its attempts of tasks that are held go on as those of the same tasks: run again they would run twice. */
static void its_attempts_are_the_tasks_own(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "queued.6.1 RUNNING by MASTER because RECONCILIATION on A3");
    expect(look_states(rig, "queued"), "RUNNING held | RUNNING");
    assert_string_equal(look(rig, "queued")->attempts[0]->mesos_task_id, "queued.6.1");
    expect_state(rig, "queued.6.1", "none");
    in_update(rig, "backoff.3.4 RUNNING by MASTER because RECONCILIATION on A3"); /* two more between */
    expect(look_states(rig, "backoff"), "RUNNING held | FAILED | RUNNING");
    in_release(rig, "RUN", "");
    expect(place(rig, "A1", ""), ""); /* both run already */
    in_update(rig, "backoff.3.4 FAILED by AGENT uuid u on A3");
    in_wait(rig, 3600000);
    expect(place(rig, "A1", ""), "backoff.3.3" R); /* the third that we know of */
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "queued.6.1 FINISHED by AGENT uuid u on A3");
    expect(look_states(rig, "queued"), "FINISHED | FINISHED");
}

/* One of the same task that it had given up for a later one ends, as does what we have replaced ourselves. */
static void what_it_gave_up_is_killed(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "running.2.3 RUNNING by MASTER because RECONCILIATION on A3");
    expect(look_states(rig, "running"), "RUNNING held | RUNNING replaced | RUNNING");
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_update(rig, "running.2.1 RUNNING by MASTER because RECONCILIATION on A2"),
            "CALL KILL running.2.1 A2"));
    assert_true(has_line(
            in_update(rig, "running.2.2 RUNNING by AGENT uuid u on A4"), "CALL KILL running.2.2 A4"));
    in_release(rig, "RUN", "queued");
    expect(place(rig, "A1", ""), "queued.6.1" R);
    assert_true(
            has_line(in_update(rig, "queued.6.1 RUNNING by AGENT uuid u on A3"), "CALL KILL queued.6.1 A3"));
    in_update(rig, "queued.6.1 KILLED by AGENT uuid u on A3");
    expect(look_states(rig, "queued"), "LAUNCHING | LAUNCHING");
    in_release(rig, "DROP", "backoff");
    assert_true(has_line(
            in_update(rig, "backoff.3.2 RUNNING by AGENT uuid u on A3"), "CALL KILL backoff.3.2 A3"));
    expect(look_states(rig, "backoff"), "KILLED kill | FAILED");
}

/* One that was lost may return, and is given up all the same. */
static void what_it_had_lost_and_replaced_is_killed(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "lost.5.2 RUNNING by MASTER because RECONCILIATION on A3");
    expect(look_states(rig, "lost"), "RUNNING held | LOST replaced | RUNNING");
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_update(rig, "lost.5.1 RUNNING by MASTER on A2"), "CALL KILL lost.5.1 A2"));
    rig_restart(rig);
    assert_true(has_line(in_up(rig), "CALL KILL lost.5.1 A2"));
}

/* It had not acknowledged their ends when it was gone, so the agents tell us. */
static void what_ended_there_has_ended(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_update(rig, "queued.6.1 FINISHED by AGENT uuid u on A3");
    expect(look_states(rig, "queued"), "FINISHED | FINISHED");
    in_update(rig, "backoff.3.2 FAILED by AGENT uuid u on A3");
    expect(look_states(rig, "backoff"), "QUEUED held | FAILED | FAILED");
    in_update(rig, "launching.1.2 GONE by MASTER on A3"); /* nobody asked about it */
    expect(look_states(rig, "launching"), "LAUNCHING held | LAUNCHING");
    in_release(rig, "RUN", "");
    expect(place(rig, "A1", ""), "");
}

static void an_hour(struct core_config *config)
{
    config->keep_tasks_ms = 3600000;
    config->heartbeat_ms = 1000;
}

/* Ours that were forgotten are killed, with and without the suffix; keys of the gap are not ours. */
static void what_was_forgotten_is_killed(void **state)
{
    struct rig *rig = backed_up(state, an_hour);
    rig_restore(rig, STORE);
    in_up(rig);
    in_release(rig, "RUN", "queued");
    place(rig, "A1", "");
    in_update(rig, "queued.6.1" R " LOST by MASTER");
    in_launch(rig, "new");
    const char *id = place(rig, "A1", "");
    in_update(rig, words(rig, "%s LOST by MASTER", id));
    in_wait(rig, 3700000);
    expect_state(rig, "queued", "none");
    expect_state(rig, "new", "none");
    expect_state(rig, "lost", "none");
    rig_show(rig, SHOW_CALLS);
    static const char *const ids[] = {("queued.6.1" R), "lost.5.1", "finished.4.1"};
    for (size_t i = 0; i < 4; i++) {
        const char *mesos_id = i < 3 ? ids[i] : id;
        const char *text = in_update(rig, words(rig, "%s RUNNING by AGENT uuid u", mesos_id));
        assert_true(has_line(text, words(rig, "CALL KILL %s A1", mesos_id)));
    }
    in_update(rig, "theirs.7.1 RUNNING by AGENT uuid u");
    expect_state(rig, "theirs", "RUNNING");
}

/* ---- again ------------------------------------------------------------------------------------------- */

static void restored_twice(void **state)
{
    struct rig *rig = restored(state);
    in_up(rig);
    in_launch(rig, "new");
    in_release(rig, "RUN", "queued");
    const char *ids = place(rig, "A1", "");
    expect(ids, words(rig, "queued.6.1" R " new.%lld.1" R, 7 + JUMP));
    in_update(rig, "queued.6.1" R " RUNNING by AGENT uuid u");
    rig_restore(rig, SECOND);
    assert_string_equal(disk_meta(&rig->disk, META_RESTORES), "2");
    assert_string_equal(disk_meta(&rig->disk, META_NEXT_KEY), words(rig, "%lld", 8 + 2 * JUMP));
    assert_string_equal(disk_meta(&rig->disk, META_FOREIGN_KEYS),
            words(rig, "7-%lld %lld-%lld", 6 + JUMP, 8 + JUMP, 7 + 2 * JUMP));
    assert_int_equal(look_status(rig)->held, 6);
    expect(look_states(rig, "queued"), "RUNNING held | RUNNING");
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "queued.6.1" R " FINISHED by AGENT uuid v"); /* the id it had */
    expect(look_states(rig, "queued"), "FINISHED | FINISHED");
    in_update(rig, "running.2.1 FAILED by AGENT uuid v on A2");
    in_launch(rig, "newer");
    in_release(rig, "RUN", "running");
    expect(place(rig, "A1", ""), words(rig, "running.2.2-r6fa459ea newer.%lld.1-r6fa459ea", 8 + 2 * JUMP));
}

static void a_store_without_tasks(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_restore(rig, STORE);
    assert_int_equal(look_status(rig)->held, 0);
    in_up(rig);
    in_launch(rig, "a");
    expect(place(rig, "A1", ""), words(rig, "a.%lld.1" R, 1 + JUMP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_written),
            TEST(never_restored),
            TEST(what_is_not_over_is_held),
            TEST(nothing_is_launched),
            TEST(what_runs_goes_on),
            TEST(absence_proves_nothing),
            TEST(what_is_lost_is_held_when_it_returns),
            TEST(a_held_task_can_be_killed),
            TEST(run_some),
            TEST(run_all),
            TEST(drop),
            TEST(drop_while_disconnected),
            TEST(ids_that_are_not_held_or_not_there),
            TEST(refusals),
            TEST(what_it_launched_is_adopted),
            TEST(its_attempts_are_the_tasks_own),
            TEST(what_it_gave_up_is_killed),
            TEST(what_it_had_lost_and_replaced_is_killed),
            TEST(what_ended_there_has_ended),
            TEST(what_was_forgotten_is_killed),
            TEST(restored_twice),
            TEST(a_store_without_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
