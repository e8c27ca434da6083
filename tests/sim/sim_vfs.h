/* SPDX-License-Identifier: MIT
 *
 * sim_vfs.h: SQLite's way to a sim_disk: a VFS in which every file is the model's.
 *
 * Model: one connection a file at a time (the ledger has one writer, and nobody reads beside it
 * here), so that locks always succeed and the WAL's shared memory is the handle's own.
 */
#ifndef SIM_SIM_VFS_H
#define SIM_SIM_VFS_H

#include "sim_disk.h"

/* Makes it SQLite's default, and SQLite's own chance the disk's. The disk is borrowed until the
 * next call. */
void sim_vfs_use(struct sim_disk *disk);

#endif
