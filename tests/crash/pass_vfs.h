/* What a test's layer between SQLite and the system's files passes on. A layer's own file begins with a
 * struct pass_file; its methods are those of pass_methods but for the few that it is there for. */
#ifndef CRASH_PASS_VFS_H
#define CRASH_PASS_VFS_H

#include <stddef.h>

#include <sqlite3.h>

struct pass_file {
    sqlite3_file base;
    sqlite3_file *real; /* in the bytes behind the layer's file */
};

extern const sqlite3_io_methods pass_methods;

int pass_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset);
int pass_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset);
int pass_truncate(sqlite3_file *file, sqlite3_int64 size);
int pass_sync(sqlite3_file *file, int flags);

/* Opens the real file behind `file`, which has `size` bytes of the layer before it. */
int pass_open(sqlite3_vfs *real, const char *name, struct pass_file *file, size_t size,
        const sqlite3_io_methods *methods, int flags, int *out_flags);

#endif
