/* The layer: a file of ours in front of the system's file, each method passed on. */
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "../../crash/pass_vfs.h"
#include "support.h"

struct faulty_file {
    struct pass_file pass;
    bool log, database, copy;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods methods;
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

static int faulty_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
    if (((struct faulty_file *)file)->database && strikes(FAULT_DATABASE_READ))
        return SQLITE_IOERR_READ;
    return pass_read(file, data, length, offset);
}

static int faulty_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    if (((struct faulty_file *)file)->log && strikes(FAULT_LOG_WRITE))
        return SQLITE_FULL;
    if (((struct faulty_file *)file)->copy && strikes(FAULT_COPY_WRITE))
        return SQLITE_FULL;
    return pass_write(file, data, length, offset);
}

static int faulty_sync(sqlite3_file *file, int flags)
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
    int result = pass_sync(file, flags);
    pthread_mutex_lock(&faults.mutex);
    faults.syncs += ours->log;
    if (faults.order_length < sizeof faults.order - 1)
        faults.order[faults.order_length++] = ours->log ? 'l' : ours->copy ? 'c' : 'd';
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.mutex);
    return result;
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct faulty_file *ours = (struct faulty_file *)file;
    ours->log = flags & SQLITE_OPEN_WAL;
    ours->copy = (flags & SQLITE_OPEN_MAIN_DB) && name && strstr(name, ".part-");
    ours->database = (flags & SQLITE_OPEN_MAIN_DB) && !ours->copy;
    return pass_open(faults.real, name, &ours->pass, sizeof *ours, &faults.methods, flags, out_flags);
}

void faults_install(void)
{
    faults.real = sqlite3_vfs_find(NULL);
    faults.vfs = *faults.real;
    faults.vfs.zName = "faults";
    faults.vfs.pNext = NULL;
    faults.vfs.szOsFile = (int)sizeof(struct faulty_file) + faults.real->szOsFile;
    faults.vfs.xOpen = faulty_open;
    faults.methods = pass_methods;
    faults.methods.xRead = faulty_read;
    faults.methods.xWrite = faulty_write;
    faults.methods.xSync = faulty_sync;
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
