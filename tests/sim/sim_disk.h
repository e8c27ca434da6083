/* SPDX-License-Identifier: MIT
 *
 * sim_disk.h: a disk as the simulator models it: what a process reads back at once, and what is
 * left of it when the power goes.
 *
 * Model: files of 512-byte sectors, each file twice: `now`, what reads see (the page cache), and
 * what is on the platter. A write changes `now` and makes its sectors dirty; a sync copies the
 * dirty ones. A process that is killed leaves both as they are. A power cut keeps the platter, and
 * of the dirty sectors none, all, some (reordered), the first few, or halves (torn), by the seed. A
 * sync that failed leaves its sectors readable and never written, as Linux does: only writing them
 * again makes them dirty.
 * Failure: a disk that has died (sim_disk_die, or a countdown that ran out in the middle of an
 * operation) refuses everything until sim_disk_restart. Errors that it was told to make break the
 * operation that meets them; a full disk stays full until the restart.
 */
#ifndef SIM_SIM_DISK_H
#define SIM_SIM_DISK_H

#include "base/list.h"
#include "sim_random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_SECTOR = 512, SIM_NAME_MAX = 64 };

enum sim_disk_error { DISK_OK, DISK_DEAD, DISK_IO_ERROR, DISK_FULL };

struct sim_file {
    struct list node;
    char name[SIM_NAME_MAX];
    unsigned char *now;
    unsigned char *platter;
    unsigned char *dirty; /* by sector */
    size_t cap;           /* bytes of each; whole sectors */
    size_t size;
    size_t platter_size;
    size_t dirty_first; /* no dirty sector outside [first, end) */
    size_t dirty_end;
    bool differs; /* a sync failed: some clean sectors are not on the platter as they are read */
    bool is_temporary;
};

struct sim_disk {
    struct list files;
    struct sim_random random; /* decides what a power cut leaves */
    bool dead;
    bool full;
    int64_t dies_in;           /* changes until it dies; -1: never */
    int64_t fails_in;          /* changes until one fails; -1: never */
    enum sim_disk_error fails; /* how */
    uint64_t changes;          /* writes, syncs, truncations, deletions so far */
    uint64_t failed;           /* those that were told to fail, and did */
    uint64_t sectors_lost;
    uint64_t sectors_torn;
};

void sim_disk_init(struct sim_disk *d, uint64_t seed);
void sim_disk_free(struct sim_disk *d);

/* NULL when there is none, unless `make`. */
struct sim_file *sim_disk_file(struct sim_disk *d, const char *name, bool make);
/* Bytes beyond the end are left alone; returns how many there were. */
size_t sim_disk_read(const struct sim_file *f, void *out, size_t len, size_t at);
enum sim_disk_error sim_disk_write(struct sim_disk *d, struct sim_file *f, const void *bytes,
                                   size_t len, size_t at);
enum sim_disk_error sim_disk_truncate(struct sim_disk *d, struct sim_file *f, size_t size);
enum sim_disk_error sim_disk_sync(struct sim_disk *d, struct sim_file *f);
enum sim_disk_error sim_disk_delete(struct sim_disk *d, struct sim_file *f);

/* Is all of the file on the platter? A file that is not there is. */
bool sim_disk_is_synced(struct sim_disk *d, const char *name);
/* `copy` becomes what a power cut would certainly leave of `name`. */
void sim_disk_fork(struct sim_disk *d, const char *name, const char *copy);
void sim_disk_forget(struct sim_disk *d, const char *name);

void sim_disk_die(struct sim_disk *d);
void sim_disk_restart(struct sim_disk *d, bool power_cut);

#endif
