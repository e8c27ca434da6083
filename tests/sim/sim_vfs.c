/* SPDX-License-Identifier: MIT */
#include "sim_vfs.h"

#include "base/attr.h"
#include "base/mem.h"
#include "sim_clock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { REGIONS_MAX = 64, JULIAN_UNIX_EPOCH_DAYS_X2 = 4881175 };

struct handle {
    sqlite3_file base;
    struct sim_file *file;
    void *regions[REGIONS_MAX]; /* the WAL's index */
};

static struct sim_disk *disk;

static struct sim_file *file_of(sqlite3_file *handle)
{
    return ((struct handle *)handle)->file;
}

static int code_of(enum sim_disk_error error, int io_error)
{
    switch (error) {
    case DISK_OK:
        return SQLITE_OK;
    case DISK_FULL:
        return SQLITE_FULL;
    case DISK_DEAD:
    case DISK_IO_ERROR:
        break;
    }
    return io_error;
}

/* ---- A file. */

static int on_close(sqlite3_file *handle)
{
    struct sim_file *f = file_of(handle);

    if (f->is_temporary)
        (void)sim_disk_delete(disk, f); /* cannot fail for these */
    return SQLITE_OK;
}

static int on_read(sqlite3_file *handle, void *out, int len, sqlite3_int64 at)
{
    size_t got;

    if (disk->dead)
        return SQLITE_IOERR_READ;
    got = sim_disk_read(file_of(handle), out, (size_t)len, (size_t)at);
    if (got == (size_t)len)
        return SQLITE_OK;
    memset((char *)out + got, 0, (size_t)len - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *handle, const void *bytes, int len, sqlite3_int64 at)
{
    return code_of(sim_disk_write(disk, file_of(handle), bytes, (size_t)len, (size_t)at),
                   SQLITE_IOERR_WRITE);
}

static int on_truncate(sqlite3_file *handle, sqlite3_int64 size)
{
    return code_of(sim_disk_truncate(disk, file_of(handle), (size_t)size), SQLITE_IOERR_TRUNCATE);
}

static int on_sync(sqlite3_file *handle, int flags)
{
    (void)flags;
    return code_of(sim_disk_sync(disk, file_of(handle)), SQLITE_IOERR_FSYNC);
}

static int on_size(sqlite3_file *handle, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)file_of(handle)->size;
    return disk->dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int on_lock(sqlite3_file *handle, int level)
{
    (void)handle;
    (void)level;
    return SQLITE_OK;
}

static int on_check_lock(sqlite3_file *handle, int *out)
{
    (void)handle;
    *out = 0;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *handle, int what, void *argument)
{
    (void)handle;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *handle)
{
    (void)handle;
    return SIM_SECTOR;
}

static int on_characteristics(sqlite3_file *handle)
{
    (void)handle;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int on_map_region(sqlite3_file *handle, int at, int size, int extend, void volatile **out)
{
    struct handle *h = (struct handle *)handle;

    *out = NULL;
    if (at >= REGIONS_MAX)
        return SQLITE_IOERR_SHMMAP;
    if (!h->regions[at] && extend)
        h->regions[at] = mem_alloc((size_t)size);
    *out = h->regions[at];
    return SQLITE_OK;
}

static int on_lock_region(sqlite3_file *handle, int at, int count, int flags)
{
    (void)handle;
    (void)at;
    (void)count;
    (void)flags;
    return SQLITE_OK;
}

static void on_barrier(sqlite3_file *handle)
{
    (void)handle;
}

static int on_unmap(sqlite3_file *handle, int and_delete)
{
    struct handle *h = (struct handle *)handle;

    (void)and_delete;
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        mem_free(h->regions[i]);
        h->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_lock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_map_region,
    .xShmLock = on_lock_region,
    .xShmBarrier = on_barrier,
    .xShmUnmap = on_unmap,
};

/* ---- The folder. */

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *handle, int flags, int *got)
{
    static unsigned temporaries;
    struct handle *h = (struct handle *)handle;
    char temporary[SIM_NAME_MAX];

    (void)vfs;
    *h = (struct handle){0};
    if (disk->dead)
        return SQLITE_CANTOPEN;
    (void)snprintf(temporary, sizeof(temporary), "temporary %u", temporaries++); /* it fits */
    h->file = sim_disk_file(disk, name ? name : temporary, true);
    h->file->is_temporary = !name;
    h->base.pMethods = &methods;
    if (got)
        *got = flags;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct sim_file *f = sim_disk_file(disk, name, false);

    (void)vfs;
    (void)sync_folder;
    if (disk->dead)
        return SQLITE_IOERR_DELETE;
    return f ? code_of(sim_disk_delete(disk, f), SQLITE_IOERR_DELETE) : SQLITE_IOERR_DELETE_NOENT;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    struct sim_file *f = sim_disk_file(disk, name, false);

    (void)vfs;
    (void)flags;
    *out = f && f->size > 0;
    return SQLITE_OK;
}

static int on_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    (void)snprintf(out, (size_t)size, "%s", name); /* ours are short */
    return SQLITE_OK;
}

static int on_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    __wrap_random_bytes(out, (size_t)size);
    return size;
}

static int on_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int on_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = (sqlite3_int64)JULIAN_UNIX_EPOCH_DAYS_X2 * 43200000 + __wrap_clock_wall_ms();
    return SQLITE_OK;
}

void sim_vfs_use(struct sim_disk *to)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = SIM_NAME_MAX,
        .zName = "sim",
        .xOpen = on_open,
        .xDelete = on_delete,
        .xAccess = on_access,
        .xFullPathname = on_full_name,
        .xRandomness = on_randomness,
        .xSleep = on_sleep,
        .xCurrentTimeInt64 = on_time,
    };

    disk = to;
    (void)sqlite3_vfs_register(&vfs, 1); /* fails only without memory */
    sqlite3_randomness(0, NULL);         /* it begins anew, from the run's own chance */
}
