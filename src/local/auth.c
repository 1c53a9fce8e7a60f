/* Basic authentication as Mesos's agents and masters are configured for it: a file of lines with a principal
 * and a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#include "parts.h"

#define CREDENTIALS_FILE_MAX 65536

/* A credential as it stands in a request: base64 of "principal:secret". */
struct credential {
    char *principal;
    char *token;
};

struct credentials {
    struct credential *list;
    size_t count;
};

static char *base64(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    char *out = alloc_zeroed((length + 2) / 3 * 4 + 1, 1);
    char *at = out;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)text[i] << 16;
        if (i + 1 < length)
            three |= (uint32_t)(unsigned char)text[i + 1] << 8;
        if (i + 2 < length)
            three |= (unsigned char)text[i + 2];
        *at++ = letters[three >> 18];
        *at++ = letters[three >> 12 & 63];
        *at++ = i + 1 < length ? letters[three >> 6 & 63] : '=';
        *at++ = i + 2 < length ? letters[three & 63] : '=';
    }
    return out;
}

static void add(struct credentials *credentials, const char *principal, const char *secret)
{
    char pair[1024];
    snprintf(pair, sizeof(pair), "%s:%s", principal, secret);
    credentials->list = alloc_resize(credentials->list, credentials->count + 1, sizeof(struct credential));
    credentials->list[credentials->count].principal = alloc_string(principal);
    credentials->list[credentials->count++].token = base64(pair);
}

int credentials_read(const char *path, struct credentials **made, struct error *err)
{
    char line[1024];
    char principal[512];
    char secret[512];
    char rest[2];
    int code = 0;
    unsigned number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERR_INVALID, "cannot read the credentials in '%s'", path);
    struct credentials *credentials = alloc_zeroed(1, sizeof(*credentials));
    while (code == 0 && fgets(line, sizeof(line), file) != NULL) {
        number++;
        if (line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (sscanf(line, "%511s %511s %1s", principal, secret, rest) != 2)
            code = error_set(err, ERR_INVALID, "'%s' line %u wants a principal and a secret", path, number);
        else
            add(credentials, principal, secret);
        if (number > CREDENTIALS_FILE_MAX)
            code = error_set(err, ERR_TOO_LARGE, "'%s' has more than %d lines", path, CREDENTIALS_FILE_MAX);
    }
    fclose(file);
    if (code != 0) {
        credentials_destroy(credentials);
        return code;
    }
    *made = credentials;
    return 0;
}

void credentials_destroy(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    for (size_t i = 0; i < credentials->count; i++) {
        free(credentials->list[i].principal);
        free(credentials->list[i].token);
    }
    free(credentials->list);
    free(credentials);
}

const char *credentials_check(const struct credentials *credentials, const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Basic ", 6) != 0)
        return NULL;
    const char *token = authorization + 6 + strspn(authorization + 6, " ");
    for (size_t i = 0; i < credentials->count; i++)
        if (strcmp(credentials->list[i].token, token) == 0)
            return credentials->list[i].principal;
    return NULL;
}
