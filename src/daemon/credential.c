/* Reading a credential. Nothing of the content goes into an error's text. */
#include "credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"

static int read_json(const char *path, const char *text, char **principal, char **secret, struct error *err)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(root, "principal"));
    const char *word = json_string_value(json_object_get(root, "secret"));
    int rc = 0;
    if (!name || !*name || !word) {
        rc = error_set(
                err, ERR_INVALID, "--credential: %s is not a JSON object with principal and secret", path);
    } else {
        *principal = alloc_string(name);
        *secret = alloc_string(word);
    }
    json_decref(root);
    return rc;
}

static int read_line(const char *path, char *text, char **principal, char **secret, struct error *err)
{
    char *rest = NULL;
    const char *name = strtok_r(text, " \t\r\n", &rest), *word = strtok_r(NULL, " \t\r\n", &rest);
    if (!word || strtok_r(NULL, " \t\r\n", &rest))
        return error_set(err, ERR_INVALID, "--credential: %s is not one line 'PRINCIPAL SECRET'", path);
    *principal = alloc_string(name);
    *secret = alloc_string(word);
    return 0;
}

int credential_read(const char *path, char **principal, char **secret, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set_errno(err, errno, "--credential: cannot read %s", path);
    char *text = alloc_zeroed(CREDENTIAL_FILE_MAX + 2, 1);
    size_t length = fread(text, 1, CREDENTIAL_FILE_MAX + 1, file);
    int rc;
    if (ferror(file))
        rc = error_set(err, ERR_IO, "--credential: cannot read %s", path);
    else if (length > CREDENTIAL_FILE_MAX)
        rc = error_set(err, ERR_TOO_LARGE, "--credential: %s is too large for a credential", path);
    else if (memchr(text, '\0', length))
        rc = error_set(err, ERR_INVALID, "--credential: %s is not a text file", path);
    else if (text[strspn(text, " \t\r\n")] == '{')
        rc = read_json(path, text, principal, secret, err);
    else
        rc = read_line(path, text, principal, secret, err);
    fclose(file);
    explicit_bzero(text, length);
    free(text);
    return rc;
}
