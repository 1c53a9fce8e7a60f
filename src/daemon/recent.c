/* Rings of publications. What they hold is mostly shared: with the store until it is written, with libzmq
 * until it is sent. */
#include "recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define EVENT_OVERHEAD ((size_t)192) /* of the allocations of one event */

void recent_init(struct recent *recent, size_t bytes_max)
{
    *recent = (struct recent){.bytes_max = bytes_max};
}

static struct recent_event *event_at(const struct recent_class *class, size_t place)
{
    return &class->events[(class->first + place) % class->capacity];
}

static void drop_first(struct recent_class *class)
{
    struct recent_event *event = event_at(class, 0);
    class->bytes -= event->bytes;
    free(event->topic);
    blob_unref(event->header);
    blob_unref(event->body);
    class->first = (class->first + 1) % class->capacity;
    class->count--;
}

static void empty(struct recent_class *class)
{
    while (class->count > 0)
        drop_first(class);
}

void recent_clear(struct recent *recent)
{
    for (size_t i = 0; i < RECENT_CLASSES; i++) {
        empty(&recent->classes[i]);
        free(recent->classes[i].events);
    }
    *recent = (struct recent){0};
}

void recent_begin(struct recent *recent, int class, uint64_t head)
{
    empty(&recent->classes[class]);
    recent->classes[class].head = head;
}

static void grow(struct recent_class *class)
{
    size_t capacity = class->capacity ? class->capacity * 2 : 256;
    struct recent_event *events = alloc_zeroed(capacity, sizeof *events);
    for (size_t i = 0; i < class->count; i++)
        events[i] = *event_at(class, i);
    free(class->events);
    class->events = events;
    class->capacity = capacity;
    class->first = 0;
}

void recent_add(struct recent *recent, int class, uint64_t number, const char *topic, struct blob *header,
        struct blob *body)
{
    struct recent_class *ring = &recent->classes[class];
    size_t bytes = EVENT_OVERHEAD + strlen(topic) + blob_slice(header).length + blob_slice(body).length;
    if (number != ring->head + 1)
        empty(ring);
    while (ring->count > 0 && ring->bytes + bytes > recent->bytes_max)
        drop_first(ring);
    if (ring->count == ring->capacity)
        grow(ring);
    *event_at(ring, ring->count++) = (struct recent_event){
            .topic = alloc_string(topic), .header = blob_ref(header), .body = blob_ref(body), .bytes = bytes};
    ring->bytes += bytes;
    ring->head = number;
}

uint64_t recent_head(const struct recent *recent, int class)
{
    return recent->classes[class].head;
}

uint64_t recent_first(const struct recent *recent, int class)
{
    return recent->classes[class].head + 1 - recent->classes[class].count;
}

const struct recent_event *recent_get(const struct recent *recent, int class, uint64_t number)
{
    return event_at(&recent->classes[class], (size_t)(number - recent_first(recent, class)));
}
