/* What a task gets of an offer: reservations, hierarchical roles, and what is left alone. */
#include "rig.h"

#include <stdio.h>

static void change_roles(struct core_config *config)
{
    static const char *const roles[] = {"eng/backend", "eng", "*"};
    config->roles = roles;
    config->role_count = 3;
}

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(change_roles);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static void the_most_specific_reservation_first(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 2.5");
    expect(in_offers(rig, "o1 A1 role eng/backend cpus 1 cpus/eng 1 cpus/eng/backend 1"),
            "CALL ACCEPT o1 [a.1.1 cpus/eng/backend 1 cpus/eng 1 cpus 0.5]\n");
    in_launch(rig, "b ports 3");
    expect(in_offers(rig, "o2 A1 role eng/backend ports 1-9 ports/eng 21-22 ports/eng/backend 31-31"),
            "CALL ACCEPT o2 [b.2.1 ports/eng/backend 31-31 ports/eng 21-22 PORTS 31 21 22]\n");
}

static void what_is_reserved_for_others_is_left_alone(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 2 role eng | b cpus 2 role *");
    expect(in_offers(rig, "o1 A1 role eng cpus/eng/backend 9 cpus/ops 9 cpus/engine 9 cpus/eng 1.5 cpus 0.4"),
            "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 role * cpus/eng 9 cpus 1.9"), "CALL DECLINE o2 for 3600 s\n");
    expect(in_offers(rig, "o3 A1 role eng cpus/ops 9 cpus 1 cpus/eng 1.5 | o4 A1 role * cpus/eng 9 cpus 2"),
            "CALL ACCEPT o3 [a.1.1 cpus/eng 1.5 cpus 0.5]\nCALL ACCEPT o4 [b.2.1 cpus 2]\n");
}

static void tasks_share_an_offer(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1.5 ports 2 | b cpus 1.5 ports 2 | c cpus 1.5 ports 2 | d cpus 0.5 ports 2");
    expect(in_offers(rig,
                   "o1 A1 role eng/backend cpus/eng 2 cpus 3 ports 5-6,8-9,11-12,20-21 cpus+revocable 9"),
            "CALL ACCEPT o1 [a.1.1 cpus/eng 1.5 ports 5-6 PORTS 5 6]"
            " [b.2.1 cpus/eng 0.5 cpus 1 ports 8-9 PORTS 8 9]"
            " [c.3.1 cpus 1.5 ports 11-12 PORTS 11 12]"
            " [d.4.1 cpus 0.5 ports 20-21 PORTS 20 21]\n");
}

/* The disk of the sandbox is not that of a volume or a device. */
static void a_disk_is_the_root_disk(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 disk 5");
    expect(in_offers(rig, "o1 A1 role eng/backend cpus 1 disk+volume 99 disk+provider 99 disk/eng 4.999"),
            "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 role eng/backend cpus 1 disk+volume 99 disk/eng 4.999 disk 1"),
            "CALL ACCEPT o2 [a.1.1 cpus 1 disk/eng 4.999 disk 0.001]\n");
}

static void what_makes_no_sense_is_in_no_task(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 mem 1");
    expect(in_offers(rig, "o1 A1 role eng/backend cpus -5 cpus nan cpus inf cpus 1e13 cpus 0.5 mem 9"),
            "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(
                   rig, "o2 A1 role eng/backend cpus -5 cpus nan cpus inf cpus 1e13 cpus 0.5 cpus 0.5 mem 9"),
            "CALL ACCEPT o2 [a.1.1 cpus 0.5 cpus 0.5 mem 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_most_specific_reservation_first),
            TEST(what_is_reserved_for_others_is_left_alone),
            TEST(tasks_share_an_offer),
            TEST(a_disk_is_the_root_disk),
            TEST(what_makes_no_sense_is_in_no_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
