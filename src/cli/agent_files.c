/* See agent_files.h. One request at a time, over a connection that is kept. */
#include "agent_files.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/base64.h"

/* A piece in base64 and some JSON around it. */
#define ANSWER_MAX (AGENT_FILES_PIECE / 3 * 4 + 4096)

struct agent_files {
    CURL *curl;
    struct curl_slist *headers;
    char *url;
    struct buf answer;
};

static size_t take(char *data, size_t size, size_t count, void *context)
{
    struct agent_files *files = context;

    return buf_append(&files->answer, data, size * count) == 0 ? size * count : 0;
}

int agent_files_create(const char *url, int64_t timeout_ms, struct agent_files **out, struct error *err)
{
    struct agent_files *files = alloc_zeroed(1, sizeof *files);
    size_t size = strlen(url) + sizeof "/api/v1";

    buf_init(&files->answer, ANSWER_MAX);
    files->url = alloc_bytes(size);
    stpcpy(stpcpy(files->url, url), "/api/v1");
    files->curl = curl_easy_init();
    files->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (files->headers)
        curl_slist_append(files->headers, "Accept: application/json");
    if (!files->curl || !files->headers) {
        agent_files_destroy(files);
        return error_set(err, ERR_IO, "libcurl does not begin");
    }
    curl_easy_setopt(files->curl, CURLOPT_URL, files->url);
    curl_easy_setopt(files->curl, CURLOPT_HTTPHEADER, files->headers);
    curl_easy_setopt(files->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(files->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(files->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(files->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(files->curl, CURLOPT_WRITEDATA, files);
    *out = files;
    return 0;
}

void agent_files_destroy(struct agent_files *files)
{
    if (!files)
        return;
    curl_easy_cleanup(files->curl);
    curl_slist_free_all(files->headers);
    buf_clear(&files->answer);
    free(files->url);
    free(files);
}

static char *request_text(const char *path, uint64_t offset)
{
    json_t *call = json_pack("{s:s, s:{s:s, s:I, s:I}}", "type", "READ_FILE", "read_file", "path", path,
            "offset", (json_int_t)offset, "length", (json_int_t)AGENT_FILES_PIECE);
    char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;

    json_decref(call);
    return text;
}

/* The agent's words about a refusal, a line at most. */
static int refused(struct agent_files *files, long status, const char *path, struct error *err)
{
    size_t length = 0;
    int code = status == 404                    ? ERR_NOT_FOUND
               : status == 401 || status == 403 ? ERR_CONFLICT
                                                : ERR_UNAVAILABLE;

    while (length < files->answer.length && length < 200 && files->answer.data[length] >= ' ')
        length++;
    return error_set(err, code, "the agent answers %ld for %s: %.*s", status, path, (int)length,
            length ? (const char *)files->answer.data : "");
}

static int decode(const json_t *answer, struct buf *out, uint64_t *size)
{
    const json_t *read = json_object_get(answer, "read_file");
    const json_t *data = json_object_get(read, "data"), *total = json_object_get(read, "size");
    size_t length = data && json_is_string(data) ? json_string_length(data) : 0, decoded = 0;

    if (!json_is_object(read))
        return ERR_MALFORMED;
    if (json_is_integer(total) && json_integer_value(total) >= 0)
        *size = (uint64_t)json_integer_value(total);
    if (length == 0)
        return 0; /* an empty field is left out */
    uint8_t *bytes = alloc_bytes(base64_decoded_max(length));
    int rc = base64_decode(json_string_value(data), length, bytes, &decoded) ? 0 : ERR_MALFORMED;
    if (rc == 0)
        rc = buf_append(out, bytes, decoded);
    free(bytes);
    return rc;
}

int agent_files_read(struct agent_files *files, const char *path, uint64_t offset, struct buf *out,
        uint64_t *size, struct error *err)
{
    char *text = request_text(path, offset);
    long status = 0;
    int rc = 0;

    if (!text)
        return error_set(err, ERR_INVALID, "the path %s is not UTF-8", path);
    buf_consume(&files->answer, files->answer.length);
    curl_easy_setopt(files->curl, CURLOPT_POSTFIELDS, text);
    CURLcode result = curl_easy_perform(files->curl);
    curl_easy_getinfo(files->curl, CURLINFO_RESPONSE_CODE, &status);
    free(text);
    if (result != CURLE_OK)
        return error_set(err, ERR_UNAVAILABLE, "the agent at %s does not answer: %s", files->url,
                curl_easy_strerror(result));
    if (status != 200)
        return refused(files, status, path, err);
    json_t *answer =
            json_loadb((const char *)files->answer.data, files->answer.length, JSON_REJECT_DUPLICATES, NULL);
    rc = answer ? decode(answer, out, size) : ERR_MALFORMED;
    json_decref(answer);
    return rc ? error_set(err, ERR_MALFORMED, "what the agent at %s answers is no part of a file", files->url)
              : 0;
}
