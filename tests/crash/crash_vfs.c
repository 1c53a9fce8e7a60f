/* The layer: a file of ours in front of the system's file. Each change is passed on at once and noted with
 * the bytes that it replaced, until a sync; going through the notes backwards undoes it. */
#include "crash_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pass_vfs.h"

#define SECTOR 512

/* One write (new_bytes) or truncation (none) that was not synced. */
struct change {
    struct change *newer, *older;
    sqlite3_int64 offset;   /* of a truncation: the size after it */
    sqlite3_int64 length;   /* of new_bytes */
    sqlite3_int64 old_size; /* of the file before it */
    uint8_t *old_bytes;     /* what was there from offset to old_size, at most `length` for a write */
    sqlite3_int64 old_length;
    uint8_t *new_bytes;
};

/* A file on disk; outlives its closing. */
struct disk_file {
    struct disk_file *next;
    char *path;
    bool made; /* by this process, and not synced since */
    struct change *oldest, *newest;
};

struct crash_file {
    struct pass_file pass;
    struct disk_file *disk; /* NULL for files that nobody misses */
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods methods;
    struct crash_plan plan;
    pthread_mutex_t mutex;
    struct disk_file *files;
    uint64_t *operations; /* shared with count_file */
    uint64_t own_operations, writes, syncs, truncates;
    uint64_t random;
} crash = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* What the test's own layer cannot do ends it with a status of its own. */
static _Noreturn void give_up(const char *what)
{
    perror(what);
    _exit(99);
}

static void *must(void *memory)
{
    if (!memory)
        give_up("crash_vfs: malloc");
    return memory;
}

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
    uint64_t x = crash.random += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (x ^ (x >> 31)) % below;
}

/* ---- what was not synced ---- */

static struct disk_file *disk_file_of(const char *path)
{
    for (struct disk_file *file = crash.files; file; file = file->next)
        if (strcmp(file->path, path) == 0)
            return file;
    struct disk_file *file = must(calloc(1, sizeof *file));
    file->path = must(strdup(path));
    file->next = crash.files;
    crash.files = file;
    return file;
}

static void forget_changes(struct disk_file *file)
{
    for (struct change *change = file->oldest, *newer; change; change = newer) {
        newer = change->newer;
        free(change->old_bytes);
        free(change->new_bytes);
        free(change);
    }
    file->oldest = file->newest = NULL;
}

static struct change *note_change(struct disk_file *file)
{
    struct change *change = must(calloc(1, sizeof *change));
    change->older = file->newest;
    if (file->newest)
        file->newest->newer = change;
    else
        file->oldest = change;
    file->newest = change;
    return change;
}

/* Reads what a change is about to replace. */
static void save_old(struct change *change, sqlite3_file *real, sqlite3_int64 offset, sqlite3_int64 length)
{
    if (real->pMethods->xFileSize(real, &change->old_size) != SQLITE_OK)
        give_up("crash_vfs: size");
    change->offset = offset;
    if (offset >= change->old_size)
        return;
    change->old_length = change->old_size - offset < length ? change->old_size - offset : length;
    change->old_bytes = must(malloc((size_t)change->old_length));
    if (real->pMethods->xRead(real, change->old_bytes, (int)change->old_length, offset) != SQLITE_OK)
        give_up("crash_vfs: read");
}

static void put(int fd, const uint8_t *bytes, sqlite3_int64 length, sqlite3_int64 offset)
{
    if (length > 0 && pwrite(fd, bytes, (size_t)length, offset) != length)
        give_up("crash_vfs: write");
}

static void cut(int fd, sqlite3_int64 size)
{
    if (ftruncate(fd, size) < 0)
        give_up("crash_vfs: truncate");
}

static void undo(struct disk_file *file, int fd)
{
    for (const struct change *change = file->newest; change; change = change->older) {
        cut(fd, change->old_size); /* a write: shorter or the same; a truncation: as long as it was */
        put(fd, change->old_bytes, change->old_length, change->offset);
    }
}

static void keep_some(const struct change *change, int fd)
{
    uint64_t mood = draw(3); /* nothing, all, or by sectors */
    if (mood == 0)
        return;
    if (!change->new_bytes) {
        cut(fd, change->offset);
        return;
    }
    for (sqlite3_int64 at = 0, length; at < change->length; at += length) {
        length = SECTOR - (change->offset + at) % SECTOR;
        if (length > change->length - at)
            length = change->length - at;
        if (mood == 1 || draw(2))
            put(fd, change->new_bytes + at, length, change->offset + at);
    }
}

/* A file that was made and never synced may not be there after the crash. */
static void lose_changes(struct disk_file *file)
{
    int fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return; /* deleted since */
    undo(file, fd);
    if (crash.plan.how == CRASH_SOME)
        for (const struct change *change = file->oldest; change; change = change->newer)
            keep_some(change, fd);
    close(fd);
    forget_changes(file);
}

static _Noreturn void end_here(void)
{
    if (crash.plan.how == CRASH_LOSE || crash.plan.how == CRASH_SOME) {
        for (struct disk_file *file = crash.files; file; file = file->next) {
            lose_changes(file);
            if (file->made && (crash.plan.how == CRASH_LOSE || draw(2)))
                unlink(file->path);
        }
    }
    _exit(CRASH_STATUS);
}

/* ---- counting ---- */

/* Whether the process ends at this operation, which the caller has begun. With the mutex held. */
static bool is_the_last(void)
{
    return ++*crash.operations == crash.plan.at;
}

/* ---- the methods that change files ---- */

static int write_noted(struct crash_file *file, const void *data, int length, sqlite3_int64 offset)
{
    bool last = is_the_last();
    crash.writes++;
    if (last && crash.plan.how == CRASH_TORN && length > 1) {
        int kept = 1 + (int)draw((uint64_t)length - 1);
        pass_write(&file->pass.base, data, kept, offset);
    }
    if (last && crash.plan.how != CRASH_SOME)
        end_here();
    if (crash.writes == crash.plan.fail_write)
        return SQLITE_IOERR_WRITE;
    struct change *change = note_change(file->disk);
    save_old(change, file->pass.real, offset, length);
    change->length = length;
    change->new_bytes = must(malloc((size_t)length));
    memcpy(change->new_bytes, data, (size_t)length);
    if (last)
        end_here();
    bool full = crash.plan.full_at_write && crash.writes >= crash.plan.full_at_write;
    if (full && offset + length > change->old_size) {
        change->length = 0;
        return SQLITE_FULL;
    }
    return pass_write(&file->pass.base, data, length, offset);
}

static int crash_write(sqlite3_file *base, const void *data, int length, sqlite3_int64 offset)
{
    struct crash_file *file = (struct crash_file *)base;
    if (!file->disk)
        return pass_write(&file->pass.base, data, length, offset);
    pthread_mutex_lock(&crash.mutex);
    int result = write_noted(file, data, length, offset);
    pthread_mutex_unlock(&crash.mutex);
    return result;
}

static int truncate_noted(struct crash_file *file, sqlite3_int64 size)
{
    bool last = is_the_last();
    if (last && crash.plan.how != CRASH_SOME)
        end_here();
    if (++crash.truncates == crash.plan.fail_truncate)
        return SQLITE_IOERR_TRUNCATE;
    struct change *change = note_change(file->disk);
    save_old(change, file->pass.real, size, INT64_MAX);
    if (last)
        end_here();
    return pass_truncate(&file->pass.base, size);
}

static int crash_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct crash_file *file = (struct crash_file *)base;
    if (!file->disk)
        return pass_truncate(&file->pass.base, size);
    pthread_mutex_lock(&crash.mutex);
    int result = truncate_noted(file, size);
    pthread_mutex_unlock(&crash.mutex);
    return result;
}

static int sync_noted(struct crash_file *file, int flags)
{
    if (is_the_last())
        end_here();
    if (++crash.syncs == crash.plan.fail_sync) {
        if (crash.plan.how == CRASH_LOSE || crash.plan.how == CRASH_SOME)
            lose_changes(file->disk);
        return SQLITE_IOERR_FSYNC;
    }
    int result = crash.plan.fast_syncs ? SQLITE_OK : pass_sync(&file->pass.base, flags);
    if (result == SQLITE_OK) {
        forget_changes(file->disk);
        file->disk->made = false;
    }
    return result;
}

static int crash_sync(sqlite3_file *base, int flags)
{
    struct crash_file *file = (struct crash_file *)base;
    if (!file->disk)
        return pass_sync(&file->pass.base, flags);
    pthread_mutex_lock(&crash.mutex);
    int result = sync_noted(file, flags);
    pthread_mutex_unlock(&crash.mutex);
    return result;
}

static int crash_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    (void)vfs;
    pthread_mutex_lock(&crash.mutex);
    if (is_the_last())
        end_here();
    int result = crash.real->xDelete(crash.real, path, sync_directory);
    if (result == SQLITE_OK) {
        struct disk_file *file = disk_file_of(path);
        forget_changes(file);
        file->made = false;
    }
    pthread_mutex_unlock(&crash.mutex);
    return result;
}

/* ---- the layer ---- */

static int crash_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    (void)vfs;
    struct crash_file *file = (struct crash_file *)base;
    file->disk = NULL;
    bool kept = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL);
    bool made = kept && name && access(name, F_OK) != 0;
    int result = pass_open(crash.real, name, &file->pass, sizeof *file, &crash.methods, flags, out_flags);
    if (result == SQLITE_OK && kept && name) {
        pthread_mutex_lock(&crash.mutex);
        file->disk = disk_file_of(name);
        file->disk->made |= made;
        pthread_mutex_unlock(&crash.mutex);
    }
    return result;
}

/* ---- for tests ---- */

static uint64_t *share_count(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0)
        give_up(path);
    void *count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (count == MAP_FAILED)
        give_up(path);
    close(fd);
    return count;
}

void crash_vfs_install(const struct crash_plan *plan)
{
    crash.real = sqlite3_vfs_find(NULL);
    crash.vfs = *crash.real;
    crash.vfs.zName = "crash";
    crash.vfs.pNext = NULL;
    crash.vfs.szOsFile = (int)sizeof(struct crash_file) + crash.real->szOsFile;
    crash.vfs.xOpen = crash_open;
    crash.vfs.xDelete = crash_delete;
    crash.methods = pass_methods;
    crash.methods.xWrite = crash_write;
    crash.methods.xTruncate = crash_truncate;
    crash.methods.xSync = crash_sync;
    crash.plan = *plan;
    crash.plan.count_file = NULL;
    crash.random = plan->seed;
    crash.own_operations = crash.writes = crash.syncs = crash.truncates = 0;
    crash.operations = plan->count_file ? share_count(plan->count_file) : &crash.own_operations;
    sqlite3_vfs_register(&crash.vfs, 1);
}

void crash_vfs_remove(void)
{
    sqlite3_vfs_unregister(&crash.vfs);
    sqlite3_vfs_register(crash.real, 1);
    for (struct disk_file *file = crash.files, *next; file; file = next) {
        next = file->next;
        forget_changes(file);
        free(file->path);
        free(file);
    }
    crash.files = NULL;
}

static uint64_t read_locked(const uint64_t *number)
{
    pthread_mutex_lock(&crash.mutex);
    uint64_t value = *number;
    pthread_mutex_unlock(&crash.mutex);
    return value;
}

uint64_t crash_vfs_operations(void)
{
    return read_locked(crash.operations);
}

uint64_t crash_vfs_writes(void)
{
    return read_locked(&crash.writes);
}

uint64_t crash_vfs_syncs(void)
{
    return read_locked(&crash.syncs);
}
