/* What many tests begin with, and how they read what came out. */
#include <stdio.h>
#include <string.h>

#include "rig.h"

struct rig *rig_up(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = *state = rig_create(change);
    in_up(rig);
    in_wait(rig, 60000);
    return rig;
}

const char *place(struct rig *rig, const char *agent, const char *more)
{
    static unsigned offers; /* no id is used twice */
    char *id = words(rig, "p%u", ++offers);
    unsigned show = rig->show;
    rig->show = 0;
    in_offers(rig, words(rig, "%s %s cpus 9 %s", id, agent, more));
    const char *text = "";
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        for (size_t j = 0; output->kind == CORE_OUT_CALL && j < output->call.launch_count; j++)
            text = words(rig, "%s%s%s", text, *text ? " " : "", output->call.launches[j].task_id);
    }
    if (*text)
        in_answer(rig, id, CORE_ACCEPTED, "");
    else
        in_rescind(rig, id);
    rig->show = show;
    return text;
}

const char *place_after(struct rig *rig, int64_t ms, const char *agent)
{
    if (ms > 0) {
        in_wait(rig, ms - 1);
        expect(place(rig, agent, ""), "");
        in_wait(rig, 1);
    }
    return place(rig, agent, "");
}

void expect_state(struct rig *rig, const char *id, const char *state)
{
    const Zmesos__V1__Task *task = look(rig, id);
    expect(task ? state_name((int)task->state) : "none", state);
}

size_t count_lines(const char *text, const char *line)
{
    size_t count = 0, length = strlen(line);
    for (const char *at = text; *at;) {
        const char *end = strchr(at, '\n');
        const char *begin = *at == '+' ? strchr(at, ' ') + 1 : at;
        count += (size_t)(end - begin) == length && memcmp(begin, line, length) == 0;
        at = end + 1;
    }
    return count;
}

bool has_line(const char *text, const char *line)
{
    return count_lines(text, line) > 0;
}

void story_begin(struct rig *rig)
{
    rig->story.length = 0;
}

void expect_story(struct rig *rig, const char *story)
{
    text_add(&rig->story, "%c", 0);
    expect((const char *)rig->story.data, story);
    rig->story.length--;
}
