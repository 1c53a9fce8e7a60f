/* zmesos-local: the command line, the work directory, the guard. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guard.h"
#include "options.h"
#include "run_local.h"

/* Makes the directory, or finds it; an absolute path. */
static int work_directory(const struct options *options, char path[PATH_MAX], struct error *err)
{
    if (options->work_dir == NULL) {
        snprintf(path, PATH_MAX, "/tmp/zmesos-local-XXXXXX");
        if (mkdtemp(path) == NULL)
            return error_set_errno(err, errno, "cannot make a directory in /tmp");
        return 0;
    }
    if (mkdir(options->work_dir, 0755) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the directory '%s'", options->work_dir);
    if (realpath(options->work_dir, path) == NULL)
        return error_set_errno(err, errno, "cannot use the directory '%s'", options->work_dir);
    return 0;
}

static int run(const struct options *options)
{
    char directory[PATH_MAX];
    struct error err;
    if (work_directory(options, directory, &err) != 0) {
        fprintf(stderr, "zmesos-local: %s\n", err.text);
        return 2;
    }
    pid_t worker = guard_split();
    if (worker < 0) {
        fprintf(stderr, "zmesos-local: fork: %s\n", strerror((int)-worker));
        return 1;
    }
    int code = worker == 0 ? run_local(options, directory) : guard_wait(worker);
    if (options->work_dir == NULL)
        guard_remove(directory);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err;
    int code = 0;
    if (options_parse(&options, argc, argv, &err) != 0) {
        fprintf(stderr, "zmesos-local: %s\n", err.text);
        code = 2;
    } else if (options.help) {
        fputs(options_help, stdout);
    } else if (options.version) {
        printf("zmesos-local %s\n", ZMESOS_VERSION);
    } else {
        log_set_level(options.log);
        code = run(&options);
    }
    options_clear(&options);
    return code;
}
