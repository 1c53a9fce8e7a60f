/* Conditions on attributes, and the values that UNIQUE holds taken. */
#include "rig.h"

#include <string.h>

/* Whether a task with the constraint is launched on an agent with the attributes. */
static bool holds(const char *constraint, const char *attributes)
{
    struct rig *rig = rig_create(NULL);
    rig_show(rig, SHOW_CALLS);
    in_up(rig);
    in_launch(rig, words(rig, "a where %s", constraint));
    const char *text = in_offers(rig, words(rig, "o1 A1 cpus 4 %s", attributes));
    bool launched = strcmp(text, "CALL ACCEPT o1 [a.1.1 cpus 1]\n") == 0;
    if (!launched)
        assert_string_equal(text, "CALL DECLINE o1 for 3600 s\n");
    rig_destroy(rig);
    return launched;
}

static void equals(void **state)
{
    (void)state;
    assert_true(holds("rack EQUALS r1", "@rack=r1"));
    assert_false(holds("rack EQUALS r1", "@rack=r12"));
    assert_false(holds("rack EQUALS r1", "@rack=R1"));
    assert_false(holds("rack EQUALS r1", "@row=r1"));
    assert_true(holds("rack EQUALS r1", "@row=x @rack=r1"));
}

static void in(void **state)
{
    (void)state;
    assert_true(holds("rack IN r1,r2", "@rack=r1"));
    assert_true(holds("rack IN r1,r2", "@rack=r2"));
    assert_false(holds("rack IN r1,r2", "@rack=r3"));
    assert_false(holds("rack IN r1,r2", "@rack=r1,r2"));
}

static void matches_the_whole_value(void **state)
{
    (void)state;
    assert_true(holds("rack MATCHES r[0-9]+", "@rack=r12"));
    assert_false(holds("rack MATCHES r[0-9]+", "@rack=r12b"));
    assert_false(holds("rack MATCHES r[0-9]+", "@rack=ar12"));
    assert_true(holds("rack MATCHES a|ab", "@rack=ab"));
    assert_true(holds("rack MATCHES a|b", "@rack=b"));
    assert_false(holds("rack MATCHES a|b", "@rack=ab"));
    /* A lone ) is itself, and opens no way around the whole match. */
    assert_true(holds("rack MATCHES a)|b", "@rack=a)"));
    assert_false(holds("rack MATCHES a)|b", "@rack=ax"));
    assert_false(holds("rack MATCHES a)|b", "@rack=xb"));
    assert_false(holds("rack MATCHES .*", "@row=r1"));
}

static void other_kinds_of_attributes_compare_as_text(void **state)
{
    (void)state;
    assert_true(holds("level EQUALS 4", "@level:4"));
    assert_true(holds("level EQUALS 0.25", "@level:0.25"));
    assert_true(holds("level EQUALS 0.333", "@level:0.33333"));
    assert_false(holds("level EQUALS 4.0", "@level:4"));
    assert_true(holds("tags EQUALS {a}", "@tags%a"));
}

static void ranges_and_sets_are_printed_as_mesos_does(void **state)
{
    (void)state;
    assert_true(holds("r MATCHES \\[1-5,.7-9]", "@r#1-5,7-9"));
    assert_true(holds("s MATCHES [^a]a,.b.", "@s%a,b"));
}

static void hostname_is_an_attribute(void **state)
{
    (void)state;
    assert_true(holds("hostname EQUALS h7", "host h7"));
    assert_false(holds("hostname EQUALS h7", "host h8"));
    assert_false(holds("hostname EQUALS h7", "host h8 @hostname=h7"));
}

static void all_must_hold(void **state)
{
    (void)state;
    assert_true(holds("rack EQUALS r1 where zone EQUALS z", "@rack=r1 @zone=z"));
    assert_false(holds("rack EQUALS r1 where zone EQUALS z", "@rack=r1 @zone=y"));
    assert_false(holds("rack EQUALS r1 where zone EQUALS z", "@rack=r2 @zone=z"));
}

/* ---- UNIQUE ------------------------------------------------------------------------------------------ */

#define TWO_RACKS "o1 A1 cpus 4 @rack=r1 | o2 A2 cpus 4 @rack=r2"

static void unique_spreads_tasks_of_one_name(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE | b name w where rack UNIQUE | c name w where rack UNIQUE");
    rig_show(rig, SHOW_CALLS | SHOW_RECORDS);
    expect(in_offers(rig, TWO_RACKS), "RECORD attempt 1.1 LAUNCHING on A1 unique rack=r1;\n"
                                      "RECORD task a LAUNCHING rev 2\n"
                                      "RECORD attempt 2.1 LAUNCHING on A2 unique rack=r2;\n"
                                      "RECORD task b LAUNCHING rev 2\n"
                                      "CALL ACCEPT o1 [a.1.1 cpus 1]\n"
                                      "CALL ACCEPT o2 [b.2.1 cpus 1]\n");
    /* The third waits until one is over. */
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o3 A1 cpus 3 @rack=r1"), "CALL DECLINE o3 for 3600 s\n");
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u");
    expect(in_offers(rig, "o4 A1 cpus 3 @rack=r1"), "CALL ACCEPT o4 [c.3.1 cpus 1]\n");
}

static void unique_is_among_tasks_of_one_name(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(
            rig, "a name v where rack UNIQUE | b name w where rack UNIQUE | c name w | d where rack UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 @rack=r1"),
            "CALL ACCEPT o1 [a.1.1 cpus 1] [b.2.1 cpus 1] [c.3.1 cpus 1] [d.4.1 cpus 1]\n");
}

/* One name that finds no place does not hold up another with the same wishes. */
static void unique_of_one_name_holds_up_no_other(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name v where rack UNIQUE | b name v where rack UNIQUE | c name w where rack UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 @rack=r1"), "CALL ACCEPT o1 [a.1.1 cpus 1] [c.3.1 cpus 1]\n");
}

static void unique_needs_the_attribute(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a where rack UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL DECLINE o1 for 3600 s\n");
}

static void unique_on_two_attributes_holds_both(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE where hostname UNIQUE | "
                   "b name w where rack UNIQUE where hostname UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 host h1 @rack=r1 | o2 A2 cpus 4 host h1 @rack=r2 | "
                          "o3 A3 cpus 4 host h3 @rack=r1 | o4 A4 cpus 4 host h4 @rack=r4"),
            "CALL ACCEPT o1 [a.1.1 cpus 1]\n"
            "CALL ACCEPT o4 [b.2.1 cpus 1]\n");
}

/* A line break is a value's own as any other sign, at its end too, and after a restart. */
static void unique_of_values_of_several_lines(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE | b name w where rack UNIQUE | c name w where rack UNIQUE | "
                   "d name w where rack UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 @rack=r1\nx"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
    expect(in_offers(rig, "o2 A2 cpus 4 @rack=r1\ny\n | o3 A3 cpus 4 @rack=r1"),
            "CALL ACCEPT o2 [b.2.1 cpus 1]\n"
            "CALL ACCEPT o3 [c.3.1 cpus 1]\n");
    rig_restart(rig);
    in_up(rig);
    expect(in_offers(rig, "o4 A1 cpus 3 @rack=r1\nx | o5 A2 cpus 3 @rack=r1\ny\n | o6 A3 cpus 3 @rack=r1"),
            "CALL DECLINE o4 o5 o6 for 3600 s\n");
    in_update(rig, "b.2.1 FINISHED by AGENT uuid u");
    expect(in_offers(rig, "o7 A2 cpus 3 @rack=r1\ny\n"), "CALL ACCEPT o7 [d.4.1 cpus 1]\n");
}

/* The values are known after a restart, and let go when the task ends. */
static void unique_outlives_a_restart(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE | b name w where rack UNIQUE");
    in_offers(rig, "o1 A1 cpus 4 @rack=r1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 4 @rack=r1"), "CALL DECLINE o2 for 3600 s\n");
    rig_show(rig, 0);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o3 A1 cpus 4 @rack=r1"), "CALL ACCEPT o3 [b.2.1 cpus 1]\n");
}

/* A task that is cut off may run: it keeps its value. */
static void unreachable_keeps_the_value(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE | b name w where rack UNIQUE");
    in_offers(rig, "o1 A1 cpus 4 @rack=r1");
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A2 cpus 4 @rack=r1"), "CALL DECLINE o2 for 3600 s\n");
}

/* An attempt that never ran gives its value back. */
static void never_ran_gives_the_value_back(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name w where rack UNIQUE");
    in_offers(rig, "o1 A1 cpus 4 @rack=r1");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    in_launch(rig, "b name w where rack UNIQUE");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 4 @rack=r1"), "CALL ACCEPT o2 [b.2.1 cpus 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(equals),
            cmocka_unit_test(in),
            cmocka_unit_test(matches_the_whole_value),
            cmocka_unit_test(other_kinds_of_attributes_compare_as_text),
            cmocka_unit_test(ranges_and_sets_are_printed_as_mesos_does),
            cmocka_unit_test(hostname_is_an_attribute),
            cmocka_unit_test(all_must_hold),
            TEST(unique_spreads_tasks_of_one_name),
            TEST(unique_is_among_tasks_of_one_name),
            TEST(unique_of_one_name_holds_up_no_other),
            TEST(unique_needs_the_attribute),
            TEST(unique_on_two_attributes_holds_both),
            TEST(unique_of_values_of_several_lines),
            TEST(unique_outlives_a_restart),
            TEST(unreachable_keeps_the_value),
            TEST(never_ran_gives_the_value_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
