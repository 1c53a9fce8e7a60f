/* A master that is given by its name. Names are looked up in threads of libcurl's, and nobody waits for a
 * name server that does not answer: zmesosd has one thread for everything. */
#include "harness.h"

#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#define PATIENCE_S 60

static sem_t may_answer;
static atomic_uint asked, answered;

/* Instead of the system's: the name server is silent until the test lets it speak. */
int getaddrinfo(const char *restrict name, const char *restrict service,
        const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    struct timespec limit;

    (void)name;
    (void)service;
    (void)hints;
    (void)found;
    atomic_fetch_add(&asked, 1);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE_S;
    while (sem_timedwait(&may_answer, &limit) < 0 && errno == EINTR) {
    }
    atomic_fetch_add(&answered, 1);
    return EAI_NONAME;
}

static bool all_answered(struct harness *h)
{
    (void)h;
    return atomic_load(&answered) == atomic_load(&asked);
}

static void test_a_silent_name_server_holds_up_nobody(void **state)
{
    struct harness *h = *state;

    h->config.connect_timeout_ms = 20;
    h->config.backoff_min_ms = h->config.backoff_max_ms = 1000;
    harness_open(h, "master.example:5050");
    harness_expect(h, "down 0 LOST");
    assert_int_equal(atomic_load(&asked), 1);
    assert_int_equal(atomic_load(&answered), 0);
    master_stop(h->master);
    harness_settle(h);
    assert_int_equal(atomic_load(&answered), 0);
    sem_post(&may_answer);
    assert_true(harness_wait(h, all_answered));
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_a_silent_name_server_holds_up_nobody),
    };

    sem_init(&may_answer, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
