/* Every event type is published, unknown ones too; their numbers have no holes. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define TYPE(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name

static const char *bare(struct rig *rig, int type)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.has_type = true;
    event.type = (Mesos__V1__Scheduler__Event__Type)type;
    return in_event(rig, &event);
}

/* Also with nothing inside, which a master does not send: published, and no harm done. */
static void each_type_has_its_topic(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    static const struct {
        int type;
        const char *text;
    } cases[] = {{TYPE(SUBSCRIBED), "EVENT mesos/SUBSCRIBED #1\n"}, {TYPE(OFFERS), "EVENT mesos/OFFERS #1\n"},
            {TYPE(INVERSE_OFFERS), "EVENT mesos/INVERSE_OFFERS #1\n"},
            {TYPE(RESCIND), "EVENT mesos/RESCIND #1\n"},
            {TYPE(RESCIND_INVERSE_OFFER), "EVENT mesos/RESCIND_INVERSE_OFFER #2\n"},
            {TYPE(UPDATE), "EVENT mesos/4 #1\n"},
            {TYPE(UPDATE_OPERATION_STATUS), "EVENT mesos/UPDATE_OPERATION_STATUS #1\n"},
            {TYPE(MESSAGE), "EVENT mesos/MESSAGE #1\n"}, {TYPE(FAILURE), "EVENT mesos/FAILURE #1\n"},
            {TYPE(ERROR), "EVENT mesos/ERROR #1\n"}, {TYPE(HEARTBEAT), "EVENT mesos/HEARTBEAT #1\n"},
            {TYPE(UNKNOWN), "EVENT mesos/0 #2\n"}};
    assert_int_equal(sizeof cases / sizeof *cases, mesos__v1__scheduler__event__type__descriptor.n_values);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(bare(rig, cases[i].type), cases[i].text);
    expect(bare(rig, 12345), "EVENT mesos/12345 #3\n");
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    expect(in_event(rig, &event), "EVENT mesos/0 #4\n"); /* no type at all */
}

/* Journaled classes go on where they were after a restart, the others begin again. */
static void numbers_go_on_after_a_restart(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    static const struct {
        int type;
        const char *topic;
        bool journaled;
    } cases[] = {{TYPE(SUBSCRIBED), "mesos/SUBSCRIBED", false}, {TYPE(OFFERS), "mesos/OFFERS", false},
            {TYPE(INVERSE_OFFERS), "mesos/INVERSE_OFFERS", false}, {TYPE(RESCIND), "mesos/RESCIND", false},
            {TYPE(HEARTBEAT), "mesos/HEARTBEAT", false},
            {TYPE(UPDATE_OPERATION_STATUS), "mesos/UPDATE_OPERATION_STATUS", true},
            {TYPE(MESSAGE), "mesos/MESSAGE", true}, {TYPE(FAILURE), "mesos/FAILURE", true},
            {TYPE(ERROR), "mesos/ERROR", true}, {99, "mesos/99", true}};
    for (int run = 0; run < 3; run++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int before = cases[i].journaled ? run * 2 : 0;
            expect(bare(rig, cases[i].type), words(rig, "EVENT %s #%d\n", cases[i].topic, before + 1));
            expect(bare(rig, cases[i].type), words(rig, "EVENT %s #%d\n", cases[i].topic, before + 2));
        }
        rig_restart(rig);
        in_up(rig);
    }
}

static void the_daemons_own_events(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_EVENTS);
    expect(in_up(rig), "EVENT zmesos/MASTER #2 SUBSCRIBED m:5050\n");
    expect(in_down(rig, "it went"), "EVENT zmesos/MASTER #3 DISCONNECTED - \"it went\"\n");
    expect(in_down(rig, "it went"), ""); /* the same again is no news */
    expect(in_down(rig, "refused"), "EVENT zmesos/MASTER #4 DISCONNECTED - \"refused\"\n");
    expect(in_refused(rig, "not you"), "EVENT zmesos/MASTER #5 REFUSED - \"not you\"\n");
}

static void each_second(struct core_config *config)
{
    config->heartbeat_ms = 1000;
}

static void a_heartbeat_each_second(void **state)
{
    struct rig *rig = *state = rig_create(each_second);
    expect(in_wait(rig, 2999), "+1000 EVENT zmesos/HEARTBEAT #2 DISCONNECTED -\n+2000 EVENT zmesos/HEARTBEAT "
                               "#3 DISCONNECTED -\n");
    /* Late by more than one: it is sent once. */
    rig->now.mono_ms += 5000;
    expect(in_tick(rig), "EVENT zmesos/HEARTBEAT #4 DISCONNECTED -\n");
}

static void the_last_contact_is_written_each_minute(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_RECORDS);
    expect(in_wait(rig, 100000), "");
    expect(in_up(rig), "RECORD alive_ns\n");
    expect(in_wait(rig, 130000), "+60000 RECORD alive_ns\n+120000 RECORD alive_ns\n");
    in_rescind(rig, "o1"); /* the master's last word */
    in_wait(rig, 40000);
    expect(in_down(rig, "gone"), "RECORD alive_ns\n");
    assert_string_equal(disk_meta(&rig->disk, META_ALIVE_NS), "1700000230000000000");
    expect(in_wait(rig, 1000000), "");
}

/* An operation that an earlier life of this framework started still reports. */
static void operation_updates_are_acknowledged(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__UpdateOperationStatus update =
            MESOS__V1__SCHEDULER__EVENT__UPDATE_OPERATION_STATUS__INIT;
    Mesos__V1__OperationStatus status = MESOS__V1__OPERATION_STATUS__INIT;
    Mesos__V1__OperationID id = MESOS__V1__OPERATION_ID__INIT;
    Mesos__V1__UUID uuid = MESOS__V1__UUID__INIT;
    char name[] = "op1", value[] = "uuid-1";
    id.value = name;
    uuid.value.data = (uint8_t *)value;
    uuid.value.len = strlen(value);
    status.state = MESOS__V1__OPERATION_STATE__OPERATION_FINISHED;
    status.operation_id = &id;
    status.uuid = &uuid;
    update.status = &status;
    event.has_type = true;
    event.type = TYPE(UPDATE_OPERATION_STATUS);
    event.update_operation_status = &update;
    expect(in_event(rig, &event),
            "EVENT mesos/UPDATE_OPERATION_STATUS #1\nCALL ACKNOWLEDGE_OPERATION_STATUS op1 uuid-1\n");
    status.uuid = NULL; /* not to be acknowledged */
    expect(in_event(rig, &event), "EVENT mesos/UPDATE_OPERATION_STATUS #2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(each_type_has_its_topic),
            TEST(numbers_go_on_after_a_restart),
            TEST(the_daemons_own_events),
            TEST(a_heartbeat_each_second),
            TEST(the_last_contact_is_written_each_minute),
            TEST(operation_updates_are_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
