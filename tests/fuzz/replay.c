/* main() where there is no libFuzzer: runs a fuzzer over the files of the directories it is given. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define FILE_MAX (1 << 20)

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    /* Memory of exactly the file's size, so that sanitizers see reads past it. */
    uint8_t *room = malloc(FILE_MAX), *exact = NULL;
    size_t size = room ? fread(room, 1, FILE_MAX, file) : 0;
    fclose(file);
    exact = malloc(size ? size : 1);
    if (!room || !exact)
        abort();
    memcpy(exact, room, size);
    free(room);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int run_directory(const char *directory, unsigned *files)
{
    DIR *dir = opendir(directory);
    if (!dir) {
        perror(directory);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        printf("%s\n", path);
        fflush(stdout);
        failed |= run_file(path);
        ++*files;
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run_directory(argv[i], &files);
    printf("%u files\n", files);
    return failed || files == 0;
}
