/* Topics against sets of prefixes: what the search finds is what a look at each prefix finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefixes.h"
#include "wire/topics.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define TASK ZMESOS__V1__EVENT_CLASS__TASK

static void whole_classes_need_no_set(void **state)
{
    char job[] = "task/job1/", root[] = "task/", nothing[] = "", some[] = "tas", more[] = "task/j";
    char *whole[] = {job, root}, *all[] = {nothing}, *half[] = {some}, *part[] = {more};
    (void)state;
    assert_null(prefixes_create(NULL, 0, "task/"));
    assert_null(prefixes_create(whole, 2, "task/"));
    assert_null(prefixes_create(all, 1, "task/"));
    assert_null(prefixes_create(half, 1, "task/"));
    struct prefixes *prefixes = prefixes_create(part, 1, "task/");
    assert_non_null(prefixes);
    assert_true(prefixes_match(prefixes, "task/job1/RUNNING"));
    assert_false(prefixes_match(prefixes, "task/k"));
    prefixes_destroy(prefixes);
}

static void prefixes_of_other_classes_are_told(void **state)
{
    (void)state;
    assert_true(topics_can_match("task/job1/", topics_root(TASK)));
    assert_true(topics_can_match("ta", topics_root(TASK)));
    assert_true(topics_can_match("", topics_root(TASK)));
    assert_false(topics_can_match("mesos/", topics_root(TASK)));
    assert_false(topics_can_match("taskforce", topics_root(TASK)));
    assert_true(topics_can_match("anything", topics_root(63)));
    /* Each class that there is has its own. */
    const ProtobufCEnumDescriptor *classes = &zmesos__v1__event_class__descriptor;
    for (unsigned i = 0; i < classes->n_values; i++)
        assert_string_not_equal(topics_root(classes->values[i].value), "");
}

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static char *draw_text(uint64_t *seed, char *out, unsigned length_max)
{
    unsigned length = draw(seed, length_max) + 1;
    for (unsigned i = 0; i < length; i++)
        out[i] = "a/\xff"[draw(seed, 3)];
    out[length] = '\0';
    return out;
}

static void the_search_finds_what_a_look_at_each_finds(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        char texts[8][8], topic[12], *list[8];
        size_t count = draw(&seed, 8) + 1;
        for (size_t i = 0; i < count; i++)
            list[i] = draw_text(&seed, texts[i], 5);
        struct prefixes *prefixes = prefixes_create(list, count, "zzz");
        assert_non_null(prefixes);
        for (int i = 0; i < 20; i++) {
            bool found = false;
            draw_text(&seed, topic, 10);
            for (size_t j = 0; j < count; j++)
                found |= strncmp(topic, list[j], strlen(list[j])) == 0;
            if (prefixes_match(prefixes, topic) != found)
                fail_msg("round %d: %s", round, topic);
        }
        prefixes_destroy(prefixes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(whole_classes_need_no_set),
            cmocka_unit_test(prefixes_of_other_classes_are_told),
            cmocka_unit_test(the_search_finds_what_a_look_at_each_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
