/* What the fuzzers share. Each defines LLVMFuzzerTestOneInput(), which libFuzzer calls, or replay.c where
 * there is none. A finding ends the process. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(), there in release builds too. */
#define FUZZ_EXPECT(condition)                                                                               \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A message type chosen by a byte of the input: Mesos's event and call, our request, and types with every
 * kind of field. */
const ProtobufCMessageDescriptor *fuzz_type(uint8_t choice);

#endif
