/* SPDX-License-Identifier: MIT */
/* window.c - one block a node, each rank making its part of it; or one a rank.
 *
 * A node of one rank needs no window. Where /dev/shm is too small MPI refuses,
 * or gives pages that kill whoever touches them: its room is looked at first.
 */
#include "config.h"

#include "comm/window.h"

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm_world.h"

#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>

enum { PAGE = 4096 };

/* What each rank of a node adds to its copy, and a rank's own when private. */
struct sizes {
    size_t mine, whole, private;
};

struct window {
    MPI_Win win;   /* MPI_WIN_NULL: not MPI's */
    void *private; /* mem_free; NULL: not ours */
    int shared, mine;
};

static int has_room(size_t bytes)
{
    struct statvfs fs;

    if (statvfs("/dev/shm", &fs) != 0)
        return 1; /* MPI knows another place, or refuses */
    return (double)fs.f_bavail * (double)fs.f_frsize > (double)bytes;
}

/* Whether all ranks of the node say yes. */
static int all_of_node(struct comm *c, int yes)
{
    comm_wait_begin(c);
    comm_must(c,
              MPI_Allreduce(MPI_IN_PLACE, &yes, 1, MPI_INT, MPI_MIN, c->node),
              "MPI_Allreduce");
    return yes;
}

/* Enters what others made in this rank's page table: else every first look at a
 * page would be a fault within a step. */
static void look_at(const void *data, size_t bytes)
{
    const volatile unsigned char *at = data;

    for (size_t i = 0; i < bytes; i += PAGE)
        (void)at[i];
}

/* On a node where some ranks have a window and some were refused one, the
 * windows stay: to free one would wait for the others for ever. */
static int share(struct comm *c, const struct sizes *s, struct window *w,
                 void **data)
{
    MPI_Aint whole;
    int unit, got;
    void *mine;

    if (!all_of_node(c, has_room(s->whole)))
        return 0;
    comm_wait_begin(c);
    got = MPI_Win_allocate_shared((MPI_Aint)s->mine, 1, MPI_INFO_NULL, c->node,
                                  &mine, &w->win) == MPI_SUCCESS;
    comm_wait_end(c);
    if (!all_of_node(c, got))
        return 0;
    got = MPI_Win_shared_query(w->win, 0, &whole, &unit, data) == MPI_SUCCESS &&
          MPI_Win_lock_all(MPI_MODE_NOCHECK, w->win) == MPI_SUCCESS;
    if (!all_of_node(c, got))
        return 0;
    memset(mine, 0, s->mine);
    w->shared = 1;
    w->mine = c->node_rank == 0;
    window_fence(c, w);
    look_at(*data, s->whole);
    return 1;
}

static enum err keep_private(struct comm *c, size_t bytes, struct window *w,
                             void **data)
{
    w->win = MPI_WIN_NULL;
    TRY(mem_alloc(bytes, 1, "this rank's copy of the data", &w->private));
    *data = w->private;
    w->shared = c->node_size == 1;
    w->mine = 1;
    return OK;
}

static enum err make(struct comm *c, const struct sizes *s, struct window **out,
                     void **data)
{
    void *block = NULL, *at = NULL;
    struct window *w = NULL;
    int64_t refused;
    enum err err;

    err = comm_agree(c, mem_alloc(1, sizeof *w, "a window", &block));
    if (err) {
        mem_free(block);
        return err;
    }
    w = block;
    w->win = MPI_WIN_NULL;
    refused = c->node_size > 1 && !share(c, s, w, &at);
    if (!w->shared)
        err = keep_private(c, s->private, w, &at);
    err = comm_agree(c, err);
    if (err) {
        window_close(c, &w);
        return err;
    }
    comm_max(c, &refused, 1);
    if (refused && !c->warned++)
        log_warn("shared memory: %zu bytes are refused, each rank keeps a copy "
                 "of its own; enlarge /dev/shm or start fewer ranks a node",
                 s->whole);
    *out = w;
    *data = at;
    return OK;
}

enum err window_open(struct comm *c, size_t bytes, struct window **out,
                     void **data)
{
    size_t some = bytes ? bytes : 1; /* MPI makes no window of nothing */

    return make(c, &(struct sizes){c->node_rank == 0 ? some : 0, some, bytes},
                out, data);
}

enum err window_open_seats(struct comm *c, size_t bytes, struct window **out,
                           void **data)
{
    size_t ranks = (size_t)c->node_size;
    size_t whole = bytes <= SIZE_MAX / ranks ? ranks * bytes : SIZE_MAX;

    return make(c, &(struct sizes){bytes, whole, bytes}, out, data);
}

void window_fence(struct comm *c, struct window *w)
{
    if (w->win == MPI_WIN_NULL)
        return;
    MPI_Win_sync(w->win);
    comm_wait_begin(c);
    comm_must(c, MPI_Barrier(c->node), "MPI_Barrier");
    MPI_Win_sync(w->win);
}

void window_release(struct comm *c, struct window *w, void *from, size_t bytes)
{
    window_fence(c, w);
    if (w->mine)
        mem_release(from, bytes);
    window_fence(c, w);
}

int window_is_mine(const struct window *w)
{
    return w->mine;
}

int window_is_shared(const struct window *w)
{
    return w->shared;
}

void window_close(struct comm *c, struct window **w)
{
    if (!*w)
        return;
    if ((*w)->win != MPI_WIN_NULL) {
        MPI_Win_unlock_all((*w)->win);
        comm_wait_begin(c);
        comm_must(c, MPI_Win_free(&(*w)->win), "MPI_Win_free");
    }
    mem_free((*w)->private);
    mem_free(*w);
    *w = NULL;
}
