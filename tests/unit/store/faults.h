/* A layer between SQLite and the system's files whose syncs and writes can be counted, held up and made to
 * fail. It is the real file system otherwise. Needs no shared memory: the store must work without (EXCLUSIVE
 * locking). */
#ifndef TEST_STORE_FAULTS_H
#define TEST_STORE_FAULTS_H

#include <stdbool.h>

enum fault {
    FAULT_NONE,
    FAULT_LOG_SYNC,  /* the next sync of the write-ahead log fails, later ones do not */
    FAULT_LOG_WRITE, /* the next write to it finds the disk full */
    FAULT_DATABASE_SYNC,
    FAULT_DATABASE_READ, /* the next read of the database file fails */
    FAULT_COPY_SYNC,     /* the next sync of a backup's temporary file */
    FAULT_COPY_WRITE,    /* the next write to it finds the disk full */
};

void faults_install(void); /* becomes SQLite's default; once in a process */
void faults_remove(void);

void faults_arm(enum fault fault);

/* Until faults_release(), syncs of the log and of a backup's temporary file wait. */
void faults_hold(void);
void faults_release(void);
bool faults_wait_until_held(void); /* until a sync waits; false when none did in TEST_WAIT_MS */

/* Until `count` syncs of the log were made since faults_install(); false when they were not in TEST_WAIT_MS.
 */
bool faults_wait_for_syncs(int count);
int faults_syncs(void);

/* The first syncs since faults_install(), some thousands at most, in their order: 'l' for the log, 'd' for
 * the database, 'c' for a backup's temporary file. Only while nothing is written. */
const char *faults_order(void);

#endif
