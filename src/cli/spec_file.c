/* Tasks from JSON. All three forms are read as a Launch message: an array and a single task are put into one.
 */
#include "spec_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/json.h"

static int read_all(FILE *file, const char *path, struct buf *out, struct error *err)
{
    char piece[65536];
    size_t got;

    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        if (buf_append(out, piece, got) < 0)
            return error_set(err, ERR_TOO_LARGE, "%s has more than %zu bytes", path, SPEC_FILE_MAX);
    }
    if (ferror(file))
        return error_set_errno(err, errno, "cannot read %s", path);
    return 0;
}

static int parse_launch(struct slice text, bool ignore_unknown, Zmesos__V1__Launch **out, struct error *err)
{
    ProtobufCMessage *message;
    int rc = json_read(&zmesos__v1__launch__descriptor, (const char *)text.data, text.length, ignore_unknown,
            &message, err);

    if (rc < 0)
        return rc;
    *out = (Zmesos__V1__Launch *)message;
    return 0;
}

/* Whether the object has tasks in it, and is not a task itself. */
static bool has_tasks(struct slice text)
{
    Zmesos__V1__Launch *launch;
    struct error err;
    bool found;

    if (parse_launch(text, true, &launch, &err) < 0)
        return strncmp(err.field, "tasks", 5) == 0;
    found = launch->n_tasks > 0;
    zmesos__v1__launch__free_unpacked(launch, NULL);
    return found;
}

static int parse_wrapped(
        const char *before, struct slice text, const char *after, Zmesos__V1__Launch **out, struct error *err)
{
    struct buf wrapped;
    int rc;

    buf_init(&wrapped, 0);
    if ((rc = buf_append_string(&wrapped, before)) == 0 &&
            (rc = buf_append(&wrapped, text.data, text.length)) == 0)
        rc = buf_append_string(&wrapped, after);
    if (rc == 0)
        rc = parse_launch(slice_of(wrapped.data, wrapped.length), false, out, err);
    buf_clear(&wrapped);
    return rc;
}

int spec_file_parse(struct slice text, Zmesos__V1__Launch **out, struct error *err)
{
    Zmesos__V1__Launch *launch;
    size_t at = 0;
    int rc;

    while (at < text.length && strchr(" \t\r\n", text.data[at]))
        at++;
    if (at == text.length)
        return error_set(err, ERR_MALFORMED, "there is no JSON in it");
    if (text.data[at] == '[')
        rc = parse_wrapped("{\"tasks\":", text, "}", &launch, err);
    else if (text.data[at] != '{')
        return error_set(err, ERR_MALFORMED, "expected a task, an array of tasks, or an object with tasks");
    else if (has_tasks(text))
        rc = parse_launch(text, false, &launch, err);
    else
        rc = parse_wrapped("{\"tasks\":[", text, "]}", &launch, err);
    if (rc < 0)
        return rc;
    if (!launch->n_tasks) {
        zmesos__v1__launch__free_unpacked(launch, NULL);
        return error_set(err, ERR_INVALID, "there are no tasks in it");
    }
    *out = launch;
    return 0;
}

int spec_file_read(const char *path, Zmesos__V1__Launch **out, struct error *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *name = from_stdin ? "standard input" : path;
    FILE *file = from_stdin ? stdin : fopen(path, "re");
    struct error inner;
    struct buf text;
    int rc;

    if (!file)
        return error_set_errno(err, errno, "cannot open %s", path);
    buf_init(&text, SPEC_FILE_MAX);
    rc = read_all(file, name, &text, err);
    if (rc == 0) {
        rc = spec_file_parse(slice_of(text.data, text.length), out, &inner);
        if (rc < 0)
            error_set(err, rc, "%s: %s", name, inner.text);
    }
    if (!from_stdin)
        fclose(file);
    buf_clear(&text);
    return rc;
}
