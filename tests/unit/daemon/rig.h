/* A daemon without sockets and without a master: the store, the core and the outbox, on a directory of its
 * own. */
#ifndef TEST_DAEMON_RIG_H
#define TEST_DAEMON_RIG_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"

struct rig {
    struct daemon daemon;
    struct options options;
    char directory[64]; /* "" before it is made */
    char state[80];
};

static inline int rig_begin(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    static char role[] = "*", user[] = "u", name[] = "n";
    if (!rig)
        return -1;
    *state = rig;
    snprintf(rig->directory, sizeof rig->directory, "/tmp/zmesos-unit-XXXXXX");
    if (!mkdtemp(rig->directory)) {
        rig->directory[0] = '\0';
        return -1;
    }
    snprintf(rig->state, sizeof rig->state, "%s/state", rig->directory);
    rig->options = (struct options){.state = rig->state,
            .user = user,
            .framework_name = name,
            .checkpoint = true,
            .roles = {role},
            .role_count = 1,
            .tasks_max = 1000,
            .keep_tasks = 1000,
            .keep_tasks_ms = 1000000,
            .offer_hold_ms = 1000,
            .decline_ms = 1000,
            .revive_ms = 1000,
            .reconcile_ms = 1000,
            .kill_ms = 1000,
            .failover_timeout_ms = 1000000};
    rig->daemon.options = &rig->options;
    rig->daemon.now = clock_read();
    rig->daemon.shortest_failover_ms = -1;
    outbox_init(&rig->daemon.outbox);
    recent_init(&rig->daemon.recent, RECENT_BYTES_MAX);
    core_outputs_init(&rig->daemon.outputs);
    struct error err;
    if (store_open(rig->state, &rig->daemon.store, &err) || daemon_recover(&rig->daemon, &err)) {
        print_message("%s\n", err.text);
        return -1;
    }
    return 0;
}

static inline int rig_end(void **state)
{
    struct rig *rig = *state;
    struct daemon *daemon = &rig->daemon;
    static const char *const files[] = {
            "state/zmesos.db", "state/zmesos.db-wal", "state/lock", "copy", "copy2"};
    char path[160];
    store_destroy(daemon->store);
    daemon_clear_replays(daemon);
    recent_clear(&daemon->recent);
    core_destroy(daemon->core);
    outbox_clear(&daemon->outbox);
    core_outputs_clear(&daemon->outputs);
    free(daemon->framework_id);
    free(daemon->store_id);
    free(daemon->backup.id);
    free(daemon->backup.path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", rig->directory, files[i]);
        unlink(path);
    }
    int rc = rmdir(rig->state) || rmdir(rig->directory);
    free(rig);
    return rc;
}

/* Waits for the store's word; fails after a minute. */
static inline void rig_wait_store(struct rig *rig)
{
    struct pollfd item = {.fd = store_fd(rig->daemon.store), .events = POLLIN};
    assert_int_equal(poll(&item, 1, 60000), 1);
    store_handle(rig->daemon.store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

#endif
