/* Error texts. See the header. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut ends with a whole character: what was UTF-8 stays so. */
static void end_whole(char *text, size_t size)
{
    size_t end = strlen(text);
    if (end + 1 < size)
        return;
    size_t start = end;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (start - 1 + length > end)
        text[start - 1] = '\0';
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        end_whole(err->text, sizeof err->text);
        err->field[0] = '\0';
    }
    return code;
}

int error_set_field(struct error *err, int code, const char *field, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        end_whole(err->text, sizeof err->text);
        snprintf(err->field, sizeof err->field, "%s", field);
        end_whole(err->field, sizeof err->field);
    }
    return code;
}

int error_set_errno(struct error *err, int errnum, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        size_t used = strlen(err->text);
        char words[128];
        snprintf(err->text + used, sizeof err->text - used, ": %s", strerror_r(errnum, words, sizeof words));
        end_whole(err->text, sizeof err->text);
        err->field[0] = '\0';
    }
    return ERR_IO;
}
