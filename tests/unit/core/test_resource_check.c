/* What a master requires of resources, and the field that is named when it is not so. */
#include "resource_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

static void expect_taken(const message *from)
{
    struct error err = {0};
    if (resource_check(from, "r", &err))
        fail_msg("%s: %s", err.field, err.text);
}

static void expect_refused(const message *from, int code, const char *field)
{
    struct error err = {0};
    assert_int_equal(resource_check(from, "r", &err), code);
    assert_string_equal(err.field, field);
    assert_true(strlen(err.text) > 0);
    assert_int_equal(resource_check(from, "r", NULL), code);
}

static void expect_words_refused(struct arena *arena, const char *word, const char *field)
{
    expect_refused(message_of(arena, "a", word), ERR_INVALID, field);
}

static void what_is_right_is_taken(void **state)
{
    static const char *const words[] = {"cpus:0", "cpus:4", "gpus:2",
            "ports:[1-2,3-4,18446744073709551615-18446744073709551615]", "ports:[0-18446744073709551615]",
            "ports:[0-5,6-18446744073709551615]", "ports:[]", "bugs:{b,a}", "bugs:{}", "cpus(a):1",
            "cpus(a!):1", "cpus(a!,a/b,a/b/c/d=me~x):1", "cpus+revocable:1", "cpus(a!)+revocable:1",
            "disk+path./p:1", "disk+mount./m:1", "disk+block.b+by.P:1", "disk+raw.x+by.P:1",
            "disk+pool+profile.p+by.P:1", "disk(a)+volume.v:1", "disk(a!)+volume.v+path./p:1",
            "disk(a)+volume.v+shared:1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        expect_taken(message_of(*state, "a", words[i]));
}

/* ---- name and value ---- */

static void it_has_a_name(void **state)
{
    message *from = message_of(*state, "a", "cpus:1");
    from->name = NULL;
    expect_refused(from, ERR_INVALID, "r.name");
    from->name = arena_string(*state, "");
    expect_refused(from, ERR_INVALID, "r.name");
}

static void it_has_the_value_of_its_type(void **state)
{
    static const char *const words[] = {"a:1", "a:[1-2]", "a:{x}"}, *const fields[] = {
                                                                            "r.scalar", "r.ranges", "r.set"};
    for (int i = 0; i < 3; i++) {
        message *from = message_of(*state, "a", words[i]);
        for (int other = 0; other < 3; other++) {
            message *both = message_of(*state, "a", words[i]), *more = message_of(*state, "a", words[other]);
            both->scalar = both->scalar ? both->scalar : more->scalar;
            both->ranges = both->ranges ? both->ranges : more->ranges;
            both->set = both->set ? both->set : more->set;
            if (other != i)
                expect_refused(both, ERR_INVALID, fields[other]);
        }
        from->scalar = NULL;
        from->ranges = NULL;
        from->set = NULL;
        expect_refused(from, ERR_INVALID, fields[i]);
        from->type = MESOS__V1__VALUE__TYPE__TEXT;
        expect_refused(from, ERR_INVALID, "r.type");
        from->type = (Mesos__V1__Value__Type)-7;
        expect_refused(from, ERR_INVALID, "r.type");
    }
}

static void a_scalar_is_a_number(void **state)
{
    const double wrong[] = {-1, -0.0001, (double)NAN, (double)INFINITY, -(double)INFINITY, 1e13};
    message *from = message_of(*state, "a", "cpus:1");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        from->scalar->value = wrong[i];
        expect_refused(from, ERR_INVALID, "r.scalar");
    }
    from->scalar->value = 1e12;
    expect_taken(from);
}

static void ranges_are_apart(void **state)
{
    expect_words_refused(*state, "ports:[1-2,5-4]", "r.ranges.range[1]");
    expect_words_refused(*state, "ports:[1-5,5-6]", "r.ranges");
    expect_words_refused(*state, "ports:[5-6,1-5]", "r.ranges");
    expect_words_refused(*state, "ports:[0-18446744073709551615,7-7]", "r.ranges");
    expect_words_refused(*state, "bugs:{a,b,a}", "r.set");
}

/* ---- reservations ---- */

static void reservations_refine_one_another(void **state)
{
    expect_words_refused(*state, "cpus(a,b):1", "r.reservations[1].role");
    expect_words_refused(*state, "cpus(a,a):1", "r.reservations[1].role");
    expect_words_refused(*state, "cpus(a,ab):1", "r.reservations[1].role");
    expect_words_refused(*state, "cpus(a/b,a):1", "r.reservations[1].role");
    expect_words_refused(*state, "cpus(a,a/b!):1", "r.reservations[1].type");
    expect_words_refused(*state, "cpus(*):1", "r.reservations[0].role");
    expect_words_refused(*state, "cpus(a//b):1", "r.reservations[0].role");
    expect_words_refused(*state, "cpus(a)+revocable:1", "r.revocable");
    message *from = message_of(*state, "a", "cpus(a):1");
    from->reservations[0]->has_type = false;
    expect_refused(from, ERR_INVALID, "r.reservations[0].type");
    from->reservations[0]->has_type = true;
    from->reservations[0]->type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__UNKNOWN;
    expect_refused(from, ERR_INVALID, "r.reservations[0].type");
    from->reservations[0]->role = NULL;
    expect_refused(from, ERR_INVALID, "r.reservations[0].role");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void the_old_form(void **state)
{
    message *from = message_of(*state, "a", "cpus:1");
    Mesos__V1__Resource__ReservationInfo reservation = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    from->role = arena_string(*state, "a");
    expect_taken(from);
    from->reservation = &reservation;
    expect_taken(from);
    reservation.role = from->role;
    expect_refused(from, ERR_INVALID, "r.reservation");
    reservation.role = NULL;
    reservation.has_type = true;
    expect_refused(from, ERR_INVALID, "r.reservation");
    reservation.has_type = false;
    from->role = arena_string(*state, "*");
    expect_refused(from, ERR_INVALID, "r.role");
    from->role = arena_string(*state, "a b");
    expect_refused(from, ERR_INVALID, "r.role");
    from->reservation = NULL;
    from->role = NULL;
    expect_taken(from);
}

static void both_forms_at_once(void **state)
{
    Mesos__V1__Resource__ReservationInfo reservation = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    message *fixed = message_of(*state, "a", "cpus(a!):1"),
            *dynamic = message_of(*state, "a", "cpus(a=me):1"),
            *refined = message_of(*state, "a", "cpus(a,a/b):1");
    fixed->role = dynamic->role = arena_string(*state, "a");
    expect_taken(fixed);
    expect_refused(dynamic, ERR_INVALID, "r.reservation");
    fixed->reservation = dynamic->reservation = &reservation;
    expect_refused(fixed, ERR_INVALID, "r.reservation");
    expect_refused(dynamic, ERR_INVALID, "r.reservation.principal");
    reservation.principal = arena_string(*state, "me");
    expect_taken(dynamic);
    dynamic->role = arena_string(*state, "b");
    expect_refused(dynamic, ERR_INVALID, "r.role");
    refined->role = arena_string(*state, "a/b");
    expect_refused(refined, ERR_INVALID, "r.role");
    refined->role = arena_string(*state, "a");
    refined->reservation = &reservation;
    refined->reservations[0]->principal = reservation.principal;
    expect_refused(refined, ERR_INVALID, "r.role");
    refined->role = NULL;
    refined->reservation = &reservation;
    expect_refused(refined, ERR_INVALID, "r.reservation");
}

#pragma GCC diagnostic pop

/* docs/roles.md "Invalid role names" */
static void names_of_roles(void **state)
{
    (void)state;
    static const char *const good[] = {
            "*", "a", "a/b", "a.b", "...", "a-", "eng/backend/db", "a*", "\xc3\xa9"};
    static const char *const bad[] = {"", ".", "..", "-a", "a/-b", "a/", "/a", "a//b", "a/.", "a/../b", "a/*",
            "a b", "a\tb", "a\x7f", "a\n", "*/a"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(resource_role_check(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (resource_role_check(bad[i], NULL) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
    }
    assert_true(resource_role_within("a/b", "a"));
    assert_true(resource_role_within("a", "a"));
    assert_false(resource_role_within("a", "a/b"));
    assert_false(resource_role_within("ab", "a"));
}

/* ---- disks ---- */

static void disks(void **state)
{
    expect_words_refused(*state, "cpus+path./p:1", "r.disk");
    expect_words_refused(*state, "disk+shared:1", "r.shared");
    expect_words_refused(*state, "disk+mount./m+shared:1", "r.shared");
    expect_words_refused(*state, "cpus+shared:1", "r.shared");
    expect_words_refused(*state, "disk+volume.v:1", "r.disk.persistence");
    expect_words_refused(*state, "disk(a!)+volume.v+revocable:1", "r.disk.persistence");
    expect_words_refused(*state, "disk(a)+volume...:1", "r.disk.persistence.id");
    expect_words_refused(*state, "disk(a)+volume.x/y:1", "r.disk.persistence.id");
    message *from = message_of(*state, "a", "disk(a)+volume.v:1");
    Mesos__V1__Volume *volume = from->disk->volume;
    volume->host_path = arena_string(*state, "/");
    expect_refused(from, ERR_INVALID, "r.disk.volume.host_path");
    volume->host_path = NULL;
    from->disk->volume = NULL;
    expect_refused(from, ERR_INVALID, "r.disk.volume");
    from->disk->persistence->id = NULL;
    from->disk->volume = volume;
    expect_refused(from, ERR_INVALID, "r.disk.persistence.id");
    from->disk->persistence = NULL;
    expect_refused(from, ERR_INVALID, "r.disk.volume");
    from->disk->volume = NULL;
    expect_refused(from, ERR_INVALID, "r.disk");
}

static void ids_of_volumes_have_a_length(void **state)
{
    char id[257] = "";
    memset(id, 'x', 256);
    message *from = message_of(*state, "a", "disk(a)+volume.v:1");
    from->disk->persistence->id = id;
    expect_refused(from, ERR_INVALID, "r.disk.persistence.id");
    id[255] = '\0';
    expect_taken(from);
}

static void sources(void **state)
{
    message *path = message_of(*state, "a", "disk+path./p:1"),
            *mount = message_of(*state, "a", "disk+mount./m:1"),
            *raw = message_of(*state, "a", "disk+raw.x:1"),
            *block = message_of(*state, "a", "disk+block.x:1");
    raw->disk->source->path = path->disk->source->path;
    block->disk->source->mount = mount->disk->source->mount;
    expect_refused(raw, ERR_INVALID, "r.disk.source.path");
    expect_refused(block, ERR_INVALID, "r.disk.source.mount");
    path->disk->source->type = SOURCE(UNKNOWN);
    expect_refused(path, ERR_INVALID, "r.disk.source.type");
    path->disk->source->type = (Mesos__V1__Resource__DiskInfo__Source__Type)5;
    expect_refused(path, ERR_INVALID, "r.disk.source.type");
}

/* ---- limits ---- */

static void sizes_are_limited(void **state)
{
    message *from = message_of(*state, "a", "cpus(a~x):1");
    Mesos__V1__Labels *labels = from->reservations[0]->labels;
    Mesos__V1__Label *label = labels->labels[0];
    labels->labels = arena_array(*state, RESOURCE_LABELS_MAX + 1, sizeof *labels->labels);
    for (size_t i = 0; i <= RESOURCE_LABELS_MAX; i++)
        labels->labels[i] = label;
    labels->n_labels = RESOURCE_LABELS_MAX;
    expect_taken(from);
    labels->n_labels++;
    expect_refused(from, ERR_TOO_LARGE, "r.reservations");
    labels->n_labels = 0;

    char *role = arena_string(*state, "a");
    from->reservations = arena_array(*state, RESOURCE_LAYERS_MAX + 1, sizeof *from->reservations);
    for (size_t i = 0; i <= RESOURCE_LAYERS_MAX; i++, role = arena_format(*state, "%s/b", role))
        from->reservations[i] =
                message_of(*state, NULL, arena_format(*state, "cpus(%s):1", role))->reservations[0];
    from->n_reservations = RESOURCE_LAYERS_MAX;
    expect_taken(from);
    from->n_reservations++;
    expect_refused(from, ERR_TOO_LARGE, "r.reservations");

    message *ranges = message_of(*state, "a", "ports:[1-1]");
    Mesos__V1__Value__Range *numbers = arena_array(*state, RESOURCE_VALUES_MAX + 1, sizeof *numbers);
    ranges->ranges->range = arena_array(*state, RESOURCE_VALUES_MAX + 1, sizeof *ranges->ranges->range);
    for (size_t i = 0; i <= RESOURCE_VALUES_MAX; i++) {
        mesos__v1__value__range__init(&numbers[i]);
        numbers[i].begin = numbers[i].end = i;
        ranges->ranges->range[i] = &numbers[i];
    }
    ranges->ranges->n_range = RESOURCE_VALUES_MAX;
    expect_taken(ranges);
    ranges->ranges->n_range++;
    expect_refused(ranges, ERR_TOO_LARGE, "r.ranges");
}

/* ---- a task ---- */

static void expect_task(struct arena *arena, const char *words, const char *field)
{
    message **messages;
    size_t count = messages_of(arena, "a", words, &messages);
    struct error err = {0};
    assert_int_equal(resource_check_task(messages, count, "task.resources", &err), field ? ERR_INVALID : 0);
    assert_string_equal(err.field, field ? field : "");
}

static void resources_of_a_task(void **state)
{
    expect_task(*state, "", NULL);
    expect_task(*state, "cpus:1 mem:5 gpus:2 ports:[1-2]", NULL);
    expect_task(*state, "gpus:0.5 cpus:1 gpus(a):0.5", NULL);
    expect_task(*state, "gpus:0.5 cpus:1 gpus(a):1", "task.resources[2].scalar");
    expect_task(*state, "gpus:0.5 cpus:1", "task.resources[0].scalar");
    expect_task(*state, "cpus:1 mem:5 cpus+revocable:2", "task.resources[2].revocable");
    expect_task(*state, "cpus+revocable:1 mem:5 cpus+revocable:2", NULL);
    expect_task(
            *state, "disk(a)+volume.v:1 disk:1 disk(a)+volume.v:1", "task.resources[2].disk.persistence.id");
    expect_task(*state, "disk(a)+volume.v:1 disk(a)+volume.v:2", "task.resources[1].disk.persistence.id");
    expect_task(*state, "disk(a)+volume.v:1 disk(a/b)+volume.v:1", NULL);
    expect_task(*state, "disk(a)+volume.v+shared:1 disk(a)+volume.v+shared:1", NULL);
    expect_task(*state, "cpus:1 ports:[2-1]", "task.resources[1].ranges.range[0]");
}

static void a_task_is_allocated_to_one_role(void **state)
{
    message *messages[] = {message_of(*state, "a", "cpus:1"), message_of(*state, "a", "mem:1")};
    struct error err;
    assert_int_equal(resource_check_task(messages, 2, "x", NULL), 0);
    messages[1]->allocation_info = NULL;
    assert_int_equal(resource_check_task(messages, 2, "x", &err), ERR_INVALID);
    assert_string_equal(err.field, "x[1].allocation_info");
    messages[0]->allocation_info = NULL;
    assert_int_equal(resource_check_task(messages, 2, "x", NULL), 0);
}

static void a_task_has_so_many_resources(void **state)
{
    message **messages = arena_array(*state, RESOURCE_SET_MAX + 1, sizeof *messages);
    for (size_t i = 0; i <= RESOURCE_SET_MAX; i++)
        messages[i] = message_of(*state, "a", "cpus:1");
    struct error err;
    assert_int_equal(resource_check_task(messages, RESOURCE_SET_MAX, "x", NULL), 0);
    assert_int_equal(resource_check_task(messages, RESOURCE_SET_MAX + 1, "x", &err), ERR_TOO_LARGE);
    assert_string_equal(err.field, "x[1024]");
}

/* ---- limits of a task ---- */

static void expect_limits(struct arena *arena, const char *limits, const char *field)
{
    message **requests;
    size_t count = messages_of(arena, "a", "cpus:1 cpus(a):0.5 mem:32 ports:[1-2]", &requests);
    struct error err = {0};
    Mesos__V1__TaskInfo__LimitsEntry *entries[4];
    Mesos__V1__Labels *pairs = labels_of(arena, limits);
    for (size_t i = 0; i < pairs->n_labels; i++) {
        entries[i] = arena_alloc(arena, sizeof **entries);
        mesos__v1__task_info__limits_entry__init(entries[i]);
        entries[i]->key = *pairs->labels[i]->key == '-' ? NULL : pairs->labels[i]->key;
        if (!pairs->labels[i]->value)
            continue;
        entries[i]->value = arena_alloc(arena, sizeof *entries[i]->value);
        mesos__v1__value__scalar__init(entries[i]->value);
        entries[i]->value->value = strtod(pairs->labels[i]->value, NULL);
    }
    int rc = resource_check_limits(entries, pairs->n_labels, requests, count, "limits", &err);
    assert_int_equal(rc, field ? ERR_INVALID : 0);
    assert_string_equal(err.field, field ? field : "");
}

static void limits_beside_requests(void **state)
{
    expect_limits(*state, "", NULL);
    expect_limits(*state, "cpus=1.5 mem=64", NULL);
    expect_limits(*state, "mem=inf cpus=inf", NULL);
    expect_limits(*state, "cpus=1.499", "limits[0].value");
    expect_limits(*state, "mem=32 cpus=nan", "limits[1].value");
    expect_limits(*state, "cpus=-inf", "limits[0].value");
    expect_limits(*state, "cpus", "limits[0].value");
    expect_limits(*state, "disk=5", "limits[0].key");
    expect_limits(*state, "-=5", "limits[0].key");
    expect_limits(*state, "cpus=2 mem=64 cpus=3", "limits[2].key");
    message **requests;
    size_t count = messages_of(*state, "a", "mem:32", &requests);
    Mesos__V1__TaskInfo__LimitsEntry entry = MESOS__V1__TASK_INFO__LIMITS_ENTRY__INIT, *entries[] = {&entry};
    Mesos__V1__Value__Scalar value = MESOS__V1__VALUE__SCALAR__INIT;
    value.value = 5;
    entry.key = arena_string(*state, "cpus");
    entry.value = &value;
    struct error err;
    assert_int_equal(resource_check_limits(entries, 1, requests, count, "limits", &err), ERR_INVALID);
    assert_string_equal(err.field, "limits[0].key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_right_is_taken),
            TEST(it_has_a_name),
            TEST(it_has_the_value_of_its_type),
            TEST(a_scalar_is_a_number),
            TEST(ranges_are_apart),
            TEST(reservations_refine_one_another),
            TEST(the_old_form),
            TEST(both_forms_at_once),
            TEST(names_of_roles),
            TEST(disks),
            TEST(ids_of_volumes_have_a_length),
            TEST(sources),
            TEST(sizes_are_limited),
            TEST(resources_of_a_task),
            TEST(a_task_is_allocated_to_one_role),
            TEST(a_task_has_so_many_resources),
            TEST(limits_beside_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
