/* Finding in an offer what a task asks for: from where, how much, in which order. */
#include "resource_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

/* "cpus 1.5", "ports []3", "bugs {}2" */
static struct resource_want want_of(const char *text)
{
    static char names[8][32];
    static size_t next;
    char *name = names[next++ % 8], amount[32];
    assert_int_equal(sscanf(text, "%31s %31s", name, amount), 2);
    struct resource_want want = {.name = name};
    if (*amount == '[' || *amount == '{') {
        want.type = *amount == '[' ? RESOURCE_RANGES : RESOURCE_ITEMS;
        want.amount = strtoull(amount + 2, NULL, 10);
        return want;
    }
    milli_t milli;
    assert_int_equal(milli_parse(amount, &milli), 0);
    want.type = RESOURCE_SCALAR;
    want.amount = (uint64_t)milli;
    return want;
}

/* taken NULL: nothing is found. */
static void expect_request(struct arena *arena, const char *role, const char *offer,
        const struct resource_request *request, const char *taken, const char *rest)
{
    struct resource_set offered = offer_of(arena, role, offer), before = offer_of(arena, role, offer), found;
    struct resource_lack lack = {0};
    struct error err;
    resource_set_init(&found, arena);
    if (resource_request_check(request, "x", &err))
        fail_msg("%s %s", err.field, err.text);
    bool got = resource_find(&offered, role, request, &found, &lack);
    assert_int_equal(got, taken != NULL);
    if (!taken) {
        assert_true(resource_set_is_empty(&found));
        assert_int_equal(found.count, 0);
        assert_string_equal(words_of(arena, &offered), words_of(arena, &before));
        assert_true(lack.want || lack.disk);
        return;
    }
    expect_words(arena, &found, taken);
    expect_words(arena, &offered, rest);
    for (size_t i = 0; i < found.count; i++)
        assert_string_equal(found.items[i].kind->allocation_info->role, role);
}

static void expect_found(struct arena *arena, const char *role, const char *offer, struct resource_want want,
        const char *taken, const char *rest)
{
    struct resource_request request = {.wants = &want, .want_count = 1};
    expect_request(arena, role, offer, &request, taken, rest);
}

static void an_amount_by_name(void **state)
{
    const char *offer = "cpus:4 mem:100 ports:[5-6,9-9,20-30] bugs:{a,b,c}";
    expect_found(*state, "r", offer, want_of("cpus 1.5"), "cpus:1.5",
            "cpus:2.5 mem:100 ports:[5-6,9-9,20-30] bugs:{a,b,c}");
    expect_found(*state, "r", offer, want_of("ports []4"), "ports:[5-6,9-9,20-20]",
            "cpus:4 mem:100 ports:[21-30] bugs:{a,b,c}");
    expect_found(*state, "r", offer, want_of("bugs {}2"), "bugs:{a,b}",
            "cpus:4 mem:100 ports:[5-6,9-9,20-30] bugs:{c}");
    expect_found(
            *state, "r", offer, want_of("mem 100"), "mem:100", "cpus:4 ports:[5-6,9-9,20-30] bugs:{a,b,c}");
    expect_found(*state, "r", offer, want_of("cpus 0"), "", offer);
    expect_found(*state, "r", offer, want_of("cpus 4.001"), NULL, NULL);
    expect_found(*state, "r", offer, want_of("gpus 1"), NULL, NULL);
    expect_found(*state, "r", offer, want_of("ports []15"), NULL, NULL);
    expect_found(*state, "r", offer, want_of("ports 1"), NULL, NULL); /* of another type */
    expect_found(*state, "r", offer, want_of("bugs {}4"), NULL, NULL);
}

static void several_or_none(void **state)
{
    const char *offer = "cpus:4 mem:100 ports:[1-9]";
    struct resource_want wants[] = {want_of("cpus 1"), want_of("mem 60"), want_of("ports []2")};
    struct resource_request request = {.wants = wants, .want_count = 3};
    expect_request(*state, "r", offer, &request, "cpus:1 mem:60 ports:[1-2]", "cpus:3 mem:40 ports:[3-9]");
    wants[2].amount = 10;
    expect_request(*state, "r", offer, &request, NULL, NULL);
    request.want_count = 0;
    expect_request(*state, "r", offer, &request, "", offer);
}

/* ---- reservations ---- */

static void the_most_specific_reservation_first(void **state)
{
    const char *offer = "cpus:1 cpus(a):1 cpus(a,a/b):1 cpus(a/b/c):1";
    expect_found(*state, "a/b/c", offer, want_of("cpus 0.5"), "cpus(a/b/c):0.5",
            "cpus:1 cpus(a):1 cpus(a,a/b):1 cpus(a/b/c):0.5");
    expect_found(*state, "a/b/c", offer, want_of("cpus 2.5"), "cpus(a/b/c):1 cpus(a,a/b):1 cpus(a):0.5",
            "cpus:1 cpus(a):0.5");
    expect_found(
            *state, "a/b/c", offer, want_of("cpus 4"), "cpus(a/b/c):1 cpus(a,a/b):1 cpus(a):1 cpus:1", "");
    expect_found(*state, "a/b/c", offer, want_of("cpus 4.001"), NULL, NULL);
}

static void what_is_reserved_for_others_is_left_alone(void **state)
{
    const char *offer = "cpus(a/b):1 cpus(ab):1 cpus(b):1 cpus(a):0.5 cpus:0.5";
    expect_found(*state, "a", offer, want_of("cpus 1"), "cpus(a):0.5 cpus:0.5",
            "cpus(a/b):1 cpus(ab):1 cpus(b):1");
    expect_found(*state, "a", offer, want_of("cpus 1.001"), NULL, NULL);
    expect_found(*state, "*", "cpus(a):1 cpus:1", want_of("cpus 2"), NULL, NULL);
}

static void among_equals_as_offered(void **state)
{
    expect_found(*state, "a", "cpus(a=x):1 cpus:1 cpus(a!):1 cpus(a~l):1", want_of("cpus 2.5"),
            "cpus(a=x):1 cpus(a!):1 cpus(a~l):0.5", "cpus:1 cpus(a~l):0.5");
    expect_found(*state, "a", "ports:[1-2] ports(a):[7-8] ports:[4-5]", want_of("ports []5"),
            "ports(a):[7-8] ports:[1-2] ports:[4-4]", "ports:[5-5]");
}

static void only_reserved_or_only_not(void **state)
{
    const char *offer = "cpus:1 cpus(a):1 cpus(a/b):1";
    struct resource_want want = want_of("cpus 1.5");
    want.reserved = RESOURCE_RESERVED;
    expect_found(*state, "a/b", offer, want, "cpus(a/b):1 cpus(a):0.5", "cpus:1 cpus(a):0.5");
    want.amount = 2001;
    expect_found(*state, "a/b", offer, want, NULL, NULL);
    want.reserved = RESOURCE_UNRESERVED;
    want.amount = 1000;
    expect_found(*state, "a/b", offer, want, "cpus:1", "cpus(a):1 cpus(a/b):1");
    want.amount = 1001;
    expect_found(*state, "a/b", offer, want, NULL, NULL);
}

static void a_reservation_without_a_role_is_for_nobody(void **state)
{
    message *from = message_of(*state, "a", "cpus(a):1");
    from->reservations[0]->role = NULL;
    struct resource one;
    assert_int_equal(resource_read(*state, from, &one, NULL), 0);
    struct resource_set offered, found;
    resource_set_init(&offered, *state);
    resource_set_init(&found, *state);
    assert_int_equal(resource_set_append(&offered, &one, NULL), 0);
    struct resource_want want = want_of("cpus 1");
    struct resource_request request = {.wants = &want, .want_count = 1};
    assert_false(resource_find(&offered, "a", &request, &found, NULL));
}

/* ---- revocable ---- */

static void revocable_only_where_asked(void **state)
{
    const char *offer = "cpus+revocable:4 cpus:1";
    struct resource_want want = want_of("cpus 1");
    expect_found(*state, "r", offer, want, "cpus:1", "cpus+revocable:4");
    want.amount = 2000;
    expect_found(*state, "r", offer, want, NULL, NULL);
    want.revocable = RESOURCE_REVOCABLE;
    expect_found(*state, "r", offer, want, "cpus+revocable:2", "cpus+revocable:2 cpus:1");
    want.amount = 4001;
    expect_found(*state, "r", offer, want, NULL, NULL); /* not both */
    want.revocable = RESOURCE_REVOCABLE_FIRST;
    expect_found(*state, "r", offer, want, NULL, NULL);
    want.amount = 500;
    expect_found(*state, "r", offer, want, "cpus+revocable:0.5", "cpus+revocable:3.5 cpus:1");
    expect_found(*state, "r", "cpus+revocable:0.4 cpus:1", want, "cpus:0.5", "cpus+revocable:0.4 cpus:0.5");
}

/* ---- what is not plain ---- */

static void plain_is_of_the_agent_and_no_volume(void **state)
{
    expect_found(*state, "a",
            "disk(a)+volume.v:9 disk(a)+volume.s+shared:9 disk+mount./m:9 disk+path./p:9 disk+pool:9 "
            "disk+by.P:9 "
            "disk+block.b:9",
            want_of("disk 1"), NULL, NULL);
    expect_found(*state, "a", "disk(a)+volume.v:9 disk+mount./m:9 disk:2", want_of("disk 1"), "disk:1",
            "disk(a)+volume.v:9 disk+mount./m:9 disk:1");
}

/* ---- disks ---- */

static void expect_disk(struct arena *arena, const char *offer, struct resource_disk_want want,
        const char *taken, const char *rest)
{
    struct resource_request request = {.disks = &want, .disk_count = 1};
    expect_request(arena, "a/b", offer, &request, taken, rest);
}

static void a_volume_by_its_id(void **state)
{
    struct resource_disk_want v = {.persistence_id = "v"};
    expect_disk(*state, "disk(a)+volume.w:5 disk(a)+volume.v:7 disk:9", v, "disk(a)+volume.v:7",
            "disk(a)+volume.w:5 disk:9");
    expect_disk(*state, "disk(a)+volume.w:5 disk(c)+volume.v:7", v, NULL, NULL);
    expect_disk(*state, "disk(a)+volume.v:7 disk(a/b)+volume.v:8", v, "disk(a/b)+volume.v:8",
            "disk(a)+volume.v:7");
    expect_disk(*state, "disk(a)+volume.v+mount./m:7", v, "disk(a)+volume.v+mount./m:7", "");
    v.size = 8000; /* is not looked at */
    expect_disk(*state, "disk(a)+volume.v:7", v, "disk(a)+volume.v:7", "");
}

static void a_shared_volume_stays(void **state)
{
    struct resource_disk_want v = {.persistence_id = "v"};
    struct resource_request request = {.disks = &v, .disk_count = 1};
    struct resource_set offered = set_of(*state, "a", "disk(a)+volume.v+shared:7 disk(a)+volume.v+shared:7"),
                        found;
    resource_set_init(&found, *state);
    assert_true(resource_find(&offered, "a", &request, &found, NULL));
    expect_words(*state, &found, "disk(a)+volume.v+shared:7");
    expect_words(*state, &offered, "2*disk(a)+volume.v+shared:7");
    expect_disk(*state, "disk(a)+volume.v+shared:7 cpus:1", v, "disk(a)+volume.v+shared:7",
            "disk(a)+volume.v+shared:7 cpus:1");
}

static void a_volume_appears_where_the_task_wants_it(void **state)
{
    Mesos__V1__Volume volume = MESOS__V1__VOLUME__INIT;
    volume.container_path = arena_string(*state, "elsewhere");
    volume.mode = MESOS__V1__VOLUME__MODE__RO;
    struct resource_disk_want v = {.persistence_id = "v", .volume = &volume};
    struct resource_set offered = offer_of(*state, "a", "disk(a)+volume.v:7"), found;
    struct resource_request request = {.disks = &v, .disk_count = 1};
    resource_set_init(&found, *state);
    assert_true(resource_find(&offered, "a", &request, &found, NULL));
    message **messages;
    assert_int_equal(resource_set_write(&found, *state, &messages), 1);
    assert_string_equal(messages[0]->disk->volume->container_path, "elsewhere");
    assert_string_equal(offered.items[0].kind->disk->volume->container_path, "data");
    struct resource_set before = offer_of(*state, "a", "disk(a)+volume.v:7");
    assert_true(resource_set_equal(&found, &before));
}

static void a_disk_with_a_source(void **state)
{
    struct resource_disk_want disk = {.size = 5000};
    expect_disk(*state, "disk:9 disk+path./p:9", disk, "disk+path./p:5", "disk:9 disk+path./p:4");
    expect_disk(*state, "disk+mount./x:20 disk+mount./m:9 disk+mount./n:4", disk, "disk+mount./m:9",
            "disk+mount./x:20 disk+mount./n:4");
    expect_disk(*state, "disk+mount./m:9 disk+path./p:9", disk, "disk+path./p:5",
            "disk+mount./m:9 disk+path./p:4");
    expect_disk(*state, "disk+mount./m:5 disk(a)+mount./n:9", disk, "disk(a)+mount./n:9", "disk+mount./m:5");
    expect_disk(*state,
            "disk:9 disk+raw.x:9 disk+block.b:9 disk+pool:9 disk+path./p:4 disk(a)+volume.v+path./p:9", disk,
            NULL, NULL);
    disk.source = SOURCE(MOUNT);
    expect_disk(*state, "disk+mount./m:9 disk+path./p:9", disk, "disk+mount./m:9", "disk+path./p:9");
    disk.source = SOURCE(RAW);
    expect_disk(*state, "disk+mount./m:9 disk+pool+profile.p+by.P:9", disk, "disk+pool+profile.p+by.P:5",
            "disk+mount./m:9 disk+pool+profile.p+by.P:4");
    expect_disk(*state, "disk+raw.x+by.P:9", disk, "disk+raw.x+by.P:9", "");
    disk.source = SOURCE(BLOCK);
    expect_disk(*state, "disk+raw.x+by.P:9 disk+block.y+by.P:6", disk, "disk+block.y+by.P:6",
            "disk+raw.x+by.P:9");
}

static void a_disk_that_was_taken_is_gone(void **state)
{
    struct resource_disk_want disk = {.size = 5000};
    struct resource_request request = {.disks = &disk, .disk_count = 1};
    struct resource_set offered = offer_of(*state, "a", "disk+mount./m:9"), found,
                        nothing = set_of(*state, "a", "");
    message **messages;
    resource_set_init(&found, *state);
    assert_true(resource_find(&offered, "a", &request, &found, NULL));
    assert_true(resource_set_is_empty(&offered));
    assert_true(resource_set_equal(&offered, &nothing));
    assert_int_equal(resource_set_scalar(&offered, "disk"), 0);
    assert_int_equal(resource_set_write(&offered, *state, &messages), 0);
    assert_false(resource_find(&offered, "a", &request, &found, NULL));
}

static void a_disk_with_a_profile(void **state)
{
    struct resource_disk_want disk = {.size = 5000, .profile = "fast"};
    expect_disk(*state, "disk+mount./m:6 disk+mount./n+profile.slow:6 disk+mount./o+profile.fast:9", disk,
            "disk+mount./o+profile.fast:9", "disk+mount./m:6 disk+mount./n+profile.slow:6");
    expect_disk(*state, "disk+mount./m:6 disk+mount./n+profile.slow:6", disk, NULL, NULL);
}

static void a_disk_that_is_reserved_or_not(void **state)
{
    struct resource_disk_want disk = {.size = 5000, .reserved = RESOURCE_RESERVED};
    expect_disk(*state, "disk+mount./m:6", disk, NULL, NULL);
    expect_disk(*state, "disk+mount./m:6 disk(a)+mount./n:9", disk, "disk(a)+mount./n:9", "disk+mount./m:6");
    disk.reserved = RESOURCE_UNRESERVED;
    expect_disk(*state, "disk(a)+mount./m:6 disk+mount./n:9", disk, "disk+mount./n:9", "disk(a)+mount./m:6");
    expect_disk(*state, "disk(c)+mount./m:6", (struct resource_disk_want){.size = 5000}, NULL, NULL);
    expect_disk(*state, "disk+mount./m+revocable:6", (struct resource_disk_want){.size = 5000}, NULL, NULL);
}

static void two_disks_are_two(void **state)
{
    struct resource_disk_want disks[] = {{.size = 5000}, {.size = 4000}};
    struct resource_want cpus = want_of("cpus 1");
    struct resource_request request = {.disks = disks, .disk_count = 2, .wants = &cpus, .want_count = 1};
    expect_request(*state, "a", "disk+mount./m:6 disk+mount./n:4 cpus:2", &request,
            "disk+mount./m:6 disk+mount./n:4 cpus:1", "cpus:1");
    expect_request(*state, "a", "disk+path./p:6 cpus:2 disk+path./q:4", &request,
            "disk+path./p:5 disk+path./q:4 cpus:1", "disk+path./p:1 cpus:1");
    expect_request(*state, "a", "disk+path./p:8 cpus:2", &request, NULL, NULL); /* all goes back */
    expect_request(*state, "a", "disk(a)+volume.s+shared:3 disk+mount./m:6 disk+mount./n:3 cpus:2", &request,
            NULL, NULL);
    disks[0] = (struct resource_disk_want){.persistence_id = "v"};
    disks[1] = disks[0];
    expect_request(*state, "a", "disk(a)+volume.v:3 cpus:2", &request, NULL, NULL); /* not twice */
}

/* ---- why not ---- */

static void what_there_is_not_enough_of(void **state)
{
    struct resource_set offered = offer_of(*state, "a", "cpus:4 mem:10 cpus(b):9 disk+mount./m:3"), found;
    struct resource_want wants[] = {want_of("cpus 4"), want_of("mem 11")};
    struct resource_disk_want disks[] = {{.size = 5000, .source = SOURCE(MOUNT)}};
    struct resource_request request = {.wants = wants, .want_count = 2, .disks = disks, .disk_count = 1};
    struct resource_lack lack;
    resource_set_init(&found, *state);
    assert_false(resource_find(&offered, "a", &request, &found, &lack));
    assert_ptr_equal(lack.want, &wants[1]);
    assert_null(lack.disk);
    assert_int_equal(lack.found, 10000);
    wants[1].amount = 1000;
    assert_false(resource_find(&offered, "a", &request, &found, &lack));
    assert_ptr_equal(lack.disk, &disks[0]);
    assert_int_equal(lack.found, 3000);
}

/* ---- limits ---- */

static void what_is_taken_has_a_limit_too(void **state)
{
    struct resource_set offered, found;
    resource_set_init(&offered, *state);
    resource_set_init(&found, *state);
    for (int i = 0; i < RESOURCE_SET_MAX; i++) {
        struct resource one = one_of(*state, "a", arena_format(*state, "cpus(a~l%d):1", i));
        assert_int_equal(resource_set_append(&offered, &one, NULL), 0);
    }
    struct resource_want want = want_of("cpus 1024");
    struct resource_request request = {.wants = &want, .want_count = 1};
    assert_true(resource_find(&offered, "a", &request, &found, NULL));
    assert_int_equal(found.count, RESOURCE_SET_MAX);
    assert_true(resource_set_is_empty(&offered));
    struct resource one = one_of(*state, "a", "cpus:1");
    resource_set_init(&offered, *state);
    assert_int_equal(resource_set_append(&offered, &one, NULL), 0);
    want.amount = 1000;
    assert_false(resource_find(&offered, "a", &request, &found, NULL)); /* no room for it */
    expect_words(*state, &offered, "cpus:1");
    assert_int_equal(found.count, RESOURCE_SET_MAX);
}

static void expect_refused(const struct resource_request *request, const char *field)
{
    struct error err = {0};
    assert_int_equal(resource_request_check(request, "task", &err), ERR_INVALID);
    assert_string_equal(err.field, field);
    assert_true(strlen(err.text) > 0);
}

static void a_request_makes_sense(void **state)
{
    (void)state;
    struct resource_want wants[] = {want_of("cpus 1"), want_of("mem 1")};
    struct resource_request request = {.wants = wants, .want_count = 2};
    assert_int_equal(resource_request_check(&request, "task", NULL), 0);
    wants[1].name = "cpus";
    expect_refused(&request, "task.wants[1]");
    wants[1].name = "";
    expect_refused(&request, "task.wants[1]");
    wants[1] = want_of("gpus 1.5");
    expect_refused(&request, "task.wants[1]");
    wants[1] = want_of("gpus 2");
    assert_int_equal(resource_request_check(&request, "task", NULL), 0);
    wants[1].type = MESOS__V1__VALUE__TYPE__TEXT;
    expect_refused(&request, "task.wants[1]");
    wants[1] = want_of("mem 1");
    wants[1].amount = (uint64_t)MILLI_MAX;
    assert_int_equal(resource_request_check(&request, "task", NULL), 0);
    wants[1].amount++;
    expect_refused(&request, "task.wants[1]");
    struct resource_disk_want disk = {.size = MILLI_MAX};
    request = (struct resource_request){.disks = &disk, .disk_count = 1};
    assert_int_equal(resource_request_check(&request, "task", NULL), 0);
    disk.size++;
    expect_refused(&request, "task.disks[0]");
    disk.size = 0;
    expect_refused(&request, "task.disks[0]");
    disk.persistence_id = "v";
    assert_int_equal(resource_request_check(&request, "task", NULL), 0);
    disk.persistence_id = "a/b";
    expect_refused(&request, "task.disks[0]");
    disk = (struct resource_disk_want){.size = 1, .source = (Mesos__V1__Resource__DiskInfo__Source__Type)9};
    expect_refused(&request, "task.disks[0]");
    struct error err;
    request.disk_count = RESOURCE_SET_MAX + 1;
    assert_int_equal(resource_request_check(&request, "task", &err), ERR_TOO_LARGE);
    request = (struct resource_request){.want_count = RESOURCE_SET_MAX + 1};
    assert_int_equal(resource_request_check(&request, "task", &err), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_amount_by_name),
            TEST(several_or_none),
            TEST(the_most_specific_reservation_first),
            TEST(what_is_reserved_for_others_is_left_alone),
            TEST(among_equals_as_offered),
            TEST(only_reserved_or_only_not),
            TEST(a_reservation_without_a_role_is_for_nobody),
            TEST(revocable_only_where_asked),
            TEST(plain_is_of_the_agent_and_no_volume),
            TEST(a_volume_by_its_id),
            TEST(a_shared_volume_stays),
            TEST(a_volume_appears_where_the_task_wants_it),
            TEST(a_disk_with_a_source),
            TEST(a_disk_that_was_taken_is_gone),
            TEST(a_disk_with_a_profile),
            TEST(a_disk_that_is_reserved_or_not),
            TEST(two_disks_are_two),
            TEST(what_there_is_not_enough_of),
            TEST(what_is_taken_has_a_limit_too),
            TEST(a_request_makes_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
