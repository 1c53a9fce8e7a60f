/* The replies of replay and tail, packed. Publications are put in as the bytes that were published. */
#ifndef DAEMON_REPLAY_PAGE_H
#define DAEMON_REPLAY_PAGE_H

#include "base/buf.h"
#include "zmesos/v1/zmesos.pb-c.h"

struct replay_page {
    struct buf events;
    size_t count;
};

void replay_page_init(struct replay_page *page);
void replay_page_clear(struct replay_page *page);
void replay_page_add(struct replay_page *page, const char *topic, struct slice header, struct slice body);

/* `reply` without its result and `rest`, a ReplayPage without its events, with those of the page. The caller
 * unrefs it. */
struct blob *replay_page_reply(
        const struct replay_page *page, const Zmesos__V1__Reply *reply, const Zmesos__V1__ReplayPage *rest);

#endif
