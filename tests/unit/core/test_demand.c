/* Resources by name, and executors that tasks share. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static struct rig *ready(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

/* What becomes of one task and one offer, from the bracket on; or the call's name. */
static const char *one(struct rig *rig, const char *spec, const char *offer)
{
    static unsigned offers;
    char *id = words(rig, "d%u", ++offers);
    in_launch(rig, spec);
    const char *text = in_offers(rig, words(rig, "%s A%u %s", id, offers, offer));
    const char *bracket = strchr(text, '[');
    if (!bracket) {
        in_kill(rig, spec[0] == 'a' ? "a" : "b");
        return "nothing";
    }
    return words(rig, "%.*s", (int)(strchr(bracket, ']') - bracket - 1), bracket + 1);
}

static const struct {
    const char *want, *offer, *taken;
} wants[] = {
        {"want net:2.5", "net 9", "a.1.1 net 2.5"},
        {"want net:2.5", "net 2.4", "nothing"},
        {"want net:2.5", "cpus 9", "nothing"},
        {"want net:2.5", "net/r1 1 net 9", "a.1.1 net/r1 1 net 1.5"},
        {"want net:2.5/UNRESERVED", "net/r1 9 net 9", "a.1.1 net 2.5"},
        {"want net:2.5/RESERVED", "net 9", "nothing"},
        {"want net:2.5", "net+revocable 9", "nothing"},
        {"want net:2.5+ONLY", "net 9", "nothing"},
        {"want net:2.5+FIRST", "net 9 net+revocable 9", "a.1.1 net 2.5 revocable"},
        {"want net:2.5+FIRST", "net 9 net+revocable 2", "a.1.1 net 2.5"},
        {"want cpus:0.5+ONLY mem 1", "cpus+revocable 9 mem 2", "a.1.1 cpus 0.5 revocable mem 1"},
        {"want vlans#*3", "vlans #1-2,9-20", "a.1.1 vlans 1-2,9-9"},
        {"want vlans#*3", "vlans #1-2", "nothing"},
        {"want keys%*2", "keys %c,a,b", "a.1.1 keys a,b"},
        {"want keys%*4", "keys %c,a,b", "nothing"},
        {"want keys%c,a", "keys %c,a,b", "a.1.1 keys a,c"},
        {"want keys%c,z", "keys %c,a,b", "nothing"},
        {"want ports#80-81", "ports 1-100", "a.1.1 ports 80-81 PORTS 80 81"},
        {"want ports#80-81", "ports 1-80", "nothing"},
        {"want ports#80-81", "ports/r1 80-80 ports 1-60,81-90",
                "a.1.1 ports/r1 80-80 ports 81-81 PORTS 80 81"},
        {"want ports#80-80", "ports/r2 80-80", "nothing"},
        {"want ports#80-80", "ports+revocable 80-80", "nothing"},
        {"want vlans#5-6 want ports#*1", "vlans #1-9 ports 7-8", "a.1.1 vlans 5-6 ports 7-7 PORTS 7"},
        {"want disk=v1", "disk+volume=v2 9 disk+volume=v1 8", "a.1.1 disk 8 volume v1"},
        {"want disk=v1 disk 2", "disk 3 disk/r1+volume=v1 8", "a.1.1 disk/r1 8 volume v1 disk 2"},
        {"want disk=v1", "disk+volume=v2 9", "nothing"},
        {"want gpus:2", "gpus 4", "a.1.1 gpus 2"},
};

static void what_is_wanted_is_taken(void **state)
{
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        struct rig *rig = ready(state);
        const char *taken = one(rig, words(rig, "a %s", wants[i].want), wants[i].offer);
        if (strcmp(taken, wants[i].taken) != 0)
            fail_msg("%s of %s: %s, not %s", wants[i].want, wants[i].offer, taken, wants[i].taken);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* What is found half way is not kept from the next. */
static void what_lacks_something_takes_nothing(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a want ports#5-5 want net:9 prio 9 | b want ports#5-5");
    expect(in_offers(rig, "o1 A1 ports 1-9 net 8"), "CALL ACCEPT o1 [b.2.1 ports 5-5 PORTS 5]\n");
}

static void a_port_is_given_once(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a want ports#2-2 | b ports 2 | c want ports#2-2");
    expect(in_offers(rig, "o1 A1 ports 1-4 | o2 A2 ports 2-2"),
            "CALL ACCEPT o1 [a.1.1 ports 2-2 PORTS 2] [b.2.1 ports 1-1,3-3 PORTS 1 3]\n"
            "CALL ACCEPT o2 [c.3.1 ports 2-2 PORTS 2]\n");
}

/* Amounts by both ways count against the same offer. */
static void amounts_of_the_same_name(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a want cpus:3 | b cpus 2");
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL ACCEPT o1 [a.1.1 cpus 3]\n");
}

static void tasks_that_ask_differently_are_not_alike(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a want net:9 | b want net:1 | c want ports#9-9 | d want ports#3-3 | e exec x=net:5 | f "
                   "exec x=net:1");
    const char *text = in_offers(rig, "o1 A1 net 3 cpus 9 ports 1-4");
    assert_non_null(strstr(text, "[b.2.1 net 1] [d.4.1 ports 3-3 PORTS 3] [f.6.1 cpus 1]"));
}

static void a_recovered_core_wants_the_same(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a want net:2 want ports#5-5 | b exec x=mem:5");
    rig_restart(rig);
    in_up(rig);
    assert_non_null(strstr(in_offers(rig, "o1 A1 net 8 ports 1-9 cpus 1 mem 9"),
            "CALL ACCEPT o1 [a.1.1 ports 5-5 net 2 PORTS 5] [b.2.1 cpus 1]\n"));
}

/* ---- executors ---- */

static void an_executor_is_paid_once_an_offer(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig,
            "a exec e1=cpus:2,mem:5 cpus 1 | b exec e1=cpus:2,mem:5 cpus 1 | c exec e2=cpus:2,mem:5 cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 6.9 mem 9"), "CALL ACCEPT o1 [a.1.1 cpus 1] [b.2.1 cpus 1]\n");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    /* Of the other there is none yet. */
    expect(in_offers(rig, "o2 A1 cpus 2.9 mem 9"), "CALL DECLINE o2 for 3600 s\n");
    expect(in_offers(rig, "o3 A1 cpus 3 mem 4.9"), "CALL DECLINE o3 for 3600 s\n");
    expect(in_offers(rig, "o4 A1 cpus 3 mem 5"), "CALL ACCEPT o4 [c.3.1 cpus 1]\n");
}

static void one_that_is_up_is_not_paid(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a exec e1=cpus:2");
    in_offers(rig, "o1 A1 cpus 3");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_launch(rig, "b exec e1=cpus:2");
    expect(in_offers(rig, "o2 A1 cpus 2.9"), "CALL DECLINE o2 for 3600 s\n"); /* it may never come up */
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u");
    in_wait(rig, 60000);
    expect(in_offers(rig, "o3 A2 cpus 2.9"), "CALL DECLINE o3 for 3600 s\n"); /* there it is not */
    assert_non_null(strstr(in_offers(rig, "o4 A1 cpus 1"), "CALL ACCEPT o4 [b.2.1 cpus 1]\n"));
    in_answer(rig, "o4", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid v");
    in_launch(rig, "c exec e1=cpus:2");
    expect(in_offers(rig, "o5 A1 cpus 1"), "CALL DECLINE o5 for 3600 s\n"); /* b does not run yet */
}

static void reserved_for_its_role(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a exec e1=cpus/r1:2 cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 9"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus/r1 2 cpus 1"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
}

/* ---- what is refused ---- */

static const struct {
    const char *spec, *field;
} wrong[] = {
        {"want :1", "resources[0]"},
        {"want net", "resources[0]"},
        {"want net:0", "resources[0]"},
        {"want net:-1", "resources[0]"},
        {"want net:nan", "resources[0]"},
        {"want net:1e13", "resources[0]"},
        {"want net:1 want net:1", "resources[1]"},
        {"want net:1 want net#*1", "resources[1]"},
        {"want cpus:1 cpus 1", "resources[0]"},
        {"want ports#*1 ports 1", "resources[0]"},
        {"want ports#*1001", "resources[0]"},
        {"want ports#1-1001", "resources[0]"},
        {"want ports#5-1", "resources[0]"},
        {"want gpus:0.5", "resources[0]"},
        {"want net#1-2+ONLY", "resources[0]"},
        {"want net#1-2/RESERVED", "resources[0]"},
        {"want disk=v1+ONLY", "resources[0]"},
        {"want disk~0", "resources[0]"},
        {"want net=v1", "resources[0]"},
        {"exec .. cpus 1", "executor.executor_id.value"},
        {"exec e1=cpus:-1 cpus 1", "executor.resources[0].scalar"},
};

/* The field at fault of the first item, or "" where it was taken. */
static const char *refused(struct rig *rig, Zmesos__V1__TaskSpec *spec)
{
    in_launch_specs(rig, &spec, 1);
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind == CORE_OUT_REPLY && output->reply.reply->items)
            return output->reply.reply->items->items[0]->field ? output->reply.reply->items->items[0]->field
                                                               : "";
    }
    return "no reply";
}

static void what_is_refused(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        arena_reset(&rig->in);
        const char *field = refused(rig, build_spec(rig, words(rig, "a %s", wrong[i].spec)));
        if (strcmp(field, words(rig, "launch.tasks[0].%s", wrong[i].field)) != 0)
            fail_msg("%s: %s", wrong[i].spec, field);
    }
}

static void limits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    for (size_t count = 64; count <= 65; count++) {
        char *text = words(rig, "a%zu", count);
        for (size_t i = 0; i < count; i++)
            text = words(rig, "%s want n%zu:1", text, i);
        expect(refused(rig, build_spec(rig, text)), count == 64 ? "" : "launch.tasks[0].resources");
    }
    expect(refused(rig, build_spec(rig, "b want ports#*1000")), "");
    expect(refused(rig, build_spec(rig, "c want ports#1-1000")), "");
}

static void a_command_or_an_executor(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "a exec e1=cpus:1");
    spec->command = spec->executor->command;
    expect(refused(rig, spec), "launch.tasks[0].executor");
    spec = build_spec(rig, "a exec e1=cpus:1");
    spec->executor->command = NULL;
    expect(refused(rig, spec), "launch.tasks[0].executor");
    spec = build_spec(rig, "a exec e1=cpus:1");
    spec->executor->has_type = true;
    spec->executor->type = MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
    expect(refused(rig, spec), "launch.tasks[0].executor");
    spec = build_spec(rig, "a exec e1=cpus:1");
    spec->executor->has_type = true;
    spec->executor->type = MESOS__V1__EXECUTOR_INFO__TYPE__CUSTOM;
    expect(refused(rig, spec), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_wanted_is_taken),
            TEST(what_lacks_something_takes_nothing),
            TEST(a_port_is_given_once),
            TEST(amounts_of_the_same_name),
            TEST(tasks_that_ask_differently_are_not_alike),
            TEST(a_recovered_core_wants_the_same),
            TEST(an_executor_is_paid_once_an_offer),
            TEST(one_that_is_up_is_not_paid),
            TEST(reserved_for_its_role),
            TEST(what_is_refused),
            TEST(limits),
            TEST(a_command_or_an_executor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
