/* The cases of Mesos's own documentation, worked by hand. Each test names the page, and the section in
 * quotes. */
#include "resource_words.h"

#include <string.h>

#define OPERATION(name) MESOS__V1__OFFER__OPERATION__TYPE__##name
#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

static struct resource_set find(struct arena *arena, struct resource_set *offered, const char *role,
        struct resource_want *wants, size_t count)
{
    struct resource_request request = {.wants = wants, .want_count = count};
    struct resource_set taken;
    resource_set_init(&taken, arena);
    assert_int_equal(resource_request_check(&request, "request", NULL), 0);
    assert_true(resource_find(offered, role, &request, &taken, NULL));
    return taken;
}

static bool find_disk(struct arena *arena, struct resource_set *offered, const char *role,
        struct resource_disk_want want, struct resource_set *taken)
{
    struct resource_request request = {.disks = &want, .disk_count = 1};
    resource_set_init(taken, arena);
    return resource_find(offered, role, &request, taken, NULL);
}

static int reserve(struct resource_set *set, const char *role, const char *words, struct error *err)
{
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Reserve body = MESOS__V1__OFFER__OPERATION__RESERVE__INIT;
    operation.type = OPERATION(RESERVE);
    operation.reserve = &body;
    body.n_resources = messages_of(set->arena, role, words, &body.resources);
    return resource_set_apply(set, role, &operation, "operation", err);
}

static int unreserve(struct resource_set *set, const char *role, const char *words, struct error *err)
{
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Unreserve body = MESOS__V1__OFFER__OPERATION__UNRESERVE__INIT;
    operation.type = OPERATION(UNRESERVE);
    operation.unreserve = &body;
    body.n_resources = messages_of(set->arena, role, words, &body.resources);
    return resource_set_apply(set, role, &operation, "operation", err);
}

static int create(struct resource_set *set, const char *role, const char *words, struct error *err)
{
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Create body = MESOS__V1__OFFER__OPERATION__CREATE__INIT;
    operation.type = OPERATION(CREATE);
    operation.create = &body;
    body.n_volumes = messages_of(set->arena, role, words, &body.volumes);
    return resource_set_apply(set, role, &operation, "operation", err);
}

static int destroy(struct resource_set *set, const char *role, const char *words, struct error *err)
{
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Destroy body = MESOS__V1__OFFER__OPERATION__DESTROY__INIT;
    operation.type = OPERATION(DESTROY);
    operation.destroy = &body;
    body.n_volumes = messages_of(set->arena, role, words, &body.volumes);
    return resource_set_apply(set, role, &operation, "operation", err);
}

/* ---- docs/attributes-resources.md ---- */

/* "Resources": three decimals, so 1.5123 CPUs are 1.512. */
static void three_digits(void **state)
{
    struct resource_set asked = set_of(*state, NULL, "cpus:1.5123"), had = set_of(*state, NULL, "cpus:1.512");
    assert_true(resource_set_equal(&asked, &had));
}

/* "Examples": cpus:24;gpus:2;mem:24576;disk:409600;ports:[21000-24000,30000-34000];bugs(debug_role):{a,b,c}
 */
static void an_agents_resources(void **state)
{
    struct resource_set set = set_of(*state, NULL,
            "cpus:24 gpus:2 mem:24576 disk:409600 ports:[21000-24000,30000-34000] bugs(debug_role!):{a,b,c}");
    assert_int_equal(resource_set_scalar(&set, "cpus"), 24000);
    assert_int_equal(resource_set_scalar(&set, "gpus"), 2000);
    assert_int_equal(resource_set_scalar(&set, "mem"), 24576000);
    assert_int_equal(resource_set_scalar(&set, "disk"), 409600000);
    assert_int_equal(resource_set_values(&set, "ports"), 3001 + 4001);
    assert_int_equal(resource_set_values(&set, "bugs"), 3);
    struct resource_want bug = {.name = "bugs", .type = RESOURCE_ITEMS, .amount = 1};
    struct resource_request request = {.wants = &bug, .want_count = 1};
    struct resource_set taken = set_of(*state, NULL, "");
    assert_false(resource_find(&set, "other_role", &request, &taken, NULL));
    assert_true(resource_find(&set, "debug_role", &request, &taken, NULL));
    expect_words(*state, &taken, "bugs(debug_role!):{a}");
}

/* ---- docs/reservation.md ---- */

/* "Static Reservation": of 12 CPUs and 6144 MB, 8 and 4096 are for the role ads. */
static void a_static_reservation(void **state)
{
    struct resource_want wants[] = {{.name = "cpus", .type = RESOURCE_SCALAR, .amount = 10000},
            {.name = "mem", .type = RESOURCE_SCALAR, .amount = 4096000}};
    struct resource_set offered = offer_of(*state, "ads", "cpus:4 mem:2048 cpus(ads!):8 mem(ads!):4096");
    struct resource_set taken = find(*state, &offered, "ads", wants, 2);
    expect_words(*state, &taken, "cpus(ads!):8 cpus:2 mem(ads!):4096");
    expect_words(*state, &offered, "cpus:2 mem:2048");
    /* It is not unreserved, nor reserved for another. */
    offered = offer_of(*state, "ads", "cpus(ads!):8");
    assert_int_equal(unreserve(&offered, "ads", "cpus(ads!):8", NULL), ERR_INVALID);
    assert_int_equal(reserve(&offered, "other", "cpus(other):8", NULL), ERR_NOT_FOUND);
}

/* "Dynamic Reservation": two for one role are combined, and a part can be released. */
static void dynamic_reservations_are_combined(void **state)
{
    struct resource_set offered = offer_of(*state, "ads", "cpus:4");
    assert_int_equal(reserve(&offered, "ads", "cpus(ads):1", NULL), 0);
    assert_int_equal(reserve(&offered, "ads", "cpus(ads):2", NULL), 0);
    expect_words(*state, &offered, "cpus:1 cpus(ads):3");
    assert_int_equal(unreserve(&offered, "ads", "cpus(ads):0.5", NULL), 0);
    expect_words(*state, &offered, "cpus:1.5 cpus(ads):2.5");
}

/* "Reservation Labels": with other labels they are not combined. */
static void reservations_with_other_labels_are_not(void **state)
{
    struct resource_set offered = offer_of(*state, "ads", "cpus:4");
    assert_int_equal(reserve(&offered, "ads", "cpus(ads~web):1", NULL), 0);
    assert_int_equal(reserve(&offered, "ads", "cpus(ads~batch):2", NULL), 0);
    expect_words(*state, &offered, "cpus:1 cpus(ads~web):1 cpus(ads~batch):2");
}

/* "Offer::Operation::Reserve (without RESERVATION_REFINEMENT)" and its Unreserve: 8 of 12 CPUs, 4096 of 6144
 * MB. */
static void reserve_and_unreserve(void **state)
{
    const char *reserved = "cpus(engineering=me):8 mem(engineering=me):4096";
    struct resource_set offered = offer_of(*state, "engineering", "cpus:12 mem:6144");
    assert_int_equal(reserve(&offered, "engineering", reserved, NULL), 0);
    expect_words(*state, &offered, "cpus:4 mem:2048 cpus(engineering=me):8 mem(engineering=me):4096");
    assert_int_equal(unreserve(&offered, "engineering", reserved, NULL), 0);
    expect_words(*state, &offered, "cpus:12 mem:6144");
}

/* "Reservation Refinement", and Reserve and Unreserve with it: what engineering has is offered to
 * engineering/backend, which refines 8 CPUs and 4096 MB, and gives them back to engineering. */
static void refine_and_return(void **state)
{
    const char *role = "engineering/backend", *refined = "cpus(engineering=op,engineering/backend=me):8 "
                                                         "mem(engineering=op,engineering/backend=me):4096";
    struct resource_set offered = offer_of(*state, role, "cpus(engineering=op):12 mem(engineering=op):6144");
    struct resource_want cpus = {.name = "cpus", .type = RESOURCE_SCALAR, .amount = 9000};
    assert_int_equal(reserve(&offered, role, refined, NULL), 0);
    expect_words(*state, &offered,
            "cpus(engineering=op):4 mem(engineering=op):2048 cpus(engineering=op,engineering/backend=me):8 "
            "mem(engineering=op,engineering/backend=me):4096");
    struct resource_set copy = offer_of(*state, role, words_of(*state, &offered));
    struct resource_set taken = find(*state, &copy, role, &cpus, 1);
    expect_words(*state, &taken, "cpus(engineering=op,engineering/backend=me):8 cpus(engineering=op):1");
    assert_int_equal(unreserve(&offered, role, refined, NULL), 0);
    expect_words(*state, &offered, "cpus(engineering=op):12 mem(engineering=op):6144");
}

/* The same section: eng is refined directly to eng/backend/db, and goes back to eng. */
static void a_refinement_skips_levels(void **state)
{
    struct resource_set offered = offer_of(*state, "eng/backend/db", "cpus(eng):4");
    assert_int_equal(reserve(&offered, "eng/backend/db", "cpus(eng,eng/backend/db):4", NULL), 0);
    expect_words(*state, &offered, "cpus(eng,eng/backend/db):4");
    assert_int_equal(unreserve(&offered, "eng/backend/db", "cpus(eng,eng/backend/db):4", NULL), 0);
    expect_words(*state, &offered, "cpus(eng):4");
}

/* ---- docs/persistent-volume.md ---- */

/* "Offer::Operation::Create" and "Offer::Operation::Destroy": 2048 MB become a volume, and reserved disk
 * again. */
static void create_and_destroy(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "disk(r=me):2048"), taken;
    assert_int_equal(create(&offered, "r", "disk(r=me)+volume.id1:2048", NULL), 0);
    expect_words(*state, &offered, "disk(r=me)+volume.id1:2048");
    /* "Usage": it is not unreserved before it is destroyed. */
    assert_int_equal(unreserve(&offered, "r", "disk(r=me)+volume.id1:2048", NULL), ERR_INVALID);
    assert_true(
            find_disk(*state, &offered, "r", (struct resource_disk_want){.persistence_id = "id1"}, &taken));
    expect_words(*state, &taken, "disk(r=me)+volume.id1:2048");
    offered = taken;
    assert_int_equal(destroy(&offered, "r", "disk(r=me)+volume.id1:2048", NULL), 0);
    expect_words(*state, &offered, "disk(r=me):2048");
}

/* "Usage": only of reserved disk. */
static void a_volume_is_of_reserved_disk(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "disk:2048");
    struct error err;
    assert_int_equal(create(&offered, "r", "disk+volume.id1:2048", &err), ERR_INVALID);
    assert_string_equal(err.field, "operation.create.volumes[0].disk.persistence");
}

/* "Offer::Operation::GrowVolume": 2048 and 2048 MB make 4096. */
static void grow(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "disk(r=me):2048 disk(r=me)+volume.id1:2048");
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__GrowVolume body = MESOS__V1__OFFER__OPERATION__GROW_VOLUME__INIT;
    operation.type = OPERATION(GROW_VOLUME);
    operation.grow_volume = &body;
    body.volume = message_of(*state, "r", "disk(r=me)+volume.id1:2048");
    body.addition = message_of(*state, "r", "disk(r=me):2048");
    assert_int_equal(resource_set_apply(&offered, "r", &operation, "operation", NULL), 0);
    expect_words(*state, &offered, "disk(r=me)+volume.id1:4096");
}

/* "Offer::Operation::ShrinkVolume": of 2048 MB 1024 are freed, and still reserved. */
static void shrink(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "disk(r=me)+volume.id1:2048");
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__ShrinkVolume body = MESOS__V1__OFFER__OPERATION__SHRINK_VOLUME__INIT;
    Mesos__V1__Value__Scalar less = MESOS__V1__VALUE__SCALAR__INIT;
    operation.type = OPERATION(SHRINK_VOLUME);
    operation.shrink_volume = &body;
    body.volume = message_of(*state, "r", "disk(r=me)+volume.id1:2048");
    body.subtract = &less;
    less.value = 1024;
    assert_int_equal(resource_set_apply(&offered, "r", &operation, "operation", NULL), 0);
    expect_words(*state, &offered, "disk(r=me)+volume.id1:1024 disk(r=me):1024");
}

/* ---- docs/shared-resources.md ---- */

/* "Creating Shared Volumes", "Using Shared Volumes": several tasks of one ACCEPT use it. "Destroying Shared
 * Volumes": not while there is a task with it. */
static void a_shared_volume(void **state)
{
    struct resource_set offered = offer_of(*state, "engineering", "disk(engineering=me):2048"), first, second;
    struct resource_disk_want want = {.persistence_id = "data"};
    const char *volume = "disk(engineering=me)+volume.data+shared:2048";
    assert_int_equal(create(&offered, "engineering", volume, NULL), 0);
    assert_true(find_disk(*state, &offered, "engineering", want, &first));
    assert_true(find_disk(*state, &offered, "engineering", want, &second));
    expect_words(*state, &first, volume);
    expect_words(*state, &second, volume);
    struct resource_set in_use = offered;
    assert_int_equal(resource_set_add(&in_use, &first, NULL), 0);
    assert_int_equal(destroy(&in_use, "engineering", volume, NULL), ERR_INVALID);
    assert_int_equal(destroy(&offered, "engineering", volume, NULL), 0);
    expect_words(*state, &offered, "disk(engineering=me):2048");
}

/* ---- docs/oversubscription.md ---- */

/* "Launching tasks using revocable resources": 2 CPUs, and 0.45 that can be taken back. */
static void revocable_cpus(void **state)
{
    struct resource_set offered = offer_of(*state, "*", "cpus:2 mem:512 cpus+revocable:0.45");
    struct resource_want wants[] = {
            {.name = "cpus", .type = RESOURCE_SCALAR, .amount = 400, .revocable = RESOURCE_REVOCABLE},
            {.name = "mem", .type = RESOURCE_SCALAR, .amount = 64000}};
    struct resource_set taken = find(*state, &offered, "*", wants, 2);
    expect_words(*state, &taken, "cpus+revocable:0.4 mem:64");
    wants[0] = (struct resource_want){.name = "cpus", .type = RESOURCE_SCALAR, .amount = 2000};
    taken = find(*state, &offered, "*", wants, 2);
    expect_words(*state, &taken, "cpus:2 mem:64");
    expect_words(*state, &offered, "mem:384 cpus+revocable:0.05");
}

/* "Frameworks": what is revocable is neither reserved dynamically nor made a volume. */
static void what_is_revocable_is_not_kept(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "cpus+revocable:2 disk(r!)+revocable:5");
    assert_int_equal(reserve(&offered, "r", "cpus(r)+revocable:1", NULL), ERR_INVALID);
    assert_int_equal(create(&offered, "r", "disk(r!)+volume.v+revocable:5", NULL), ERR_INVALID);
}

/* ---- docs/multiple-disk.md ---- */

/* "Types of Disk Resources": root and Path disks are divided, a Mount disk goes whole. */
static void three_forms_of_disk(void **state)
{
    struct resource_set offered = offer_of(
                                *state, "r", "disk:2048 disk+path./mnt/path:2048 disk+mount./mnt/data:2048"),
                        taken;
    struct resource_want root = {.name = "disk", .type = RESOURCE_SCALAR, .amount = 1024000};
    taken = find(*state, &offered, "r", &root, 1);
    expect_words(*state, &taken, "disk:1024");
    assert_true(find_disk(*state, &offered, "r",
            (struct resource_disk_want){.size = 1024000, .source = SOURCE(PATH)}, &taken));
    expect_words(*state, &taken, "disk+path./mnt/path:1024");
    assert_true(find_disk(*state, &offered, "r",
            (struct resource_disk_want){.size = 1024000, .source = SOURCE(MOUNT)}, &taken));
    expect_words(*state, &taken, "disk+mount./mnt/data:2048");
    expect_words(*state, &offered, "disk:1024 disk+path./mnt/path:1024");
}

/* "Path disks": carved up by volumes smaller than they are. "Mount disks": not. */
static void volumes_on_path_and_mount_disks(void **state)
{
    struct resource_set offered = offer_of(*state, "r", "disk(r)+path./p:2048 disk(r)+mount./m:2048");
    assert_int_equal(create(&offered, "r", "disk(r)+volume.a+path./p:1000", NULL), 0);
    assert_int_equal(create(&offered, "r", "disk(r)+volume.b+mount./m:1000", NULL), ERR_NOT_FOUND);
    assert_int_equal(create(&offered, "r", "disk(r)+volume.b+mount./m:2048", NULL), 0);
    expect_words(*state, &offered,
            "disk(r)+path./p:1048 disk(r)+volume.a+path./p:1000 disk(r)+volume.b+mount./m:2048");
}

/* ---- docs/csi.md ---- */

/* "New Disk Source Types" and "Storage Pool Capacity and Profiles": a RAW disk is divided unless it has an
 * id; a BLOCK disk is not. Pools have profiles: raid0 and raid1. */
static void pools_and_raw_disks(void **state)
{
    struct resource_set offered = offer_of(*state, "r",
                                "disk+pool+profile.raid0+by.P:1000 disk+pool+profile.raid1+by.P:500 "
                                "disk+raw.pre+by.P:100 "
                                "disk+block.b+by.P:50"),
                        taken;
    struct resource_disk_want want = {.size = 80000, .source = SOURCE(RAW), .profile = "raid1"};
    assert_true(find_disk(*state, &offered, "r", want, &taken));
    expect_words(*state, &taken, "disk+pool+profile.raid1+by.P:80");
    want.profile = "raid5";
    assert_false(find_disk(*state, &offered, "r", want, &taken));
    struct resource_set part = set_of(*state, "r", "disk+pool+profile.raid0+by.P:300"),
                        less = set_of(*state, "r", "disk+raw.pre+by.P:99"),
                        block = set_of(*state, "r", "disk+block.b+by.P:49");
    assert_true(resource_set_contains(&offered, &part));
    assert_false(resource_set_contains(&offered, &less));
    assert_false(resource_set_contains(&offered, &block));
}

/* ---- docs/gpu-support.md ---- */

/* "Overview": whole numbers of GPUs alone. */
static void whole_gpus(void **state)
{
    message *messages[] = {message_of(*state, "r", "gpus:1.5")};
    struct error err;
    assert_int_equal(resource_check_task(messages, 1, "resources", &err), ERR_INVALID);
    assert_string_equal(err.field, "resources[0].scalar");
    messages[0]->scalar->value = 2;
    assert_int_equal(resource_check_task(messages, 1, "resources", &err), 0);
}

/* ---- docs/roles.md ---- */

/* "Associating resources with roles" and "Default role": what is reserved for a role is for it and the roles
 * below it alone; nothing is reserved for "*". */
static void roles(void **state)
{
    struct resource_set offered = offer_of(*state, "eng", "cpus(eng):2 cpus(eng/backend):2 cpus(ads):2");
    struct resource_want cpus = {.name = "cpus", .type = RESOURCE_SCALAR, .amount = 2000};
    struct resource_set taken = find(*state, &offered, "eng", &cpus, 1);
    expect_words(*state, &taken, "cpus(eng):2");
    taken = find(*state, &offered, "eng/backend/db", &cpus, 1);
    expect_words(*state, &taken, "cpus(eng/backend):2");
    struct resource_set star = offer_of(*state, "*", "cpus:2");
    assert_int_equal(reserve(&star, "*", "cpus(*):1", NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(three_digits),
            TEST(an_agents_resources),
            TEST(a_static_reservation),
            TEST(dynamic_reservations_are_combined),
            TEST(reservations_with_other_labels_are_not),
            TEST(reserve_and_unreserve),
            TEST(refine_and_return),
            TEST(a_refinement_skips_levels),
            TEST(create_and_destroy),
            TEST(a_volume_is_of_reserved_disk),
            TEST(grow),
            TEST(shrink),
            TEST(a_shared_volume),
            TEST(revocable_cpus),
            TEST(what_is_revocable_is_not_kept),
            TEST(three_forms_of_disk),
            TEST(volumes_on_path_and_mount_disks),
            TEST(pools_and_raw_disks),
            TEST(whole_gpus),
            TEST(roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
