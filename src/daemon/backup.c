/* The request backup. The store's thread copies the file between its groups; the reply waits for the end of
 * it, which may be minutes, while everything else goes on. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "encode.h"

#define PATH_BYTES_MAX 4096

static void reply_to(struct daemon *daemon, front_token token, const char *id, Zmesos__V1__Reply *reply)
{
    reply->has_version = reply->has_code = true;
    reply->version = 1;
    reply->id = (char *)(uintptr_t)id;
    daemon_add_reply(daemon, token, encode_message(&reply->base));
}

static Zmesos__V1__Code code_of(int code)
{
    switch (code) {
    case ERR_INVALID:
        return ZMESOS__V1__CODE__INVALID;
    case ERR_CONFLICT:
        return ZMESOS__V1__CODE__CONFLICT;
    default: /* the disk's troubles too, but they do not pass by asking again */
        return ZMESOS__V1__CODE__UNAVAILABLE;
    }
}

static void refuse(
        struct daemon *daemon, front_token token, const char *id, int code, const struct error *err)
{
    Zmesos__V1__Reply reply;
    char text[ERROR_TEXT_MAX], field[ERROR_FIELD_MAX];
    zmesos__v1__reply__init(&reply);
    memcpy(text, err->text, sizeof text);
    memcpy(field, err->field, sizeof field);
    reply.code = code_of(code);
    reply.message = text;
    reply.field = field[0] ? field : NULL;
    reply.has_retry = true;
    reply.retry = code == ERR_UNAVAILABLE;
    reply_to(daemon, token, id, &reply);
}

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
        if (code && !err.field[0] && code_of(code) != ZMESOS__V1__CODE__UNAVAILABLE)
            strcpy(err.field, "backup.path");
    }
    if (code) {
        refuse(daemon, token, request->id, code, &err);
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
        refuse(daemon, backup->token, backup->id, code, &err);
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
        reply_to(daemon, backup->token, backup->id, &reply);
    }
    forget(backup);
}

void daemon_abandon_backup(struct daemon *daemon)
{
    struct error err = {0};
    if (!daemon->backup.running)
        return;
    error_set(&err, ERR_UNAVAILABLE, "zmesosd is stopping, the backup is not made");
    log_warn("daemon", "%s", err.text);
    refuse(daemon, daemon->backup.token, daemon->backup.id, ERR_UNAVAILABLE, &err);
    forget(&daemon->backup);
}
