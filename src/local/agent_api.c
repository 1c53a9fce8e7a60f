/* The agents' own HTTP API, as far as it goes here: READ_FILE of sandboxes, in JSON, at /slave(N)/api/v1,
 * where the offers' URLs point. Paths are the virtual ones of Mesos:
 * /frameworks/ID/executors/ID/runs/latest/FILE; a command's executor has its task's id, and the executor of a
 * group has its tasks' in tasks/ID/FILE. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "wire/base64.h"

#include "parts.h"

#define PIECE_MAX ((size_t)64 * 1024) /* of one answer, as Mesos's 16 pages */

static struct agent *find_agent(const struct local *local, const char *path)
{
    static const char begin[] = "/slave(", end[] = ")/api/v1";
    const char *digits = path + sizeof begin - 1, *close = NULL;
    char number[24];
    int64_t n;
    if (strncmp(path, begin, sizeof begin - 1) == 0)
        close = strchr(digits, ')');
    if (!close || strcmp(close, end) != 0 || (size_t)(close - digits) >= sizeof number)
        return NULL;
    snprintf(number, sizeof number, "%.*s", (int)(close - digits), digits);
    if (integer_parse(number, 1, INT32_MAX, &n) || (size_t)n > local->agent_count)
        return NULL;
    return local->agents[n - 1];
}

static bool is_part(const char *part)
{
    return *part && strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

/* Where the file really is; malloc'ed, NULL for a path that is none of a sandbox. */
static char *real_path(const struct local *local, const struct agent *agent, const char *virtual)
{
    char *copy = alloc_string(virtual), *rest = NULL, *result = NULL;
    const char *parts[9] = {0};
    size_t count = 0;
    for (char *part = strtok_r(copy, "/", &rest); part && count < 9; part = strtok_r(NULL, "/", &rest))
        parts[count++] = part;
    bool in_group = count == 9 && strcmp(parts[6], "tasks") == 0;
    const char *task = in_group ? parts[7] : parts[3], *file = in_group ? parts[8] : parts[6];
    bool well = (count == 7 || in_group) && !*rest && strcmp(parts[0], "frameworks") == 0 &&
                strcmp(parts[2], "executors") == 0 && strcmp(parts[4], "runs") == 0 &&
                strcmp(parts[5], "latest") == 0 && is_part(parts[1]) && is_part(task) && is_part(file);
    if (well && asprintf(&result, "%s/%s/%s/%s/%s", local->work_dir, agent->id, parts[1], task, file) < 0)
        abort();
    free(copy);
    return result;
}

static void reply_piece(struct http_request *request, int file, uint64_t size, uint64_t offset, size_t length)
{
    uint8_t *bytes = alloc_bytes(length + 1);
    ssize_t got = pread(file, bytes, length, (off_t)offset);
    if (got < 0) {
        api_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, strerror(errno));
        free(bytes);
        return;
    }
    size_t encoded = base64_encoded_size((size_t)got);
    char *text = alloc_bytes(encoded + 1);
    base64_encode(slice_of(bytes, (size_t)got), text);
    json_t *answer = json_pack("{s:s, s:{s:I, s:s#}}", "type", "READ_FILE", "read_file", "size",
            (json_int_t)size, "data", text, encoded);
    char *body = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (!body)
        abort();
    http_reply(request, MHD_HTTP_OK, "application/json", body, strlen(body), NULL);
    json_decref(answer);
    free(body);
    free(text);
    free(bytes);
}

static void read_file(
        struct local *local, const struct agent *agent, struct http_request *request, const json_t *call)
{
    const json_t *read = json_object_get(call, "read_file");
    const char *virtual = json_string_value(json_object_get(read, "path"));
    const json_t *offset = json_object_get(read, "offset"), *length = json_object_get(read, "length");
    if (!virtual || !json_is_integer(offset) || json_integer_value(offset) < 0) {
        api_error(request, MHD_HTTP_BAD_REQUEST, "Expecting 'path' and 'offset' in 'read_file'");
        return;
    }
    char *path = real_path(local, agent, virtual);
    int file = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        api_error(request, MHD_HTTP_NOT_FOUND, "Failed to read: no such file");
    } else {
        json_int_t wanted = json_is_integer(length) ? json_integer_value(length) : (json_int_t)PIECE_MAX;
        size_t part = wanted < 0 ? 0 : wanted > (json_int_t)PIECE_MAX ? PIECE_MAX : (size_t)wanted;
        reply_piece(request, file, (uint64_t)info.st_size, (uint64_t)json_integer_value(offset), part);
    }
    if (file >= 0)
        close(file);
    free(path);
}

bool agent_api_handle(struct local *local, struct http_request *request)
{
    const struct agent *agent = find_agent(local, request->path);
    if (!agent)
        return false;
    json_t *call =
            json_loadb((const char *)request->body.data, request->body.length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(call, "type"));
    if (strcmp(request->method, "POST") != 0)
        api_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Expecting 'POST'");
    else if (!type)
        api_error(request, MHD_HTTP_BAD_REQUEST, "Failed to parse body into JSON");
    else if (strcmp(type, "READ_FILE") != 0)
        api_error(request, MHD_HTTP_NOT_IMPLEMENTED, "Of the agent's API there is READ_FILE alone");
    else
        read_file(local, agent, request, call);
    json_decref(call);
    return true;
}
