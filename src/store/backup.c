/* The copy is made by SQLite's backup interface from the one connection, which keeps what was copied up to
 * date when a group changes it: the copy is the state at its last step. What a crash leaves behind is the
 * temporary file (see backup.h), with "-wal" or nothing beside it; it is never read and may be deleted.
 *
 * Beware: the copy's connection is one of SQLite's rollback journal, and it has none of it: whatever fails,
 * the file is thrown away. */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/record.h"
#include "database.h"

/* In one step, at least; they are synced with it, so that no group waits for a sync of all. */
#define STEP_PAGES 256

struct backup {
    char *path;
    char *part; /* the temporary file's name; NULL when there is none */
    sqlite3 *copy;
    sqlite3_backup *steps;
    int pages;  /* of the database at the last step */
    int growth; /* from the step before to it */
};

static int system_failed(const struct backup *backup, const char *what, struct error *err)
{
    return error_set_errno(err, errno, "cannot %s the backup %s", what, backup->path);
}

static int copy_failed(const struct backup *backup, int result, struct error *err)
{
    int errnum = backup->copy ? sqlite3_system_errno(backup->copy) : 0;
    bool system = (result & 0xff) == SQLITE_IOERR || (result & 0xff) == SQLITE_CANTOPEN;
    if (system && errnum)
        return error_set_errno(
                err, errnum, "cannot write the backup %s: %s", backup->path, sqlite3_errstr(result));
    return error_set(err, ERR_IO, "cannot write the backup %s: %s", backup->path, sqlite3_errstr(result));
}

static int exists_already(const struct backup *backup, struct error *err)
{
    return error_set(err, ERR_CONFLICT, "%s exists already", backup->path);
}

static int run(struct backup *backup, const char *sql, struct error *err)
{
    int result = sqlite3_exec(backup->copy, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : copy_failed(backup, result, err);
}

/* A file of our own, whatever names there are. */
static int make_part(struct backup *backup, struct error *err)
{
    size_t size = strlen(backup->path) + sizeof ".part-XXXXXX";
    char *part = alloc_bytes(size);
    snprintf(part, size, "%s.part-XXXXXX", backup->path);
    int fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0) {
        free(part);
        return system_failed(backup, "make", err);
    }
    close(fd);
    backup->part = part;
    return 0;
}

int backup_begin(struct database *database, const char *path, struct backup **out, struct error *err)
{
    struct backup *backup = alloc_zeroed(1, sizeof *backup);
    backup->path = alloc_string(path);
    struct stat about;
    int code = lstat(path, &about) == 0 ? exists_already(backup, err) : make_part(backup, err);
    if (code < 0)
        goto out;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(backup->part, &backup->copy, flags, NULL);
    if (result != SQLITE_OK) {
        code = copy_failed(backup, result, err);
        goto out;
    }
    /* The small cache makes each step write what it copied. */
    code = run(backup,
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL;"
            "PRAGMA cache_size=16",
            err);
    if (code < 0)
        goto out;
    backup->steps = sqlite3_backup_init(backup->copy, "main", database->db, "main");
    if (!backup->steps)
        code = copy_failed(backup, sqlite3_extended_errcode(backup->copy), err);
out:
    if (code < 0)
        backup_destroy(backup);
    else
        *out = backup;
    return code;
}

static int sync_part(struct backup *backup, struct error *err)
{
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(backup->copy, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (result == SQLITE_OK)
        result = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    return result == SQLITE_OK ? 0 : copy_failed(backup, result, err);
}

/* All pages are there. The copied header says that there is a log, which this would make: changed to no log
 * first, so that the copy is one file from now on. */
static int complete(struct backup *backup, struct error *err)
{
    int result = sqlite3_backup_finish(backup->steps);
    backup->steps = NULL;
    if (result != SQLITE_OK)
        return copy_failed(backup, result, err);
    int code = run(backup, "PRAGMA journal_mode=MEMORY", err);
    if (code == 0)
        code = run(backup, "INSERT OR REPLACE INTO meta(name, value) VALUES('" META_BACKUP "', '1')", err);
    if (code == 0)
        code = sync_part(backup, err);
    if (code < 0)
        return code;
    result = sqlite3_close(backup->copy);
    backup->copy = NULL;
    return result == SQLITE_OK ? 0 : copy_failed(backup, result, err);
}

/* The directory that the copy is in. */
static int open_directory(const struct backup *backup)
{
    size_t length = (size_t)(strrchr(backup->path, '/') - backup->path);
    char *directory = alloc_zeroed(length + 2, 1);
    memcpy(directory, backup->path, length ? length : 1);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    return fd;
}

/* The part gets the name, unless something has it. File systems that cannot rename so can link. */
static int take_name(struct backup *backup, struct error *err)
{
    int result = renameat2(AT_FDCWD, backup->part, AT_FDCWD, backup->path, RENAME_NOREPLACE);
    if (result < 0 && (errno == EINVAL || errno == ENOSYS)) {
        result = link(backup->part, backup->path);
        if (result == 0)
            unlink(backup->part);
    }
    if (result < 0)
        return errno == EEXIST ? exists_already(backup, err) : system_failed(backup, "name", err);
    free(backup->part);
    backup->part = NULL;
    return 0;
}

static int publish(struct backup *backup, uint64_t *bytes, struct error *err)
{
    struct stat about;
    int directory = open_directory(backup);
    int code = directory < 0 ? system_failed(backup, "name", err) : 0;
    if (code == 0 && stat(backup->part, &about) < 0)
        code = system_failed(backup, "read", err);
    if (code == 0)
        code = take_name(backup, err);
    if (code == 0 && fsync(directory) < 0) {
        code = system_failed(backup, "sync", err);
        unlink(backup->path); /* it appears only when it is safe */
    }
    if (code == 0)
        *bytes = (uint64_t)about.st_size;
    if (directory >= 0)
        close(directory);
    return code;
}

int backup_step(struct backup *backup, bool *done, uint64_t *bytes, struct error *err)
{
    /* A database that grows by more than a step between two of them would be copied for ever. */
    int result = sqlite3_backup_step(backup->steps, STEP_PAGES + 2 * backup->growth);
    if (result == SQLITE_OK) {
        int pages = sqlite3_backup_pagecount(backup->steps);
        backup->growth = backup->pages && pages > backup->pages ? pages - backup->pages : 0;
        backup->pages = pages;
        *done = false;
        return sync_part(backup, err);
    }
    if (result != SQLITE_DONE)
        return copy_failed(backup, result, err);
    int code = complete(backup, err);
    if (code == 0)
        code = publish(backup, bytes, err);
    if (code == 0)
        *done = true;
    return code;
}

/* With a log, which only an error while completing leaves. */
static void remove_part(const char *part)
{
    size_t size = strlen(part) + sizeof "-wal";
    char *log = alloc_bytes(size);
    snprintf(log, size, "%s-wal", part);
    unlink(log);
    unlink(part);
    free(log);
}

void backup_destroy(struct backup *backup)
{
    if (!backup)
        return;
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    if (backup->part)
        remove_part(backup->part);
    free(backup->part);
    free(backup->path);
    free(backup);
}
