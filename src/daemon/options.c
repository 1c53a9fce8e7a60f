/* Flags and the configuration file: a flag beats the file, the file beats the default. */
#include "options.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <czmq.h>

#include "base/alloc.h"
#include "credential.h"
#include "option_table.h"

#define CONFIG_FILE_MAX 65536

static int read_flags(int argc, char **argv, struct options *options, bool said[], const char **config,
        enum options_what *what, struct error *err)
{
    struct option flags[OPTION_ENTRIES + 3] = {0};
    for (size_t i = 0; i < OPTION_ENTRIES; i++)
        flags[i] = (struct option){.name = option_entries[i].name,
                .has_arg = option_has_value(&option_entries[i]) ? required_argument : no_argument,
                .val = (int)i + 1};
    flags[OPTION_ENTRIES] = (struct option){.name = "help", .val = 'h' + 1000};
    flags[OPTION_ENTRIES + 1] = (struct option){.name = "version", .val = 'v' + 1000};
    opterr = 0;
    optind = 1;
    int found;
    while ((found = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
        if (found == ':')
            return error_set(err, ERR_INVALID, "%s needs a value", argv[optind - 1]);
        if (found == '?')
            return error_set(err, ERR_INVALID, "unknown flag %s (see --help)", argv[optind - 1]);
        if (found > 1000) {
            *what = found == 'h' + 1000 ? OPTIONS_HELP : OPTIONS_VERSION;
            return 0;
        }
        const struct option_entry *entry = &option_entries[found - 1];
        said[found - 1] = true;
        if (entry->kind == OPTION_CONFIG) {
            *config = optarg;
            continue;
        }
        int rc = option_set(options, entry, optarg, err);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return error_set(err, ERR_INVALID, "what is '%s'? Only flags are taken (see --help)", argv[optind]);
    return 0;
}

/* The whole file as a string that the caller frees. */
static int read_text(const char *path, char **text, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, ERR_INVALID, "--config: cannot read %s", path);
    char *bytes = alloc_zeroed(CONFIG_FILE_MAX + 2, 1);
    size_t length = fread(bytes, 1, CONFIG_FILE_MAX + 1, file);
    int rc = 0;
    if (ferror(file))
        rc = error_set(err, ERR_INVALID, "--config: cannot read %s", path);
    else if (length > CONFIG_FILE_MAX || memchr(bytes, '\0', length))
        rc = error_set(err, ERR_INVALID, "--config: %s is not a ZPL file of at most %d bytes", path,
                CONFIG_FILE_MAX);
    fclose(file);
    if (rc)
        free(bytes);
    else
        *text = bytes;
    return rc;
}

static int read_file(const char *path, struct options *options, bool said[], struct error *err)
{
    char *text = NULL;
    if (read_text(path, &text, err))
        return ERR_INVALID;
    zconfig_t *root = zconfig_str_load(text); /* says on standard output in which line a mistake is */
    free(text);
    if (!root)
        return error_set(err, ERR_INVALID, "--config: %s is not a ZPL file", path);
    int rc = 0;
    bool in_file[OPTION_ENTRIES] = {0};
    for (zconfig_t *item = zconfig_child(root); item && rc == 0; item = zconfig_next(item)) {
        size_t i = 0;
        while (i < OPTION_ENTRIES && strcmp(option_entries[i].name, zconfig_name(item)) != 0)
            i++;
        if (i == OPTION_ENTRIES || option_entries[i].kind == OPTION_CONFIG)
            rc = error_set(err, ERR_INVALID, "--config: %s: unknown name %s", path, zconfig_name(item));
        else if (!said[i])
            rc = option_set(options, &option_entries[i], zconfig_value(item), err);
        if (i < OPTION_ENTRIES)
            in_file[i] = true;
    }
    for (size_t i = 0; i < OPTION_ENTRIES; i++)
        said[i] |= in_file[i];
    zconfig_destroy(&root);
    return rc;
}

static int fill_user_and_host(struct options *options, struct error *err)
{
    if (!options->user) {
        const struct passwd *entry = getpwuid(getuid());
        if (!entry)
            return error_set(
                    err, ERR_INVALID, "--user is required: user id %ld has no name here", (long)getuid());
        options->user = alloc_string(entry->pw_name);
    }
    if (!options->hostname) {
        char name[256] = "";
        options->hostname =
                alloc_string(gethostname(name, sizeof name - 1) == 0 && *name ? name : "localhost");
    }
    return 0;
}

static int read_credential(struct options *options, struct error *err)
{
    char *principal = NULL;
    int rc =
            options->credential ? credential_read(options->credential, &principal, &options->secret, err) : 0;
    if (rc == 0 && principal && options->principal && strcmp(principal, options->principal) != 0)
        rc = error_set(err, ERR_INVALID, "--principal: %s, but the credential is %s's", options->principal,
                principal);
    if (rc == 0 && principal && !options->principal)
        options->principal = alloc_string(principal);
    free(principal);
    return rc;
}

int options_read(int argc, char **argv, struct options *options, enum options_what *what, struct error *err)
{
    *options = (struct options){.checkpoint = true};
    *what = OPTIONS_RUN;
    bool said[OPTION_ENTRIES] = {0};
    const char *config = NULL;
    int rc = read_flags(argc, argv, options, said, &config, what, err);
    if (rc || *what != OPTIONS_RUN)
        return rc;
    if (config)
        rc = read_file(config, options, said, err);
    for (size_t i = 0; i < OPTION_ENTRIES && rc == 0; i++) {
        if (!said[i] && option_entries[i].fallback)
            rc = option_set(options, &option_entries[i], option_entries[i].fallback, err);
    }
    rc = rc ? rc : options_check(options, err);
    rc = rc ? rc : read_credential(options, err);
    return rc ? rc : fill_user_and_host(options, err);
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < OPTION_ENTRIES; i++)
        option_free(options, &option_entries[i]);
    free(options->secret);
    *options = (struct options){0};
}

const char *options_help(void)
{
    static char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text,
            "zmesosd --state DIR [FLAGS]\n"
            "Runs tasks on an Apache Mesos cluster for clients that speak ZeroMQ.\n\n");
    for (size_t i = 0; i < OPTION_ENTRIES; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "  --%-20s %s%s%s%s\n",
                option_entries[i].name, option_entries[i].help, option_entries[i].fallback ? " (" : "",
                option_entries[i].fallback ? option_entries[i].fallback : "",
                option_entries[i].fallback ? ")" : "");
    }
    snprintf(text + used, sizeof text - used, "  --%-20s this text\n  --%-20s the version\n", "help",
            "version");
    return text;
}
