/* DECLINE, REVIVE, SUPPRESS (PROTOCOL "Offers"). */
#include "parts.h"

void handle_decline(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Decline *decline = context->call->decline;
    for (size_t i = 0; i < decline->n_offer_ids; i++) {
        struct offer *offer = offer_find(context->local, decline->offer_ids[i]->value);
        if (offer == NULL || offer->framework != context->framework)
            continue;
        struct framework_role *role = framework_role(context->framework, offer->role);
        if (role != NULL)
            allocator_filter(role, offer->agent, &offer->resources, decline->filters);
        offer_destroy(offer, true);
    }
}

static void set_suppressed(struct framework *framework, char **names, size_t count, bool suppressed)
{
    for (size_t i = 0; i < (count == 0 ? framework->role_count : count); i++) {
        struct framework_role *role = count == 0 ? framework->roles[i] : framework_role(framework, names[i]);
        if (role == NULL)
            continue;
        role->suppressed = suppressed;
        if (!suppressed)
            allocator_forget_filters(role);
    }
    if (!suppressed)
        framework->local->allocate_soon = true;
}

void handle_revive(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Revive *revive = context->call->revive;
    set_suppressed(context->framework, revive == NULL ? NULL : revive->roles,
            revive == NULL ? 0 : revive->n_roles, false);
}

void handle_suppress(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Suppress *suppress = context->call->suppress;
    set_suppressed(context->framework, suppress == NULL ? NULL : suppress->roles,
            suppress == NULL ? 0 : suppress->n_roles, true);
}
