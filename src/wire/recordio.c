/* RecordIO. A length of a peer's is checked against the limit before anything is allocated. */
#include "wire/recordio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void recordio_init(struct recordio *recordio, size_t record_max)
{
    *recordio = (struct recordio){.record_max = record_max};
}

void recordio_clear(struct recordio *recordio)
{
    free(recordio->record);
    recordio_init(recordio, recordio->record_max);
}

/* One byte of the header. 0, or an error with its words in recordio->failure. */
static int take_header_byte(struct recordio *recordio, uint8_t byte)
{
    struct error *failure = &recordio->failure;
    if (byte == '\n') {
        if (recordio->digits == 0)
            return error_set(failure, ERR_MALFORMED, "a record's length is empty");
        recordio->in_record = true;
        return 0;
    }
    if (byte < '0' || byte > '9')
        return error_set(failure, ERR_MALFORMED, "a record's length holds the byte 0x%02x", byte);
    if (++recordio->digits > RECORDIO_HEADER_MAX - 1)
        return error_set(
                failure, ERR_MALFORMED, "a record's length has more than %d digits", RECORDIO_HEADER_MAX - 1);

    size_t digit = byte - '0', max = recordio->record_max;
    if (recordio->record_length > max / 10 || digit > max - recordio->record_length * 10)
        return error_set(failure, ERR_TOO_LARGE, "a record is longer than the %zu bytes allowed", max);
    recordio->record_length = recordio->record_length * 10 + digit;
    return 0;
}

static void fill_record(struct recordio *recordio, struct slice *input)
{
    if (!recordio->record)
        recordio->record = alloc_bytes(recordio->record_length);
    size_t wanted = recordio->record_length - recordio->record_filled;
    size_t taken = wanted < input->length ? wanted : input->length;
    if (taken == 0)
        return;
    memcpy(recordio->record + recordio->record_filled, input->data, taken);
    recordio->record_filled += taken;
    *input = slice_of(input->data + taken, input->length - taken);
}

int recordio_next(
        struct recordio *recordio, struct slice *input, uint8_t **record, size_t *length, struct error *err)
{
    int rc = recordio->failed;
    while (rc == 0 && !recordio->in_record) {
        if (input->length == 0)
            return 0;
        rc = take_header_byte(recordio, *input->data);
        *input = slice_of(input->data + 1, input->length - 1);
    }
    if (rc) {
        if (err)
            *err = recordio->failure;
        recordio->failed = rc;
        return rc;
    }

    fill_record(recordio, input);
    if (recordio->record_filled < recordio->record_length)
        return 0;
    *record = recordio->record;
    *length = recordio->record_length;
    recordio_init(recordio, recordio->record_max);
    return 1;
}

size_t recordio_header(size_t length, char header[RECORDIO_HEADER_MAX + 1])
{
    /* No object in memory has more than 19 digits of bytes. */
    int size = snprintf(header, RECORDIO_HEADER_MAX + 1, "%lld\n", (long long)length);
    return (size_t)size;
}
