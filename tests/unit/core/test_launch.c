/* Launches: what is checked and how it is said, what a repetition gets, and the way of a task to its ACCEPT.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static void a_task_waits_until_an_offer_fits(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    expect(in_launch(rig, "a cpus 0.5 mem 32"), "RECORD task a QUEUED rev 1 spec\n"
                                                "EVENT task/a/QUEUED #1 rev 1\n"
                                                "REPLY 1 OK [a OK QUEUED rev 1]\n");
    in_up(rig);
    /* The intent is written before the ACCEPT. */
    expect(in_offers(rig, "o1 A1 cpus 4 mem 1024"), "EVENT mesos/OFFERS #1\n"
                                                    "RECORD attempt 1.1 LAUNCHING on A1\n"
                                                    "RECORD task a LAUNCHING rev 2\n"
                                                    "EVENT task/a/LAUNCHING #2 rev 2\n"
                                                    "CALL ACCEPT o1 [a.1.1 cpus 0.5 mem 32]\n");
}

static void a_task_goes_at_once_where_an_offer_is_held(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_offers(rig, "o1 A1 cpus 4");
    expect(in_launch(rig, "a"), "RECORD task a QUEUED rev 1 spec\n"
                                "EVENT task/a/QUEUED #1 rev 1\n"
                                "REPLY 1 OK [a OK QUEUED rev 1]\n"
                                "RECORD attempt 1.1 LAUNCHING on A1\n"
                                "RECORD task a LAUNCHING rev 2\n"
                                "EVENT task/a/LAUNCHING #2 rev 2\n"
                                "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

/* ---- repetitions ------------------------------------------------------------------------------------- */

static void the_same_launch_again_changes_nothing(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a mem 32");
    expect(in_launch(rig, "a mem 32"), "REPLY 2 OK [a OK QUEUED rev 1 known]\n");
    in_kill(rig, "a");
    expect(in_launch(rig, "a mem 32"), "REPLY 4 OK [a OK KILLED rev 2 known]\n");
    rig_restart(rig);
    expect(in_launch(rig, "a mem 32"), "REPLY 5 OK [a OK KILLED rev 2 known]\n");
}

static void twice_in_one_batch_is_one_task(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    expect(in_launch(rig, "a | b | a"),
            "RECORD task a QUEUED rev 1 spec\n"
            "EVENT task/a/QUEUED #1 rev 1\n"
            "RECORD task b QUEUED rev 1 spec\n"
            "EVENT task/b/QUEUED #2 rev 1\n"
            "REPLY 1 OK [a OK QUEUED rev 1] [b OK QUEUED rev 1] [a OK QUEUED rev 1 known]\n");
}

/* Other bytes that say the same: the fields in another order. */
static void the_same_in_another_order_is_the_same(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    Zmesos__V1__TaskSpec *spec = build_spec(rig, "a cpus 2");
    struct slice bytes = pack(rig, &spec->base);
    size_t id = 2 + strlen("a");
    assert_int_equal(bytes.data[0], 1 << 3 | 2); /* the id is first: now it goes last */
    uint8_t turned[64];
    assert_in_range(bytes.length, id, sizeof turned);
    memcpy(turned, bytes.data + id, bytes.length - id);
    memcpy(turned + bytes.length - id, bytes.data, id);
    rig->specs = &(struct slice){turned, bytes.length};
    in_launch_specs(rig, &spec, 1);
    rig->specs = NULL;
    assert_true(slice_equal(blob_slice(rig->disk.tasks[0].row.spec), slice_of(turned, bytes.length)));
    expect(in_launch(rig, "a cpus 2"), "REPLY 2 OK [a OK QUEUED rev 1 known]\n");
}

static void another_specification_is_a_conflict(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a mem 32");
    expect(in_launch(rig, "a mem 33 | b"),
            "RECORD task b QUEUED rev 1 spec\n"
            "EVENT task/b/QUEUED #2 rev 1\n"
            "REPLY 2 SOME_REFUSED \"1 of 2 were refused\" "
            "[a CONFLICT QUEUED rev 1 \"a task with this id and another specification exists\" "
            "launch.tasks[0].id] [b OK QUEUED rev 1]\n");
}

/* ---- checks ------------------------------------------------------------------------------------------ */

static struct rig *checked; /* the rig of the running test */

/* The code, the field and the sentence that a specification gets as second of a batch. */
static void expect_item(Zmesos__V1__TaskSpec *spec, const char *expected)
{
    Zmesos__V1__TaskSpec *specs[] = {build_spec(checked, "good"), spec};
    const char *text = in_launch_specs(checked, specs, 2), *item = strstr(text, "] [");
    assert_non_null(item);
    expect(item, expected);
    /* Nothing of it is kept. */
    assert_int_equal(checked->disk.task_count, 1);
}

#define REFUSED(id, code, words, field) "] [" id " " code " \"" words "\" launch.tasks[1]." field "]\n"

static Zmesos__V1__TaskSpec *spec(const char *text)
{
    return build_spec(checked, text);
}

static void ids_are_those_that_mesos_takes(void **state)
{
    struct rig *rig = *state = checked = rig_create(NULL);
    char longest[CORE_TASK_ID_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[CORE_TASK_ID_MAX + 1] = '\0';
    Zmesos__V1__TaskSpec *s = spec("a");
    s->id = NULL;
    expect_item(s, REFUSED("-", "INVALID", "a task needs an id", "id"));
    s = spec("a");
    s->id = longest;
    const char *text = in_launch_specs(rig, &s, 1);
    assert_non_null(strstr(text, "INVALID \"an id has at most 200 bytes, this one 201\" launch.tasks[0].id"));
    longest[CORE_TASK_ID_MAX] = '\0';
    s = spec("a");
    s->id = longest;
    assert_non_null(strstr(in_launch_specs(rig, &s, 1), " OK QUEUED rev 1]"));
    static const char *const bad[] = {"", ".", "..", "a/b", "a\\b", "a\tb", "a\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s = spec("a");
        s->id = arena_string(&rig->in, bad[i]);
        text = in_launch_specs(rig, &s, 1);
        assert_non_null(strstr(text, " INVALID \""));
        assert_non_null(strstr(text, "launch.tasks[0].id]"));
    }
}

static void names_and_roles(void **state)
{
    *state = checked = rig_create(NULL);
    char longest[257];
    memset(longest, 'n', sizeof longest - 1);
    longest[256] = '\0';
    Zmesos__V1__TaskSpec *s = spec("a");
    s->name = longest;
    expect_item(s, REFUSED("a", "TOO_LARGE", "a name has at most 255 bytes", "name"));
    longest[255] = '\0';
    s = spec("good2");
    s->name = longest;
    assert_non_null(strstr(in_launch_specs(checked, &s, 1), "[good2 OK"));
    s = spec("b role other");
    const char *text = in_launch_specs(checked, &s, 1);
    assert_non_null(
            strstr(text, "[b INVALID \"this zmesosd does not have that role\" launch.tasks[0].role]"));
}

static void amounts_are_numbers_that_can_be_had(void **state)
{
    *state = checked = rig_create(NULL);
    static const char *const names[] = {"cpus", "mem", "disk", "gpus"};
    static const struct {
        double value;
        const char *words;
    } cases[] = {{(double)NAN, "must be a number up to 10^12"}, {HUGE_VAL, "must be a number up to 10^12"},
            {-HUGE_VAL, "must be a number up to 10^12"}, {1e12 + 1, "must be a number up to 10^12"},
            {-1, "must not be negative"}, {-0.0001, "must not be negative"}, {-0.0, "must not be negative"}};
    for (size_t n = 0; n < 4; n++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Zmesos__V1__TaskSpec *s = spec("a cpus 1 mem 1 disk 1 gpus 1");
            *(n == 0 ? &s->cpus : n == 1 ? &s->mem : n == 2 ? &s->disk : &s->gpus) = cases[i].value;
            char expected[200];
            snprintf(expected, sizeof expected, "] [a INVALID \"%s %s\" launch.tasks[1].%s]\n", names[n],
                    cases[i].words, names[n]);
            expect_item(s, expected);
        }
    }
    expect_item(spec("a gpus 0.5"), REFUSED("a", "INVALID", "gpus must be a whole number", "gpus"));
    expect_item(spec("a ports 1001"), REFUSED("a", "TOO_LARGE", "ports is at most 1000", "ports"));
    expect_item(spec("a cpus 0"),
            REFUSED("a", "INVALID", "a task needs some resource: set cpus and mem", "cpus"));
    /* Less than half a thousandth is nothing. */
    expect_item(spec("a cpus 0.0004"),
            REFUSED("a", "INVALID", "a task needs some resource: set cpus and mem", "cpus"));
}

static void amounts_at_the_limit_are_taken(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_REPLIES);
    expect(in_launch(rig, "a cpus 0.0005 | b mem 1e12 | c ports 1000 | d gpus 1 | e disk 0.001"),
            "REPLY 1 OK [a OK QUEUED rev 1] [b OK QUEUED rev 1] [c OK QUEUED rev 1] [d OK QUEUED rev 1] "
            "[e OK QUEUED rev 1]\n");
}

static void a_command_and_labels_with_keys(void **state)
{
    *state = checked = rig_create(NULL);
    Zmesos__V1__TaskSpec *s = spec("a");
    s->command = NULL;
    expect_item(s, REFUSED("a", "INVALID", "a task needs a command", "command"));
    expect_item(spec("a label k=v label =v"), REFUSED("a", "INVALID", "a label needs a key", "labels"));
}

static void constraints_are_checked(void **state)
{
    *state = checked = rig_create(NULL);
    Zmesos__V1__TaskSpec *s = spec("a where x EQUALS 1");
    s->constraints[0]->attribute = NULL;
#define AT(part) "constraints[0]." part
    expect_item(s, REFUSED("a", "INVALID", "a constraint names an attribute", AT("attribute")));
    s = spec("a where x EQUALS 1");
    s->constraints[0]->has_operator_ = false;
    expect_item(s, REFUSED("a", "INVALID", "a constraint needs an operator", AT("operator")));
    s = spec("a where x EQUALS 1");
    s->constraints[0]->operator_ = (Zmesos__V1__Constraint__Operator)99;
    expect_item(s, REFUSED("a", "INVALID", "operator 99 is not known", AT("operator")));
    s = spec("a where x EQUALS 1");
    s->constraints[0]->n_values = 0;
    expect_item(s, REFUSED("a", "INVALID", "this operator takes one value", AT("values")));
    s = spec("a where x IN 1");
    s->constraints[0]->n_values = 0;
    expect_item(s, REFUSED("a", "INVALID", "this operator takes at least one value", AT("values")));
    s = spec("a where x IN 1");
    s->constraints[0]->operator_ = ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE;
    expect_item(s, REFUSED("a", "INVALID", "this operator takes no value", AT("values")));
    s = spec("a where x IN 1,2");
    s->constraints[0]->operator_ = ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES;
    expect_item(s, REFUSED("a", "INVALID", "this operator takes one value", AT("values")));
    s = spec("a where x=y EQUALS 1");
    expect_item(s,
            REFUSED("a", "INVALID", "an attribute's name holds no '=' and no line break", AT("attribute")));
}

static void constraints_have_limits(void **state)
{
    struct rig *rig = *state = checked = rig_create(NULL);
    char value[] = "v", *values[1001], name[257];
    for (size_t i = 0; i < 1001; i++)
        values[i] = value;
    memset(name, 'x', sizeof name - 1);
    name[256] = '\0';
    Zmesos__V1__TaskSpec *s = spec("a where x IN 1");
    s->constraints[0]->values = values;
    s->constraints[0]->n_values = 1001;
    expect_item(s, REFUSED("a", "TOO_LARGE", "a constraint has at most 1000 values", AT("values")));
    s = spec("a where x IN 1");
    s->constraints[0]->attribute = name;
    expect_item(s, REFUSED("a", "TOO_LARGE", "an attribute's name has at most 255 bytes", AT("attribute")));
    s = spec("a where x UNIQUE");
    Zmesos__V1__Constraint *many[33];
    for (size_t i = 0; i < 33; i++)
        many[i] = s->constraints[0];
    s->constraints = many;
    s->n_constraints = 33;
    expect_item(s, REFUSED("a", "TOO_LARGE", "there are at most 32 constraints", "constraints"));
    /* At the limits. */
    s = spec("b where x IN 1");
    name[255] = '\0';
    s->constraints[0]->attribute = name;
    s->constraints[0]->values = values;
    s->constraints[0]->n_values = 1000;
    assert_non_null(strstr(in_launch_specs(rig, &s, 1), "[b OK"));
    s = spec("c where x UNIQUE");
    for (size_t i = 0; i < 32; i++)
        many[i] = s->constraints[0];
    s->constraints = many;
    s->n_constraints = 32;
    assert_non_null(strstr(in_launch_specs(rig, &s, 1), "[c OK"));
}

static void patterns_are_checked(void **state)
{
    struct rig *rig = *state = checked = rig_create(NULL);
    static const char *const bad[] = {"a{2}", "[{]{", "(a)\\1", "(", "[a", "*", "a)|(b", "a\\", "(a+)+",
            "a++", "((a+)?)+", "(b|(a+)*)+", "[[:x", "[[.", "a[b[=c", "[", "[^", "[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Zmesos__V1__TaskSpec *s = spec("a where x MATCHES y");
        s->constraints[0]->values[0] =
                strdup(bad[i]); /* of that size: a sanitizer sees a look past its end */
        char *mine = s->constraints[0]->values[0];
        const char *text = in_launch_specs(rig, &s, 1);
        free(mine);
        if (!strstr(text, "[a INVALID \"") || !strstr(text, "launch.tasks[0].constraints[0].values]"))
            fail_msg("%s got %s", bad[i], text);
    }
    static const char *const good[] = {"", "a|b", "(a|b)*", "[^a-z]+", "\\{x\\}", "a\\\\1", "\\.", "a**",
            "((a*)b)?", "(x|(y?))*", "r[0-9]+(-[a-z]+)?", "(a*)+", "[[:alpha:]]+", "(ab)+c*", "[]]*", "[^]]x",
            "(a+|b+)c", "[*+?(){}]+", "(a)(b)*", "[[.-.]]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        Zmesos__V1__TaskSpec *s = spec("a where x MATCHES y");
        s->id = arena_format(&rig->in, "good-%zu", i);
        s->constraints[0]->values[0] = arena_string(&rig->in, good[i]);
        const char *text = in_launch_specs(rig, &s, 1);
        if (!strstr(text, " OK QUEUED"))
            fail_msg("%s got %s", good[i], text);
    }
    char longest[258];
    memset(longest, 'x', sizeof longest - 1);
    longest[257] = '\0';
    Zmesos__V1__TaskSpec *s = spec("a where x MATCHES y");
    s->constraints[0]->values[0] = longest;
    assert_non_null(
            strstr(in_launch_specs(rig, &s, 1), "[a TOO_LARGE \"a regular expression has at most 256"));
    longest[256] = '\0';
    s = spec("b where x MATCHES y");
    s->constraints[0]->values[0] = longest;
    assert_non_null(strstr(in_launch_specs(rig, &s, 1), "[b OK"));
}

/* ---- batches ----------------------------------------------------------------------------------------- */

static const char *launch_many(struct rig *rig, size_t count)
{
    Zmesos__V1__TaskSpec **specs = arena_array(&rig->in, count + 1, sizeof *specs);
    for (size_t i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof text, "t%zu", i);
        specs[i] = build_spec(rig, text);
    }
    return in_launch_specs(rig, specs, count);
}

static void a_batch_has_one_to_a_thousand_tasks(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    expect(launch_many(rig, 0), "REPLY 1 INVALID \"a launch has at least one task\" launch.tasks\n");
    expect(launch_many(rig, 1001), "REPLY 2 TOO_LARGE \"a launch has at most 1000 tasks\" launch.tasks\n");
    launch_many(rig, 1000);
    assert_int_equal(rig->disk.task_count, 1000);
}

static void keep_two(struct core_config *config)
{
    config->tasks_max = 2;
}

static void past_the_tasks_kept_it_is_unavailable(void **state)
{
    struct rig *rig = *state = rig_create(keep_two);
    rig_show(rig, SHOW_REPLIES);
    expect(in_launch(rig, "a | b | c"),
            "REPLY 1 SOME_REFUSED \"1 of 3 were refused\" [a OK QUEUED rev 1] [b OK QUEUED rev 1] "
            "[c UNAVAILABLE retry \"zmesosd keeps 2 tasks, and its limit is 2\"]\n");
    expect(in_launch(rig, "b"), "REPLY 2 OK [b OK QUEUED rev 1 known]\n");
}

static void the_request_id_comes_back(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_PING);
    request->id = arena_string(&rig->in, "ping-7");
    expect(in_request(rig, request), "REPLY 1 OK\n");
    assert_string_equal(rig->out.items[0].reply.reply->id, "ping-7");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_PING);
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION__NOT_SET;
    expect(in_request(rig, request),
            "REPLY 2 UNKNOWN_OPERATION \"this zmesosd does not know that operation\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_task_waits_until_an_offer_fits),
            TEST(a_task_goes_at_once_where_an_offer_is_held),
            TEST(the_same_launch_again_changes_nothing),
            TEST(twice_in_one_batch_is_one_task),
            TEST(the_same_in_another_order_is_the_same),
            TEST(another_specification_is_a_conflict),
            TEST(ids_are_those_that_mesos_takes),
            TEST(names_and_roles),
            TEST(amounts_are_numbers_that_can_be_had),
            TEST(amounts_at_the_limit_are_taken),
            TEST(a_command_and_labels_with_keys),
            TEST(constraints_are_checked),
            TEST(constraints_have_limits),
            TEST(patterns_are_checked),
            TEST(a_batch_has_one_to_a_thousand_tasks),
            TEST(past_the_tasks_kept_it_is_unavailable),
            TEST(the_request_id_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
