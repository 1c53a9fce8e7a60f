/* RecordIO, the framing of Mesos's event stream: a decimal length, "\n", that many bytes; again. Chunks may
 * end anywhere (PROTOCOL "Transport"). */
#ifndef WIRE_RECORDIO_H
#define WIRE_RECORDIO_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

#define RECORDIO_HEADER_MAX 20 /* digits and newline */

struct recordio {
    size_t record_max;    /* bytes of one record */
    unsigned digits;      /* of the header being read */
    size_t record_length; /* so far, while the header is being read */
    bool in_record;       /* the header is complete */
    uint8_t *record;      /* being filled, or NULL */
    size_t record_filled;
    int failed;           /* the error code all later calls repeat, or 0 */
    struct error failure; /* and its words */
};

void recordio_init(struct recordio *recordio, size_t record_max);

/* Frees a record that is being filled, and forgets a failure; the limit stays: ready for a new stream. */
void recordio_clear(struct recordio *recordio);

/* Takes bytes from the front of *input and stops after at most one complete record. Returns 1 with a record
 * (*record is malloc'ed, never NULL, the caller frees it; a record may be empty), 0 when all input was taken
 * and more is needed, ERR_MALFORMED for a length that is no number, ERR_TOO_LARGE for one above the limit
 * (already at the first digit too many). Leading zeros are allowed. After an error every call fails the same
 * way, taking nothing, until recordio_clear(). */
int recordio_next(struct recordio *recordio, struct slice *input, uint8_t **record, size_t *length,
        struct error *err) MUST_CHECK;

/* Writes the header of a record of `length` bytes, without NUL, and returns its size. */
size_t recordio_header(size_t length, char header[RECORDIO_HEADER_MAX + 1]);

#endif
