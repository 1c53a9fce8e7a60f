/* Constraints as Mesos's offer constraints: never stronger than ours, and as strong as can be. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "internal.h"

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name
#define COUNT(array) (sizeof array / sizeof *array)

typedef Mesos__V1__Scheduler__AttributeConstraint Condition;
typedef Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group Group;

/* ---- the table ---- */

/* The groups of the constraints of a task, as its role's wish in a SUBSCRIBE has them: without patterns. */
static const char *groups_of(struct rig *rig, const char *constraints)
{
    struct buf buf;
    struct arena arena;
    buf_init(&buf, 0);
    arena_init(&arena);
    in_launch(rig, words(rig, "a cpus 1 %s", constraints));
    text_offer_constraints(&buf, core_offer_constraints(rig->core, &arena));
    const char *text = words(rig, "%.*s", (int)buf.length, (const char *)buf.data);
    buf_clear(&buf);
    arena_clear(&arena);
    in_kill(rig, "a");
    return strncmp(text, " r1: ", 5) == 0 ? text + 5 : text;
}

static void limited(struct core_config *config)
{
    config->offer_constraints = true;
}

static const char *const table[][2] = {
        {"", ""},
        {"where rack EQUALS a", "rack=a"},
        {"where rack IN a,b", "rack=a or rack=b"},
        {"where rack NOT_EQUALS a", "rack!=a & rack?"},
        {"where rack NOT_IN a,b", "rack!=a & rack!=b & rack?"},
        {"where rack EXISTS", "rack?"},
        {"where rack NOT_EXISTS", "rack-"},
        {"where rack GREATER 4", "rack?"},
        {"where rack LESS 4", "rack?"},
        {"where rack UNIQUE", "rack?"},
        {"where rack MAX_PER 3", "rack?"},
        {"where rack TOGETHER", "rack?"},
        {"where rack SPREAD a,b", "rack=a or rack=b"},
        {"where rack SPREAD -", ""},
        {"where rack NEAR x", ""},
        {"where rack FAR x", ""},
        {"prefer rack EQUALS a", ""},
        {"where row EXISTS prefer rack EQUALS a", "row?"},
        {"where row EXISTS prefer rack SPREAD -", ""},
        {"where row EXISTS where rack NEAR x", ""},
        {"where agent_id EQUALS a", ""},
        {"where agent_id NOT_EXISTS", ""},
        {"where hostname EQUALS h", "host#=h"},
        {"where hostname IN h,i", "host#=h or host#=i"},
        {"where hostname NOT_IN h,i", "host#!=h & host#!=i"},
        {"where hostname EXISTS", ""},
        {"where hostname UNIQUE", ""},
        {"where hostname NOT_EXISTS", ""},
        {"where hostname GREATER 4", ""},
        {"where region EQUALS a", "region#=a or region#- & region=a"},
        {"where zone NOT_EQUALS a", "zone#!=a & zone#? or zone#- & zone!=a & zone?"},
        {"where zone EXISTS", "zone#? or zone#- & zone?"},
        {"where zone NOT_EXISTS", "zone#- & zone-"},
        {"where rack IN a,b where row IN c,d",
                "rack=a & row=c or rack=a & row=d or rack=b & row=c or rack=b & row=d"},
        {"where rack EQUALS a where rack EQUALS a", "rack=a"},
        {"where agent_id EQUALS a where rack EQUALS a", "rack=a"},
};

static void each_operator(void **state)
{
    struct rig *rig = *state = rig_create(limited);
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *groups = groups_of(rig, table[i][0]);
        if (strcmp(groups, table[i][1]) != 0)
            fail_msg("%s: %s, not %s", table[i][0], groups, table[i][1]);
        rig_destroy(rig);
        rig = *state = rig_create(limited);
    }
}

/* More alternatives than a role has groups: less is asked. */
static void more_values_than_groups(void **state)
{
    struct rig *rig = *state = rig_create(limited);
    const char *most = "v0";
    for (int i = 1; i < 64; i++)
        most = words(rig, "%s,v%d", most, i);
    assert_non_null(strstr(groups_of(rig, words(rig, "where rack IN %s", most)), "rack=v63"));
    rig_destroy(rig);
    rig = *state = rig_create(limited);
    most = "v0";
    for (int i = 1; i < 65; i++)
        most = words(rig, "%s,v%d", most, i);
    expect(groups_of(rig, words(rig, "where row EQUALS x where rack IN %s", most)), "row=x & rack?");
}

/* ---- patterns ---- */

static const char *const patterns[][2] = {
        {"abc", "abc"},
        {"a.c", "a\\Cc"},
        {"^a.*$", "a\\C*"},
        {"node-[0-9]+\\.example\\.com", "node-[0-9]+\\.example\\.com"},
        {"(a|b)+c?", "(a|b)+c?"},
        {"^a|b$", "a|b"},
        {"[a-zA-Z_-]*", "[a-zA-Z_-]*"},
        {"[-a]x", "[-a]x"},
        {"[[:digit:]a]+", "[[:digit:]a]+"},
        {"[^/]*", "[^/]*"},
        {"[^/]+x", "[^/]+x"},
        {"[^/]*x[^:]*", "[^/]*x[^:]*"},
        {"a\\$", "a\\$"},
        {"x\\\\y", "x\\\\y"},
        {"a/b c#\"'<>,;:=~`!@%&_-", "a/b c#\"'<>,;:=~`!@%&_-"},
        /* These mean something else in RE2, or nothing. */
        {"[^/]", NULL},
        {"[^/]?", NULL},
        {"[^/]+[^:]*", NULL},
        {".[^/]*", NULL},
        {"a**", NULL},
        {"a*?", NULL},
        {"a+*", NULL},
        {"(^a)", NULL},
        {"a$b", NULL},
        {"a|$", NULL},
        {"^", NULL},
        {"^*a", NULL},
        {"()", NULL},
        {"(|a)", NULL},
        {"a||b", NULL},
        {"a|", NULL},
        {"|a", NULL},
        {"a)", NULL},
        {"*a", NULL},
        {"\\w+", NULL},
        {"\\bx", NULL},
        {"\\<x", NULL},
        {"a\\d", NULL},
        {"[\\d]", NULL},
        {"[]a]", NULL},
        {"[a\\]", NULL},
        {"[[:space:]]", NULL},
        {"[[=a=]]", NULL},
        {"[a-c-e]", NULL},
        {"a]", NULL},
        {"a}", NULL},
        {"\xc3\xa9", NULL},
        {"[\xc3\xa9]", NULL},
        {"a\tb", NULL},
};

static const char *pattern_of(struct buf *buf, const char *pattern)
{
    buf->length = 0;
    bool same = limit_pattern(buf, pattern);
    assert_int_equal(buf_append(buf, "", 1), 0);
    return same ? (const char *)buf->data : NULL;
}

static void which_patterns(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 0);
    for (size_t i = 0; i < COUNT(patterns); i++) {
        const char *got = pattern_of(&buf, patterns[i][0]), *expected = patterns[i][1];
        if (expected ? !got || strcmp(got, expected) != 0 : got != NULL)
            fail_msg("%s: %s, not %s", patterns[i][0], got ? got : "none", expected ? expected : "none");
    }
    char text[128];
    memset(text, 'a', sizeof text);
    text[76] = '\0';
    assert_non_null(pattern_of(&buf, text));
    text[76] = 'a';
    text[77] = '\0';
    assert_null(pattern_of(&buf, text));
    buf_clear(&buf);
}

/* ---- never stronger ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const names[] = {"rack", "row", "hostname", "agent_id", "region", "zone"};
static const char *const values[] = {"v0", "v1", "v2", "4", "5.5", "", "\xc3\xa9", "a\nb", "{a}"};
static const char *const expressions[] = {
        "v.", "v[0-9]+", "..", "[^v]*", "a.b", "[^1]+", "v0|v1", ".*", "[^4]?", "\\w+", "(v|[^v]+)1*"};

#define ANY(seed, array) array[next_random(seed) % COUNT(array)]

static Mesos__V1__Attribute *attribute(struct arena *arena, uint64_t *seed)
{
    Mesos__V1__Attribute *made = arena_alloc(arena, sizeof *made);
    mesos__v1__attribute__init(made);
    made->name = arena_string(arena, ANY(seed, names));
    if (next_random(seed) % 4 == 0) {
        made->type = MESOS__V1__VALUE__TYPE__SCALAR;
        made->scalar = arena_alloc(arena, sizeof *made->scalar);
        mesos__v1__value__scalar__init(made->scalar);
        made->scalar->value = (double)(next_random(seed) % 8);
    } else {
        made->type = MESOS__V1__VALUE__TYPE__TEXT;
        made->text = arena_alloc(arena, sizeof *made->text);
        mesos__v1__value__text__init(made->text);
        made->text->value = arena_string(arena, ANY(seed, values));
    }
    return made;
}

static Mesos__V1__Offer *agent(struct arena *arena, uint64_t *seed)
{
    Mesos__V1__Offer *offer = arena_alloc(arena, sizeof *offer);
    mesos__v1__offer__init(offer);
    offer->agent_id = arena_alloc(arena, sizeof *offer->agent_id);
    mesos__v1__agent_id__init(offer->agent_id);
    offer->agent_id->value = arena_string(arena, ANY(seed, values));
    offer->hostname = arena_string(arena, ANY(seed, values));
    if (next_random(seed) % 2) {
        Mesos__V1__DomainInfo__FaultDomain *domain = arena_alloc(arena, sizeof *domain);
        mesos__v1__domain_info__fault_domain__init(domain);
        domain->region = arena_alloc(arena, sizeof *domain->region);
        mesos__v1__domain_info__fault_domain__region_info__init(domain->region);
        domain->region->name = arena_string(arena, ANY(seed, values));
        domain->zone = arena_alloc(arena, sizeof *domain->zone);
        mesos__v1__domain_info__fault_domain__zone_info__init(domain->zone);
        domain->zone->name = arena_string(arena, ANY(seed, values));
        offer->domain = arena_alloc(arena, sizeof *offer->domain);
        mesos__v1__domain_info__init(offer->domain);
        offer->domain->fault_domain = domain;
    }
    offer->attributes = arena_array(arena, 6, sizeof *offer->attributes);
    for (size_t i = next_random(seed) % 6; i > 0; i--)
        offer->attributes[offer->n_attributes++] = attribute(arena, seed);
    return offer;
}

static void constrain(struct arena *arena, struct constraint *c, uint64_t *seed)
{
    static const Zmesos__V1__Constraint__Operator ops[] = {OP(EQUALS), OP(IN), OP(NOT_EQUALS), OP(NOT_IN),
            OP(MATCHES), OP(NOT_MATCHES), OP(GREATER), OP(LESS), OP(EXISTS), OP(NOT_EXISTS), OP(UNIQUE),
            OP(MAX_PER), OP(SPREAD), OP(TOGETHER)};
    *c = (struct constraint){.attribute = arena_string(arena, ANY(seed, names)), .op = ANY(seed, ops)};
    bool many = c->op == OP(IN) || c->op == OP(NOT_IN) || c->op == OP(SPREAD);
    bool one = c->op == OP(EQUALS) || c->op == OP(NOT_EQUALS);
    bool regex = c->op == OP(MATCHES) || c->op == OP(NOT_MATCHES);
    c->value_count = many ? 1 + next_random(seed) % 6 : one || regex;
    c->values = arena_array(arena, 7, sizeof *c->values);
    for (size_t i = 0; i < c->value_count; i++)
        c->values[i] = arena_string(arena, regex ? ANY(seed, expressions) : ANY(seed, values));
    if (regex)
        assert_int_equal(constraint_compile(c->values[0], &c->regex), 0);
    c->number = c->op == OP(MAX_PER) ? 3 : 4500;
}

/* As Mesos goes by them (offer_constraints_filter.cpp of 1.12). */
enum kind { NOTHING, TEXT, OTHER };

static bool matches(const char *expression, const char *text)
{
    char *posix = alloc_string(expression), *any;
    while ((any = strstr(posix, "\\C"))) {
        *any = '.';
        memmove(any + 1, any + 2, strlen(any + 1));
    }
    regex_t regex;
    regmatch_t found;
    assert_int_equal(constraint_compile(posix, &regex), 0);
    bool whole = regexec(&regex, text, 1, &found, 0) == 0 && found.rm_so == 0 && !text[found.rm_eo];
    regfree(&regex);
    free(posix);
    return whole;
}

static bool condition_holds(const Condition *c, const Mesos__V1__Offer *offer)
{
    enum kind kind = NOTHING;
    const char *text = NULL;
    const Mesos__V1__DomainInfo__FaultDomain *domain = offer->domain ? offer->domain->fault_domain : NULL;
    if (c->selector->attribute_name) {
        for (size_t i = 0; i < offer->n_attributes && kind == NOTHING; i++) {
            if (strcmp(offer->attributes[i]->name, c->selector->attribute_name) != 0)
                continue;
            kind = offer->attributes[i]->type == MESOS__V1__VALUE__TYPE__TEXT ? TEXT : OTHER;
            text = kind == TEXT ? offer->attributes[i]->text->value : NULL;
        }
    } else if (c->selector->pseudoattribute_type ==
               MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__HOSTNAME) {
        kind = TEXT;
        text = offer->hostname;
    } else if (domain) {
        kind = TEXT;
        text = c->selector->pseudoattribute_type ==
                               MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__REGION
                       ? domain->region->name
                       : domain->zone->name;
    }
    const Mesos__V1__Scheduler__AttributeConstraint__Predicate *p = c->predicate;
    if (p->exists || p->not_exists)
        return (kind != NOTHING) == (p->exists != NULL);
    if (kind == OTHER)
        return true;
    if (p->text_equals)
        return kind == TEXT && strcmp(text, p->text_equals->value) == 0;
    if (p->text_not_equals)
        return kind == NOTHING || strcmp(text, p->text_not_equals->value) != 0;
    if (p->text_matches)
        return kind == TEXT && matches(p->text_matches->regex, text);
    return kind == NOTHING || !matches(p->text_not_matches->regex, text);
}

static bool offered(struct arena *arena, const struct shape *shape, const Mesos__V1__Offer *offer)
{
    for (size_t i = 0; i < shape->limit_count; i++) {
        const Group *group = limit_message(arena, shape->limits[i]);
        assert_true(group->n_attribute_constraints > 0);
        bool all = true;
        for (size_t c = 0; c < group->n_attribute_constraints; c++)
            all &= condition_holds(group->attribute_constraints[c], offer);
        if (all)
            return true;
    }
    return shape->limit_count == 0;
}

static void never_stronger(void **state)
{
    (void)state;
    uint64_t seed = 20261122;
    size_t fits = 0, withheld = 0, useless = 0, patterns_told = 0;
    struct core_outputs out;
    struct core core = {.out = &out, .match_left = SIZE_MAX};
    core_outputs_init(&out);
    for (int round = 0; round < 3000; round++) {
        struct constraint constraints[3];
        struct shape shape = {.constraints = constraints, .constraint_count = 1 + next_random(&seed) % 3};
        for (size_t i = 0; i < shape.constraint_count; i++)
            constrain(&out.arena, &constraints[i], &seed);
        limit_read(&shape);
        for (size_t i = 0; i < shape.limit_count; i++)
            patterns_told += memchr(shape.limits[i].data, '~', shape.limits[i].length) != NULL;
        for (int i = 0; i < 40; i++) {
            const Mesos__V1__Offer *offer = agent(&out.arena, &seed);
            bool fit = constraints_misfit(&core, &shape, offer) == MISFIT_NONE;
            bool comes = offered(&out.arena, &shape, offer);
            if (fit && !comes)
                fail_msg("round %d: an agent that fits is withheld", round);
            fits += fit;
            withheld += !comes;
            useless += comes && !fit;
        }
        limit_release(&shape);
        for (size_t i = 0; i < shape.constraint_count; i++) {
            if (constraints[i].op == OP(MATCHES) || constraints[i].op == OP(NOT_MATCHES))
                regfree(&constraints[i].regex);
        }
        core_outputs_reset(&out);
    }
    core_outputs_clear(&out);
    assert_true(fits > 5000);
    assert_true(patterns_told > 100);
    assert_true(withheld > useless); /* and strong enough to be of use */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(each_operator),
            TEST(more_values_than_groups),
            cmocka_unit_test(which_patterns),
            cmocka_unit_test(never_stronger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
