/* What the command line says. */
#ifndef LOCAL_OPTIONS_H
#define LOCAL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

#define OPTIONS_AGENTS_MAX 10000

/* One --agent: what is its own; NULL for what all agents share. */
struct agent_options {
    char *hostname;
    char *resources;
    char *attributes;
    char *domain;
};

struct options {
    const char *ip; /* texts that are not allocated are borrowed from argv */
    uint16_t port;  /* 0: a free one */
    size_t agents;
    const char *resources;
    const char *attributes;
    const char *domain;
    struct agent_options *agent; /* the first agents */
    size_t agent_count;
    const char *work_dir; /* NULL: one below /tmp, removed at the end */
    const char *credentials;
    bool simulate;
    int64_t allocation_ms;
    int64_t heartbeat_ms;
    enum log_level log;
    bool help, version;
};

/* Reads argv. ERR_INVALID with one line for people. The caller clears *options. */
int options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;
void options_clear(struct options *options);

extern const char options_help[];

#endif
