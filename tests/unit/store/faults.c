/* The layer: a file of ours in front of the system's file, each method passed on. */
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "support.h"

struct faulty_file {
    sqlite3_file base;
    bool log, database, copy;
    sqlite3_file *real; /* in the bytes that follow */
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum fault armed;
    bool held;
    int waiting, syncs;
    char order[8192];
    size_t order_length;
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool strikes(enum fault fault)
{
    pthread_mutex_lock(&faults.mutex);
    bool yes = faults.armed == fault;
    if (yes)
        faults.armed = FAULT_NONE;
    pthread_mutex_unlock(&faults.mutex);
    return yes;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int pass_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int pass_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
    if (((struct faulty_file *)file)->database && strikes(FAULT_DATABASE_READ))
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

static int pass_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    if (((struct faulty_file *)file)->log && strikes(FAULT_LOG_WRITE))
        return SQLITE_FULL;
    if (((struct faulty_file *)file)->copy && strikes(FAULT_COPY_WRITE))
        return SQLITE_FULL;
    return real_of(file)->pMethods->xWrite(real_of(file), data, length, offset);
}

static int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int pass_sync(sqlite3_file *file, int flags)
{
    const struct faulty_file *ours = (const struct faulty_file *)file;
    if (ours->log || ours->copy) {
        pthread_mutex_lock(&faults.mutex);
        faults.waiting++;
        pthread_cond_broadcast(&faults.changed);
        while (faults.held)
            pthread_cond_wait(&faults.changed, &faults.mutex);
        faults.waiting--;
        pthread_mutex_unlock(&faults.mutex);
    }
    if ((ours->log && strikes(FAULT_LOG_SYNC)) || (ours->database && strikes(FAULT_DATABASE_SYNC)) ||
            (ours->copy && strikes(FAULT_COPY_SYNC)))
        return SQLITE_IOERR_FSYNC;
    int result = real_of(file)->pMethods->xSync(real_of(file), flags);
    pthread_mutex_lock(&faults.mutex);
    faults.syncs += ours->log;
    if (faults.order_length < sizeof faults.order - 1)
        faults.order[faults.order_length++] = ours->log ? 'l' : ours->copy ? 'c' : 'd';
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.mutex);
    return result;
}

static int pass_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int pass_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int pass_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int pass_check_reserved_lock(sqlite3_file *file, int *result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int pass_file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int pass_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int pass_device_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = pass_close,
        .xRead = pass_read,
        .xWrite = pass_write,
        .xTruncate = pass_truncate,
        .xSync = pass_sync,
        .xFileSize = pass_file_size,
        .xLock = pass_lock,
        .xUnlock = pass_unlock,
        .xCheckReservedLock = pass_check_reserved_lock,
        .xFileControl = pass_file_control,
        .xSectorSize = pass_sector_size,
        .xDeviceCharacteristics = pass_device_characteristics,
};

static int pass_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct faulty_file *ours = (struct faulty_file *)file;
    ours->real = (sqlite3_file *)(ours + 1);
    ours->log = flags & SQLITE_OPEN_WAL;
    ours->copy = (flags & SQLITE_OPEN_MAIN_DB) && name && strstr(name, ".part-");
    ours->database = (flags & SQLITE_OPEN_MAIN_DB) && !ours->copy;
    int result = faults.real->xOpen(faults.real, name, ours->real, flags, out_flags);
    ours->base.pMethods = ours->real->pMethods ? &methods : NULL;
    return result;
}

void faults_install(void)
{
    faults.real = sqlite3_vfs_find(NULL);
    faults.vfs = *faults.real;
    faults.vfs.zName = "faults";
    faults.vfs.pNext = NULL;
    faults.vfs.szOsFile = (int)sizeof(struct faulty_file) + faults.real->szOsFile;
    faults.vfs.xOpen = pass_open;
    faults.armed = FAULT_NONE;
    faults.held = false;
    faults.syncs = 0;
    faults.order_length = 0;
    memset(faults.order, 0, sizeof faults.order);
    sqlite3_vfs_register(&faults.vfs, 1);
}

void faults_remove(void)
{
    sqlite3_vfs_unregister(&faults.vfs);
    sqlite3_vfs_register(faults.real, 1);
}

void faults_arm(enum fault fault)
{
    pthread_mutex_lock(&faults.mutex);
    faults.armed = fault;
    pthread_mutex_unlock(&faults.mutex);
}

static void set_held(bool held)
{
    pthread_mutex_lock(&faults.mutex);
    faults.held = held;
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.mutex);
}

void faults_hold(void)
{
    set_held(true);
}

void faults_release(void)
{
    set_held(false);
}

/* Waits until a number has grown to `least`. */
static bool wait_until(const int *number, int least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TEST_WAIT_MS / 1000;
    pthread_mutex_lock(&faults.mutex);
    bool reached;
    while (!(reached = *number >= least))
        if (pthread_cond_timedwait(&faults.changed, &faults.mutex, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&faults.mutex);
    return reached;
}

bool faults_wait_until_held(void)
{
    return wait_until(&faults.waiting, 1);
}

bool faults_wait_for_syncs(int count)
{
    return wait_until(&faults.syncs, count);
}

int faults_syncs(void)
{
    pthread_mutex_lock(&faults.mutex);
    int syncs = faults.syncs;
    pthread_mutex_unlock(&faults.mutex);
    return syncs;
}

const char *faults_order(void)
{
    return faults.order;
}
