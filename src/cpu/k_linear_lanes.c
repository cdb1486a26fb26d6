/* SPDX-License-Identifier: MIT */
/* k_linear_lanes.c - linear maps and ReLU in vectors of channels; k_linear.c
 * has the formulas.
 *
 * A feature of one degree is a matrix [rows, ld], row r = (2l+1) n + m. Forward
 * and back to x it is multiplied by a panel of w, turned or not, which every
 * thread packs for itself: SUMS sums, so many rows by one or two vectors of
 * outputs, stay in registers while the terms go by. For dw the sums are rows of
 * dw by vectors of inputs, and what goes by are the rows of a chunk, in blocks
 * that stay in L1; chunks depend on the number of rows alone, and their sums
 * are added in order.
 */
#include "cpu/lanes.h"
#include "cpu/real.h"

enum {
    WIDE = 2,         /* vectors of a panel or tile */
    TERMS = 64,       /* of a panel */
    ROWS = 64,        /* of a block */
    CHUNKS = 24,      /* of all blocks: many teams divide it */
    OUTS = 32,        /* of dw at a time */
    INS = 32 / LANES, /* vectors */
    ENOUGH = 1 << 17  /* multiply-adds, or numbers, that are worth a team */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int parts(int n, int size)
{
    return (n + size - 1) / size;
}

/* Row r of a feature's matrix. */
INLINE float *line(const struct tensor *t, int r)
{
    return (float *)t->data + (int64_t)r * t->ld;
}

static int lines(const struct tensor *t)
{
    return used(t) * (2 * t->l + 1);
}

/* y (+)= w x (+ b), each row as often as its node has edges in `in`. */
struct map {
    const struct tensor *x, *w;
    const struct tensor *b; /* or NULL */
    const struct csr *in;   /* or NULL: once */
    int is_back;            /* x and y are dy and dx: w is turned */
    int adds;
};

/* How often rows first.. count. */
static void count_times(const struct tensor *x, const struct csr *in, int first,
                        int rows, float times[ROWS])
{
    for (int r = 0; r < rows; r++) {
        int n = in ? (first + r) / (2 * x->l + 1) : 0;

        times[r] = in ? (float)(in->begin[n + 1] - in->begin[n]) : 1;
    }
}

/* A part of w: y[lane0 + j] += sum_k w[k][j] x[k0 + k], for `outs` j, which are
 * one or two vectors; zero beyond. */
struct panel {
    int k0, terms, lane0, outs, wide;
    lanes start[WIDE];
    lanes w[TERMS][WIDE];
};

/* Outputs of vector v, of those that a row of w or b has. */
INLINE lanes panel_part(const struct panel *p, const struct tensor *w, int k,
                        int v)
{
    return load_part(row(w, k, 0) + p->lane0 + v * LANES, p->outs - v * LANES);
}

static void pack_rows(const struct tensor *w, struct panel *p)
{
    for (int k = 0; k < p->terms; k++)
        for (int v = 0; v < p->wide; v++)
            p->w[k][v] = panel_part(p, w, p->k0 + k, v);
}

/* Terms k.., one vector. */
static void pack_square(const struct tensor *w, struct panel *p, int k, int v)
{
    int first = v * LANES;
    lanes t[LANES] = {{0}};

    for (int j = 0; j < LANES && first + j < p->outs; j++)
        t[j] = load_part(row(w, p->lane0 + first + j, 0) + p->k0 + k,
                         p->terms - k);
    transpose(t);
    for (int j = 0; j < LANES; j++)
        p->w[k + j][v] = t[j];
}

static void pack_columns(const struct tensor *w, struct panel *p)
{
    for (int k = 0; k < p->terms; k += LANES)
        for (int v = 0; v < p->wide; v++)
            pack_square(w, p, k, v);
}

static void pack(const struct map *map, struct panel *p)
{
    for (int v = 0; v < p->wide; v++)
        p->start[v] = map->b ? panel_part(p, map->b, 0, v) : (lanes){0};
    if (map->is_back)
        pack_rows(map->w, p);
    else
        pack_columns(map->w, p);
}

/* A few neighbouring rows. */
struct strip {
    const float *x, *times;
    float *y;
    int x_ld, y_ld;
    int adds;
};

INLINE void strip_add(const struct strip *s, const struct panel *p,
                      const int rows, const int wide)
{
    lanes sum[SUMS];

#pragma GCC unroll 16
    for (int i = 0; i < rows * wide; i++)
        sum[i] = (lanes){0};
    for (int k = 0; k < p->terms; k++)
#pragma GCC unroll 16
        for (int i = 0; i < rows * wide; i++)
            sum[i] +=
                s->x[(int64_t)(i / wide) * s->x_ld + k] * p->w[k][i % wide];
#pragma GCC unroll 16
    for (int i = 0; i < rows * wide; i++) {
        float *y = s->y + (int64_t)(i / wide) * s->y_ld + i % wide * LANES;
        int n = p->outs - i % wide * LANES;
        lanes before = s->adds ? load_some(y, n) : p->start[i % wide];

        store_some(y, before + s->times[i / wide] * sum[i], n);
    }
}

INLINE void block_add(const struct map *map, const struct panel *p, int first,
                      struct tensor *y, const int wide)
{
    const int rows = SUMS / wide;
    int count = least(ROWS, lines(map->x) - first), r = 0;
    float times[ROWS];

    count_times(map->x, map->in, first, count, times);
    while (r < count) {
        const struct strip s = {.x = line(map->x, first + r) + p->k0,
                                .times = times + r,
                                .y = line(y, first + r) + p->lane0,
                                .x_ld = map->x->ld,
                                .y_ld = y->ld,
                                .adds = map->adds || p->k0 > 0};

        if (count - r >= rows) {
            strip_add(&s, p, rows, wide);
            r += rows;
        } else {
            strip_add(&s, p, 1, wide);
            r++;
        }
    }
}

/* By the team that calls it: its threads have equal panels. */
static void panel_add(const struct map *map, const struct panel *p,
                      struct tensor *y)
{
    int rows = lines(map->x);

#pragma omp for schedule(static) nowait
    for (int first = 0; first < rows; first += ROWS)
        if (p->wide == WIDE)
            block_add(map, p, first, y, WIDE);
        else
            block_add(map, p, first, y, 1);
}

/* A thread has the same rows of every panel, so none waits for another. */
static void map_all(const struct map *map, struct tensor *y)
{
    int terms = map->x->c;

#pragma omp parallel if ((int64_t)lines(map->x) * terms * y->c > ENOUGH)
    {
        struct panel p;

        for (p.lane0 = 0; p.lane0 < y->c; p.lane0 += WIDE * LANES)
            for (p.k0 = 0; p.k0 < terms; p.k0 += TERMS) {
                p.outs = least(WIDE * LANES, y->c - p.lane0);
                p.terms = least(TERMS, terms - p.k0);
                p.wide = parts(p.outs, LANES);
                pack(map, &p);
                panel_add(map, &p, y);
            }
    }
}

/* dw[o, i] += sum of rows dy[r, o] x[r, i]. */
struct back {
    const struct tensor *x, *dy;
    const struct csr *in; /* or NULL */
    int o, i;             /* first of the part of dw */
    int outs, ins;        /* of it */
};

/* The part's sums over a chunk; what is beyond outs and ins is undefined. */
struct chunk {
    lanes dw[OUTS][INS];
};

/* Rows first.., outputs o.., vectors i.. of the part. */
struct tile {
    int first, rows, o, i;
    int is_first; /* of the chunk */
    const float *times;
};

INLINE void tile_add(const struct back *b, const struct tile *t,
                     struct chunk *to, const int wide, const int is_counted)
{
    const float *x = line(b->x, t->first) + b->i + t->i * LANES;
    const float *dy = line(b->dy, t->first) + b->o + t->o;
    lanes sum[SUMS];

#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++)
        sum[i] =
            t->is_first ? (lanes){0} : to->dw[t->o + i / wide][t->i + i % wide];
    for (int r = 0; r < t->rows; r++, x += b->x->ld, dy += b->dy->ld) {
        lanes terms[WIDE];

#pragma GCC unroll 2
        for (int v = 0; v < wide; v++) {
            terms[v] = load(x + v * LANES);
            if (is_counted)
                terms[v] *= t->times[r];
        }
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] += dy[i / wide] * terms[i % wide];
    }
#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++)
        to->dw[t->o + i / wide][t->i + i % wide] = sum[i];
}

/* All tiles of the part, for one block of rows. */
static void block_bwd_w(const struct back *b, struct tile t, struct chunk *to)
{
    float times[ROWS];

    t.times = times;
    count_times(b->x, b->in, t.first, t.rows, times);
    for (t.i = 0; t.i * LANES < b->ins; t.i += WIDE) {
        int is_wide = b->ins > (t.i + 1) * LANES;

        for (t.o = 0; t.o < b->outs; t.o += is_wide ? SUMS / WIDE : SUMS)
            if (is_wide && b->in)
                tile_add(b, &t, to, WIDE, 1);
            else if (is_wide)
                tile_add(b, &t, to, WIDE, 0);
            else
                tile_add(b, &t, to, 1, 1);
    }
}

static void chunk_bwd_w(const struct back *b, int first, int last,
                        struct chunk *to)
{
    for (int r = first; r < last; r += ROWS)
        block_bwd_w(b,
                    (struct tile){.first = r,
                                  .rows = least(ROWS, last - r),
                                  .is_first = r == first},
                    to);
}

static void part_bwd_w(const struct back *b, struct tensor *dw)
{
    struct chunk sums[CHUNKS];
    int rows = lines(b->x), blocks = parts(rows, ROWS);
    int chunks = least(CHUNKS, blocks);

#pragma omp parallel if ((int64_t)rows * b->outs * b->ins > ENOUGH)
    {
#pragma omp for schedule(static)
        for (int c = 0; c < chunks; c++)
            chunk_bwd_w(b, c * blocks / chunks * ROWS,
                        least(rows, (c + 1) * blocks / chunks * ROWS),
                        &sums[c]);
#pragma omp for schedule(static)
        for (int o = 0; o < b->outs; o++)
            for (int v = 0; v * LANES < b->ins; v++) {
                float *to = row(dw, b->o + o, 0) + b->i + v * LANES;
                lanes sum = {0};

                for (int c = 0; c < chunks; c++)
                    sum += sums[c].dw[o][v];
                store_part(to, load_part(to, b->ins - v * LANES) + sum,
                           b->ins - v * LANES);
            }
    }
}

static void map_bwd_w(const struct tensor *x, const struct csr *in,
                      const struct tensor *dy, struct tensor *dw)
{
    struct back b = {.x = x, .dy = dy, .in = in};

    for (b.o = 0; b.o < dw->n; b.o += OUTS)
        for (b.i = 0; b.i < dw->c; b.i += INS * LANES) {
            b.outs = least(OUTS, dw->n - b.o);
            b.ins = least(INS * LANES, dw->c - b.i);
            part_bwd_w(&b, dw);
        }
}

static void bias_bwd(const struct tensor *dy, struct tensor *db)
{
    int rows = lines(dy);

    for (int c = 0; c < db->c; c += LANES) {
        float *to = row(db, 0, 0) + c;
        lanes sum = {0};

        for (int r = 0; r < rows; r++)
            sum += load(line(dy, r) + c);
        store_part(to, load_part(to, db->c - c) + sum, db->c - c);
    }
}

static void linear_fwd(const struct tensor *x, const struct tensor *w,
                       const struct tensor *b, struct tensor *y)
{
    map_all(&(struct map){.x = x, .w = w, .b = b}, y);
}

static void linear_add(const struct tensor *x, const struct tensor *w,
                       struct tensor *y)
{
    map_all(&(struct map){.x = x, .w = w, .adds = 1}, y);
}

static void self_add(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, struct tensor *y)
{
    map_all(&(struct map){.x = x, .w = w, .in = in, .adds = 1}, y);
}

static void self_bwd(const struct tensor *x, const struct tensor *w,
                     const struct csr *in, const struct tensor *dy,
                     struct tensor *dx, struct tensor *dw)
{
    if (dx)
        map_all(
            &(struct map){.x = dy, .w = w, .in = in, .is_back = 1, .adds = 1},
            dx);
    map_bwd_w(x, in, dy, dw);
}

static void linear_bwd(const struct tensor *x, const struct tensor *w,
                       const struct tensor *dy, struct tensor *dx,
                       struct tensor *dw, struct tensor *db)
{
    self_bwd(x, w, NULL, dy, dx, dw);
    if (db)
        bias_bwd(dy, db);
}

static void relu_fwd(const struct tensor *x, struct tensor *y)
{
    int rows = lines(x);

#pragma omp parallel for schedule(static) if ((int64_t)rows * x->c > ENOUGH)
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < x->c; c += LANES) {
            lanes v = load(line(x, r) + c);

            store_some(line(y, r) + c, zero_where(v <= 0, v), x->c - c);
        }
}

static void relu_bwd(const struct tensor *y, const struct tensor *dy,
                     struct tensor *dx)
{
    int rows = lines(y);

#pragma omp parallel for schedule(static) if ((int64_t)rows * y->c > ENOUGH)
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < y->c; c += LANES)
            store_some(
                line(dx, r) + c,
                zero_where(load(line(y, r) + c) <= 0, load(line(dy, r) + c)),
                y->c - c);
}

void ENTER(k_linear_lanes)(struct kernels *k)
{
    k->node.linear_fwd = linear_fwd;
    k->node.linear_add = linear_add;
    k->node.linear_bwd = linear_bwd;
    k->node.self_add = self_add;
    k->node.self_bwd = self_bwd;
    k->node.relu_fwd = relu_fwd;
    k->node.relu_bwd = relu_bwd;
}
