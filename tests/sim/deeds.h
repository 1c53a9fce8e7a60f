/* Operations on resources that clients ask for, each to be done once: deeds.c. */
#ifndef SIM_DEEDS_H
#define SIM_DEEDS_H

#include "world.h"

#define DEEDS_MAX 12

struct answered;
struct call;
struct disk;
struct in_hand;
struct operation;
struct request;

struct deed {
    const char *id;
    int role;
    struct slice spec;
    bool promised;
    unsigned done; /* by agents */
    bool excused;  /* twice may be right: a backup was restored, or the id was forgotten */
};

void deeds_start(struct sim *sim);
struct deed *deed_find(struct sim *sim, const char *id, size_t length); /* NULL: none */
void deeds_fill(
        struct sim *sim, const struct request *request, Zmesos__V1__Request *message, struct slice *specs);
void deeds_clear_message(const struct request *request, Zmesos__V1__Request *message);
void deeds_read(struct sim *sim, struct answered *answered, const Zmesos__V1__Reply *reply);
void deeds_restored(struct sim *sim);
void deeds_offer(struct arena *arena, Mesos__V1__Offer *offer); /* what they are done to */
const struct operation_row *disk_operation(const struct disk *disk, const char *id); /* NULL: none */

void check_deed_done(struct sim *sim, const struct operation *operation);
void check_deeds_accepted(struct sim *sim, const struct call *call); /* leaves */
void check_deeds_decided(struct sim *sim, const struct call *call);
void check_deeds_asked(struct sim *sim, const struct call *call);          /* by RECONCILE_OPERATIONS */
void check_deeds_unwanted(struct sim *sim, const struct in_hand *in_hand); /* is declined */
void check_deed_reply(struct sim *sim, const struct request *request, const struct answered *reply);
void check_deed_forgotten(struct sim *sim, int64_t key);
void check_deeds_settled(struct sim *sim);

#endif
