/* protobuf-c with limited memory: empty messages grow to 84 times their bytes, and what a peer sends decides
 * how many there are. Memory comes from malloc, so that the message is freed without this allocator. */
#include <malloc.h>
#include <stdlib.h>

#include "wire.h"

#define GROWTH 16
#define GROWTH_EXTRA ((size_t)1 << 20)

struct budget {
    size_t left;
    bool exhausted;
};

static void *budget_alloc(void *data, size_t size)
{
    struct budget *budget = data;
    if (size > budget->left) {
        budget->exhausted = true;
        return NULL;
    }
    /* malloc rounds up; what it really gave is what budget_free gives back. */
    void *memory = malloc(size);
    size_t given = memory ? malloc_usable_size(memory) : 0;
    if (given > budget->left) {
        free(memory);
        memory = NULL;
    }
    if (!memory)
        budget->exhausted = true;
    else
        budget->left -= given;
    return memory;
}

static void budget_free(void *data, void *memory)
{
    struct budget *budget = data;
    if (memory)
        budget->left += malloc_usable_size(memory);
    free(memory);
}

int check_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes,
        const struct check_limits *limits, ProtobufCMessage **out, struct error *err)
{
    int rc = check_message(type, bytes, limits, err);
    if (rc)
        return rc;

    size_t memory = limits->memory ? limits->memory : GROWTH * bytes.length + GROWTH_EXTRA;
    struct budget budget = {.left = memory};
    ProtobufCAllocator allocator = {.alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, bytes.length, bytes.data);
    if (message) {
        *out = message;
        return 0;
    }
    if (budget.exhausted) {
        return error_set(err, ERR_TOO_LARGE,
                "the message of %zu bytes would need more than %zu bytes of memory", bytes.length, memory);
    }
    rc = wire_walk(type, bytes, limits, true, err);
    return rc ? rc : error_set(err, ERR_MALFORMED, "protobuf-c does not take the message as %s", type->name);
}
