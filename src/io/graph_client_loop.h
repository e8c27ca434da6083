/* SPDX-License-Identifier: MIT
 *
 * graph_client_loop.h: one libcurl multi handle on libuv, with the connections it keeps.
 *
 * Model: transfers (easy handles) are added, libcurl runs when a socket or its clock says so, and
 * after every run `on_turn` is called once, outside libcurl: there the owner takes what is done. A
 * transfer is fresh until libcurl has run after it was added, then it is connecting (or waiting for
 * a stream) until client_loop_wired is called for it, then wired until it is removed.
 * A connection that is kept for the next request stays registered with the kernel, although
 * libcurl asks to have it removed each time: that saves three epoll_ctl a request.
 * Lifetime: on_turn comes from idle, poll and timer callbacks, so that a uv_prepare of the caller
 * sees everything that happened; never from inside a call. client_loop_free is asynchronous.
 * Failure: a transfer's failure is its result; a multi handle that fails as a whole is broken
 * (client_loop_is_broken) and must be replaced.
 */
#ifndef IO_GRAPH_CLIENT_LOOP_H
#define IO_GRAPH_CLIENT_LOOP_H

#include "base/attr.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

struct client_loop;

struct client_loop_options {
    uv_loop_t *uv;
    unsigned max_connections;
    unsigned max_connecting; /* connections in the making at a time */
    unsigned streams;        /* requests that a connection carries at a time */
    void *context;
    void (*on_turn)(void *context, struct client_loop *loop);
    void (*on_closed)(void *context); /* after client_loop_free: its handles are closed */
};

struct client_loop *client_loop_new(const struct client_loop_options *options);
/* No transfer may be in it. */
void client_loop_free(struct client_loop *loop);

/* Adds a transfer; libcurl runs in the same or the next turn of the loop. False: libcurl would not
 * have it. */
bool client_loop_add(struct client_loop *loop, CURL *easy) MUST_CHECK;
/* `wired`: client_loop_wired was called for it. */
void client_loop_remove(struct client_loop *loop, CURL *easy, bool wired);
/* The next transfer that ended, or NULL; it must be removed. To be called until NULL in on_turn. */
CURL *client_loop_next_done(struct client_loop *loop, CURLcode *result);
/* A transfer's request is about to be written. May be called from libcurl's callbacks. */
void client_loop_wired(struct client_loop *loop);
/* Calls on_turn soon, whether libcurl has something to do or not. */
void client_loop_poke(struct client_loop *loop);

/* Would one more transfer find a connection (or stream) soon? */
bool client_loop_has_room(const struct client_loop *loop);
unsigned client_loop_transfers(const struct client_loop *loop);
unsigned client_loop_connections(const struct client_loop *loop);
bool client_loop_is_broken(const struct client_loop *loop);

#endif
