/* What every command takes, and how all of them talk to people. */
#include "settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "format.h"
#include "wire/json.h"

#define TIMEOUT_DEFAULT_MS 10000
#define TIMEOUT_MAX_MS 86400000

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
            .command = "zmesos",
            .help = "",
            .control = environment("ZMESOS_CONTROL", SETTINGS_CONTROL),
            .events = environment("ZMESOS_EVENTS", SETTINGS_EVENTS),
            .timeout_ms = TIMEOUT_DEFAULT_MS,
    };
}

static void say(const struct settings *settings, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void say(const struct settings *settings, const char *format, va_list args)
{
    char text[2048], clean[4 * sizeof text];

    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "%s: %s\n", settings->command, format_clean(text, clean, sizeof clean));
}

void settings_say(const struct settings *settings, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(settings, format, args);
    va_end(args);
}

int settings_usage(const struct settings *settings, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(settings, format, args);
    va_end(args);
    return CLI_USAGE;
}

static int read_timeout(struct settings *settings, const char *text)
{
    milli_t timeout; /* thousandths of a second are milliseconds */

    if (milli_parse(text, &timeout) < 0 || timeout < 1 || timeout > TIMEOUT_MAX_MS)
        return settings_usage(
                settings, "--timeout %s: expected seconds, at most %d", text, TIMEOUT_MAX_MS / 1000);
    settings->timeout_ms = timeout;
    return CLI_GO_ON;
}

int settings_option(struct settings *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_CONTROL:
        settings->control = optarg;
        return CLI_GO_ON;
    case OPTION_EVENTS:
        settings->events = optarg;
        return CLI_GO_ON;
    case OPTION_TIMEOUT:
        return read_timeout(settings, optarg);
    case OPTION_JSON:
        settings->json = true;
        return CLI_GO_ON;
    case OPTION_HELP:
        fputs(settings->help, stdout);
        return CLI_OK;
    case OPTION_VERSION:
        puts("zmesos " ZMESOS_VERSION);
        return CLI_OK;
    case ':':
        return settings_usage(settings, "%s wants a value", argv[optind - 1]);
    default:
        if (optopt && optopt < OPTION_CONTROL)
            return settings_usage(
                    settings, "there is no option -%c; see %s --help", optopt, settings->command);
        return settings_usage(
                settings, "%s is not understood; see %s --help", argv[optind - 1], settings->command);
    }
}

int settings_fail(const struct settings *settings, int rc, const struct error *err)
{
    if (err->field[0])
        settings_say(settings, "%s: %s", err->field, err->text);
    else
        settings_say(settings, "%s", err->text);
    switch (rc) {
    case ERR_UNAVAILABLE:
        return CLI_NO_ANSWER;
    case ERR_INVALID:
        return CLI_USAGE;
    default:
        return CLI_FAILED;
    }
}

int settings_refused(const struct settings *settings, const Zmesos__V1__Reply *reply)
{
    const char *code;

    if (reply->has_code &&
            (reply->code == ZMESOS__V1__CODE__OK || reply->code == ZMESOS__V1__CODE__SOME_REFUSED))
        return CLI_OK;
    code = format_code(reply->has_code, reply->code);
    if (reply->field && *reply->field)
        settings_say(
                settings, "%s: %s: %s", code, reply->field, reply->message ? reply->message : "no words");
    else
        settings_say(settings, "%s: %s", code, reply->message ? reply->message : "no words");
    return CLI_FAILED;
}

void settings_print_json(const struct settings *settings, const ProtobufCMessage *message)
{
    struct buf line;
    struct error err;

    buf_init(&line, 0);
    if (json_write(message, &line, &err) < 0)
        settings_say(settings, "cannot print a message as JSON: %s", err.text);
    else
        printf("%.*s\n", (int)line.length, (const char *)line.data);
    buf_clear(&line);
}
