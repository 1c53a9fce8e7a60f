/* The log: lines to standard error, `2026-11-22T11:40:00.123Z level area: text`. Any thread may write; a line
 * is one write(2). Control characters in the text are written as \xNN, so that a peer cannot forge lines. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above `level` are not written. The default is LOG_LEVEL_INFO. Call before threads start. */
void log_set_level(enum log_level level);

/* Reads "error", "warn", "info" or "debug"; ERR_INVALID for anything else. */
int log_level_parse(const char *text, enum log_level *level) MUST_CHECK;

/* `area` is the module that speaks. Lines are cut at 2,000 bytes. */
void log_write(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(area, ...) log_write(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...) log_write(LOG_LEVEL_WARN, area, __VA_ARGS__)
#define log_info(area, ...) log_write(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_write(LOG_LEVEL_DEBUG, area, __VA_ARGS__)

#endif
