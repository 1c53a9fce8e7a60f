/* The request backup. The store's thread copies the file between its groups; the reply waits for the end of
 * it, which may be minutes, while everything else goes on. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#define PATH_BYTES_MAX 4096

static int check_path(const char *path, struct error *err)
{
    static const char field[] = "backup.path";
    if (!path || !*path)
        return error_set_field(err, ERR_INVALID, field, "the path of a file to make is missing");
    if (path[0] != '/')
        return error_set_field(
                err, ERR_INVALID, field, "the path must be absolute: zmesosd has a directory of its own");
    if (strlen(path) > PATH_BYTES_MAX)
        return error_set_field(err, ERR_INVALID, field, "a path has at most %d bytes, and this one has %zu",
                PATH_BYTES_MAX, strlen(path));
    return 0;
}

void daemon_handle_backup(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request)
{
    struct daemon_backup *backup = &daemon->backup;
    const char *path = request->backup->path;
    struct error err = {0};
    int code = check_path(path, &err);
    if (code == 0 && backup->running)
        code = error_set(&err, ERR_UNAVAILABLE, "another backup is being made");
    if (code == 0) {
        code = store_backup(daemon->store, path, &err);
        if (code && !err.field[0] && daemon_code_of(code) != ZMESOS__V1__CODE__UNAVAILABLE)
            strcpy(err.field, "backup.path");
    }
    if (code) {
        daemon_refuse(daemon, token, request->id, code, &err);
        return;
    }
    log_info("daemon", "making a backup: %s", path);
    *backup = (struct daemon_backup){
            .running = true, .token = token, .id = alloc_string(request->id), .path = alloc_string(path)};
}

static void forget(struct daemon_backup *backup)
{
    free(backup->id);
    free(backup->path);
    *backup = (struct daemon_backup){0};
}

void daemon_finish_backup(struct daemon *daemon)
{
    struct daemon_backup *backup = &daemon->backup;
    int code;
    uint64_t bytes;
    struct error err = {0};
    if (!backup->running || !store_backup_ended(daemon->store, &code, &bytes, &err))
        return;
    if (code) {
        log_warn("daemon", "no backup: %s", err.text);
        daemon_refuse(daemon, backup->token, backup->id, code, &err);
    } else {
        log_info("daemon", "the backup %s is made", backup->path);
        Zmesos__V1__BackupDone done;
        zmesos__v1__backup_done__init(&done);
        done.path = backup->path;
        done.has_bytes = true;
        done.bytes = bytes;
        Zmesos__V1__Reply reply;
        zmesos__v1__reply__init(&reply);
        reply.code = ZMESOS__V1__CODE__OK;
        reply.result_case = ZMESOS__V1__REPLY__RESULT_BACKUP;
        reply.backup = &done;
        daemon_reply(daemon, backup->token, backup->id, &reply);
    }
    forget(backup);
}

void daemon_abandon_backup(struct daemon *daemon)
{
    if (daemon->backup.running)
        store_give_up_backup(daemon->store);
}
