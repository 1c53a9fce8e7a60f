/* Launches one task and follows it to its end.
 *
 *     cc hello.c -o hello $(pkg-config --cflags --libs libzmesos)
 *     ./hello [CONTROL EVENTS]
 *
 * Exits with 0 when the task has finished. Events can be lost on the way, as from any PUB socket, so now and
 * then it asks as well. */
#include <stdio.h>
#include <unistd.h>

#include <zmesos.h>

#define ASK_MS 2000

static int failed(const char *what, const struct zmesos_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct zmesos_client *client = NULL;
    struct zmesos_events *events = NULL;
    struct zmesos_event event;
    struct zmesos_task task = {.state = ZMESOS_QUEUED};
    struct zmesos_error error;
    char id[64], topic[80];
    int rc = 1;

    snprintf(id, sizeof id, "hello-%ld", (long)getpid());
    snprintf(topic, sizeof topic, "task/%s/", id);
    if (zmesos_client_create(argc > 1 ? argv[1] : NULL, &client, &error) < 0 ||
            zmesos_events_create(argc > 2 ? argv[2] : NULL, &events, &error) < 0 ||
            zmesos_events_subscribe(events, topic, &error) < 0 ||
            zmesos_launch(client, id, "echo hello; sleep 1", 0.1, 32, &error) < 0) {
        failed("cannot launch", &error);
        goto out;
    }
    printf("%s launched\n", id);
    while (!zmesos_is_over(task.state)) {
        int got = zmesos_events_receive(events, ASK_MS, &event, &error);

        if (got == 1 && zmesos_event_task(&event, &task, &error) == 0) {
            printf("%s %s\n", event.topic, task.message);
        } else if (got < 0 || zmesos_get(client, id, &task, &error) < 0) {
            failed("cannot follow it", &error);
            goto out;
        }
    }
    printf("%s is %s\n", id, zmesos_state_name(task.state));
    rc = task.state != ZMESOS_FINISHED;
out:
    zmesos_events_destroy(events);
    zmesos_client_destroy(client);
    return rc;
}
