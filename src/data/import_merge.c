/* SPDX-License-Identifier: MIT */
/* import_merge.c - every rank learns the heads of all molecules and sorts them
 * alike; then the bags go round, and each copy of the data set takes from them.
 * So the result does not depend on who parsed what.
 */
#include "data/import_merge.h"

#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/window.h"
#include "data/bonds.h"
#include "data/import.h"
#include "data/import_targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A molecule's place in the bags and in the data set. */
struct place {
    int64_t seq, id, row; /* row -1: it comes again */
    int32_t atoms, bonds, from;
    int32_t rank;
    int64_t at; /* in its rank's bag */
};

struct merge {
    struct comm *c;
    struct import_bag *mine;
    const struct import_plan *plan;
    struct import_summary *summary;
    struct place *place; /* [molecules], rank after rank */
    int64_t molecules;
    int64_t kept, atoms, bonds;
    int64_t *row_place; /* [kept]: which place makes a row */
};

/* --- order -------------------------------------------------------------- */

static enum err set_places(struct merge *m, const struct import_head *head,
                           const size_t sizes[])
{
    void *data;
    int64_t k = 0;

    TRY(mem_alloc((size_t)m->molecules, sizeof *m->place, "the order", &data));
    m->place = data;
    for (int r = 0; r < comm_size(m->c); r++) {
        int64_t n = (int64_t)(sizes[r] / sizeof *head);

        for (int64_t i = 0; i < n; i++, k++)
            m->place[k] =
                (struct place){head[k].seq,   head[k].id,   -1, head[k].atoms,
                               head[k].bonds, head[k].from, r,  i};
    }
    return OK;
}

static enum err gather_heads(struct merge *m)
{
    void *all = NULL, *sizes = NULL;
    size_t bytes = 0;
    enum err err;
    int ranks = comm_size(m->c);

    err = comm_agree(m->c, mem_alloc((size_t)ranks, sizeof(size_t),
                                     "sizes of ranks", &sizes));
    if (!err)
        err = import_share(m->c, m->mine->data[BAG_HEAD],
                           m->mine->n[BAG_HEAD] * sizeof(struct import_head),
                           &all, sizes);
    if (!err) {
        for (int r = 0; r < ranks; r++)
            bytes += ((size_t *)sizes)[r];
        m->molecules = (int64_t)(bytes / sizeof(struct import_head));
        err = comm_agree(m->c, set_places(m, all, sizes));
    }
    mem_free(all);
    mem_free(sizes);
    return err;
}

static int by_id(const void *a, const void *b)
{
    const struct place *p = *(struct place *const *)a;
    const struct place *q = *(struct place *const *)b;

    if (p->id != q->id)
        return p->id < q->id ? -1 : 1;
    return (p->seq > q->seq) - (p->seq < q->seq);
}

static int by_seq(const void *a, const void *b)
{
    const struct place *p = *(struct place *const *)a;
    const struct place *q = *(struct place *const *)b;

    return (p->seq > q->seq) - (p->seq < q->seq);
}

/* Rows in the wanted order; of equal ids the first record stays. */
static void set_rows(struct merge *m, struct place **sorted)
{
    size_t n = (size_t)m->molecules, kept = 0;

    for (size_t i = 0; i < n; i++)
        sorted[i] = &m->place[i];
    qsort(sorted, n, sizeof *sorted, by_id);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || sorted[i]->id != sorted[i - 1]->id)
            sorted[i]->row = 0;
    if (m->plan->options->keep_order)
        qsort(sorted, n, sizeof *sorted, by_seq);
    for (size_t i = 0; i < n; i++)
        if (sorted[i]->row == 0) {
            sorted[i]->row = (int64_t)kept;
            m->row_place[kept++] = sorted[i] - m->place;
            m->atoms += sorted[i]->atoms;
            m->bonds += sorted[i]->bonds;
        }
    m->kept = (int64_t)kept;
}

static enum err sort_places(struct merge *m)
{
    void *sorted, *rows;
    size_t n = (size_t)m->molecules;

    TRY(mem_alloc(n, sizeof *m->row_place, "the order", &rows));
    m->row_place = rows;
    TRY(mem_alloc(n, sizeof(struct place *), "the order", &sorted));
    if (n > 0)
        set_rows(m, sorted);
    mem_free(sorted);
    return OK;
}

/* Every rank refuses those of its own that come again. */
static enum err refuse_repeated(struct merge *m)
{
    const struct import_origin *origin = m->mine->data[BAG_ORIGIN];
    const char *labels = m->mine->data[BAG_LABELS];

    for (int64_t k = 0; k < m->molecules; k++) {
        const struct place *p = &m->place[k];

        if (p->row < 0 && p->rank == comm_rank(m->c))
            TRY(bag_refuse(
                m->mine,
                &(struct import_refusal){
                    .seq = p->seq, .line = origin[p->at].line, .id = p->id},
                labels + origin[p->at].label,
                "its number was there before; the first one is kept"));
    }
    return OK;
}

/* --- counts ------------------------------------------------------------- */

static void count_bonds(struct merge *m)
{
    struct import_summary *s = m->summary;

    for (int64_t i = 0; i < m->kept; i++)
        switch (m->place[m->row_place[i]].from) {
        case BONDS_IN_ORDER:
            s->in_order++;
            break;
        case BONDS_MAPPED:
            s->mapped++;
            break;
        case BONDS_GEOMETRY:
            s->geometry++;
            break;
        default:
            s->stated++;
        }
}

/* Those whose SMILES is another molecule than their geometry. */
static void name_geometry(const struct merge *m)
{
    char text[200] = "";
    size_t n = 0;

    if (!m->plan->qm9 || m->summary->geometry == 0)
        return;
    for (int64_t i = 0; i < m->kept && n < sizeof text - 30; i++) {
        const struct place *p = &m->place[m->row_place[i]];

        if (p->from == BONDS_GEOMETRY)
            n += (size_t)snprintf(text + n, sizeof text - n, " %lld",
                                  (long long)p->id);
    }
    log_note("import: bonds from the geometry alone, since the SMILES is "
             "another molecule: %lld:%s%s",
             (long long)m->summary->geometry, text,
             n < sizeof text - 30 ? "" : " ..");
}

/* --- filling ------------------------------------------------------------ */

/* Where in rank r's columns a molecule's parts start. */
struct cursor {
    size_t atom, bond, value;
};

static void copy_molecule(const struct merge *m, const struct import_bag *b,
                          const struct import_head *h, const struct cursor *at,
                          struct dataset *d, int64_t row)
{
    int64_t a = d->atom_begin[row], k = d->bond_begin[row];
    size_t atoms = (size_t)h->atoms, bonds = (size_t)h->bonds;

    (void)m;
    memcpy((uint8_t *)d->number + a,
           (const uint8_t *)b->data[BAG_NUMBER] + at->atom, atoms);
    memcpy((double *)d->x + 3 * a,
           (const double *)b->data[BAG_X] + 3 * at->atom,
           3 * atoms * sizeof(double));
    if (bonds == 0)
        return;
    memcpy((int32_t *)d->bond + 2 * k,
           (const int32_t *)b->data[BAG_BOND] + 2 * at->bond,
           2 * bonds * sizeof(int32_t));
    memcpy((uint8_t *)d->order + k,
           (const uint8_t *)b->data[BAG_ORDER] + at->bond, bonds);
}

static void copy_labels(const struct import_bag *b, const struct import_head *h,
                        size_t at, const int32_t *column, double *label)
{
    for (int32_t i = 0; i < h->values; i++) {
        size_t k = at + (size_t)i;
        int32_t t = column[((const int32_t *)b->data[BAG_NAME])[k]];

        if (t >= 0)
            label[t] = ((const double *)b->data[BAG_VALUE])[k];
    }
}

/* column: of each of this rank's names, or -1. first: its first place. */
static void take_bag(const struct merge *m, const struct import_bag *b,
                     int64_t first, const int32_t *column, struct dataset *d)
{
    struct cursor at = {0};
    const struct import_head *head = b->data[BAG_HEAD];

    for (size_t i = 0; i < b->n[BAG_HEAD]; i++) {
        const struct import_head *h = &head[i];
        int64_t row = m->place[first + (int64_t)i].row;

        if (row >= 0) {
            copy_molecule(m, b, h, &at, d, row);
            copy_labels(b, h, at.value, column,
                        (double *)d->label + row * d->targets);
        }
        at.atom += (size_t)h->atoms;
        at.bond += (size_t)h->bonds;
        at.value += (size_t)h->values;
    }
}

static void set_offsets(const struct merge *m, struct dataset *d)
{
    int64_t *atom = (int64_t *)d->atom_begin, *bond = (int64_t *)d->bond_begin;

    for (int64_t i = 0; i < m->kept; i++) {
        const struct place *p = &m->place[m->row_place[i]];

        ((int64_t *)d->id)[i] = p->id;
        atom[i + 1] = atom[i] + p->atoms;
        bond[i + 1] = bond[i] + p->bonds;
    }
    for (int64_t i = 0; i < m->kept * d->targets; i++)
        ((double *)d->label)[i] = NAN;
}

static enum err fill(struct merge *m, const struct import_targets *t,
                     struct dataset *d)
{
    int mine = window_is_mine(d->window);
    int64_t first = 0;

    if (mine)
        set_offsets(m, d);
    for (int r = 0; r < comm_size(m->c); r++) {
        struct import_bag b;

        TRY(bag_broadcast(m->c, m->mine, r, &b));
        if (mine)
            take_bag(m, &b, first, t->column + t->begin[r], d);
        first += (int64_t)b.n[BAG_HEAD];
        if (r != comm_rank(m->c))
            bag_fini(&b);
    }
    window_fence(m->c, d->window);
    return OK;
}

static enum err build(struct merge *m, struct dataset **out)
{
    struct import_targets t;
    struct dataset *d = NULL;
    enum err err;

    TRY(import_targets_open(m->c, m->mine, m->plan, &t));
    err = dataset_new(m->c,
                      &(struct dataset){.molecules = m->kept,
                                        .atoms = m->atoms,
                                        .bonds = m->bonds,
                                        .targets = t.targets,
                                        .target = t.target,
                                        .path = (char *)m->plan->path},
                      &d);
    if (!err)
        err = fill(m, &t, d);
    import_targets_fini(&t);
    if (err) {
        dataset_close(m->c, &d);
        return err;
    }
    *out = d;
    return OK;
}

/* The same on all ranks; the first reason is on rank 0. */
static enum err nothing_left(const struct merge *m)
{
    const struct import_summary *s = m->summary;

    return err_set(ERR_DATA,
                   "%s: no molecule is left of %lld records (%lld refused, "
                   "%lld excluded)%s%s; look at the source and --format",
                   m->plan->path, (long long)s->records, (long long)s->refused,
                   (long long)s->excluded,
                   s->rejects ? "; the first was refused because: " : "",
                   s->rejects ? s->reject[0].reason : "");
}

enum err import_merge(struct comm *c, struct import_bag *mine,
                      const struct import_plan *plan, struct dataset **out,
                      struct import_summary *s)
{
    struct merge m = {.c = c, .mine = mine, .plan = plan, .summary = s};
    enum err err;

    TRY_GOTO(gather_heads(&m), done);
    TRY_GOTO(comm_agree(c, sort_places(&m)), done);
    TRY_GOTO(comm_agree(c, refuse_repeated(&m)), done);
    TRY_GOTO(import_gather_refusals(c, mine, s), done);
    if (m.kept == 0) {
        err = nothing_left(&m);
        goto done;
    }
    count_bonds(&m);
    name_geometry(&m);
    err = build(&m, out);
done:
    mem_free(m.place);
    mem_free(m.row_place);
    return comm_agree(c, err);
}
