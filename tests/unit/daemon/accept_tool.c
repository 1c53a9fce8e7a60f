/* What becomes of a specification on its way to the master, for test_random_specs.py: reads lines, answers
 * each with one line.
 *
 *   <ports> <base64>    a packed Request that launches one task, and how many ports it is given, or that asks
 *   for one operation: the packed ACCEPT that has it, in base64
 *
 * What is refused is answered with "! " and the packed Reply in base64. The request goes through what zmesosd
 * does with it: the front's checks, the bytes that are kept, the encoding of the ACCEPT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "encode.h"
#include "front_private.h"
#include "internal.h"
#include "wire/base64.h"

#define PORTS_MAX 8

static void print_base64(const char *before, struct slice bytes)
{
    size_t length = base64_encoded_size(bytes.length);
    char *encoded = alloc_bytes(length);
    base64_encode(bytes, encoded);
    printf("%s%.*s\n", before, (int)length, encoded);
    free(encoded);
}

static void answer_call(struct core_call *call)
{
    Mesos__V1__Scheduler__Call message = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    message.has_type = true;
    message.type = MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT;
    message.accept = &accept;
    call->call = &message;
    struct blob *packed = encode_call(call);
    if (packed)
        print_base64("", blob_slice(packed));
    else
        printf("! \n");
    blob_unref(packed);
}

static void answer_launch(struct blob *spec, size_t port_count)
{
    static const uint32_t ports[PORTS_MAX] = {31000, 31001, 31002, 31003, 31004, 31005, 31006, 31007};
    struct core_launch launch = {
            .task_id = "a.1.1", .agent_id = "A1", .spec = spec, .ports = ports, .port_count = port_count};
    answer_call(&(struct core_call){.launches = &launch, .launch_count = 1});
}

static void answer_operation(struct blob *spec)
{
    struct core_operation operation = {.operation_id = "a.1.1", .spec = spec};
    answer_call(&(struct core_call){.operations = &operation, .operation_count = 1});
}

static void answer(struct slice bytes, size_t ports)
{
    struct buf refusal;
    buf_init(&refusal, 0);
    Zmesos__V1__Request *request = front_decode(bytes, 1, &refusal);
    if (request) {
        struct slice *specs = daemon_find_specs(bytes, request);
        struct blob *kept = blob_create(specs[0].data, specs[0].length);
        if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_OPERATE)
            answer_operation(kept);
        else
            answer_launch(kept, ports);
        blob_unref(kept);
        free(specs);
        zmesos__v1__request__free_unpacked(request, NULL);
    } else {
        print_base64("! ", slice_of(refusal.data, refusal.length));
    }
    buf_clear(&refusal);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        char *text;
        size_t ports = strtoul(line, &text, 10);
        size_t digits = strcspn(text + 1, "\n"), size;
        uint8_t *bytes = alloc_bytes(base64_decoded_max(digits));
        if (*text != ' ' || ports > PORTS_MAX || !base64_decode(text + 1, digits, bytes, &size)) {
            fprintf(stderr, "not a line of this program's\n");
            return 1;
        }
        answer(slice_of(bytes, size), ports);
        free(bytes);
    }
    free(line);
    return 0;
}
