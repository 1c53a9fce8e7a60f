/* Each method, passed on. */
#include "pass_vfs.h"

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct pass_file *)file)->real;
}

static int pass_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

int pass_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

int pass_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xWrite(real_of(file), data, length, offset);
}

int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

int pass_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
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

const sqlite3_io_methods pass_methods = {
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

int pass_open(sqlite3_vfs *real, const char *name, struct pass_file *file, size_t size,
        const sqlite3_io_methods *methods, int flags, int *out_flags)
{
    file->real = (sqlite3_file *)((char *)file + size);
    int result = real->xOpen(real, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods ? methods : NULL;
    return result;
}
