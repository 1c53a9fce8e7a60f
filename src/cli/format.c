/* See format.h. No locale is set in this program: the system's words for signals are the C locale's, as the
 * agent's are. */
#include "format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"

#define NUMBERS 8

static const char *enum_name(const ProtobufCEnumDescriptor *type, bool known, int value)
{
    static char numbers[NUMBERS][16];
    static unsigned next;
    const ProtobufCEnumValue *found = known ? protobuf_c_enum_descriptor_get_value(type, value) : NULL;
    char *text;

    if (found)
        return found->name;
    if (!known)
        return "-";
    text = numbers[next++ % NUMBERS];
    snprintf(text, sizeof numbers[0], "%d", value);
    return text;
}

const char *format_state(bool known, Zmesos__V1__TaskState state)
{
    return enum_name(&zmesos__v1__task_state__descriptor, known, (int)state);
}

const char *format_code(bool known, Zmesos__V1__Code code)
{
    return enum_name(&zmesos__v1__code__descriptor, known, (int)code);
}

const char *format_class(bool known, Zmesos__V1__EventClass class)
{
    return enum_name(&zmesos__v1__event_class__descriptor, known, (int)class);
}

const char *format_subscription(bool known, Zmesos__V1__Subscription subscription)
{
    return enum_name(&zmesos__v1__subscription__descriptor, known, (int)subscription);
}

const char *format_orphan(bool known, Zmesos__V1__Orphan__Action action)
{
    return enum_name(&zmesos__v1__orphan__action__descriptor, known, (int)action);
}

const char *format_mesos_state(bool known, Mesos__V1__TaskState state)
{
    return enum_name(&mesos__v1__task_state__descriptor, known, (int)state);
}

const char *format_unconfirmed(bool known, Zmesos__V1__UnconfirmedUpdate__Outcome outcome)
{
    return enum_name(&zmesos__v1__unconfirmed_update__outcome__descriptor, known, (int)outcome);
}

const char *format_lease_why(bool known, Zmesos__V1__LeaseChange__Why why)
{
    return enum_name(&zmesos__v1__lease_change__why__descriptor, known, (int)why);
}

const char *format_outcome(Zmesos__V1__RetryPolicy__Outcome outcome)
{
    return enum_name(&zmesos__v1__retry_policy__outcome__descriptor, true, (int)outcome);
}

const char *format_operation_state(bool known, Zmesos__V1__Operation__State state)
{
    return enum_name(&zmesos__v1__operation__state__descriptor, known, (int)state);
}

const char *format_operation_type(bool known, Mesos__V1__Offer__Operation__Type type)
{
    return enum_name(&mesos__v1__offer__operation__type__descriptor, known, (int)type);
}

bool format_state_over(Zmesos__V1__TaskState state)
{
    return (int)state >= (int)ZMESOS__V1__TASK_STATE__FINISHED;
}

/* NULL for no value of that name. */
static const ProtobufCEnumValue *read_value(const ProtobufCEnumDescriptor *descriptor, const char *text)
{
    char upper[32];
    size_t i;

    if (strlen(text) >= sizeof upper)
        return NULL;
    for (i = 0; text[i]; i++)
        upper[i] = (char)toupper((unsigned char)text[i]);
    upper[i] = 0;
    return protobuf_c_enum_descriptor_get_value_by_name(descriptor, upper);
}

int format_read_state(const char *text, Zmesos__V1__TaskState *state)
{
    const ProtobufCEnumValue *found = read_value(&zmesos__v1__task_state__descriptor, text);

    if (!found)
        return ERR_INVALID;
    *state = (Zmesos__V1__TaskState)found->value;
    return 0;
}

int format_read_operation_state(const char *text, Zmesos__V1__Operation__State *state)
{
    const ProtobufCEnumValue *found = read_value(&zmesos__v1__operation__state__descriptor, text);

    if (!found)
        return ERR_INVALID;
    *state = (Zmesos__V1__Operation__State)found->value;
    return 0;
}

const char *format_time(int64_t ns, char out[FORMAT_TIME_MAX])
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm tm;
    size_t used;

    if (ns <= 0 || !gmtime_r(&seconds, &tm))
        return strcpy(out, "-");
    used = strftime(out, FORMAT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + used, FORMAT_TIME_MAX - used, ".%03dZ", (int)(ns / 1000000 % 1000));
    return out;
}

static const char *format_seconds(const char *before, int64_t seconds, char out[FORMAT_TIME_MAX])
{
    static const struct {
        int64_t below, unit; /* seconds */
        char letter;
    } steps[] = {{120, 1, 's'}, {7200, 60, 'm'}, {172800, 3600, 'h'}, {INT64_MAX, 86400, 'd'}};
    size_t i = 0;

    while (seconds >= steps[i].below)
        i++;
    snprintf(out, FORMAT_TIME_MAX, "%s%" PRId64 "%c", before, seconds / steps[i].unit, steps[i].letter);
    return out;
}

const char *format_ago(int64_t ns, int64_t now_ns, char out[FORMAT_TIME_MAX])
{
    if (ns <= 0)
        return strcpy(out, "-");
    return format_seconds("", now_ns > ns ? (now_ns - ns) / 1000000000 : 0, out);
}

const char *format_until(int64_t ns, int64_t now_ns, char out[FORMAT_TIME_MAX])
{
    if (ns <= now_ns)
        return strcpy(out, "now");
    return format_seconds("in ", (ns - now_ns - 1) / 1000000000 + 1, out);
}

const char *format_note(const Zmesos__V1__Task *task, int64_t now_ns, char out[FORMAT_NOTE_MAX])
{
    bool tried = task->has_state && task->state == ZMESOS__V1__TASK_STATE__QUEUED && task->retry_ns > 0;
    char until[FORMAT_TIME_MAX];

    snprintf(out, FORMAT_NOTE_MAX, "%s%s%s%s", task->adopted ? ", adopted" : "", task->held ? ", held" : "",
            tried ? ", next try " : "", tried ? format_until(task->retry_ns, now_ns, until) : "");
    if (*out)
        memmove(out, out + 2, strlen(out + 2) + 1);
    return out;
}

/* What is no amount at all is not known. */
static const char *amount(const double *value, char out[MILLI_TEXT_MAX])
{
    milli_t milli;

    return value && milli_from_double(*value, &milli) == 0 ? milli_format(milli, out) : "?";
}

const char *format_use(double used, const double *of, char out[FORMAT_USE_MAX])
{
    char first[MILLI_TEXT_MAX], second[MILLI_TEXT_MAX];

    snprintf(out, FORMAT_USE_MAX, "%s/%s", amount(&used, first), amount(of, second));
    return out;
}

const char *format_host(const Zmesos__V1__Task *task)
{
    const Zmesos__V1__Attempt *attempt = task->n_attempts ? task->attempts[task->n_attempts - 1] : NULL;

    /* queued again, it is nowhere; the attempt before was somewhere */
    if (!attempt || !attempt->hostname || task->state == ZMESOS__V1__TASK_STATE__QUEUED)
        return "";
    return attempt->hostname;
}

const char *format_clean(const char *text, char *out, size_t capacity)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool control = c < 0x20 || c == 0x7f;

        if (used + (control ? 4 : 1) >= capacity)
            break;
        if (control) {
            out[used++] = '\\';
            out[used++] = 'x';
            out[used++] = hex[c >> 4];
            out[used++] = hex[c & 15];
        } else {
            out[used++] = (char)c;
        }
    }
    out[used] = 0;
    return out;
}

size_t format_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Reads digits at the front of the text; -1 for none, or for more than `max`. */
static int leading_number(const char *text, int max)
{
    int value = 0;

    if (!isdigit((unsigned char)*text))
        return -1;
    for (; isdigit((unsigned char)*text); text++) {
        value = 10 * value + (*text - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* Whether the text is the word, alone or with a core dump behind it. */
static bool is_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && (!text[length] || strncmp(text + length, " (", 2) == 0);
}

static int signal_number(const char *name)
{
    int number = leading_number(name, 64);

    if (number > 0)
        return number;
    for (number = 1; number < 65; number++) {
        const char *words = sigdescr_np(number), *short_name = sigabbrev_np(number);

        if ((words && is_word(name, words)) || (short_name && is_word(name, short_name)) ||
                (short_name && strncmp(name, "SIG", 3) == 0 && is_word(name + 3, short_name)))
            return number;
    }
    return -1;
}

bool format_exit_code(const char *message, int *code)
{
    static const char exited[] = "Command exited with status ", ended[] = "Command terminated with signal ";
    const char *at;
    int number;

    if (!message)
        return false;
    if ((at = strstr(message, exited)) != NULL) {
        number = leading_number(at + sizeof exited - 1, 255);
        if (number < 0)
            return false;
        *code = number;
        return true;
    }
    if ((at = strstr(message, ended)) != NULL) {
        number = signal_number(at + sizeof ended - 1);
        if (number < 0)
            return false;
        *code = 128 + number;
        return true;
    }
    return false;
}
