/* The state directory. The lock is a flock on the directory itself, so that no lock file is left on disk and
 * a dead owner leaves nothing to clean up. Beware: closing any descriptor of STORE_FILE drops the locks that
 * SQLite has on it in this process, so the file is only touched here, before SQLite opens it. */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

/* The entry of `directory` in its parent is on disk after this. */
static int sync_parent(const char *directory, int directory_fd, struct error *err)
{
    int parent = openat(directory_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return error_set_errno(err, errno, "cannot open the parent of %s", directory);
    int result = fsync(parent);
    int errnum = errno;
    close(parent);
    return result == 0 ? 0 : error_set_errno(err, errnum, "cannot sync the parent of %s", directory);
}

/* SQLite would open a file that it may not write for reading only, and make one that others may read. */
static int prepare_file(const char *directory, int directory_fd, struct error *err)
{
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK; /* a FIFO must not hold us */
    int file = openat(directory_fd, STORE_FILE, flags, 0600);
    if (file < 0)
        return error_set_errno(err, errno, "cannot write %s/%s", directory, STORE_FILE);
    int code = 0;
    struct stat about;
    if (fstat(file, &about) < 0)
        code = error_set_errno(err, errno, "cannot read %s/%s", directory, STORE_FILE);
    else if (!S_ISREG(about.st_mode))
        code = error_set(err, ERR_MALFORMED, "%s/%s is not an ordinary file", directory, STORE_FILE);
    else if (about.st_size == 0 && fsync(directory_fd) < 0)
        code = error_set_errno(err, errno, "cannot sync %s", directory);
    close(file);
    return code;
}

int directory_lock(const char *directory, int *lock_fd, struct error *err)
{
    bool made = mkdir(directory, 0700) == 0;
    if (!made && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the directory %s", directory);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot open the directory %s", directory);

    int code = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        code = errno == EWOULDBLOCK
                       ? error_set(err, ERR_CONFLICT, "%s is in use by another zmesosd", directory)
                       : error_set_errno(err, errno, "cannot lock %s", directory);
        goto out;
    }
    if (made)
        code = sync_parent(directory, fd, err);
    if (code == 0)
        code = prepare_file(directory, fd, err);
out:
    if (code < 0)
        close(fd);
    else
        *lock_fd = fd;
    return code;
}
