/* UPDATE_FRAMEWORK by request: roles that come and go. */
#include "rig.h"

#include <string.h>

static const char *update(struct rig *rig, const char *added, const char *removed)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK);
    Zmesos__V1__UpdateFramework *body = request->update_framework;
    body->n_add_roles = *added ? split(rig, added, ",", &body->add_roles) : 0;
    body->n_remove_roles = *removed ? split(rig, removed, ",", &body->remove_roles) : 0;
    return in_request(rig, request);
}

static const char *roles(struct rig *rig)
{
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    const char *text = "";
    for (size_t i = 0; i < status->n_roles; i++)
        text = words(rig, "%s%s%s", text, *text ? " " : "", status->roles[i]);
    return text;
}

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_wait(rig, 10000);
    rig_show(rig, SHOW_ALL);
    return rig;
}

static void roles_come_and_go(void **state)
{
    struct rig *rig = ready(state);
    expect(update(rig, "r3,r4/x", "r2"), "CALL UPDATE_FRAMEWORK r1 r3 r4/x -r1 -r3 -r4/x\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "RECORD roles r1 r2\nr1 r3 r4/x\nREPLY 1 OK\n");
    expect(roles(rig), "r1 r3 r4/x");
    rig_show(rig, SHOW_CALLS);
    expect(in_launch(rig, "a cpus 1 role r3"), "CALL REVIVE r3\n");
    expect(in_offers(rig, "o1 A1 cpus 4 role r3"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_launch(rig, "b cpus 1 role r2"), "INVALID"));
}

static void until_the_answer_nothing_is_decided(void **state)
{
    struct rig *rig = ready(state);
    update(rig, "r3", "r2");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(roles(rig), "r1 r2");
    assert_non_null(strstr(in_launch(rig, "a cpus 1 role r3"), "INVALID"));
    assert_non_null(strstr(in_launch(rig, "b cpus 1 role r2"), "INVALID"));
    assert_non_null(strstr(update(rig, "r5", ""), "UNAVAILABLE retry"));
    expect(in_offers(rig, "o1 A1 cpus 4 role r2"), "CALL DECLINE o1 for 3600 s\n");
    in_offers(rig, "o2 A1 cpus 4 role r3"); /* overtakes the answer */
}

static void refused_or_lost_all_stays(void **state)
{
    struct rig *rig = ready(state);
    const char *names[CORE_ROLES_MAX];
    update(rig, "r3", "r2");
    expect(in_answer_last(rig, CORE_REFUSED, "no r3 here"),
            "REPLY 1 INVALID \"the master refused it: no r3 here\"\n");
    expect(roles(rig), "r1 r2");
    update(rig, "r3", "r2");
    assert_int_equal(core_roles(rig->core, names), 2); /* what a SUBSCRIBE would say */
    in_answer_last(rig, CORE_UNANSWERED, "cut");
    expect(roles(rig), "r1 r2");
    expect(disk_meta(&rig->disk, META_ROLES), "");
}

static void a_role_with_tasks_does_not_go(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 role r2 | b cpus 1 role r2");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(update(rig, "", "r2"), "REPLY 2 UNAVAILABLE retry \"2 of its tasks are not over, or may return\" "
                                  "update_framework.remove_roles[0]\n");
    in_kill(rig, "a");
    in_kill(rig, "b");
    expect(update(rig, "", "r2"), "CALL UPDATE_FRAMEWORK r1 -r1\n");
}

static void what_cannot_be(void **state)
{
    struct rig *rig = ready(state);
    rig_show(rig, SHOW_REPLIES);
    static const struct {
        const char *added, *removed, *text;
    } cases[] = {
            {"", "", "INVALID \"nothing is to be changed\" update_framework"},
            {"r1", "", "INVALID \"it is one of the roles already\" update_framework.add_roles[0]"},
            {"x,x", "", "INVALID \"it is one of the roles already\" update_framework.add_roles[1]"},
            {"a b", "", "INVALID \"Mesos does not allow that name\" update_framework.add_roles[0]"},
            {"", "r9", "INVALID \"it is none of the roles\" update_framework.remove_roles[0]"},
            {"", "r2,r2", "INVALID \"it is none of the roles\" update_framework.remove_roles[1]"},
            {"", "r1,r2", "INVALID \"no role would be left\" update_framework.remove_roles"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(update(rig, cases[i].added, cases[i].removed),
                words(rig, "REPLY %zu %s\n", i + 1, cases[i].text));
    in_down(rig, "gone");
    expect(update(rig, "r3", ""), "REPLY 8 UNAVAILABLE retry \"there is no subscription\"\n");
}

static void so_many_at_once(void **state)
{
    struct rig *rig = ready(state);
    const char *many = "n0";
    for (int i = 1; i < CORE_ROLES_AT_ONCE - 2; i++)
        many = words(rig, "%s,n%d", many, i);
    rig_show(rig, SHOW_REPLIES);
    expect(update(rig, words(rig, "%s,more", many), ""),
            "REPLY 1 TOO_LARGE \"there are at most 64 roles at a time, and 256 in one run\" "
            "update_framework.add_roles\n");
    expect(update(rig, many, ""), "");
    in_answer_last(rig, CORE_ACCEPTED, "");
    assert_int_equal(look_status(rig)->n_roles, CORE_ROLES_AT_ONCE);
}

static void it_holds_over_restarts_until_the_configuration_changes(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS);
    in_request(rig, request);
    update(rig, "r3", "r2");
    in_answer_last(rig, CORE_ACCEPTED, "");
    in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS));
    in_launch(rig, "a cpus 1 role r3");
    rig_restart(rig);
    expect(roles(rig), "r1 r3");
    assert_int_equal(look_status(rig)->n_suppressed_roles, 2);
    assert_string_equal(look(rig, "a")->role, "r3");
    static const char *const others[] = {"r1", "r3", "r5"};
    rig->config.roles = others;
    rig->config.role_count = 3;
    rig_restart(rig);
    expect(roles(rig), "r1 r3 r5");
}

static const char *suppress(struct rig *rig)
{
    return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS));
}

static void a_role_that_is_gone_is_suppressed_no_more(void **state)
{
    struct rig *rig = ready(state);
    suppress(rig);
    expect(disk_meta(&rig->disk, META_SUPPRESSED), "r1 r2");
    update(rig, "", "r2");
    in_answer_last(rig, CORE_ACCEPTED, "");
    expect(disk_meta(&rig->disk, META_SUPPRESSED), "r1");
    update(rig, "r2", "");
    in_answer_last(rig, CORE_ACCEPTED, "");
    assert_int_equal(look_status(rig)->n_suppressed_roles, 1);
    rig_restart(rig);
    assert_int_equal(look_status(rig)->n_suppressed_roles, 1);
}

static void a_role_that_stays_after_all_is_suppressed_as_wished(void **state)
{
    struct rig *rig = ready(state);
    update(rig, "", "r2");
    suppress(rig); /* all of them: r2 is ours until the master has answered */
    in_answer_last(rig, CORE_REFUSED, "no");
    assert_int_equal(look_status(rig)->n_suppressed_roles, 2);
    rig_restart(rig);
    assert_int_equal(look_status(rig)->n_suppressed_roles, 2);
}

/* A SUBSCRIBE before the answer names it still: it wants no offers. */
static void a_role_that_is_to_go_wants_no_offers(void **state)
{
    struct rig *rig = ready(state);
    const char *names[CORE_ROLES_MAX];
    in_launch(rig, "a cpus 1");
    update(rig, "", "r2");
    assert_int_equal(core_roles(rig->core, names), 2);
    assert_int_equal(core_suppressed_roles(rig->core, names), 1);
    assert_string_equal(names[0], "r2");
}

/* ---- what is not roles ---- */

static Mesos__V1__DurationInfo *seconds(struct rig *rig, int64_t count)
{
    Mesos__V1__DurationInfo *duration = arena_alloc(&rig->in, sizeof *duration);
    mesos__v1__duration_info__init(duration);
    duration->nanoseconds = count * 1000000000;
    return duration;
}

/* "a=b c": the last one without a value. */
static Mesos__V1__Labels *labels(struct rig *rig, const char *text)
{
    char **parts;
    Mesos__V1__Labels *made = arena_alloc(&rig->in, sizeof *made);
    mesos__v1__labels__init(made);
    size_t count = *text ? split(rig, text, " ", &parts) : 0;
    made->labels = arena_array(&rig->in, count + 1, sizeof *made->labels);
    while (made->n_labels < count) {
        Mesos__V1__Label *label = arena_alloc(&rig->in, sizeof *label);
        mesos__v1__label__init(label);
        label->key = parts[made->n_labels];
        label->value = strchr(label->key, '=');
        if (label->value)
            *label->value++ = '\0';
        made->labels[made->n_labels++] = label;
    }
    return made;
}

/* NULL, -1: not named. */
static const char *change(
        struct rig *rig, const char *name, const char *url, int64_t failover, const char *words)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK);
    Zmesos__V1__UpdateFramework *body = request->update_framework;
    body->name = name ? arena_string(&rig->in, name) : NULL;
    body->webui_url = url ? arena_string(&rig->in, url) : NULL;
    body->failover_timeout = failover >= 0 ? seconds(rig, failover) : NULL;
    body->labels = words ? labels(rig, words) : NULL;
    return in_request(rig, request);
}

/* As a SUBSCRIBE would say it. */
static const char *info(struct rig *rig)
{
    struct arena arena;
    Mesos__V1__FrameworkInfo told;
    arena_init(&arena);
    mesos__v1__framework_info__init(&told);
    core_framework_info(rig->core, &arena, &told);
    const char *text = words(rig, "%s %s %g %zu %s", told.name ? told.name : "-",
            told.webui_url ? told.webui_url : "-", told.has_failover_timeout ? told.failover_timeout : -1,
            told.labels ? told.labels->n_labels : 99,
            told.labels && told.labels->n_labels ? told.labels->labels[0]->key : "-");
    arena_clear(&arena);
    return text;
}

static void flags(struct core_config *config)
{
    config->framework_flags = "some:flags\n5:x";
}

static void other_flags(struct core_config *config)
{
    config->framework_flags = "other flags";
}

static void words_change_while_it_runs(void **state)
{
    struct rig *rig = *state = rig_create(flags);
    in_up(rig);
    in_wait(rig, 10000);
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(info(rig), "- - -1 99 -");
    expect(change(rig, "new: name", NULL, -1, NULL),
            "CALL UPDATE_FRAMEWORK r1 r2 -r1 -r2 name 'new: name'\n");
    expect(info(rig), "- - -1 99 -"); /* not before the answer */
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "REPLY 1 OK\n");
    expect(change(rig, NULL, "http://x/3:4", 1000000, "a=b c"),
            "CALL UPDATE_FRAMEWORK r1 r2 -r1 -r2 name 'new: name' url 'http://x/3:4' failover 1e+06 a=b "
            "c=NONE\n");
    in_answer_last(rig, CORE_ACCEPTED, "");
    expect(info(rig), "new: name http://x/3:4 1e+06 2 a");
    expect(update(rig, "r3", ""), "CALL UPDATE_FRAMEWORK r1 r2 r3 -r1 -r2 -r3 name 'new: name' url "
                                  "'http://x/3:4' failover 1e+06 a=b "
                                  "c=NONE\n");
    in_answer_last(rig, CORE_ACCEPTED, "");
    rig_restart(rig);
    expect(info(rig), "new: name http://x/3:4 1e+06 2 a");
    in_up(rig);
    in_wait(rig, 10000);
    expect(change(rig, NULL, "", -1, ""), "CALL UPDATE_FRAMEWORK r1 r2 r3 -r1 -r2 -r3 name 'new: name' "
                                          "url '' failover 1e+06 no labels\n");
}

static void words_that_are_refused_stay(void **state)
{
    struct rig *rig = *state = rig_create(flags);
    in_up(rig);
    change(rig, "a", NULL, -1, NULL);
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(change(rig, "b", NULL, -1, NULL), "UNAVAILABLE retry"));
    in_answer_last(rig, CORE_REFUSED, "no");
    expect(info(rig), "- - -1 99 -");
    expect(disk_meta(&rig->disk, META_FRAMEWORK), "");
}

/* The shorter one counts until it is certain which one the master goes by. */
static void a_failover_timeout(void **state)
{
    struct rig *rig = *state = rig_create(flags);
    in_up(rig);
    change(rig, NULL, NULL, 60, NULL);
    expect(disk_meta(&rig->disk, META_FAILOVER_MS), "60000"); /* before the call is answered */
    in_answer_last(rig, CORE_REFUSED, "no");
    assert_int_equal(core_failover_ms(rig->core, 5000), 5000);
    change(rig, NULL, NULL, 2000000, NULL);
    expect(disk_meta(&rig->disk, META_FAILOVER_MS), "60000");
    in_answer_last(rig, CORE_ACCEPTED, "");
    expect(disk_meta(&rig->disk, META_FAILOVER_MS), "2000000000");
    assert_int_equal(core_failover_ms(rig->core, 5000), 2000000000);
}

static void other_flags_count_more(void **state)
{
    struct rig *rig = *state = rig_create(flags);
    in_up(rig);
    change(rig, "a", NULL, -1, NULL);
    in_answer_last(rig, CORE_ACCEPTED, "");
    rig_restart(rig);
    expect(info(rig), "a - -1 99 -");
    other_flags(&rig->config);
    rig_restart(rig);
    expect(info(rig), "- - -1 99 -");
}

static void limits_of_words(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    char text[2002];
    memset(text, 'x', sizeof text);
    text[256] = '\0';
    assert_non_null(strstr(change(rig, text, NULL, -1, NULL), "update_framework.name"));
    assert_non_null(strstr(change(rig, "", NULL, -1, NULL), "update_framework.name"));
    text[256] = 'x';
    text[2001] = '\0';
    assert_non_null(strstr(change(rig, NULL, text, -1, NULL), "TOO_LARGE"));
    assert_non_null(strstr(change(rig, NULL, NULL, 315360001, NULL), "update_framework.failover_timeout"));
    assert_non_null(strstr(change(rig, NULL, NULL, -1, "=b"), "update_framework.labels"));
    const char *many = "l";
    for (int i = 0; i < 63; i++)
        many = words(rig, "%s l%d", many, i);
    assert_non_null(
            strstr(change(rig, NULL, NULL, -1, words(rig, "%s one", many)), "update_framework.labels"));
    assert_null(strstr(change(rig, NULL, NULL, -1, many), "TOO_LARGE"));
    in_answer_last(rig, CORE_ACCEPTED, "");
    text[2000] = '\0';
    assert_null(strstr(change(rig, NULL, text, 315360000, NULL), "INVALID"));
    in_answer_last(rig, CORE_ACCEPTED, "");
    text[255] = '\0';
    assert_null(strstr(change(rig, text, NULL, -1, NULL), "INVALID"));
    in_answer_last(rig, CORE_ACCEPTED, "");
    expect(info(rig), words(rig, "%s %s 3.1536e+08 64 l", text, words(rig, "%s%s%s", text, "x", text + 256)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(roles_come_and_go),
            TEST(until_the_answer_nothing_is_decided),
            TEST(refused_or_lost_all_stays),
            TEST(a_role_with_tasks_does_not_go),
            TEST(what_cannot_be),
            TEST(so_many_at_once),
            TEST(a_role_that_is_gone_is_suppressed_no_more),
            TEST(a_role_that_stays_after_all_is_suppressed_as_wished),
            TEST(a_role_that_is_to_go_wants_no_offers),
            TEST(it_holds_over_restarts_until_the_configuration_changes),
            TEST(words_change_while_it_runs),
            TEST(words_that_are_refused_stay),
            TEST(a_failover_timeout),
            TEST(other_flags_count_more),
            TEST(limits_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
