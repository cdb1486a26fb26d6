/* SPDX-License-Identifier: MIT */
/* conv_basis.c - hidden vectors in double; bases by Gram-Schmidt, of the
 * largest remainder next. The first vector is made of the sum of all h: as h >=
 * 0 every bond has a part in it, and c_0 may be divided by. */
#include "cpu/conv_basis.h"

#include <math.h>
#include <string.h>

enum { UNITS = RADIAL_HIDDEN, WINDOW = WINDOW_GROUPS * GROUP };

/* What float makes of h is off by 1e-7 anyway; 1e-8 would need twice the
 * matrices. */
static const double tolerance = 1e-7;

/* Bonds of one window. */
struct window {
    int first, bonds;
    double w1[UNITS][UNITS]; /* second layer, [in][out] */
    double h[WINDOW][UNITS], rest[WINDOW][UNITS], square[WINDOW];
    double c[WINDOW][BASIS_MAX];
};

size_t basis_bytes(int trunks, int bonds)
{
    size_t groups = (size_t)groups_of(bonds);
    struct basis *b;

    return (size_t)trunks * groups *
           (sizeof *b->coef + sizeof *b->run + sizeof *b->first);
}

struct basis basis_of(void *plan, int bonds, int t)
{
    size_t groups = (size_t)groups_of(bonds);
    struct basis b;

    b.coef = (float(*)[UNITS][GROUP])((char *)plan +
                                      (size_t)t * basis_bytes(1, bonds));
    b.run = (struct basis_run *)(b.coef + groups);
    b.first = (int *)(b.run + groups);
    return b;
}

static int used_bonds(const struct graph *g)
{
    return g->used_bonds ? *g->used_bonds : g->bonds;
}

static const float *numbers(const struct tensor *t, int n)
{
    return (const float *)t->data + (size_t)n * (size_t)t->ld;
}

static double dot(const double *a, const double *b)
{
    double s[4] = {0}; /* four chains, not one */

    for (int i = 0; i < UNITS; i += 4)
        for (int q = 0; q < 4; q++)
            s[q] += a[i + q] * b[i + q];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* LayerNorm, if any, and ReLU. */
static void activate(const struct radial_layer *l, double z[UNITS])
{
    const float *gain = l->gain.data, *shift = l->shift.data;
    double mean = 0, square = 0, rdev;

    for (int i = 0; gain && i < UNITS; i++)
        mean += z[i] / UNITS;
    for (int i = 0; gain && i < UNITS; i++)
        square += (z[i] - mean) * (z[i] - mean);
    rdev = 1 / sqrt(square / UNITS + 1e-5);
    for (int i = 0; i < UNITS; i++) {
        if (gain)
            z[i] = (double)gain[i] * ((z[i] - mean) * rdev) + (double)shift[i];
        z[i] = z[i] <= 0 ? 0 : z[i];
    }
}

static void hidden(const struct conv *c, const struct radial *r, int bond,
                   const struct window *w, double h[UNITS])
{
    const struct tensor *scalar = &c->graph->scalar;
    const float *b0 = r->layer[0].b.data, *b1 = r->layer[1].b.data;
    double first[UNITS];

    for (int o = 0; o < UNITS; o++) {
        const float *w0 = numbers(&r->layer[0].w, o);

        first[o] = (double)b0[o];
        for (int i = 0; i < scalar->c; i++)
            first[o] += (double)w0[i] * (double)numbers(scalar, bond)[i];
        first[o] +=
            (double)w0[scalar->c] * (double)numbers(&c->geo->distance, bond)[0];
        h[o] = (double)b1[o];
    }
    activate(&r->layer[0], first);
    for (int i = 0; i < UNITS; i++)
        for (int o = 0; first[i] != 0 && o < UNITS; o++)
            h[o] += w->w1[i][o] * first[i];
    activate(&r->layer[1], h);
}

/* Without the trunk's weights h is what stands in the view. */
static void fill(const struct conv *c, const struct radial *r, struct window *w)
{
    int has_trunk = r->layer[0].w.data != NULL;

    for (int i = 0; has_trunk && i < UNITS * UNITS; i++)
        w->w1[i % UNITS][i / UNITS] =
            (double)numbers(&r->layer[1].w, i / UNITS)[i % UNITS];
    for (int i = 0; i < w->bonds; i++) {
        double *h = w->h[i];

        if (has_trunk)
            hidden(c, r, w->first + i, w, h);
        for (int q = 0; !has_trunk && q < UNITS; q++)
            h[q] = (double)numbers(&r->h, w->first + i)[q];
        w->square[i] = dot(h, h);
    }
}

/* The bond with the largest remainder, relative to its h; -1: all are within
 * the tolerance. */
static int farthest(const struct window *w, int from, int to)
{
    double worst = tolerance * tolerance;
    int at = -1;

    for (int i = from; i < to; i++) {
        double s = dot(w->rest[i], w->rest[i]);

        if (s > worst * w->square[i]) {
            worst = s / w->square[i];
            at = i;
        }
    }
    return at;
}

/* Takes the part along v, of length 1, off all remainders. */
static void project(struct window *w, int from, int to, int k,
                    const double v[UNITS])
{
    for (int i = from; i < to; i++) {
        double s = dot(v, w->rest[i]);

        for (int q = 0; q < UNITS; q++)
            w->rest[i][q] -= s * v[q];
        w->c[i][k] = s;
    }
}

/* Basis of the window's bonds from .. to - 1; 0: too many vectors, or h is no
 * number. */
static int find_basis(struct window *w, int from, int to,
                      float g[BASIS_MAX][UNITS])
{
    double sum[UNITS] = {0}, size;

    memcpy(w->rest[from], w->h[from], (size_t)(to - from) * sizeof w->h[0]);
    for (int i = from; i < to; i++)
        for (int q = 0; q < UNITS; q++)
            sum[q] += w->h[i][q];
    size = dot(sum, sum);
    if (!isfinite(size) || size == 0)
        return 0;
    for (int k = 0;; k++) {
        int at = k ? farthest(w, from, to) : from;

        if (at < 0 || k == BASIS_MAX)
            return at < 0 ? k : 0;
        if (k > 0)
            memcpy(sum, w->rest[at], sizeof sum);
        size = sqrt(dot(sum, sum));
        for (int q = 0; q < UNITS; q++) {
            sum[q] /= size;
            g[k][q] = (float)sum[q];
        }
        project(w, from, to, k, sum);
    }
}

/* Coefficients of the window's bonds from .. to - 1; zero beyond the last. */
static void put_coefs(const struct window *w, int from, int to, int k,
                      struct basis *b)
{
    for (int i = from; i < (to + GROUP - 1) / GROUP * GROUP; i++) {
        int bond = w->first + i, lane = bond % GROUP;
        float(*coef)[GROUP] = b->coef[bond / GROUP];

        for (int j = 0; j < (k ? k : UNITS); j++) {
            double c = 0;

            if (i < to && k == 0)
                c = w->h[i][j];
            else if (i < to && w->c[i][0] != 0)
                c = j ? w->c[i][j] / w->c[i][0] : w->c[i][0];
            coef[j][lane] = (float)c;
        }
    }
}

/* Halves what does not compress, down to single groups, which then are plain.
 */
static void make_runs(struct window *w, int from, int to, struct basis *b)
{
    int first = (w->first + from) / GROUP, groups = groups_of(to - from);
    struct basis_run *run = &b->run[first];
    int k = find_basis(w, from, to, run->g);

    if (k == 0 && groups > 1) {
        int middle = from + groups / 2 * GROUP;

        make_runs(w, from, middle, b);
        make_runs(w, middle, to, b);
        return;
    }
    run->groups = groups;
    run->k = k;
    for (int i = 0; i < groups; i++)
        b->first[first + i] = first;
    put_coefs(w, from, to, k, b);
}

static void make_window(const struct conv *c, int t, int first, int bonds,
                        struct basis *b)
{
    struct window w;

    w.first = first;
    w.bonds = bonds;
    fill(c, &c->radial[t], &w);
    make_runs(&w, 0, bonds, b);
}

/* Makes groups first .. first + groups - 1 a plain run, of the trunk's own h.
 */
static void put_plain(const struct conv *c, int t, int first, int groups,
                      struct basis *b)
{
    int bonds = used_bonds(c->graph);

    b->run[first].groups = groups;
    b->run[first].k = 0;
    for (int i = first; i < first + groups; i++)
        b->first[i] = first;
    for (int n = first * GROUP; n < (first + groups) * GROUP; n++)
        for (int q = 0; q < UNITS; q++)
            b->coef[n / GROUP][q][n % GROUP] =
                n < bonds ? numbers(&c->radial[t].h, n)[q] : 0;
}

/* Numbers the matrices; a run for which there are none left becomes plain. */
static void number_matrices(const struct conv *c, int t, struct basis *b)
{
    int groups = groups_of(used_bonds(c->graph)), count = 0;

    for (int i = 0; i < groups; i += b->run[i].groups) {
        struct basis_run *r = &b->run[i];

        r->matrix = count;
        if (count + r->k <= basis_budget(groups))
            count += r->k;
        else
            put_plain(c, t, i, r->groups, b);
    }
}

void basis_make(const struct conv *c, int t, size_t rows)
{
    struct basis b = basis_of(c->plan, c->graph->bonds, t);
    int bonds = used_bonds(c->graph);

#pragma omp parallel for schedule(dynamic)
    for (int first = 0; first < bonds; first += WINDOW) {
        int n = bonds - first < WINDOW ? bonds - first : WINDOW;

        if (rows < BASIS_ROWS)
            put_plain(c, t, first / GROUP, groups_of(n), &b);
        else
            make_window(c, t, first, n, &b);
    }
    number_matrices(c, t, &b);
}
