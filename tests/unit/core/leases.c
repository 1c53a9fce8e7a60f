/* Leases and placements from words. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

/* An amount is asked for only where one is named; the words of a specification do for the rest. */
const char *in_lease(struct rig *rig, const char *text)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LEASE);
    Zmesos__V1__Lease *lease = request->lease;
    char **words;
    size_t count = split(rig, text, " ", &words);
    const char *spec = words(rig, "%s cpus 0", words[0]);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(words[i], "max") == 0) {
            lease->has_max_offers = true;
            lease->max_offers = (uint32_t)strtoul(words[++i], NULL, 10);
        } else if (strcmp(words[i], "for") == 0) {
            lease->duration = build_ms(rig, words[++i]);
        } else {
            spec = words(rig, "%s %s", spec, words[i]);
        }
    }
    const Zmesos__V1__TaskSpec *from = build_spec(rig, spec);
    lease->id = strcmp(from->id, "-") == 0 ? NULL : from->id;
    lease->role = from->role;
    lease->constraints = from->constraints;
    lease->n_constraints = from->n_constraints;
    lease->has_cpus = from->cpus != 0;
    lease->cpus = from->cpus;
    lease->has_mem = from->has_mem;
    lease->mem = from->mem;
    lease->has_disk = from->has_disk;
    lease->disk = from->disk;
    lease->has_gpus = from->has_gpus;
    lease->gpus = from->gpus;
    lease->has_ports = from->has_ports;
    lease->ports = from->ports;
    lease->has_despite_maintenance = from->has_despite_maintenance;
    lease->despite_maintenance = from->despite_maintenance;
    return in_request(rig, request);
}

const char *in_renew(struct rig *rig, const char *text)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RENEW_LEASE);
    char **words;
    size_t count = split(rig, text, " ", &words);
    request->renew_lease->lease_id = words[0];
    for (size_t i = 1; i + 1 < count; i += 2) {
        if (strcmp(words[i], "max") == 0) {
            request->renew_lease->has_max_offers = true;
            request->renew_lease->max_offers = (uint32_t)strtoul(words[i + 1], NULL, 10);
        } else {
            assert_string_equal(words[i], "for");
            request->renew_lease->duration = build_ms(rig, words[i + 1]);
        }
    }
    return in_request(rig, request);
}

const char *in_give_back(struct rig *rig, const char *text, double refuse)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE_LEASE);
    char **words;
    size_t count = split(rig, text, " ", &words);
    request->release_lease->lease_id = words[0];
    request->release_lease->offer_ids = words + 1;
    request->release_lease->n_offer_ids = count - 1;
    request->release_lease->has_refuse_seconds = refuse >= 0;
    request->release_lease->refuse_seconds = refuse;
    return in_request(rig, request);
}

const char *in_place(struct rig *rig, const char *text)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_PLACE);
    Zmesos__V1__Place *place = request->place;
    char **words;
    size_t count = split(rig, text, " ", &words);
    place->lease_id = words[0];
    place->placements = arena_array(&rig->in, count, sizeof *place->placements);
    for (size_t i = 1; i < count; i++) {
        Zmesos__V1__Place__Placement *placement = build_new(rig, &zmesos__v1__place__placement__descriptor);
        char *tasks = strchr(words[i], ':');
        assert_non_null(tasks);
        *tasks++ = '\0';
        placement->n_offer_ids = split(rig, words[i], ",", &placement->offer_ids);
        char *operations = strchr(tasks, '+'); /* behind the tasks */
        if (operations) {
            *operations++ = '\0';
            placement->n_operation_ids = split(rig, operations, ",", &placement->operation_ids);
        }
        if (*tasks)
            placement->n_task_ids = split(rig, tasks, ",", &placement->task_ids);
        place->placements[place->n_placements++] = placement;
    }
    return in_request(rig, request);
}
