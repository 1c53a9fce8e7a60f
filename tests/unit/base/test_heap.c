/* The heap against a naive model. */
#include "lots.h"

#include "base/heap.h"

#define NODES 200

static const struct heap_node *smallest(const struct heap_node *nodes)
{
    const struct heap_node *found = NULL;
    for (size_t i = 0; i < NODES; i++) {
        if (nodes[i].place && (!found || nodes[i].key < found->key ||
                                      (nodes[i].key == found->key && nodes[i].tie < found->tie)))
            found = &nodes[i];
    }
    return found;
}

static void check(const struct heap *heap, const struct heap_node *nodes)
{
    size_t there = 0;
    for (size_t i = 0; i < NODES; i++) {
        there += nodes[i].place != 0;
        if (nodes[i].place)
            assert_ptr_equal(heap->nodes[nodes[i].place - 1], &nodes[i]);
    }
    assert_int_equal(heap->count, there);
    const struct heap_node *first = heap_first(heap), *expected = smallest(nodes);
    assert_int_equal(first != NULL, expected != NULL);
    if (first)
        assert_int_equal(first->key, expected->key);
    if (first)
        assert_int_equal(first->tie, expected->tie);
}

static void like_a_naive_model(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    static struct heap_node nodes[NODES];
    struct heap heap;
    heap_init(&heap);
    for (int i = 0; i < 40000; i++) {
        struct heap_node *node = &nodes[lots_draw(&lots, i / 5000 % 2 ? NODES : 8)];
        switch (lots_draw(&lots, 4)) {
        case 0:
        case 1: {
            int64_t key = lots_draw(&lots, 10) ? (int64_t)lots_draw(&lots, 50) - 25
                                               : (lots_draw(&lots, 2) ? INT64_MAX : INT64_MIN);
            int64_t tie = (int64_t)lots_draw(&lots, 3) - 1;
            if (tie == 0)
                heap_set(&heap, node, key);
            else
                heap_set_pair(&heap, node, key, tie);
            assert_int_equal(node->key, key);
            assert_int_equal(node->tie, tie);
            assert_int_not_equal(node->place, 0);
            break;
        }
        case 2:
            heap_remove(&heap, node);
            assert_int_equal(node->place, 0);
            break;
        default:
            if (heap_first(&heap))
                heap_remove(&heap, heap_first(&heap));
        }
        check(&heap, nodes);
    }
    heap_clear(&heap);
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(nodes[i].place, 0);
    assert_null(heap_first(&heap));
}

static void comes_out_sorted(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    static struct heap_node nodes[NODES];
    struct heap heap;
    heap_init(&heap);
    for (size_t i = 0; i < NODES; i++)
        heap_set(&heap, &nodes[i], (int64_t)lots_draw(&lots, 1000));
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < NODES; i++) {
        struct heap_node *node = heap_first(&heap);
        assert_true(node->key >= last);
        last = node->key;
        heap_remove(&heap, node);
    }
    assert_null(heap_first(&heap));
    heap_clear(&heap);
}

/* By key, then by tie; nodes come and go meanwhile. */
static void in_the_order_of_pairs(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    static struct heap_node nodes[NODES];
    struct heap heap;
    heap_init(&heap);
    for (size_t i = 0; i < NODES; i++)
        heap_set_pair(&heap, &nodes[i], (int64_t)lots_draw(&lots, 9) - 4, (int64_t)lots_draw(&lots, 1000));
    for (size_t i = 0; i < NODES; i += 3) {
        heap_remove(&heap, &nodes[i]);
        heap_set_pair(&heap, &nodes[(i * 7 + 1) % NODES], (int64_t)lots_draw(&lots, 9) - 4,
                (int64_t)lots_draw(&lots, 1000));
    }
    heap_set(&heap, &nodes[1], 0); /* tie 0 */
    assert_int_equal(nodes[1].tie, 0);
    int64_t key = INT64_MIN, tie = INT64_MIN;
    for (struct heap_node *node; (node = heap_first(&heap));) {
        assert_true(node->key > key || (node->key == key && node->tie >= tie));
        key = node->key;
        tie = node->tie;
        heap_remove(&heap, node);
    }
    heap_clear(&heap);
}

static void a_node_in_no_heap_can_be_removed(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node node = {0}, other = {0};
    heap_init(&heap);
    heap_remove(&heap, &node);
    heap_set(&heap, &other, 3);
    heap_remove(&heap, &node);
    assert_ptr_equal(heap_first(&heap), &other);
    heap_clear(&heap);
    heap_clear(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(like_a_naive_model),
            cmocka_unit_test(comes_out_sorted),
            cmocka_unit_test(in_the_order_of_pairs),
            cmocka_unit_test(a_node_in_no_heap_can_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
