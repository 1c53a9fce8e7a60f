/* Resources from text, for the tests of resources. */
#ifndef RESOURCE_FIXTURE_H
#define RESOURCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "resources.h"

static struct resource_kinds kinds;

static inline int setup_kinds(void **state)
{
    (void)state;
    resource_kinds_init(&kinds);
    return 0;
}

static inline int teardown_kinds(void **state)
{
    (void)state;
    resource_kinds_clear(&kinds);
    return 0;
}

static inline struct resources read_text(const char *text)
{
    struct resources resources;
    struct error err = {0};
    resources_init(&resources);
    if (resources_parse(&kinds, text, &resources, &err) != 0)
        fail_msg("'%s': %s", text, err.text);
    return resources;
}

static inline void expect_text(const struct resources *resources, const char *role, const char *text)
{
    struct buf out;
    buf_init(&out, 0);
    resources_format(resources, role, &out);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal((char *)out.data, text);
    buf_clear(&out);
}

#endif
