/* Lessees of offers: lessees.c. */
#ifndef SIM_LESSEES_H
#define SIM_LESSEES_H

#include "clients.h"

#define LESSEES 2

struct in_hand;

struct lessee {
    const char *id; /* of its lease */
    int role;
    int64_t duration_ms, asked_us;
};

void lessees_start(struct sim *sim);
void lessees_fill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message);
void lessees_read(struct sim *sim, const struct request *request, const Zmesos__V1__Reply *reply);
void lessees_change(struct sim *sim, const Zmesos__V1__LeaseChange *change);
/* The offer is answered, which only such a request of its lessee may do. */
void check_leased_use(struct sim *sim, const struct in_hand *in_hand, enum request_kind kind);
void check_leases(struct sim *sim); /* none is kept for too long */

#endif
