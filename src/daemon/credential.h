/* The credential file, in the two forms Mesos takes. */
#ifndef DAEMON_CREDENTIAL_H
#define DAEMON_CREDENTIAL_H

#include "base/error.h"

#define CREDENTIAL_FILE_MAX 65536

/* Reads "PRINCIPAL SECRET" on one line, or a JSON object with the strings principal and secret. The caller
 * frees both. The texts of errors never hold the secret. */
int credential_read(const char *path, char **principal, char **secret, struct error *err) MUST_CHECK;

#endif
