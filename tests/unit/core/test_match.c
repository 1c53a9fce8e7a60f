/* Which task goes to which offer, and what it takes of it. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

/* A subscribed core that shows its calls. */
static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

/* ---- order ------------------------------------------------------------------------------------------- */

static void the_oldest_first(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a | b | c");
    expect(in_offers(rig, "o1 A1 cpus 2"), "CALL ACCEPT o1 [a.1.1 cpus 1] [b.2.1 cpus 1]\n");
}

static void the_highest_priority_before_the_oldest(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a prio -1 | b | c prio 5 | d prio 5 mem 1 | e prio 7");
    expect(in_offers(rig, "o1 A1 cpus 3 mem 9"),
            "CALL ACCEPT o1 [e.5.1 cpus 1] [c.3.1 cpus 1] [d.4.1 mem 1] [b.2.1 cpus 1]\n");
    expect(in_offers(rig, "o2 A1 cpus 3"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
}

/* Tasks that ask for different things share one line within a priority. */
static void the_oldest_first_among_different_tasks(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 2 | b cpus 1 | c cpus 2 | d cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 5"), "CALL ACCEPT o1 [a.1.1 cpus 2] [b.2.1 cpus 1] [c.3.1 cpus 2]\n");
}

static void what_fits_nowhere_holds_nobody_up(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "huge cpus 64 prio 9 | a | huge2 cpus 64 | b");
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL ACCEPT o1 [a.2.1 cpus 1] [b.4.1 cpus 1]\n");
    expect(in_offers(rig, "o2 A1 cpus 64"), "CALL ACCEPT o2 [huge.1.1 cpus 64]\n");
}

static void the_first_offer_that_has_room(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 3 | b cpus 1 | c cpus 2 | d cpus 2");
    expect(in_offers(rig, "o1 A1 cpus 2 | o2 A2 cpus 4 | o3 A3 cpus 8"),
            "CALL ACCEPT o1 [b.2.1 cpus 1]\n"
            "CALL ACCEPT o2 [a.1.1 cpus 3]\n"
            "CALL ACCEPT o3 [c.3.1 cpus 2] [d.4.1 cpus 2]\n");
}

/* A task that waits again is older than those that came since. */
static void a_task_that_waits_again_keeps_its_place(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a | b");
    in_offers(rig, "o1 A1 cpus 2");
    in_launch(rig, "c | d");
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    expect(in_offers(rig, "o2 A1 cpus 3"), "CALL ACCEPT o2 [a.1.2 cpus 1] [b.2.2 cpus 1] [c.3.1 cpus 1]\n");
}

/* A thousand that wait again among others that wait: all in the order in which they came. */
static void many_that_wait_again(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    rig_show(rig, 0);
    for (int batch = 0; batch < 3; batch++) {
        Zmesos__V1__TaskSpec *specs[500];
        for (int i = 0; i < 500; i++)
            specs[i] = build_spec(rig, words(rig, "t%d-%d", batch, i));
        in_launch_specs(rig, specs, 500);
        if (batch < 2)
            in_offers(rig, words(rig, "o%d A1 cpus 500", batch));
    }
    in_answer(rig, "o1", CORE_NOT_DONE, ""); /* the later ones first */
    in_down(rig, "gone");
    in_answer(rig, "o0", CORE_NOT_DONE, "");
    in_up(rig);
    in_offers(rig, "o9 A1 cpus 1000");
    const struct core_call *call = &rig->out.items[rig->out.count - 1].call;
    assert_int_equal(call->launch_count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_string_equal(call->launches[i].task_id, words(rig, "t%d-%d.%d.2", i / 500, i % 500, i + 1));
    rig_check(rig);
}

/* Alike tasks that failed together in any order: each has its place among all that wait. */
static void as_many_that_are_tried_again(void **state)
{
    enum { TASKS = 40000, BATCH = 1000 };
    struct rig *rig = ready(state);
    rig->unchecked = true;
    rig_show(rig, 0);
    for (int first = 0; first < TASKS; first += BATCH) {
        Zmesos__V1__TaskSpec *specs[BATCH];
        for (int i = 0; i < BATCH; i++)
            specs[i] = build_spec(rig, words(rig, "t%d tries 2 backoff 1000", first + i));
        in_launch_specs(rig, specs, BATCH);
        in_offers(rig, words(rig, "o%d A1 cpus %d", first, BATCH));
        in_answer(rig, words(rig, "o%d", first), CORE_ACCEPTED, "");
    }
    for (int i = 0; i < TASKS; i++) { /* 7919 and their number have no divisor in common */
        int number = (int)((int64_t)i * 7919 % TASKS);
        in_update(rig, words(rig, "t%d.%d.1 FAILED by AGENT", number, number + 1));
    }
    rig->now.mono_ms += 1000;
    rig->now.wall_ns += INT64_C(1000000000);
    in_tick(rig);
    in_offers(rig, words(rig, "o A1 cpus %d", BATCH));
    const struct core_call *call = &rig->out.items[rig->out.count - 1].call;
    assert_int_equal(call->launch_count, BATCH);
    for (int i = 0; i < BATCH; i++)
        assert_string_equal(call->launches[i].task_id, words(rig, "t%d.%d.2", i, i + 1));
}

/* Priorities are the client's: as many as there are tasks. */
static void as_many_priorities_as_tasks(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    rig_show(rig, 0);
    for (int batch = 0; batch < 5; batch++) {
        Zmesos__V1__TaskSpec *specs[1000];
        for (int i = 0; i < 1000; i++) {
            int number = batch * 1000 + i;
            specs[i] = build_spec(rig, words(rig, "t%d prio %d", number, number * 7919 % 20011 - 10000));
        }
        in_launch_specs(rig, specs, 1000);
    }
    for (int round = 0; round < 5; round++) /* too small for all of them */
        in_offers(rig, words(rig, "n%d A1 cpus 0.5", round));
    in_offers(rig, "o1 A1 cpus 1000");
    const struct core_call *call = &rig->out.items[rig->out.count - 1].call;
    int last = 10011;
    for (size_t i = 0; i < call->launch_count; i++) {
        int number;
        assert_int_equal(sscanf(call->launches[i].task_id, "t%d.", &number), 1);
        assert_true(number * 7919 % 20011 - 10000 < last);
        last = number * 7919 % 20011 - 10000;
    }
    assert_int_equal(call->launch_count, 1000);
}

static void and_after_a_restart(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a prio 1 | b | c prio 1");
    rig_restart(rig);
    in_up(rig);
    expect(in_offers(rig, "o1 A1 cpus 2"), "CALL ACCEPT o1 [a.1.1 cpus 1] [c.3.1 cpus 1]\n");
}

/* ---- roles ------------------------------------------------------------------------------------------- */

static void offers_are_for_tasks_of_their_role(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a role r2 | b | c role r1");
    expect(in_offers(rig, "o1 A1 cpus 9 role r2"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
    expect(in_offers(rig, "o2 A1 cpus 9"), "CALL ACCEPT o2 [b.2.1 cpus 1] [c.3.1 cpus 1]\n");
    in_launch(rig, "d role r2 | e"); /* also where offers of both are there */
    expect(in_offers(rig, "o3 A1 cpus 9 | o4 A1 cpus 9 role r2"),
            "CALL ACCEPT o3 [e.5.1 cpus 1]\nCALL ACCEPT o4 [d.4.1 cpus 1]\n");
}

static void an_offer_of_another_role_is_left_alone(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a");
    expect(in_offers(rig, "o1 A1 cpus 9 role r9"), "");
}

/* ---- resources --------------------------------------------------------------------------------------- */

static void three_decimals_are_exact(void **state)
{
    struct rig *rig = ready(state);
    for (int i = 0; i < 11; i++)
        in_launch(rig, words(rig, "t%d cpus 0.1", i));
    in_offers(rig, "o1 A1 cpus 1");
    assert_int_equal(rig->out.items[rig->out.count - 1].call.launch_count, 10);
    rig_destroy(rig);
    rig = ready(state);
    in_launch(rig, "a cpus 0.001 | b cpus 0.001 | c cpus 0.001");
    expect(in_offers(rig, "o1 A1 cpus 0.002"), "CALL ACCEPT o1 [a.1.1 cpus 0.001] [b.2.1 cpus 0.001]\n");
}

/* What Mesos cannot tell from 0.3 is 0.3. */
static void amounts_are_rounded_as_mesos_does(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 0.1 | b cpus 0.2");
    expect(in_offers(rig, "o1 A1 cpus 0.30000000000000004"),
            "CALL ACCEPT o1 [a.1.1 cpus 0.1] [b.2.1 cpus 0.2]\n");
    in_launch(rig, "c cpus 0.3");
    expect(in_offers(rig, "o2 A1 cpus 0.29999999999999999"), "CALL ACCEPT o2 [c.3.1 cpus 0.3]\n");
    in_launch(rig, "d cpus 0.3004");
    expect(in_offers(rig, "o3 A1 cpus 0.3"), "CALL ACCEPT o3 [d.4.1 cpus 0.3]\n");
}

static void all_kinds_must_fit(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 mem 64 disk 10 gpus 1 ports 1");
    static const char *const short_of[] = {"cpus 0.999 mem 64 disk 10 gpus 1 ports 1-1",
            "cpus 1 mem 63 disk 10 gpus 1 ports 1-1", "cpus 1 mem 64 disk 9 gpus 1 ports 1-1",
            "cpus 1 mem 64 disk 10 ports 1-1", "cpus 1 mem 64 disk 10 gpus 1"};
    for (int i = 0; i < 5; i++)
        expect(in_offers(rig, words(rig, "n%d A1 %s", i, short_of[i])),
                words(rig, "CALL DECLINE n%d for 3600 s\n", i));
    expect(in_offers(rig, "o1 A1 cpus 1 mem 64 disk 10 gpus 1 ports 1-1"),
            "CALL ACCEPT o1 [a.1.1 cpus 1 mem 64 disk 10 gpus 1 ports 1-1 PORTS 1]\n");
}

/* Reserved ones first, then the others; each part as it was offered. */
static void reservations_are_used_as_they_were_offered(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 3 mem 10");
    expect(in_offers(rig, "o1 A1 cpus 2 cpus/r1 1.5 cpus/r1 0.5 mem 100"),
            "CALL ACCEPT o1 [a.1.1 cpus/r1 1.5 cpus/r1 0.5 cpus 1 mem 10]\n");
    in_launch(rig, "b cpus 1 | c cpus 1 | d cpus 1");
    expect(in_offers(rig, "o2 A1 cpus 1 cpus/r1 2"),
            "CALL ACCEPT o2 [b.2.1 cpus/r1 1] [c.3.1 cpus/r1 1] [d.4.1 cpus 1]\n");
}

static void what_is_not_plain_is_left_alone(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o1 A1 cpus+revocable 4 cpus+shared 4 cpus+provider 4 cpus+volume 4"),
            "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus+revocable 4 cpus 1"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
}

static void resources_go_back_whole(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 cpus/r1 4 role r1");
    const struct core_call *call = &rig->out.items[rig->out.count - 1].call;
    const Mesos__V1__Resource *resource = call->launches[0].resources[0];
    assert_string_equal(resource->allocation_info->role, "r1");
    assert_string_equal(resource->reservations[0]->role, "r1");
    assert_int_equal(resource->type, MESOS__V1__VALUE__TYPE__SCALAR);
    assert_string_equal(call->launches[0].agent_id, "A1");
}

static void ports_come_from_several_ranges(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a ports 3 | b ports 2 | c ports 2");
    expect(in_offers(rig, "o1 A1 ports 5-6,9-9,100-102"),
            "CALL ACCEPT o1 [a.1.1 ports 5-6,9-9 PORTS 5 6 9] [b.2.1 ports 100-101 PORTS 100 101]\n");
    expect(in_offers(rig, "o2 A1 ports 7-7 ports/r1 8-8"),
            "CALL ACCEPT o2 [c.3.1 ports/r1 8-8 ports 7-7 PORTS 8 7]\n");
}

static void ports_are_kept_with_the_attempt(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a ports 3");
    rig_show(rig, SHOW_RECORDS);
    expect(in_offers(rig, "o1 A1 ports 31000-31001,65535-65535"),
            "RECORD attempt 1.1 LAUNCHING on A1 ports 31000 31001 65535\n"
            "RECORD task a LAUNCHING rev 2\n");
}

static void ranges_that_make_no_sense_have_no_ports(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a ports 1");
    expect(in_offers(rig, "o1 A1 ports 9-8,70000-70001,65535-65536"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 ports 9-8,10-10"), "CALL ACCEPT o2 [a.1.1 ports 10-10 PORTS 10]\n");
}

static void a_thousand_ports(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a ports 1000");
    expect(in_offers(rig, "o1 A1 ports 1-999"), "CALL DECLINE o1 for 3600 s\n");
    in_offers(rig, "o2 A1 ports 1-998,2000-2001");
    assert_int_equal(rig->out.items[rig->out.count - 1].call.launches[0].port_count, CORE_PORTS_MAX);
}

/* ---- ACCEPT ------------------------------------------------------------------------------------------ */

/* A thousand launches an ACCEPT; the rest of the offer comes back by itself. */
static void an_accept_has_a_limit(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    for (int batch = 0; batch < 2; batch++) {
        Zmesos__V1__TaskSpec *specs[CORE_LAUNCH_MAX];
        for (int i = 0; i < CORE_LAUNCH_MAX; i++)
            specs[i] = build_spec(rig, words(rig, "t%d-%d", batch, i));
        in_launch_specs(rig, specs, CORE_LAUNCH_MAX);
    }
    rig_show(rig, 0);
    in_offers(rig, "o1 A1 cpus 9999 | o2 A2 cpus 2");
    assert_int_equal(rig->out.items[rig->out.count - 2].call.launch_count, CORE_ACCEPT_MAX);
    assert_int_equal(rig->out.items[rig->out.count - 1].call.launch_count, 2);
    rig_check(rig);
}

/* Few tasks fill an ACCEPT too, when their specifications are large. */
static void an_accept_has_a_limit_in_bytes(void **state)
{
    struct rig *rig = ready(state);
    static uint8_t data[CORE_ACCEPT_BYTES_MAX / 4];
    for (int i = 0; i < 5; i++) {
        Zmesos__V1__TaskSpec *spec = build_spec(rig, words(rig, "t%d", i));
        spec->has_data = true;
        spec->data = (ProtobufCBinaryData){.len = sizeof data, .data = data};
        in_launch_specs(rig, &spec, 1);
    }
    expect(in_offers(rig, "o1 A1 cpus 9 | o2 A2 cpus 9"),
            "CALL ACCEPT o1 [t0.1.1 cpus 1] [t1.2.1 cpus 1] [t2.3.1 cpus 1]\n"
            "CALL ACCEPT o2 [t3.4.1 cpus 1] [t4.5.1 cpus 1]\n");
}

/* Specifications of four megabytes an ACCEPT. */
static void an_accept_has_a_limit_of_bytes(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        struct rig *rig = ready(state);
        rig->unchecked = true;
        for (int i = 0; i < 5; i++) {
            Zmesos__V1__TaskSpec *large = build_large_spec(
                    rig, words(rig, "t%d", i), CORE_ACCEPT_BYTES_MAX / 4 + (i == 3 ? more : 0));
            in_launch_specs(rig, &large, 1);
        }
        rig_show(rig, SHOW_CALLS);
        in_offers(rig, "o1 A1 cpus 9 | o2 A2 cpus 9");
        assert_int_equal(rig->out.items[rig->out.count - 2].call.launch_count, more ? 3 : 4);
        assert_int_equal(rig->out.items[rig->out.count - 1].call.launch_count, more ? 2 : 1);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* One that is longer than the limit goes alone. */
static void a_longer_specification_goes_alone(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    rig_show(rig, 0);
    Zmesos__V1__TaskSpec *large = build_large_spec(rig, "a", CORE_ACCEPT_BYTES_MAX + 1);
    in_launch_specs(rig, &large, 1);
    in_launch(rig, "b");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 9"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

/* Many tasks over many offers, each asking for something else: what was placed was there. */
static void nothing_is_given_twice(void **state)
{
    struct rig *rig = ready(state);
    rig->unchecked = true;
    for (int i = 0; i < 300; i++)
        in_launch(rig, words(rig, "t%d cpus %d.%03d mem %d", i, i % 3, (i * 37) % 1000, 1 + i % 7));
    char *offers = words(rig, "o0 A0 cpus 10 mem 40");
    for (int i = 1; i < 40; i++)
        offers = words(rig, "%s | o%d A%d cpus %d mem %d", offers, i, i, 1 + i % 9, 10 + i);
    in_offers(rig, offers);
    size_t placed = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind != CORE_OUT_CALL || !output->call.call->accept)
            continue;
        int number;
        assert_int_equal(sscanf(output->call.call->accept->offer_ids[0]->value, "o%d", &number), 1);
        double cpus = 0, mem = 0;
        for (size_t j = 0; j < output->call.launch_count; j++, placed++) {
            for (size_t r = 0; r < output->call.launches[j].resource_count; r++) {
                const Mesos__V1__Resource *resource = output->call.launches[j].resources[r];
                *(strcmp(resource->name, "cpus") == 0 ? &cpus : &mem) += resource->scalar->value;
            }
        }
        assert_true(cpus < (number ? 1 + number % 9 : 10) + 0.0001);
        assert_true(mem < (number ? 10 + number : 40) + 0.0001);
    }
    assert_in_range(placed, 40, 300);
    rig_check(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_oldest_first),
            TEST(the_highest_priority_before_the_oldest),
            TEST(the_oldest_first_among_different_tasks),
            TEST(what_fits_nowhere_holds_nobody_up),
            TEST(the_first_offer_that_has_room),
            TEST(a_task_that_waits_again_keeps_its_place),
            TEST(many_that_wait_again),
            TEST(as_many_that_are_tried_again),
            TEST(as_many_priorities_as_tasks),
            TEST(and_after_a_restart),
            TEST(offers_are_for_tasks_of_their_role),
            TEST(an_offer_of_another_role_is_left_alone),
            TEST(three_decimals_are_exact),
            TEST(amounts_are_rounded_as_mesos_does),
            TEST(all_kinds_must_fit),
            TEST(reservations_are_used_as_they_were_offered),
            TEST(what_is_not_plain_is_left_alone),
            TEST(resources_go_back_whole),
            TEST(ports_come_from_several_ranges),
            TEST(ports_are_kept_with_the_attempt),
            TEST(ranges_that_make_no_sense_have_no_ports),
            TEST(a_thousand_ports),
            TEST(an_accept_has_a_limit),
            TEST(an_accept_has_a_limit_in_bytes),
            TEST(an_accept_has_a_limit_of_bytes),
            TEST(a_longer_specification_goes_alone),
            TEST(nothing_is_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
