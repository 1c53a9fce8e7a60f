/* Resources from words and as words, for the tests of the resource model. One resource a word:
 *     NAME[(LAYER,...)][+MARK...]:VALUE
 * LAYER is a reservation: ROLE[=PRINCIPAL][~LABEL][!], ! for STATIC; the last one is in force. MARK is
 * revocable, shared, by.PROVIDER, volume.ID, path.ROOT, mount.ROOT, block.ID, raw.ID, pool (RAW without id)
 * or profile.NAME. VALUE is a number, [1-2,5-5] or {a,b}. */
#ifndef RESOURCE_WORDS_H
#define RESOURCE_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "internal.h"
#include "resource.h"

typedef Mesos__V1__Resource message;

/* Allocated to `role`; NULL: to nobody. */
message *message_of(struct arena *arena, const char *role, const char *word);
size_t messages_of(struct arena *arena, const char *role, const char *words, message ***messages);
struct resource_set set_of(struct arena *arena, const char *role, const char *words);   /* added */
struct resource_set offer_of(struct arena *arena, const char *role, const char *words); /* appended */
struct resource one_of(struct arena *arena, const char *role, const char *word);

/* Without the allocation; "N*" before a shared one with N copies. Empty ones are left out. */
const char *words_of(struct arena *arena, const struct resource_set *set);

/* The set, then the same from packed bytes. */
void expect_words(struct arena *arena, const struct resource_set *set, const char *words);
struct resource_set packed_and_read(struct arena *arena, const struct resource_set *set);

Mesos__V1__Labels *labels_of(struct arena *arena, const char *words); /* key=value, or key */

/* A test's state is an arena. */
int arena_setup(void **state);
int arena_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

/* A state from the seed of the run (seed.h); then numbers. */
uint64_t seed_draw(const char *test);
uint64_t draw(uint64_t *state, uint64_t below);

#endif
