/* Every cell of the table of operation states, written down a second time by hand, and what a status says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "operation.h"

#define TO(name) OPERATION_STATE(name)
#define MESOS(name) MESOS__V1__OPERATION_STATE__OPERATION_##name

static const char *const news_names[] = {"PENDING", "RECOVERING", "UNREACHABLE", "UNKNOWN", "ABSENT",
        "FINISHED", "FAILED", "ERROR", "OFFER_GONE", "DROPPED", "GONE"};
_Static_assert(sizeof news_names / sizeof *news_names == OPERATION_NEWS_COUNT, "each has a name");

static const char *state_name(operation_state state)
{
    return protobuf_c_enum_descriptor_get_value(&zmesos__v1__operation__state__descriptor, (int)state)->name;
}

/* "PENDING>PENDING FINISHED>FINISHED ABSENT?": the news that do something, in the order of the columns. */
static const char *row(operation_state from, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int news = 0; news < OPERATION_NEWS_COUNT; news++) {
        operation_state to = 0;
        enum operation_step step = operation_step(from, (enum operation_news)news, &to);
        const char *then = step == OPERATION_STAY     ? NULL
                           : step == OPERATION_MOVE   ? state_name(to)
                           : step == OPERATION_PROVE  ? "(prove)"
                           : step == OPERATION_ABSENT ? "(absent)"
                                                      : "(impossible)";
        if (then)
            at += (size_t)snprintf(text + at, size - at, "%s>%s ", news_names[news], then);
    }
    return text;
}

static void every_cell(void **state)
{
    (void)state;
    char text[1024];
    const char *const open = "FINISHED>FINISHED FAILED>FAILED ERROR>ERROR OFFER_GONE>(prove) DROPPED>DROPPED "
                             "GONE>GONE ";
    char expected[1024];
    assert_string_equal(
            row(TO(QUEUED), text, sizeof text), "PENDING>PENDING FINISHED>FINISHED FAILED>FAILED ");
    snprintf(expected, sizeof expected,
            "PENDING>PENDING RECOVERING>RECOVERING UNREACHABLE>UNREACHABLE UNKNOWN>UNKNOWN ABSENT>(absent) "
            "%s",
            open);
    assert_string_equal(row(TO(SENT), text, sizeof text), expected);
    assert_string_equal(row(TO(PENDING), text, sizeof text),
            "RECOVERING>RECOVERING UNREACHABLE>UNREACHABLE UNKNOWN>UNKNOWN ABSENT>(absent) FINISHED>FINISHED "
            "FAILED>FAILED ERROR>ERROR DROPPED>DROPPED GONE>GONE ");
    snprintf(expected, sizeof expected,
            "PENDING>PENDING UNREACHABLE>UNREACHABLE UNKNOWN>UNKNOWN ABSENT>(absent) %s", open);
    assert_string_equal(row(TO(RECOVERING), text, sizeof text), expected);
    snprintf(expected, sizeof expected,
            "PENDING>PENDING RECOVERING>RECOVERING UNKNOWN>UNKNOWN ABSENT>(absent) %s", open);
    assert_string_equal(row(TO(UNREACHABLE), text, sizeof text), expected);
    snprintf(expected, sizeof expected,
            "PENDING>PENDING RECOVERING>RECOVERING UNREACHABLE>UNREACHABLE ABSENT>(absent) %s", open);
    assert_string_equal(row(TO(UNKNOWN), text, sizeof text), expected);
    const operation_state ends[] = {TO(FINISHED), TO(FAILED), TO(ERROR), TO(DROPPED), TO(GONE)};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_string_equal(row(ends[i], text, sizeof text), "");
    assert_string_equal(row(TO(CANCELLED), text, sizeof text), "FINISHED>FINISHED FAILED>FAILED ");
}

static void no_state_and_no_news_have_no_cell(void **state)
{
    (void)state;
    operation_state to = 0;
    assert_int_equal(operation_step(0, OPERATION_NEWS_PENDING, &to), OPERATION_IMPOSSIBLE);
    assert_int_equal(operation_step(TO(SENT), OPERATION_NEWS_NONE, &to), OPERATION_IMPOSSIBLE);
    assert_int_equal(operation_step((operation_state)(TO(CANCELLED) + 1), OPERATION_NEWS_PENDING, &to),
            OPERATION_IMPOSSIBLE);
}

static void which_states_are_over_and_which_are_asked_about(void **state)
{
    (void)state;
    const ProtobufCEnumDescriptor *all = &zmesos__v1__operation__state__descriptor;
    char over[256] = "", asked[256] = "";
    for (unsigned i = 0; i < all->n_values; i++) {
        operation_state one = (operation_state)all->values[i].value;
        if (operation_is_over(one))
            strcat(strcat(over, all->values[i].name), " ");
        if (operation_wants_answer(one))
            strcat(strcat(asked, all->values[i].name), " ");
    }
    assert_string_equal(over, "FINISHED FAILED ERROR DROPPED GONE CANCELLED ");
    assert_string_equal(asked, "SENT PENDING RECOVERING UNREACHABLE UNKNOWN ");
}

static enum operation_news said(Mesos__V1__OperationState state, char *message, bool uuid, bool agent)
{
    Mesos__V1__OperationStatus status = MESOS__V1__OPERATION_STATUS__INIT;
    Mesos__V1__UUID id = MESOS__V1__UUID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    status.state = state;
    status.message = message;
    status.uuid = uuid ? &id : NULL;
    status.agent_id = agent ? &agent_id : NULL;
    return operation_news_of(&status);
}

static void what_a_status_says(void **state)
{
    (void)state;
    char gone[] = "Operation attempted with invalid offers: Offer o1 is no longer valid";
    char absent[] = "Reconciliation: Operation is unknown",
         both[] = "Reconciliation: Both operation and agent are unknown";
    char nowhere[] = "Reconciliation: Operation is unknown and no 'agent_id' was provided";
    assert_int_equal(said(MESOS(PENDING), NULL, false, false), OPERATION_NEWS_PENDING);
    assert_int_equal(said(MESOS(FINISHED), NULL, true, true), OPERATION_NEWS_FINISHED);
    assert_int_equal(said(MESOS(FAILED), NULL, true, true), OPERATION_NEWS_FAILED);
    assert_int_equal(said(MESOS(DROPPED), NULL, true, true), OPERATION_NEWS_DROPPED);
    assert_int_equal(said(MESOS(UNREACHABLE), NULL, false, true), OPERATION_NEWS_UNREACHABLE);
    assert_int_equal(said(MESOS(RECOVERING), NULL, false, true), OPERATION_NEWS_RECOVERING);
    assert_int_equal(said(MESOS(GONE_BY_OPERATOR), NULL, false, true), OPERATION_NEWS_GONE);
    assert_int_equal(said(MESOS(ERROR), NULL, false, false), OPERATION_NEWS_ERROR);
    assert_int_equal(said(MESOS(ERROR), gone, false, false), OPERATION_NEWS_OFFER_GONE);
    assert_int_equal(said(MESOS(ERROR), gone, true, true), OPERATION_NEWS_ERROR); /* an agent's words */
    assert_int_equal(said(MESOS(UNKNOWN), absent, false, true), OPERATION_NEWS_ABSENT);
    assert_int_equal(said(MESOS(UNKNOWN), absent, false, false), OPERATION_NEWS_UNKNOWN);
    assert_int_equal(said(MESOS(UNKNOWN), both, false, true), OPERATION_NEWS_UNKNOWN);
    assert_int_equal(said(MESOS(UNKNOWN), nowhere, false, true), OPERATION_NEWS_UNKNOWN);
    assert_int_equal(said(MESOS(UNKNOWN), NULL, false, true), OPERATION_NEWS_UNKNOWN);
    assert_int_equal(said(MESOS(UNSUPPORTED), NULL, false, true), OPERATION_NEWS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_cell),
            cmocka_unit_test(no_state_and_no_news_have_no_cell),
            cmocka_unit_test(which_states_are_over_and_which_are_asked_about),
            cmocka_unit_test(what_a_status_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
