/* Error texts. See the header. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
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
        snprintf(err->field, sizeof err->field, "%s", field);
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
        err->field[0] = '\0';
    }
    return ERR_IO;
}
