/* Groups: what a launch of one takes and refuses, and where a group goes. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static struct rig *ready(void **state, unsigned show)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, show);
    return rig;
}

/* ---- taken or refused ---- */

static void all_are_taken_in_a_row(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    expect(in_launch(rig, "a group g | x | b group g | y group h"),
            "REPLY 1 OK [a OK QUEUED rev 1] [x OK QUEUED rev 1] [b OK QUEUED rev 1] [y OK QUEUED rev 1]\n");
    assert_string_equal(look(rig, "b")->group, "g");
    assert_null(look(rig, "x")->group);
    rig_show(rig, SHOW_CALLS); /* keys 1 and 2: x comes after b */
    expect(in_offers(rig, "o1 A1 cpus 8 mem 512 disk 512"),
            "CALL ACCEPT o1 GROUP 2 (group.a.1.1 cpus 0.1 mem 64 disk 64) [a.1.1 cpus 1] [b.2.1 cpus 1] "
            "[x.3.1 cpus 1] GROUP 1 (group.y.4.1 cpus 0.1 mem 64 disk 64) [y.4.1 cpus 1]\n");
}

static void one_refused_refuses_all(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    expect(in_launch(rig, "a group g | b group g cpus -1 | c group g role none | d"),
            "REPLY 1 SOME_REFUSED \"3 of 4 were refused\" [a INVALID \"refused with its group, because of "
            "b\"] [b INVALID \"cpus must not be negative\" launch.tasks[1].cpus] [c INVALID \"this zmesosd "
            "does not have that role\" launch.tasks[2].role] [d OK QUEUED rev 1]\n");
    assert_null(look(rig, "a"));
    assert_non_null(look(rig, "d"));
}

/* What a refused launch says of its second task. */
static const char *second(struct rig *rig, const char *launch)
{
    const char *text = in_launch(rig, launch);
    assert_null(look(rig, "a"));
    assert_null(look(rig, "b"));
    const char *at = strstr(text, "] [b ");
    assert_non_null(at);
    return words(rig, "%s", at + 2);
}

static void what_belongs_to_the_group_is_the_same_in_all(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    expect(second(rig, "a group g prio 1 | b group g"),
            "[b INVALID \"priority is the same in all members of a group\" launch.tasks[1].priority]\n");
    expect(second(rig, "a group g | b group g role r2"),
            "[b INVALID \"role is the same in all members of a group\" launch.tasks[1].role]\n");
    expect(second(rig, "a group g from x | b group g"),
            "[b INVALID \"submitter is the same in all members of a group\" launch.tasks[1].submitter]\n");
    expect(second(rig, "a group g | b group g despite yes"),
            "[b INVALID \"despite_maintenance is the same in all members of a group\" "
            "launch.tasks[1].despite_maintenance]\n");
    expect(second(rig, "a group g default e=cpus:1,mem:32,disk:1 | b group g default e=cpus:1,mem:33,disk:1"),
            "[b INVALID \"executor is the same in all members of a group\" launch.tasks[1].executor]\n");
    expect(second(rig, "a group g default e=cpus:1,mem:32,disk:1 | b group g"),
            "[b INVALID \"executor is the same in all members of a group\" launch.tasks[1].executor]\n");
}

static void what_a_member_may_not_have(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    expect(second(rig, "a group g | b group g tries 2"),
            "[b INVALID \"a member of a group has no retry policy: its group would have to be tried again as "
            "a whole\" launch.tasks[1].retry]\n");
    expect(second(rig, "a group g where rack UNIQUE | b group g where zone TOGETHER"),
            "[b INVALID \"one member of a group may have UNIQUE, MAX_PER, SPREAD or TOGETHER: the others go "
            "with it\" launch.tasks[1].constraints]\n");
    expect(second(rig, "a group g exec e=cpus:1 | b group g"),
            "[b INVALID \"executor is the same in all members of a group\" launch.tasks[1].executor]\n");
    expect(in_launch(rig, "a group g | a group g"),
            "REPLY 4 SOME_REFUSED \"2 of 2 were refused\" [a INVALID \"refused with its group, because of "
            "a\"] [a INVALID \"two members of the group have this id\" launch.tasks[1].id]\n");
    struct rig *other = rig;
    Zmesos__V1__TaskSpec *specs[] = {build_spec(other, "a group g"), build_spec(other, "b group g")};
    specs[1]->container = arena_alloc(&other->in, sizeof *specs[1]->container);
    mesos__v1__container_info__init(specs[1]->container);
    specs[1]->container->type = MESOS__V1__CONTAINER_INFO__TYPE__DOCKER;
    assert_non_null(strstr(in_launch_specs(other, specs, 2), " launch.tasks[1].container]"));
}

static void the_executor_of_a_group(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    const char *minimum = "[b INVALID \"the executor of a group needs cpus of at least 0.01, mem of at least "
                          "32 and some disk\" launch.tasks[1].executor.resources]\n";
    const char *small[] = {
            "cpus:0.009,mem:32,disk:1", "cpus:0.01,mem:31.999,disk:1", "cpus:0.01,mem:32", "cpus:1"};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        expect(second(rig, words(rig, "a group g default e=%s | b group g default e=%s", small[i], small[i])),
                minimum);
    expect(second(rig,
                   "a group g default e=cpus:0.01,mem:32,disk:1 | b group g exec e=cpus:0.01,mem:32,disk:1"),
            "[b INVALID \"a task needs a command\" launch.tasks[1].command]\n");
    Zmesos__V1__TaskSpec *custom = build_spec(rig, "a group g exec e=cpus:1,mem:32,disk:1");
    custom->command = custom->executor->command;
    assert_non_null(
            strstr(in_launch_specs(rig, &custom, 1), "the executor of a group is one of type DEFAULT"));
    custom = build_spec(rig, "a group g default e=cpus:1,mem:32,disk:1");
    custom->executor->command = custom->command;
    assert_non_null(strstr(in_launch_specs(rig, &custom, 1), "the executor of a group has no command"));
    expect(in_launch(rig, "a default e=cpus:0.01,mem:32,disk:0.001"),
            "REPLY 8 SOME_REFUSED \"1 of 1 were refused\" [a INVALID \"a task has a command or an executor, "
            "not both\" launch.tasks[0].executor]\n");
    rig_show(rig, SHOW_CALLS);
    in_launch(rig, "a group g default e=cpus:0.01,mem:32,disk:0.001 | b group g default "
                   "e=cpus:0.01,mem:32,disk:0.001");
    expect(in_offers(rig, "o1 A1 cpus 2 mem 32 disk 1"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus 2.01 mem 32 disk 1"),
            "CALL ACCEPT o2 GROUP 2 [a.1.1 cpus 1] [b.2.1 cpus 1]\n");
}

static void the_name_has_a_limit(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    char name[CORE_GROUP_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[CORE_GROUP_NAME_MAX] = '\0';
    in_launch(rig, words(rig, "a group %s", name));
    assert_string_equal(look(rig, "a")->group, name);
    name[CORE_GROUP_NAME_MAX] = 'n';
    name[CORE_GROUP_NAME_MAX + 1] = '\0';
    assert_non_null(strstr(in_launch(rig, words(rig, "b group %s", name)), " launch.tasks[0].group]"));
    assert_non_null(strstr(in_launch(rig, "c group x/y"), " launch.tasks[0].group]"));
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "d");
    spec->group = arena_string(&rig->in, "");
    assert_non_null(strstr(in_launch_specs(rig, &spec, 1), " launch.tasks[0].group]"));
}

/* Equal ones count once. */
static void constraints_at_the_limit(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    const char *a = "a group g";
    for (int i = 0; i < 31; i++)
        a = words(rig, "%s where r%d EXISTS", a, i);
    expect(in_launch(rig, words(rig, "%s | b group g where r0 EXISTS where s EXISTS", a)),
            "REPLY 1 OK [a OK QUEUED rev 1] [b OK QUEUED rev 1]\n");
}

static void constraints_past_the_limit(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    const char *a = "a group g";
    for (int i = 0; i < 32; i++)
        a = words(rig, "%s where r%d EXISTS", a, i);
    expect(second(rig, words(rig, "%s | b group g where s EXISTS", a)),
            "[b TOO_LARGE \"a group has at most 32 constraints, equal ones counted once\" "
            "launch.tasks[1].constraints]\n");
}

static void three_at_most(struct core_config *config)
{
    config->tasks_max = 3;
}

static void there_is_room_for_all_or_for_none(void **state)
{
    struct rig *rig = *state = rig_create(three_at_most);
    rig_show(rig, SHOW_REPLIES);
    in_launch(rig, "x");
    expect(in_launch(rig, "a group g | b group g | c group g"),
            "REPLY 2 SOME_REFUSED \"3 of 3 were refused\" [a UNAVAILABLE retry \"zmesosd keeps 1 tasks, and "
            "its limit is 3\"] [b UNAVAILABLE retry \"zmesosd keeps 1 tasks, and its limit is 3\"] [c "
            "UNAVAILABLE retry \"zmesosd keeps 1 tasks, and its limit is 3\"]\n");
    expect(in_launch(rig, "a group g | b group g"), "REPLY 3 OK [a OK QUEUED rev 1] [b OK QUEUED rev 1]\n");
}

/* ---- again ---- */

static void a_launch_again_is_known(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    in_launch(rig, "a group g | b group g cpus 2");
    expect(in_launch(rig, "b group g cpus 2 | a group g"),
            "REPLY 2 OK [b OK QUEUED rev 1 known] [a OK QUEUED rev 1 known]\n");
    rig_restart(rig);
    expect(in_launch(rig, "a group g | b group g cpus 2"),
            "REPLY 3 OK [a OK QUEUED rev 1 known] [b OK QUEUED rev 1 known]\n");
}

static void other_members_are_a_conflict(void **state)
{
    struct rig *rig = ready(state, SHOW_REPLIES);
    in_launch(rig, "a group g | b group g | x");
    expect(in_launch(rig, "a group g"), "REPLY 2 SOME_REFUSED \"1 of 1 were refused\" [a CONFLICT \"the "
                                        "group g exists, with 2 members\" launch.tasks[0].group]\n");
    expect(in_launch(rig, "a group g | b group g | c group g"),
            "REPLY 3 SOME_REFUSED \"3 of 3 were refused\" [a CONFLICT \"refused with its group, because of "
            "c\"] [b CONFLICT \"refused with its group, because of c\"] [c CONFLICT \"the group g exists, "
            "with other members\" launch.tasks[2].group]\n");
    expect(in_launch(rig, "a group g | a group g"),
            "REPLY 4 SOME_REFUSED \"2 of 2 were refused\" [a CONFLICT \"refused with its group, because of "
            "a\"] [a CONFLICT \"the group g exists, with other members\" launch.tasks[1].id]\n");
    expect(in_launch(rig, "a group g | b group g cpus 7"),
            "REPLY 5 SOME_REFUSED \"2 of 2 were refused\" [a CONFLICT \"refused with its group, because of "
            "b\"] [b CONFLICT \"a task with this id and another specification exists\" "
            "launch.tasks[1].id]\n");
    expect(in_launch(rig, "n group new | x group new"),
            "REPLY 6 SOME_REFUSED \"2 of 2 were refused\" [n CONFLICT \"refused with its group, because of "
            "x\"] [x CONFLICT \"a task with this id and another specification exists\" "
            "launch.tasks[1].id]\n");
    expect(in_launch(rig, "a"),
            "REPLY 7 SOME_REFUSED \"1 of 1 were refused\" [a CONFLICT QUEUED rev 1 \"a task with this "
            "id and another specification exists\" launch.tasks[0].id]\n");
}

/* ---- where it goes ---- */

static void on_one_offer_or_on_none(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "a group g cpus 2 | b group g cpus 2 ports 2");
    const char *executor = "mem 64 disk 64";
    expect(in_offers(rig,
                   words(rig, "o1 A1 cpus 4 %s ports 1-9 | o2 A2 cpus 4 %s ports 1-9", executor, executor)),
            "CALL DECLINE o1 o2 for 3600 s\n");
    expect(in_offers(rig, words(rig, "o3 A1 cpus 4.1 %s ports 1-1", executor)),
            "CALL DECLINE o3 for 3600 s\n");
    expect(in_offers(rig, "o4 A1 cpus 4.1 mem 63 disk 64 ports 1-2"), "CALL DECLINE o4 for 3600 s\n");
    expect(in_offers(rig, words(rig, "o5 A1 cpus 4.1 %s ports 1-2", executor)),
            "CALL ACCEPT o5 GROUP 2 (group.a.1.1 cpus 0.1 mem 64 disk 64) [a.1.1 cpus 2] [b.2.1 cpus 2 ports "
            "1-2 PORTS 1 2]\n");
}

static void it_waits_in_its_place(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "x | a group g | b group g | y");
    expect(in_offers(rig, "o1 A1 cpus 3 mem 64 disk 64"), "CALL ACCEPT o1 [x.1.1 cpus 1] [y.4.1 cpus 1]\n");
    in_launch(rig, "z");
    expect(in_offers(rig, "o2 A1 cpus 2.1 mem 64 disk 64"),
            "CALL ACCEPT o2 GROUP 2 (group.a.2.1 cpus 0.1 mem 64 disk 64) [a.2.1 cpus 1] [b.3.1 cpus 1]\n");
}

static void it_takes_what_is_reserved_too(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "a group g want net:2 | b group g cpus 2");
    expect(in_offers(rig, "o1 A1 cpus/r1 1 cpus 1.1 mem/r1 64 disk 64 net 1"),
            "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus/r1 1 cpus 1.1 mem/r1 64 disk 64 net 2"),
            "CALL ACCEPT o2 GROUP 2 (group.a.1.1 cpus 0.1 mem/r1 64 disk 64) [a.1.1 net 2] [b.2.1 cpus/r1 1 "
            "cpus 1]\n");
}

static void constraints_of_all_hold(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "a group g where rack EQUALS r1 | b group g where zone EQUALS z1 where rack EQUALS r1");
    expect(in_offers(rig, "o1 A1 cpus 9 mem 99 disk 99 @rack=r1 | o2 A2 cpus 9 mem 99 disk 99 @zone=z1"),
            "CALL DECLINE o1 o2 for 3600 s\n");
    expect(in_offers(rig, "o3 A3 cpus 9 mem 99 disk 99 @rack=r1 @zone=z1"),
            "CALL ACCEPT o3 GROUP 2 (group.a.1.1 cpus 0.1 mem 64 disk 64) [a.1.1 cpus 1] [b.2.1 cpus 1]\n");
}

/* One member is counted, and the others go where it goes. */
static void a_group_in_each_rack(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "s1 group g1 | w1 group g1 name web where rack UNIQUE");
    in_launch(rig, "s2 group g2 | w2 group g2 name web where rack UNIQUE");
    expect(in_offers(rig, "o1 A1 cpus 9 mem 999 disk 999 @rack=r1"),
            "CALL ACCEPT o1 GROUP 2 (group.s1.1.1 cpus 0.1 mem 64 disk 64) [s1.1.1 cpus 1] [w1.2.1 cpus "
            "1]\n");
    expect(in_offers(rig, "o2 A2 cpus 9 mem 999 disk 999 @rack=r1"), "CALL DECLINE o2 for 3600 s\n");
    expect(in_offers(rig, "o3 A3 cpus 9 mem 999 disk 999 @rack=r2"),
            "CALL ACCEPT o3 GROUP 2 (group.s2.3.1 cpus 0.1 mem 64 disk 64) [s2.3.1 cpus 1] [w2.4.1 cpus "
            "1]\n");
}

/* The executor that a client names is paid for once on an agent. */
static void two_groups_of_one_executor(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    for (int i = 1; i <= 2; i++)
        in_launch(rig, words(rig, "t%d group g%d default e=cpus:0.5,mem:32,disk:1", i, i));
    expect(in_offers(rig, "o1 A1 cpus 2.5 mem 32 disk 1"),
            "CALL ACCEPT o1 GROUP 1 [t1.1.1 cpus 1] GROUP 1 [t2.2.1 cpus 1]\n");
}

static void a_thousand_members_fill_an_accept(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    rig->unchecked = true;
    in_launch(rig, "x cpus 0.001");
    Zmesos__V1__TaskSpec *specs[CORE_LAUNCH_MAX];
    for (int i = 0; i < CORE_LAUNCH_MAX; i++)
        specs[i] = build_spec(rig, words(rig, "t%d group g cpus 0.001", i));
    in_launch_specs(rig, specs, CORE_LAUNCH_MAX);
    rig_show(rig, 0);
    in_offers(rig, "o1 A1 cpus 9 mem 99 disk 99 | o2 A2 cpus 9 mem 99 disk 99");
    size_t counts[2] = {0}, calls = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_CALL && rig->out.items[i].call.launch_count > 0)
            counts[calls++] = rig->out.items[i].call.launch_count;
    }
    assert_int_equal(calls, 2);
    assert_int_equal(counts[0], 1); /* beside x there is no room for all of it */
    assert_int_equal(counts[1], CORE_LAUNCH_MAX);
    rig_check(rig);
}

/* ---- why ---- */

static void why_it_waits(void **state)
{
    struct rig *rig = ready(state, SHOW_CALLS);
    in_launch(rig, "a group g cpus 3 | b group g cpus 3");
    in_offers(rig, "o1 A1 cpus 5 mem 99 disk 99 | o2 A2 cpus 1 mem 99 disk 99");
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why why = ZMESOS__V1__WHY__INIT;
    char *ids[] = {(char[]){"b"}};
    why.task_ids = ids;
    why.n_task_ids = 1;
    request.has_version = true;
    request.version = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &why;
    in_request(rig, &request);
    const Zmesos__V1__Explanation *view = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            view = rig->out.items[i].reply.reply->explanations->explanations[0];
    }
    assert_non_null(view);
    assert_int_equal(view->offers, 2);
    assert_int_equal(view->alike, 1);
    assert_int_equal(view->reasons[0]->kind, ZMESOS__V1__REASON__KIND__CPUS);
    assert_string_equal(view->reasons[0]->message, "not enough cpus: wants 6.1, the most an offer had is 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(all_are_taken_in_a_row),
            TEST(one_refused_refuses_all),
            TEST(what_belongs_to_the_group_is_the_same_in_all),
            TEST(what_a_member_may_not_have),
            TEST(the_executor_of_a_group),
            TEST(the_name_has_a_limit),
            TEST(constraints_at_the_limit),
            TEST(constraints_past_the_limit),
            TEST(there_is_room_for_all_or_for_none),
            TEST(a_launch_again_is_known),
            TEST(other_members_are_a_conflict),
            TEST(on_one_offer_or_on_none),
            TEST(it_waits_in_its_place),
            TEST(it_takes_what_is_reserved_too),
            TEST(constraints_of_all_hold),
            TEST(a_group_in_each_rack),
            TEST(two_groups_of_one_executor),
            TEST(a_thousand_members_fill_an_accept),
            TEST(why_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
