/* RecordIO: any bytes, cut in any way, give the same records and the same end as whole. The first byte seeds
 * the cuts. */
#include "fuzz.h"
#include "wire/recordio.h"

#define RECORD_MAX 5000

/* What a stream gave: its records, counted and hashed, and its end. */
struct outcome {
    unsigned records;
    size_t bytes;
    uint64_t hash;
    int rc;
};

static void feed(struct recordio *recordio, struct slice input, struct outcome *outcome)
{
    while (outcome->rc == 0) {
        uint8_t *record = NULL;
        size_t length = 0;
        struct error err = {.text = ""};
        int rc = recordio_next(recordio, &input, &record, &length, &err);
        if (rc != 1) {
            FUZZ_EXPECT(rc == 0 ? input.length == 0 : *err.text != '\0');
            FUZZ_EXPECT(rc == 0 || rc == ERR_MALFORMED || rc == ERR_TOO_LARGE);
            FUZZ_EXPECT(!record);
            outcome->rc = rc;
            return;
        }
        FUZZ_EXPECT(record && length <= RECORD_MAX);
        outcome->records++;
        outcome->bytes += length;
        for (size_t i = 0; i < length; i++)
            outcome->hash = (outcome->hash ^ record[i]) * 1099511628211u;
        free(record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint32_t seed = data[0];
    struct slice input = slice_of(data + 1, size - 1);
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    struct outcome whole = {0}, cut = {0};
    feed(&recordio, input, &whole);
    recordio_clear(&recordio);

    while (input.length > 0) {
        seed = seed * 1103515245u + 12345u;
        size_t length = seed >> 16 & 15;
        if (length > input.length)
            length = input.length;
        feed(&recordio, slice_of(input.data, length), &cut);
        input = slice_of(input.data + length, input.length - length);
    }
    recordio_clear(&recordio);
    FUZZ_EXPECT(cut.records == whole.records && cut.bytes == whole.bytes && cut.hash == whole.hash);
    FUZZ_EXPECT(cut.rc == whole.rc);
    return 0;
}
