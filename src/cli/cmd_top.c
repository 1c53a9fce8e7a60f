/* zmesos top: a live page of the cluster in the terminal. The loop: sockets, signals and keys; what is shown
 * is src/top's and top_page.c's. */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"
#include "client.h"
#include "events.h"
#include "settings.h"
#include "top_keys.h"
#include "top_screen.h"

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
#define RESEND_MS 1000
#define TURN_MAX 1000   /* events read before others get their turn */
#define PLAIN_WIDTH 100 /* of --once, unless COLUMNS says otherwise */
#define PLAIN_WIDTH_MAX 10000
#define ONCE_HEARTBEATS 2 /* events are counted from one to the next */
#define EVENTS_MASTER "zmesos/MASTER"

static const char help[] =
        "usage: zmesos top [OPTION...]\n"
        "\n"
        "A live page: tasks by state, what is launched, finished and failed a second, agents and their use,\n"
        "the last failures, the master, what waits. Press h for the keys.\n"
        "\n"
        "  --once               print one page and end: for pipes\n"
        "  --interval SECONDS   between two pages (1)\n"
        "  --sort ORDER         of the tasks: changed, created, id or state\n"
        "  --prefix TEXT        tasks whose ids begin so\n"
        "  --label KEY[=VALUE]  tasks that carry the label\n"
        "\n" SETTINGS_HELP;

enum { OPTION_ONCE = OPTION_OWN, OPTION_INTERVAL, OPTION_SORT, OPTION_TOP_PREFIX, OPTION_TOP_LABEL };

struct session {
    struct settings *settings;
    struct model *model;
    struct feed *feed;
    struct top top;
    struct client *client;
    struct events events;
    int signal_fd; /* -1: none */
    bool once, ended;
    uint64_t heartbeats;
    bool waiting; /* a question is out */
    bool show;    /* the page is to be made anew at once */
    int64_t resend_ms, show_ms, give_up_ms;
};

/* ---- what comes in ---- */

static void take_event(struct session *session, const struct event *event, int64_t mono_ms)
{
    if (strcmp(event->topic, EVENTS_HEARTBEAT) == 0 || strcmp(event->topic, EVENTS_MASTER) == 0) {
        ProtobufCMessage *status = event_body(event);
        session->heartbeats++;
        if (status)
            feed_status(session->feed, event->header, (Zmesos__V1__DaemonStatus *)status, mono_ms);
        return;
    }
    Zmesos__V1__Task *task = event_task(event);
    if (task) {
        feed_event(session->feed, event->header, task);
        zmesos__v1__task__free_unpacked(task, NULL);
    }
}

static int handle_events(struct session *session, int64_t mono_ms, struct error *err)
{
    struct event event;
    int rc = 0;

    for (int count = 0; count < TURN_MAX && (rc = events_receive(&session->events, &event, err)) > 0;
            count++) {
        take_event(session, &event, mono_ms);
        event_clear(&event);
    }
    (void)zmesos_events_link(session->events.library); /* reads what the monitor has to say */
    return rc < 0 ? rc : 0;
}

static int handle_reply(struct session *session, int64_t mono_ms, struct error *err)
{
    Zmesos__V1__Reply *reply;
    int rc = client_receive(session->client, &reply, err);

    if (rc <= 0)
        return rc;
    session->waiting = false;
    session->show |= session->top.view == TOP_TASK;
    feed_reply(session->feed, reply, mono_ms);
    return 0;
}

static void handle_signals(struct session *session)
{
    struct signalfd_siginfo info;

    while (read(session->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        session->ended = true;
}

static void handle_keys(struct session *session, bool gone)
{
    int key;

    while (!session->once && (key = screen_key()) != TOP_KEY_NONE) {
        session->show = true;
        if (!top_press(&session->top, session->feed, key))
            session->ended = true;
    }
    if (gone) /* the terminal */
        session->ended = true;
}

/* ---- what goes out ---- */

static int send_due(struct session *session, int64_t mono_ms, struct error *err)
{
    Zmesos__V1__Request request;

    if (session->waiting) {
        if (mono_ms < session->resend_ms)
            return 0;
        session->resend_ms = mono_ms + RESEND_MS;
        return client_resend(session->client, err);
    }
    if (!feed_ask(session->feed, &request, mono_ms))
        return 0;
    session->waiting = true;
    session->resend_ms = mono_ms + RESEND_MS;
    return client_send(session->client, &request, err);
}

static void show_page(struct session *session, int64_t mono_ms)
{
    struct lines lines;
    size_t width, height;

    if (mono_ms >= session->show_ms)
        session->show_ms = mono_ms + session->top.interval_ms;
    session->show = false;
    session->top.mono_ms = mono_ms;
    screen_size(&width, &height);
    lines_init(&lines, width);
    top_page(&session->top, width, height, &lines);
    screen_show(&lines);
    lines_clear(&lines);
}

static void print_page(struct session *session, int64_t mono_ms)
{
    const char *columns = getenv("COLUMNS");
    struct lines lines;
    int64_t width;

    if (!columns || integer_parse(columns, TOP_WIDTH_MIN, PLAIN_WIDTH_MAX, &width) < 0)
        width = PLAIN_WIDTH;
    lines_init(&lines, (size_t)width);
    session->top.mono_ms = mono_ms;
    top_page(&session->top, (size_t)width, TOP_HEIGHT_MIN, &lines);
    for (size_t i = 0; i < lines.count; i++)
        puts(lines.items[i].text);
    lines_clear(&lines);
}

static bool is_told(const struct session *session)
{
    return session->heartbeats >= ONCE_HEARTBEATS && feed_is_whole(session->feed) &&
           feed_knows_agents(session->feed) && !feed_marks_left(session->feed);
}

/* ---- the loop ---- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait(struct session *session, int64_t mono_ms, bool *gone, struct error *err)
{
    zmq_pollitem_t items[] = {
            {.socket = zmesos_events_socket(session->events.library), .events = ZMQ_POLLIN},
            {.socket = zmesos_events_monitor(session->events.library), .events = ZMQ_POLLIN},
            {.socket = client_socket(session->client), .events = ZMQ_POLLIN},
            {.fd = session->signal_fd, .events = ZMQ_POLLIN},
            {.fd = STDIN_FILENO, .events = ZMQ_POLLIN | ZMQ_POLLERR},
    };
    int64_t next = session->once ? session->give_up_ms : session->show_ms;

    next = smaller(next, session->waiting ? session->resend_ms : feed_deadline(session->feed));
    *gone = false;
    if (zmq_poll(items, session->once ? 4 : 5, next > mono_ms ? next - mono_ms : 0) < 0 && errno != EINTR)
        return error_set(err, ERR_IO, "cannot wait: %s", zmq_strerror(errno));
    *gone = !session->once && items[4].revents & ZMQ_POLLERR;
    return 0;
}

static int run_session(struct session *session, struct error *err)
{
    int rc = 0;
    bool gone = false;

    session->show = true;
    while (rc == 0 && !session->ended) {
        int64_t mono_ms = clock_read().mono_ms;

        if (session->once && is_told(session)) {
            print_page(session, mono_ms);
            return 0;
        }
        if (session->once && mono_ms >= session->give_up_ms)
            return error_set(err, ERR_UNAVAILABLE, "%s and %s did not tell all in time",
                    session->settings->control, session->settings->events);
        if (!session->once && (session->show || mono_ms >= session->show_ms))
            show_page(session, mono_ms);
        if ((rc = send_due(session, mono_ms, err)) || (rc = wait(session, mono_ms, &gone, err)))
            break;
        mono_ms = clock_read().mono_ms;
        handle_signals(session);
        handle_keys(session, gone);
        rc = handle_events(session, mono_ms, err);
        rc = rc ? rc : handle_reply(session, mono_ms, err);
    }
    return rc;
}

static int open_signals(struct session *session, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return error_set_errno(err, errno, "cannot block signals");
    session->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    return session->signal_fd < 0 ? error_set_errno(err, errno, "cannot wait for signals") : 0;
}

static int open_session(struct session *session, struct error *err)
{
    static const char *const topics[] = {"task/", EVENTS_MASTER, EVENTS_HEARTBEAT};
    int rc = client_create(session->settings, &session->client, err);

    rc = rc ? rc : events_open(&session->events, session->settings, err);
    for (size_t i = 0; rc == 0 && i < sizeof topics / sizeof *topics; i++)
        rc = events_subscribe(&session->events, topics[i], err);
    rc = rc ? rc : open_signals(session, err);
    if (rc == 0 && !session->once)
        rc = screen_open(err);
    session->give_up_ms = clock_read().mono_ms + session->settings->timeout_ms;
    return rc;
}

static void begin(struct session *session, struct settings *settings)
{
    uint64_t seed[2];

    random_bytes(seed, sizeof seed);
    *session = (struct session){.settings = settings, .signal_fd = -1};
    session->model = model_create(seed);
    session->feed = feed_create(session->model);
    top_init(&session->top, session->model, session->feed);
    session->top.interval_ms = 1000;
}

static void end(struct session *session)
{
    screen_close();
    top_clear(&session->top);
    feed_destroy(session->feed);
    model_destroy(session->model);
    events_close(&session->events);
    client_destroy(session->client);
    if (session->signal_fd >= 0)
        close(session->signal_fd);
}

/* ---- the command ---- */

static int read_filter(struct session *session, const char *before, const char *text)
{
    char words[TOP_PROMPT_MAX];

    if (*session->top.filter)
        return settings_usage(session->settings, "one of --prefix and --label, once");
    if ((size_t)snprintf(words, sizeof words, "%s%s", before, text) >= sizeof words - 8 || !*text ||
            !top_filter(&session->top, session->feed, words))
        return settings_usage(session->settings, "'%s' is no filter", text);
    return CLI_GO_ON;
}

static int read_option(struct session *session, int option, char **argv)
{
    struct settings *settings = session->settings;
    enum list_order order;

    switch (option) {
    case OPTION_ONCE:
        session->once = session->top.plain = true;
        return CLI_GO_ON;
    case OPTION_INTERVAL: /* thousandths of a second are milliseconds */
        if (milli_parse(optarg, &session->top.interval_ms) < 0 ||
                session->top.interval_ms < INTERVAL_MIN_MS || session->top.interval_ms > INTERVAL_MAX_MS)
            return settings_usage(settings, "--interval %s: expected seconds, from %g to %d", optarg,
                    INTERVAL_MIN_MS / 1000.0, INTERVAL_MAX_MS / 1000);
        return CLI_GO_ON;
    case OPTION_SORT:
        order = list_order_of(optarg);
        if (order == LIST_ORDERS)
            return settings_usage(settings, "--sort %s: expected changed, created, id or state", optarg);
        task_list_sort(&session->top.list, order);
        return CLI_GO_ON;
    case OPTION_TOP_PREFIX:
        return read_filter(session, "", optarg);
    case OPTION_TOP_LABEL:
        return read_filter(session, "label:", optarg);
    default:
        return settings_option(settings, option, argv);
    }
}

static int read_options(struct session *session, int argc, char **argv)
{
    static const struct option options[] = {{"once", no_argument, NULL, OPTION_ONCE},
            {"interval", required_argument, NULL, OPTION_INTERVAL},
            {"sort", required_argument, NULL, OPTION_SORT},
            {"prefix", required_argument, NULL, OPTION_TOP_PREFIX},
            {"label", required_argument, NULL, OPTION_TOP_LABEL}, SETTINGS_OPTIONS};
    int option, rc = CLI_GO_ON;

    while (rc == CLI_GO_ON && (option = getopt_long(argc, argv, ":", options, NULL)) != -1)
        rc = read_option(session, option, argv);
    if (rc == CLI_GO_ON && optind < argc)
        rc = settings_usage(session->settings, "'%s' is too much", argv[optind]);
    if (rc == CLI_GO_ON && session->settings->json)
        rc = settings_usage(session->settings, "there is no JSON of it; see zmesos status, tasks and agents");
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct session session;
    struct error err;
    int rc;

    setlocale(LC_CTYPE, ""); /* what is a character, and how wide; the C locale where it is not known */
    begin(&session, settings);
    rc = read_options(&session, argc, argv);
    if (rc == CLI_GO_ON) {
        session.top.endpoint = settings->control;
        rc = open_session(&session, &err);
        rc = rc ? rc : run_session(&session, &err);
        screen_close();
        rc = rc < 0 ? settings_fail(settings, rc, &err) : CLI_OK;
    }
    end(&session);
    return rc;
}

const struct command command_top = {
        .name = "top", .summary = "a live page of the cluster", .help = help, .run = run};
