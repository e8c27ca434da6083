/* SPDX-License-Identifier: MIT
 *
 * map.h: a hash map from 64-bit keys to 64-bit values. Keys are hashes already (hash64) or small
 * numbers; the map mixes them. Open addressing; grows by doubling, never shrinks until map_free.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct map;

/* Returned: free with map_free. */
struct map *map_new(void);
/* With room for `count` pairs. Growing by itself it moves them all at each doubling, at once: that
 * holds up whoever calls it, for longer and longer. */
struct map *map_new_for(size_t count);
void map_free(struct map *m);
bool map_get(const struct map *m, uint64_t key, uint64_t *value);
/* Sets or replaces. */
void map_put(struct map *m, uint64_t key, uint64_t value);
/* True when it was there. */
bool map_remove(struct map *m, uint64_t key);
size_t map_count(const struct map *m);
void map_clear(struct map *m);

/* Visits every pair in no order; `on_pair` must not change the map. Stops when it returns false. */
typedef bool (*map_pair_fn)(void *context, uint64_t key, uint64_t value);
void map_each(const struct map *m, map_pair_fn on_pair, void *context);

#endif
