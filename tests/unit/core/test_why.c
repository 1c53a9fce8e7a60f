/* Why a task waits: reasons, their order, and the event when the first one changes. */
#include "rig.h"

#include <string.h>

/* "state offers/alike: KIND cost, KIND cost, ..." */
static const char *why(struct rig *rig, const char *id)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why ask = ZMESOS__V1__WHY__INIT;
    char *ids[] = {(char *)(uintptr_t)id};
    ask.task_ids = ids;
    ask.n_task_ids = 1;
    request.has_version = true;
    request.version = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &ask;
    in_request(rig, &request);
    const Zmesos__V1__Explanations *all = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            all = rig->out.items[i].reply.reply->explanations;
    }
    assert_non_null(all);
    if (all->n_explanations == 0)
        return words(rig, "missing %s", all->missing[0]);
    const Zmesos__V1__Explanation *view = all->explanations[0];
    const char *text =
            words(rig, "%llu/%llu:", (unsigned long long)view->offers, (unsigned long long)view->alike);
    for (size_t i = 0; i < view->n_reasons; i++) {
        const Zmesos__V1__Reason *reason = view->reasons[i];
        assert_true(reason->message && *reason->message);
        const char *kind =
                protobuf_c_enum_descriptor_get_value(&zmesos__v1__reason__kind__descriptor, (int)reason->kind)
                        ->name;
        text = words(rig, "%s %s", text, kind);
        if (reason->has_offers)
            text = words(rig, "%s=%llu", text, (unsigned long long)reason->offers);
        if (reason->has_wanted)
            text = words(rig, "%s(%g of %g)", text, reason->best, reason->wanted);
        if (reason->has_constraint)
            text = words(rig, "%s[%u]", text, reason->constraint);
    }
    return text;
}

static void resources_that_an_offer_lacks(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 1 want net:9 | b cpus 1 exec e=mem:9");
    in_offers(rig, "o1 A1 cpus 2 | o2 A2 cpus 0.5 mem 9 net 9");
    expect(why(rig, "a"), "2/1: CPUS=1(2 of 1) RESOURCES=1");
    expect(why(rig, "b"), "2/1: CPUS=1(2 of 1) RESOURCES=1");
}

static void reasons_in_order_of_cost(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4 mem 100 where rack EQUALS r1 where row EXISTS");
    in_offers(rig,
            "o1 A1 cpus 2 mem 500 | o2 A2 cpus 3.5 mem 500 | o3 A3 cpus 8 mem 500 @rack=r2 | "
            "o4 A4 cpus 8 mem 500 @rack=r2 | o5 A5 cpus 8 mem 500 @rack=r9 | o6 A6 cpus 8 mem 500 @rack=r1");
    expect(why(rig, "a"), "6/1: CONSTRAINT=3[0] CPUS=2(8 of 4) CONSTRAINT=1[1]");
}

/* Suppressed by request: told above the offers, and as an event. */
static void a_role_that_is_suppressed(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4 role r2");
    in_offers(rig, "o1 A1 cpus 2 role r2");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS);
    rig_show(rig, SHOW_WHY);
    expect(in_request(rig, request), "EVENT zmesos/WHY/a #2\n");
    expect(why(rig, "a"), "1/1: SUPPRESSED CPUS=1(2 of 4)");
}

static void amounts_and_ports(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "m mem 512");
    in_offers(rig, "o1 A1 cpus 2 mem 256 | o2 A2 cpus 2 mem 300");
    expect(why(rig, "m"), "2/1: MEM=2(300 of 512)");
    in_launch(rig, "p cpus 1 ports 3");
    in_offers(rig, "o3 A1 cpus 2 mem 256 ports 1-2");
    expect(why(rig, "p"), "1/1: PORTS=1(2 of 3)");
}

static void tasks_alike_are_counted(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4 | b cpus 4 | c cpus 4");
    in_offers(rig, "o1 A1 cpus 5");
    expect(why(rig, "a"), "0/0: LAUNCHING");
    expect(why(rig, "b"), "1/2: TAKEN=1");
    expect(why(rig, "c"), "1/2: TAKEN=1");
}

static void before_any_offer(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a");
    expect(why(rig, "a"), "0/1: MASTER_AWAY NO_OFFERS");
    in_up(rig);
    expect(why(rig, "a"), "0/1: NO_OFFERS");
    expect(why(rig, "b"), "missing b");
}

/* What was lacking then counts until new offers say what is lacking now. */
static void asked_for_anew(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4");
    in_offers(rig, "o1 A1 cpus 2 | o2 A2 cpus 3");
    expect(why(rig, "a"), "2/1: CPUS=2(3 of 4)");
    in_down(rig, "gone");
    expect(why(rig, "a"), "2/1: MASTER_AWAY CPUS=2(3 of 4)");
    in_up(rig);
    expect(why(rig, "a"), "2/1: CPUS=2(3 of 4)");
    in_offers(rig, "o3 A1 cpus 1");
    expect(why(rig, "a"), "1/1: CPUS=1(1 of 4)");
}

static void of_the_task_itself(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 3 backoff 5000 elsewhere yes");
    place(rig, "A1", "");
    expect(why(rig, "a"), "0/0: LAUNCHING");
    in_update(rig, "a.1.1 FAILED by AGENT : broke");
    expect(why(rig, "a"), "0/0: BACKOFF NO_OFFERS LAST_ATTEMPT");
    in_wait(rig, 5000);
    place(rig, "A1", "");
    expect(why(rig, "a"), "1/1: AVOIDED=1 LAST_ATTEMPT");
    place(rig, "A2", "");
    in_update(rig, "a.1.2 RUNNING by AGENT");
    expect(why(rig, "a"), "0/0:");
    in_update(rig, "a.1.2 UNREACHABLE by MASTER");
    expect(why(rig, "a"), "0/0: OUT_OF_SIGHT");
}

static void the_event(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4 | b cpus 4");
    rig_show(rig, SHOW_WHY);
    assert_non_null(strstr(in_offers(rig, "o1 A1 cpus 2"), "EVENT zmesos/WHY/a #1"));
    assert_null(strstr(in_offers(rig, "o2 A2 cpus 3"), "WHY"));
    in_launch(rig, "c cpus 4 where rack EXISTS");
    const char *text = in_offers(rig, "o3 A3 cpus 9 @row=1");
    assert_non_null(strstr(text, "EVENT zmesos/WHY/c #2"));
    assert_null(strstr(text, "WHY/b"));
}

static void limits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why ask = ZMESOS__V1__WHY__INIT;
    char name[] = "x", *ids[CORE_GET_MAX + 1];
    for (size_t i = 0; i <= CORE_GET_MAX; i++)
        ids[i] = name;
    ask.task_ids = ids;
    request.has_version = true;
    request.version = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &ask;
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_request(rig, &request), "INVALID"));
    ask.n_task_ids = CORE_GET_MAX;
    assert_non_null(strstr(in_request(rig, &request), "OK"));
    ask.n_task_ids = CORE_GET_MAX + 1;
    assert_non_null(strstr(in_request(rig, &request), "TOO_LARGE"));
}

static size_t reply_bytes(const struct rig *rig)
{
    size_t bytes = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            bytes += protobuf_c_message_get_packed_size(&rig->out.items[i].reply.reply->base);
    }
    return bytes;
}

/* A value may have a megabyte, and the same task be asked about a thousand times. */
static void values_are_shortened(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    size_t length = 100000;
    char *value = arena_alloc(&rig->kept, length + 1);
    memset(value, 'x', length);
    memcpy(value + 63, "\xc3\xa4", 2); /* is not cut in two */
    value[length] = '\0';
    in_launch(rig, words(rig, "a where rack EQUALS %s", value));
    in_offers(rig, "o1 A1 cpus 2 @rack=r1");
    expect(why(rig, "a"), "1/1: CONSTRAINT=1[0]");
    assert_in_range(reply_bytes(rig), 64, 512);
    const Zmesos__V1__Explanations *all = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            all = rig->out.items[i].reply.reply->explanations;
    }
    value[63] = '\0';
    expect(all->explanations[0]->reasons[0]->message,
            words(rig, "constraint rack EQUALS %s... does not hold", value));
}

static void reasons_have_a_limit(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    const char *text = "a";
    for (int i = 0; i < 32; i++)
        text = words(rig, "%s where %0255d IN v,v,v,v,v,v,v,v", text, i);
    in_launch(rig, text);
    for (int i = 0; i < 32; i++) { /* each lacks one more than the one before */
        const char *offer = words(rig, "o%d A%d cpus 2", i, i);
        for (int j = 0; j < i; j++)
            offer = words(rig, "%s @%0255d=v", offer, j);
        in_offers(rig, offer);
    }
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why ask = ZMESOS__V1__WHY__INIT;
    char name[] = "a", *ids[CORE_GET_MAX];
    for (size_t i = 0; i < CORE_GET_MAX; i++)
        ids[i] = name;
    ask.task_ids = ids;
    request.has_version = true;
    request.version = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &ask;
    rig_show(rig, SHOW_REPLIES);
    ask.n_task_ids = 400;
    assert_non_null(strstr(in_request(rig, &request), "OK"));
    assert_in_range(reply_bytes(rig), 3 << 20, 5 << 20);
    ask.n_task_ids = CORE_GET_MAX;
    assert_non_null(strstr(in_request(rig, &request), "TOO_LARGE"));
    assert_in_range(reply_bytes(rig), 1, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(reasons_in_order_of_cost),
            TEST(resources_that_an_offer_lacks),
            TEST(a_role_that_is_suppressed),
            TEST(amounts_and_ports),
            TEST(tasks_alike_are_counted),
            TEST(before_any_offer),
            TEST(asked_for_anew),
            TEST(of_the_task_itself),
            TEST(the_event),
            TEST(limits),
            TEST(values_are_shortened),
            TEST(reasons_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
