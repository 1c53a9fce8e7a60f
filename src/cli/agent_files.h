/* Files of a sandbox, through the agent's own HTTP API (Mesos's v1 agent API, READ_FILE). */
#ifndef CLI_AGENT_FILES_H
#define CLI_AGENT_FILES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define AGENT_FILES_PIECE ((size_t)256 * 1024) /* asked for at a time */

struct agent_files;

/* `url` is the agent's, as http://10.0.0.7:5051/slave(1); copied. ERR_IO when libcurl cannot begin. */
int agent_files_create(
        const char *url, int64_t timeout_ms, struct agent_files **out, struct error *err) MUST_CHECK;
void agent_files_destroy(struct agent_files *files); /* takes NULL */

/* Appends up to AGENT_FILES_PIECE bytes of the file from `offset` on; nothing at its end. *size is the file's
 * size, where the agent told it. ERR_NOT_FOUND where there is no such file (yet), ERR_UNAVAILABLE when the
 * agent does not answer, ERR_CONFLICT for 401 and 403, ERR_MALFORMED for an answer that is none. */
int agent_files_read(struct agent_files *files, const char *path, uint64_t offset, struct buf *out,
        uint64_t *size, struct error *err) MUST_CHECK;

#endif
