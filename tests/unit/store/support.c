/* Directories, records as text, waiting. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"

int fixture_setup(void **state)
{
    struct fixture *fixture = alloc_zeroed(1, sizeof *fixture);
    snprintf(fixture->top, sizeof fixture->top, "/tmp/zmesos-store-XXXXXX");
    if (!mkdtemp(fixture->top)) {
        free(fixture);
        return -1;
    }
    snprintf(fixture->directory, sizeof fixture->directory, "%s/state", fixture->top);
    snprintf(fixture->file, sizeof fixture->file, "%s/%s", fixture->directory, STORE_FILE);
    snprintf(fixture->log, sizeof fixture->log, "%s-wal", fixture->file);
    arena_init(&fixture->arena);
    *state = fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about;
    (void)type;
    (void)place;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    int result = nftw(fixture->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    arena_clear(&fixture->arena);
    free(fixture);
    return result;
}

struct store *open_store(const struct fixture *fixture)
{
    struct store *store = NULL;
    struct error err = {0};
    int code = store_open(fixture->directory, &store, &err);
    if (code < 0)
        fail_msg("store_open gave %d: %s", code, err.text);
    return store;
}

static const char *hex(struct arena *arena, const struct blob *blob)
{
    if (!blob)
        return "NULL";
    struct slice bytes = blob_slice(blob);
    char *text = arena_alloc(arena, 2 * bytes.length + 3), *end = text;
    *end++ = '<';
    for (size_t i = 0; i < bytes.length; i++) {
        *end++ = "0123456789abcdef"[bytes.data[i] >> 4];
        *end++ = "0123456789abcdef"[bytes.data[i] & 15];
    }
    memcpy(end, ">", 2);
    return text;
}

const char *record_text(struct fixture *fixture, const struct record *record)
{
    struct arena *arena = &fixture->arena;
    switch (record->kind) {
    case RECORD_META:
        return arena_format(arena, "meta %s='%s'\n", record->meta.name, record->meta.value);
    case RECORD_TASK: {
        const struct task_row *row = &record->task;
        return arena_format(arena,
                "task %lld id='%s' spec=%s state=%d revision=%llu attempts=%u kill=%d policy=%s created=%lld "
                "changed=%lld not_before=%lld message='%s' reason='%s' flags=%x\n",
                (long long)row->key, row->id, hex(arena, row->spec), row->state,
                (unsigned long long)row->revision, row->attempts, row->kill_requested,
                hex(arena, row->kill_policy), (long long)row->created_ns, (long long)row->changed_ns,
                (long long)row->not_before_ns, row->message, row->reason, row->flags);
    }
    case RECORD_ATTEMPT: {
        const struct attempt_row *row = &record->attempt;
        return arena_format(arena,
                "attempt %lld/%u state=%d flags=%x agent='%s' host='%s' ports='%s' unique='%s' launched=%lld "
                "changed=%lld "
                "message='%s' reason='%s' mesos='%s'%s%s%s%s\n",
                (long long)row->task_key, row->number, row->state, row->flags, row->agent_id, row->hostname,
                row->ports, row->unique, (long long)row->launched_ns, (long long)row->changed_ns,
                row->message, row->reason, row->mesos_id ? row->mesos_id : "",
                row->agent_url && *row->agent_url ? " url=" : "", row->agent_url ? row->agent_url : "",
                row->healthy || row->check_status ? arena_format(arena, " healthy=%d check=%lld",
                                                            row->healthy, (long long)row->check_status)
                                                  : "",
                row->pending
                        ? arena_format(arena, " pending=%d %s '%s' state=%d ns=%lld number=%llu event=%s",
                                  row->pending, row->pending_uuid, row->pending_before, row->pending_state,
                                  (long long)row->pending_ns, (unsigned long long)row->pending_number,
                                  hex(arena, row->pending_event))
                        : "");
    }
    case RECORD_EVENT: {
        const struct event_row *row = &record->event;
        return arena_format(arena, "event %d/%llu time=%lld topic='%s' header=%s body=%s\n", row->class,
                (unsigned long long)row->number, (long long)row->time_ns, row->topic, hex(arena, row->header),
                hex(arena, row->body));
    }
    case RECORD_OPERATION: {
        const struct operation_row *row = &record->operation;
        return arena_format(arena,
                "operation %lld id='%s' spec=%s state=%d revision=%llu flags=%x sent=%u mesos='%s' "
                "agent='%s' "
                "host='%s' provider='%s' created=%lld changed=%lld message='%s' status=%s\n",
                (long long)row->key, row->id, hex(arena, row->spec), row->state,
                (unsigned long long)row->revision, row->flags, row->sent, row->mesos_id, row->agent_id,
                row->hostname, row->provider_id, (long long)row->created_ns, (long long)row->changed_ns,
                row->message, hex(arena, row->status));
    }
    case RECORD_FORGET_OPERATION:
        return arena_format(arena, "forget operation %lld\n", (long long)record->forget_operation.key);
    case RECORD_FORGET:
        return arena_format(arena, "forget %lld\n", (long long)record->forget.task_key);
    }
    fail_msg("a record of kind %d", (int)record->kind);
    return NULL;
}

struct texts {
    struct fixture *fixture;
    char *text;
    size_t length, space;
};

static int add_text(void *context, const struct record *record, struct error *err)
{
    (void)err;
    struct texts *texts = context;
    const char *line = record_text(texts->fixture, record);
    size_t length = strlen(line);
    if (texts->length + length >= texts->space) {
        texts->space = 2 * (texts->space + length) + 1;
        texts->text = alloc_resize(texts->text, texts->space, 1);
    }
    memcpy(texts->text + texts->length, line, length + 1);
    texts->length += length;
    return 0;
}

const char *load_text(struct fixture *fixture, struct store *store)
{
    struct texts texts = {.fixture = fixture};
    struct error err = {0};
    int code = store_load(store, add_text, &texts, &err);
    if (code < 0)
        fail_msg("store_load gave %d: %s", code, err.text);
    const char *text = arena_copy(&fixture->arena, texts.text ? texts.text : "", texts.length + 1);
    free(texts.text);
    return text;
}

void wait_for_group(struct store *store, uint64_t group)
{
    while (store_committed(store) < group) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        assert_int_equal(poll(&readable, 1, TEST_WAIT_MS), 1);
        store_handle(store);
    }
}

void commit_group(struct store *store)
{
    store_flush(store);
    wait_for_group(store, store_group(store));
}

static int take_number(void *context, int columns, char **values, char **names)
{
    (void)names;
    if (columns > 0 && values[0])
        *(int64_t *)context = strtoll(values[0], NULL, 10);
    return 0;
}

int64_t run_sql(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    int64_t number = 0;
    /* The system's files by name: the layer of faults.h is not for two connections. */
    assert_int_equal(sqlite3_open_v2(fixture->file, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    char *words = NULL;
    if (sqlite3_exec(db, sql, take_number, &number, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}

void write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

struct slice read_whole_file(struct fixture *fixture, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    rewind(file);
    uint8_t *data = arena_alloc(&fixture->arena, (size_t)length);
    assert_int_equal(fread(data, 1, (size_t)length, file), length);
    fclose(file);
    return slice_of(data, (size_t)length);
}

size_t file_size(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return (size_t)about.st_size;
}

size_t count_entries(const char *directory)
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    size_t count = 0;
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2;
}

int exit_status(int pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("the child was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

struct record meta_record(const char *name, const char *value)
{
    return (struct record){.kind = RECORD_META, .meta = {.name = name, .value = value}};
}

struct record event_record(int32_t class, uint64_t number, const char *topic)
{
    return (struct record){
            .kind = RECORD_EVENT, .event = {.class = class, .number = number, .time_ns = 1, .topic = topic}};
}
