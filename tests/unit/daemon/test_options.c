/* Flags and the file: what is read, what beats what, and that each mistake is one line that names the flag.
 */
#include "scratch.h"

#include "core/core.h"
#include "options.h"

/* Reads "--a b --c"; words are apart by one space each. The caller clears *options. */
static int read_words(const char *words, struct options *options, enum options_what *what, struct error *err)
{
    char program[] = "zmesosd", *copy = strdup(words), *argv[128] = {program}, *rest = NULL;
    assert_non_null(copy);
    int argc = 1;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_in_range(argc, 1, 126);
        argv[argc++] = word;
    }
    int rc = options_read(argc, argv, options, what, err);
    free(copy);
    return rc;
}

static void expect_refused(const char *words, const char *text)
{
    struct options options;
    enum options_what what;
    struct error err = {0};
    if (read_words(words, &options, &what, &err) == 0)
        fail_msg("%s was taken", words);
    assert_string_equal(err.text, text);
    assert_null(strchr(err.text, '\n'));
    options_clear(&options);
}

static void expect_taken(const char *words, struct options *options)
{
    enum options_what what;
    struct error err;
    if (read_words(words, options, &what, &err))
        fail_msg("%s: %s", words, err.text);
    assert_int_equal(what, OPTIONS_RUN);
}

static void defaults(void **state)
{
    (void)state;
    struct options o;
    expect_taken("--state d", &o);
    assert_string_equal(o.masters, "127.0.0.1:5050");
    assert_string_equal(o.state, "d");
    assert_string_equal(o.control, "tcp://127.0.0.1:5560");
    assert_string_equal(o.pipeline, "tcp://127.0.0.1:5561");
    assert_string_equal(o.events, "tcp://127.0.0.1:5562");
    assert_string_equal(o.framework_name, "zmesos");
    assert_true(*o.user != '\0' && *o.hostname != '\0');
    assert_int_equal(o.role_count, 1);
    assert_string_equal(o.roles[0], "*");
    assert_int_equal(o.label_count, 0);
    assert_true(o.checkpoint);
    assert_int_equal(o.failover_timeout_ms, 604800000);
    assert_int_equal(o.offer_hold_ms, 2000);
    assert_int_equal(o.decline_ms, 3600000);
    assert_int_equal(o.revive_ms, 3000);
    assert_int_equal(o.reconcile_ms, 900000);
    assert_int_equal(o.kill_ms, 5000);
    assert_int_equal(o.call_timeout_ms, 15000);
    assert_int_equal(o.launch_timeout_ms, 900000);
    assert_false(o.kill_orphans);
    assert_false(o.begin_again);
    assert_false(o.no_teardown);
    assert_int_equal(o.external, CORE_EXTERNAL_ALL);
    assert_int_equal(o.leases, 100);
    assert_int_equal(o.lease_max_ms, 60000);
    assert_int_equal(o.lease_share, 50);
    assert_int_equal(o.avoid_maintenance_ms, 3600000);
    assert_false(o.decline_maintenance);
    assert_false(o.drain);
    assert_int_equal(o.drain_grace_ms, 60000);
    assert_int_equal(o.tasks_max, 2000000);
    assert_int_equal(o.keep_tasks, 100000);
    assert_int_equal(o.keep_tasks_ms, 604800000);
    assert_int_equal(o.keep_events, 1000000);
    assert_int_equal(o.keep_events_bytes, 1 << 30);
    assert_int_equal(o.keep_events_ms, (int64_t)30 * 86400 * 1000);
    assert_int_equal(o.events_hwm, 100000);
    assert_null(o.events_json);
    assert_null(o.principal);
    assert_null(o.secret);
    options_clear(&o);
    options_clear(&o);
}

static void every_flag_is_read(void **state)
{
    (void)state;
    struct options o;
    expect_taken("--master m:1,n:2 --state s --control tcp://*:1 --pipeline ipc://p --events inproc://e "
                 "--events-json tcp://*:2 "
                 "--framework-name f --user u --role a --role b/c --hostname h --webui-url w --label k=v "
                 "--label x= --principal p --failover-timeout 0.5 --no-checkpoint --offer-hold 0 --refuse 1 "
                 "--revive-interval 2.25 --reconcile-interval 4 --kill-interval 5.001 --call-timeout 6 "
                 "--tasks-max 7 --events-hwm 8 --launch-timeout 1.5 --orphans kill --on-removed begin-again "
                 "--no-teardown "
                 "--external lease --leases 1000 --lease-max 3600 --lease-share 100 "
                 "--avoid-maintenance 12 --maintenance decline --drain --drain-grace 13 "
                 "--weight a=2 --weight =0.5 --weight b=c=1000000 "
                 "--keep-tasks 9 --keep-tasks-for 10 --keep-events 11 --keep-events-bytes 1000000 "
                 "--keep-events-for 14 --log-level warn",
            &o);
    assert_string_equal(o.masters, "m:1,n:2");
    assert_string_equal(o.control, "tcp://*:1");
    assert_string_equal(o.pipeline, "ipc://p");
    assert_string_equal(o.events, "inproc://e");
    assert_string_equal(o.events_json, "tcp://*:2");
    assert_string_equal(o.framework_name, "f");
    assert_string_equal(o.user, "u");
    assert_int_equal(o.role_count, 2);
    assert_string_equal(o.roles[0], "a");
    assert_string_equal(o.roles[1], "b/c");
    assert_string_equal(o.hostname, "h");
    assert_string_equal(o.webui_url, "w");
    assert_int_equal(o.label_count, 2);
    assert_string_equal(o.labels[1], "x=");
    assert_string_equal(o.principal, "p");
    assert_int_equal(o.failover_timeout_ms, 500);
    assert_false(o.checkpoint);
    assert_int_equal(o.offer_hold_ms, 0);
    assert_int_equal(o.decline_ms, 1000);
    assert_int_equal(o.revive_ms, 2250);
    assert_int_equal(o.reconcile_ms, 4000);
    assert_int_equal(o.kill_ms, 5001);
    assert_int_equal(o.call_timeout_ms, 6000);
    assert_int_equal(o.tasks_max, 7);
    assert_int_equal(o.events_hwm, 8);
    assert_int_equal(o.launch_timeout_ms, 1500);
    assert_true(o.kill_orphans);
    assert_true(o.begin_again);
    assert_true(o.no_teardown);
    assert_int_equal(o.external, CORE_EXTERNAL_LEASE);
    assert_int_equal(o.leases, 1000);
    assert_int_equal(o.lease_max_ms, 3600000);
    assert_int_equal(o.lease_share, 100);
    assert_int_equal(o.avoid_maintenance_ms, 12000);
    assert_true(o.decline_maintenance);
    assert_true(o.drain);
    assert_int_equal(o.drain_grace_ms, 13000);
    assert_int_equal(o.weight_count, 3);
    size_t length;
    int64_t weight;
    assert_int_equal(options_weight(o.weights[2], &length, &weight, NULL), 0);
    assert_int_equal(length, 3);
    assert_int_equal(weight, 1000000000);
    assert_int_equal(options_weight(o.weights[1], &length, &weight, NULL), 0);
    assert_int_equal(length, 0);
    assert_int_equal(weight, 500);
    assert_int_equal(o.keep_tasks, 9);
    assert_int_equal(o.keep_tasks_ms, 10000);
    assert_int_equal(o.keep_events, 11);
    assert_int_equal(o.keep_events_bytes, 1000000);
    assert_int_equal(o.keep_events_ms, 14000);
    options_clear(&o);
}

/* Each word of a choice is taken, the last one counts, and the file says it too. */
static void choices(void **state)
{
    struct scratch *scratch = *state;
    char words[300];
    static const char content[] = "state = d\non-removed = begin-again\norphans = adopt\n";
    struct options o;
    expect_taken("--state d --orphans kill --orphans adopt --on-removed begin-again --on-removed stop", &o);
    assert_false(o.kill_orphans);
    assert_false(o.begin_again);
    options_clear(&o);
    scratch_write(scratch, content, sizeof content - 1);
    snprintf(words, sizeof words, "--config %s", scratch->path);
    expect_taken(words, &o);
    assert_false(o.kill_orphans);
    assert_true(o.begin_again);
    options_clear(&o);
}

static void the_last_of_a_flag_counts(void **state)
{
    (void)state;
    struct options o;
    expect_taken("--state a --state b --user=x --user=y", &o);
    assert_string_equal(o.state, "b");
    assert_string_equal(o.user, "y");
    options_clear(&o);
}

static void help_and_version_need_nothing_else(void **state)
{
    (void)state;
    struct options o;
    enum options_what what;
    struct error err;
    assert_int_equal(read_words("--help", &o, &what, &err), 0);
    assert_int_equal(what, OPTIONS_HELP);
    options_clear(&o);
    assert_int_equal(read_words("--user x --version", &o, &what, &err), 0);
    assert_int_equal(what, OPTIONS_VERSION);
    options_clear(&o);
}

static void help_names_every_flag(void **state)
{
    (void)state;
    static const char *const flags[] = {"master", "state", "control", "pipeline", "events", "framework-name",
            "user", "role", "hostname", "webui-url", "label", "principal", "credential", "failover-timeout",
            "no-checkpoint", "offer-hold", "refuse", "revive-interval", "reconcile-interval", "kill-interval",
            "call-timeout", "launch-timeout", "orphans", "on-removed", "avoid-maintenance", "maintenance",
            "drain", "drain-grace", "no-teardown", "external", "leases", "lease-max", "lease-share",
            "tasks-max", "keep-tasks", "keep-tasks-for", "keep-events", "keep-events-bytes",
            "keep-events-for", "events-hwm", "log-level", "config", "help", "version"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n  --%s ", flags[i]);
        assert_non_null(strstr(options_help(), line));
    }
}

static void wrong_flags_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *words, *text;
    } cases[] = {
            {"", "--state DIR is required"},
            {"--state=", "--state must not be empty"},
            {"--state", "--state needs a value"},
            {"--bogus 1 --state d", "unknown flag --bogus (see --help)"},
            {"--state d more", "what is 'more'? Only flags are taken (see --help)"},
            {"--state d --control 5560", "--control: an endpoint looks like tcp://127.0.0.1:5560, not 5560"},
            {"--state d --pipeline x", "--pipeline: an endpoint looks like tcp://127.0.0.1:5560, not x"},
            {"--state d --events x", "--events: an endpoint looks like tcp://127.0.0.1:5560, not x"},
            {"--state d --role -a", "--role: Mesos does not allow '-a'"},
            {"--state d --role a//b", "--role: Mesos does not allow 'a//b'"},
            {"--state d --role a/", "--role: Mesos does not allow 'a/'"},
            {"--state d --role /a", "--role: Mesos does not allow '/a'"},
            {"--state d --role .", "--role: Mesos does not allow '.'"},
            {"--state d --role ..", "--role: Mesos does not allow '..'"},
            {"--state d --role a/../b", "--role: Mesos does not allow 'a/../b'"},
            {"--state d --role a/.", "--role: Mesos does not allow 'a/.'"},
            {"--state d --role a/-b", "--role: Mesos does not allow 'a/-b'"},
            {"--state d --role a/*", "--role: Mesos does not allow 'a/*'"},
            {"--state d --role a\tb", "--role: Mesos does not allow 'a\tb'"},
            {"--state d --role=", "--role must not be empty"},
            {"--state d --role a --role b --role a", "--role: a is there twice"},
            {"--state d --label k", "--label: KEY=VALUE, not k"},
            {"--state d --label =v", "--label: KEY=VALUE, not =v"},
            {"--state d --tasks-max 0", "--tasks-max: not a number from 1 to 10^9: 0"},
            {"--state d --tasks-max 1000000001", "--tasks-max: not a number from 1 to 10^9: 1000000001"},
            {"--state d --events-hwm 1.5", "--events-hwm: not a number from 1 to 10^9: 1.5"},
            {"--state d --keep-tasks 0", "--keep-tasks: not a number from 1 to 10^9: 0"},
            {"--state d --keep-events-bytes 999999",
                    "--keep-events-bytes: not a number from 10^6 to 10^15: 999999"},
            {"--state d --keep-events-bytes 1000000000000001",
                    "--keep-events-bytes: not a number from 10^6 to 10^15: 1000000000000001"},
            {"--state d --keep-events-for 0.999",
                    "--keep-events-for: not a number of seconds from 1 to 315360000: 0.999"},
            {"--state d --keep-events 0", "--keep-events: not a number from 1 to 10^9: 0"},
            {"--state d --orphans keep", "--orphans: adopt or kill, not keep"},
            {"--state d --orphans=", "--orphans: adopt or kill, not "},
            {"--state d --on-removed retry", "--on-removed: stop or begin-again, not retry"},
            {"--state d --external some", "--external: none, lease or all, not some"},
            {"--state d --leases 1001", "--leases: at most 1000"},
            {"--state d --lease-share 101", "--lease-share: a percentage from 1 to 100"},
            {"--state d --lease-share 0", "--lease-share: not a number from 1 to 10^9: 0"},
            {"--state d --log-level loud", "--log-level: error, warn, info or debug, not loud"},
            {"--state d --config /nonexistent/f", "--config: cannot read /nonexistent/f"},
            {"--state d --credential /nonexistent/f",
                    "--credential: cannot read /nonexistent/f: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(cases[i].words, cases[i].text);
}

/* Each has its limits; at them it is taken, past them refused. */
static void seconds_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *least, *less, *most, *more;
    } cases[] = {{"failover-timeout", "0", "-0.001", "315360000", "315360000.001"},
            {"offer-hold", "0", "-1", "3600", "3600.001"},
            {"refuse", "0", "-1", "31536000", "31536000.001"}, /* Mesos's own limit: 365 days */
            {"lease-max", "0.1", "0.099", "3600", "3600.001"},
            {"revive-interval", "0.1", "0.099", "3600", "3600.001"},
            {"reconcile-interval", "1", "0.999", "86400", "86400.001"},
            {"kill-interval", "0.1", "0", "60", "60.001"},
            {"call-timeout", "0.1", "0.099", "3600", "3600.001"},
            {"launch-timeout", "0", "-1", "2592000", "2592000.001"},
            {"keep-tasks-for", "1", "0.999", "315360000", "315360000.001"}};
    static const char *const never[] = {"x", "", "1e3", "1.2345", "nan", "inf", "10s", "0x10"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[200], text[200];
        struct options o;
        snprintf(words, sizeof words, "--state d --%s %s", cases[i].flag, cases[i].least);
        expect_taken(words, &o);
        options_clear(&o);
        snprintf(words, sizeof words, "--state d --%s %s", cases[i].flag, cases[i].most);
        expect_taken(words, &o);
        options_clear(&o);
        const char *wrong[] = {cases[i].less, cases[i].more, never[0], never[1], never[2], never[3], never[4],
                never[5], never[6], never[7]};
        for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++) {
            snprintf(words, sizeof words, "--state d --%s=%s", cases[i].flag, wrong[j]);
            snprintf(text, sizeof text, "--%s: not a number of seconds from %s to %s: %s", cases[i].flag,
                    cases[i].least, cases[i].most, wrong[j]);
            expect_refused(words, text);
        }
    }
}

static void values_are_needed(void **state)
{
    (void)state;
    static const char *const flags[] = {"master", "control", "role", "label", "failover-timeout", "tasks-max",
            "log-level", "config", "credential"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char words[64], text[64];
        snprintf(words, sizeof words, "--state d --%s", flags[i]);
        snprintf(text, sizeof text, "--%s needs a value", flags[i]);
        expect_refused(words, text);
    }
}

static void lists_have_a_limit(void **state)
{
    (void)state;
    char program[] = "zmesosd", state_flag[] = "--state=d", values[65][16];
    char *argv[2 + 65 + 1] = {program, state_flag};
    int argc = 2;
    for (int i = 0; i < 65; i++) {
        snprintf(values[i], sizeof values[i], "--role=r%d", i);
        argv[argc++] = values[i];
    }
    struct options o;
    enum options_what what;
    struct error err;
    assert_int_equal(options_read(argc, argv, &o, &what, &err), ERR_INVALID);
    assert_string_equal(err.text, "--role: at most 64");
    options_clear(&o);
    assert_int_equal(options_read(argc - 1, argv, &o, &what, &err), 0);
    assert_int_equal(o.role_count, 64);
    options_clear(&o);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static void with_file(void **state, const char *content, const char *flags, char words[300])
{
    struct scratch *scratch = *state;
    scratch_write(scratch, content, strlen(content));
    snprintf(words, 300, "--config %s %s", scratch->path, flags);
}

static void the_file_is_read(void **state)
{
    char words[300];
    struct options o;
    with_file(state,
            "#   a comment\n"
            "master = \"m1:5050,m2:5050\"\n"
            "state = /var/lib/zmesos\n"
            "role = batch\n"
            "role = service\n"
            "label = \"team=core systems\"\n"
            "kill-interval = 0.5\n"
            "tasks-max = 10\n"
            "no-checkpoint = 1\n",
            "", words);
    expect_taken(words, &o);
    assert_string_equal(o.masters, "m1:5050,m2:5050");
    assert_string_equal(o.state, "/var/lib/zmesos");
    assert_int_equal(o.role_count, 2);
    assert_string_equal(o.roles[0], "batch");
    assert_string_equal(o.roles[1], "service");
    assert_int_equal(o.label_count, 1);
    assert_string_equal(o.labels[0], "team=core systems");
    assert_int_equal(o.kill_ms, 500);
    assert_int_equal(o.tasks_max, 10);
    assert_false(o.checkpoint);
    assert_string_equal(o.framework_name, "zmesos"); /* what it does not say has its default */
    options_clear(&o);
}

/* A flag beats the file, a list as a whole. */
static void a_flag_beats_the_file(void **state)
{
    char words[300];
    struct options o;
    with_file(state, "state = f\nuser = f\nrole = f1\nrole = f2\nlabel = f=1\ntasks-max = 3\n",
            "--user flag --role flag1 --tasks-max 4", words);
    expect_taken(words, &o);
    assert_string_equal(o.state, "f");
    assert_string_equal(o.user, "flag");
    assert_int_equal(o.role_count, 1);
    assert_string_equal(o.roles[0], "flag1");
    assert_int_equal(o.label_count, 1);
    assert_int_equal(o.tasks_max, 4);
    options_clear(&o);
}

static void no_checkpoint_in_a_file_can_be_denied(void **state)
{
    static const struct {
        const char *line;
        bool checkpoint;
    } cases[] = {{"no-checkpoint = 1", false}, {"no-checkpoint = true", false}, {"no-checkpoint = 0", true},
            {"no-checkpoint = false", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[300], content[64];
        struct options o;
        snprintf(content, sizeof content, "state = d\n%s\n", cases[i].line);
        with_file(state, content, "", words);
        expect_taken(words, &o);
        assert_int_equal(o.checkpoint, cases[i].checkpoint);
        options_clear(&o);
    }
    char words[300];
    with_file(state, "state = d\nno-checkpoint = maybe\n", "", words);
    expect_refused(words, "--no-checkpoint: 1 or 0 in a file, not maybe");
}

static void mistakes_in_the_file_are_named(void **state)
{
    struct scratch *scratch = *state;
    char words[300], text[300];
    with_file(state, "state = d\nstaet = d\n", "", words);
    snprintf(text, sizeof text, "--config: %s: unknown name staet", scratch->path);
    expect_refused(words, text);
    with_file(state, "state = d\nconfig = other\n", "", words);
    snprintf(text, sizeof text, "--config: %s: unknown name config", scratch->path);
    expect_refused(words, text);
    with_file(state, "state = d\nkill-interval = soon\n", "", words);
    expect_refused(words, "--kill-interval: not a number of seconds from 0.1 to 60: soon");
    with_file(state, "state = d\n  indented\n", "", words);
    snprintf(text, sizeof text, "--config: %s is not a ZPL file", scratch->path);
    expect_refused(words, text);
}

static void the_file_has_a_limit(void **state)
{
    struct scratch *scratch = *state;
    char words[300], text[300], *content = malloc(65537);
    struct options o;
    assert_non_null(content);
    memset(content, '\n', 65537);
    memcpy(content, "state = d", 9);
    scratch_write(scratch, content, 65536);
    snprintf(words, sizeof words, "--config %s", scratch->path);
    expect_taken(words, &o);
    options_clear(&o);
    snprintf(text, sizeof text, "--config: %s is not a ZPL file of at most 65536 bytes", scratch->path);
    scratch_write(scratch, content, 65537);
    expect_refused(words, text);
    scratch_write(scratch, "state = d\0x\n", 12);
    expect_refused(words, text);
    free(content);
    expect_refused("--config /tmp", "--config: cannot read /tmp"); /* a directory */
}

static void a_principal_is_the_credentials(void **state)
{
    struct scratch *scratch = *state;
    char words[300], text[300];
    struct options o;
    scratch_write(scratch, "alice s3cret\n", 13);
    snprintf(words, sizeof words, "--state d --credential %s", scratch->path);
    expect_taken(words, &o);
    assert_string_equal(o.principal, "alice");
    assert_string_equal(o.secret, "s3cret");
    options_clear(&o);
    snprintf(words, sizeof words, "--state d --principal alice --credential %s", scratch->path);
    expect_taken(words, &o);
    options_clear(&o);
    snprintf(words, sizeof words, "--state d --principal bob --credential %s", scratch->path);
    snprintf(text, sizeof text, "--principal: bob, but the credential is alice's");
    expect_refused(words, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(defaults),
            cmocka_unit_test(every_flag_is_read),
            TEST(choices),
            cmocka_unit_test(the_last_of_a_flag_counts),
            cmocka_unit_test(help_and_version_need_nothing_else),
            cmocka_unit_test(help_names_every_flag),
            cmocka_unit_test(wrong_flags_are_named),
            cmocka_unit_test(seconds_have_limits),
            cmocka_unit_test(values_are_needed),
            cmocka_unit_test(lists_have_a_limit),
            TEST(the_file_is_read),
            TEST(a_flag_beats_the_file),
            TEST(no_checkpoint_in_a_file_can_be_denied),
            TEST(mistakes_in_the_file_are_named),
            TEST(the_file_has_a_limit),
            TEST(a_principal_is_the_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
