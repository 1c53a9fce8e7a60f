/* What is said of calls and frameworks that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/json.h"

#include "parts.h"

static void *read_message(const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message = NULL;
    struct error err = {0};
    if (json_read(type, text, strlen(text), false, &message, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    return message;
}

static void expect_call(const char *text, const char *principal, const char *words)
{
    Call *call = read_message(&mesos__v1__scheduler__call__descriptor, text);
    struct error err = {0};
    int code = validate_call(call, principal, &err);
    if (words == NULL)
        assert_int_equal(code, 0);
    else
        assert_string_equal(err.text, words);
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
}

static void test_parts_of_calls(void **state)
{
    (void)state;
    static const char id[] = "\"framework_id\":{\"value\":\"f\"}";
    static const struct {
        const char *type, *words;
    } bare[] = {
            {"ACCEPT", "Expecting 'accept' to be present"},
            {"DECLINE", "Expecting 'decline' to be present"},
            {"ACCEPT_INVERSE_OFFERS", "Expecting 'accept_inverse_offers' to be present"},
            {"DECLINE_INVERSE_OFFERS", "Expecting 'decline_inverse_offers' to be present"},
            {"KILL", "Expecting 'kill' to be present"},
            {"SHUTDOWN", "Expecting 'shutdown' to be present"},
            {"ACKNOWLEDGE", "Expecting 'acknowledge' to be present"},
            {"ACKNOWLEDGE_OPERATION_STATUS", "Expecting 'acknowledge_operation_status' to be present"},
            {"RECONCILE", "Expecting 'reconcile' to be present"},
            {"RECONCILE_OPERATIONS", "Expecting 'reconcile_operations' to be present"},
            {"MESSAGE", "Expecting 'message' to be present"},
            {"REQUEST", "Expecting 'request' to be present"},
            {"UPDATE_FRAMEWORK", "Expecting 'update_framework' to be present"},
            {"UNKNOWN", "Expecting 'type' to be present"},
            {"REVIVE", NULL},
            {"SUPPRESS", NULL},
            {"TEARDOWN", NULL},
    };
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"type\":\"%s\",%s}", bare[i].type, id);
        expect_call(text, NULL, bare[i].words);
    }
    expect_call("{}", NULL, "Expecting 'type' to be present");
    expect_call("{\"type\":\"REVIVE\"}", NULL, "Expecting 'framework_id' to be present");
}

static void test_uuid_is_sixteen_bytes(void **state)
{
    (void)state;
    static const char form[] =
            "{\"type\":\"ACKNOWLEDGE\",\"framework_id\":{\"value\":\"f\"},\"acknowledge\":"
            "{\"agent_id\":{\"value\":\"a\"},\"task_id\":{\"value\":\"t\"},\"uuid\":\"%s\"}}";
    static const struct {
        const char *uuid;
        bool valid;
    } uuids[] = {{"AAAAAAAAAAAAAAAAAAAAAA==", true}, {"AAAAAAAAAAAAAAAAAAAA", false},
            {"AAAAAAAAAAAAAAAAAAAAAAA=", false}, {"", false}};
    for (size_t i = 0; i < sizeof(uuids) / sizeof(uuids[0]); i++) {
        char text[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), form, uuids[i].uuid);
#pragma GCC diagnostic pop
        expect_call(text, NULL, uuids[i].valid ? NULL : "Not a valid UUID");
    }
}

static void test_principals_agree(void **state)
{
    (void)state;
    static const char named[] = "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":"
                                "{\"user\":\"u\",\"name\":\"n\",\"principal\":\"ann\"}}}";
    static const char nameless[] = "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":"
                                   "{\"user\":\"u\",\"name\":\"n\"}}}";
    expect_call(named, NULL, NULL);
    expect_call(named, "ann", NULL);
    expect_call(named, "bob",
            "Authenticated principal 'bob' does not match principal 'ann' set in 'FrameworkInfo'");
    expect_call(nameless, "bob", NULL);
}

static void expect_framework(const char *fields, const char *words)
{
    char text[512];
    struct error err = {0};
    snprintf(text, sizeof(text), "{\"user\":\"u\",\"name\":\"n\"%s%s}", fields[0] == '\0' ? "" : ",", fields);
    FrameworkInfo *info = read_message(&mesos__v1__framework_info__descriptor, text);
    int code = validate_framework(info, &err);
    if (words == NULL && code != 0)
        fail_msg("%s: %s", text, err.text);
    if (words != NULL && strstr(err.text, words) == NULL)
        fail_msg("%s: '%s' without '%s'", text, err.text, words);
    mesos__v1__framework_info__free_unpacked(info, NULL);
}

#define MULTI "\"capabilities\":[{\"type\":\"MULTI_ROLE\"}],"

static void test_frameworks(void **state)
{
    (void)state;
    expect_framework("", NULL);
    expect_framework("\"role\":\"web\"", NULL);
    expect_framework(MULTI "\"roles\":[\"web\",\"web/db\",\"*\"]", NULL);
    expect_framework(MULTI "\"role\":\"*\"", "'FrameworkInfo.role' must not be set");
    expect_framework("\"roles\":[\"web\"]", "'FrameworkInfo.roles' must not be set");
    expect_framework(MULTI "\"roles\":[\"a\",\"b\",\"a\"]", "duplicate items: a");
    expect_framework("\"failover_timeout\":-1", "failover_timeout");
    expect_framework("\"id\":{\"value\":\"a/b\"}", "Framework ID");
    expect_framework("\"id\":{\"value\":\"\"}", "Framework ID");
    expect_framework("\"id\":{\"value\":\"mine\"}", NULL);
}

static void test_roles(void **state)
{
    (void)state;
    static const char *const bad[] = {
            "", "/a", "a/", "a//b", "a/*", "a/.", "../a", "-a", "a/-b", "a b", "a\\\\b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char fields[64];
        snprintf(fields, sizeof(fields), "\"role\":\"%s\"", bad[i]);
        expect_framework(fields, "ole");
    }
    expect_framework("\"role\":\"a-b/c.d/e*\"", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_parts_of_calls),
            cmocka_unit_test(test_uuid_is_sixteen_bytes),
            cmocka_unit_test(test_principals_agree),
            cmocka_unit_test(test_frameworks),
            cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
