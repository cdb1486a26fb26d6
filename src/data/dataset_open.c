/* SPDX-License-Identifier: MIT */
/* dataset_open.c - shards into the node's copy: digests of all files first,
 * then types and shapes, then the numbers, each rank of a node its own rows,
 * then what they mean. A shard is checked as it stands, with offsets that count
 * from its own first atom, before it becomes part of the whole.
 */
#include "data/dataset.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "comm/window.h"
#include "data/molecule.h"
#include "data/shard.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

enum set {
    ID,
    ATOM_BEGIN,
    BOND_BEGIN,
    TARGET,
    NUMBER,
    POSITION,
    ATOMS,
    ORDER,
    SETS
};

static const struct {
    const char *path;
    enum h5_kind kind;
} sets[SETS] = {
    {"/molecule/id", H5_I64},         {"/molecule/atom_begin", H5_I64},
    {"/molecule/bond_begin", H5_I64}, {"/molecule/target", H5_F64},
    {"/atom/number", H5_U8},          {"/atom/position", H5_F64},
    {"/bond/atoms", H5_I32},          {"/bond/order", H5_U8},
};

/* A shard as part of the whole; the arrays are the data set's, writable. */
struct part {
    const char *path; /* of the file */
    const struct shard_entry *entry;
    const struct manifest *manifest;
    struct dataset *d;
    int64_t molecule, atom, bond; /* where it starts */
};

static struct h5_shape shape_of(const struct part *p, enum set k)
{
    const struct shard_entry *e = p->entry;
    int64_t m = e->molecules;
    struct h5_shape s[SETS] = {
        {H5_I64, 1, {m}},           {H5_I64, 1, {m + 1}},
        {H5_I64, 1, {m + 1}},       {H5_F64, 2, {m, p->manifest->targets}},
        {H5_U8, 1, {e->atoms}},     {H5_F64, 2, {e->atoms, 3}},
        {H5_I32, 2, {e->bonds, 2}}, {H5_U8, 1, {e->bonds}},
    };

    return s[k];
}

/* Where its rows go. */
static char *data_of(const struct part *p, enum set k)
{
    const struct dataset *d = p->d;

    switch (k) {
    case ID:
        return (char *)(d->id + p->molecule);
    case ATOM_BEGIN:
        return (char *)(d->atom_begin + p->molecule);
    case BOND_BEGIN:
        return (char *)(d->bond_begin + p->molecule);
    case TARGET:
        return (char *)(d->label + p->molecule * d->targets);
    case NUMBER:
        return (char *)(d->number + p->atom);
    case POSITION:
        return (char *)(d->x + 3 * p->atom);
    case ATOMS:
        return (char *)(d->bond + 2 * p->bond);
    default:
        return (char *)(d->order + p->bond);
    }
}

/* --- before anything is allocated --------------------------------------- */

static enum err wrong(const struct part *p, enum set k, int64_t index,
                      const char *what)
{
    return err_set(ERR_DATA,
                   "%s: %s[%lld]: %s; the file was changed, import the data "
                   "set again",
                   p->path, sets[k].path, (long long)index, what);
}

/* Data sets are stored as they are, so no file is smaller than its numbers. */
static enum err check_size(const struct part *p)
{
    int64_t bytes = 0;
    struct stat st;

    for (int k = 0; k < SETS; k++) {
        struct h5_shape s = shape_of(p, k);
        int64_t n = (int64_t)h5_kind_size(s.kind) * s.n[0];

        bytes += s.rank == 2 ? n * s.n[1] : n;
    }
    if (stat(p->path, &st) != 0 || st.st_size < bytes)
        return err_set(ERR_DATA,
                       "%s: too small for what manifest.yaml says (expected "
                       "%lld bytes or more); import the data set again",
                       p->path, (long long)bytes);
    return OK;
}

static enum err check_names(const struct part *p, struct h5 *f, int units)
{
    const struct manifest *m = p->manifest;
    char **text = NULL;
    int n = 0, same;
    enum err err;

    err = h5_get_strings(f, sets[TARGET].path, units ? "units" : "names",
                         m->targets + 1, &n, &text);
    if (err)
        return err;
    same = n == m->targets;
    for (int i = 0; i < n && same; i++)
        same =
            strcmp(text[i], units ? m->target[i].unit : m->target[i].name) == 0;
    mem_free(text);
    if (!same)
        return err_set(ERR_DATA,
                       "%s: %s: its %s are not those of manifest.yaml; import "
                       "the data set again",
                       p->path, sets[TARGET].path, units ? "units" : "names");
    return OK;
}

static enum err check_file(const struct part *p)
{
    struct h5 *f = NULL;
    enum err err, closed;

    TRY(h5_open(p->path, ERR_DATA, &f));
    err = OK;
    for (int k = 0; k < SETS && !err; k++) {
        struct h5_shape want = shape_of(p, k), have;

        err = h5_shape_of(f, sets[k].path, &have);
        if (!err && (have.kind != want.kind || have.rank != want.rank ||
                     have.n[0] != want.n[0] ||
                     (want.rank == 2 && have.n[1] != want.n[1])))
            err = err_set(ERR_DATA,
                          "%s: %s: its type or shape is not what manifest.yaml "
                          "says; import the data set again",
                          p->path, sets[k].path);
    }
    if (!err)
        err = check_names(p, f, 0);
    if (!err)
        err = check_names(p, f, 1);
    closed = h5_close(&f);
    return err ? err : closed;
}

static enum err check_digest(const struct part *p)
{
    struct digest found;

    if (digest_file(p->path, -1, &found) != OK)
        return err_set(ERR_DATA,
                       "%s: cannot be read, though manifest.yaml names it; "
                       "import the data set again",
                       p->path);
    if (digest_equal(&found, &p->entry->digest))
        return OK;
    return err_set(ERR_DATA,
                   "%s: damaged (expected SHA-256 %s, found %s); import the "
                   "data set again",
                   p->path, p->entry->digest.hex, found.hex);
}

static enum err check_part(const struct part *p)
{
    TRY(check_digest(p));
    TRY(check_size(p));
    return check_file(p);
}

/* --- what the numbers mean ---------------------------------------------- */

/* This rank's share of n things of the node's copy. */
static void share(const struct comm *c, const struct dataset *d, int64_t n,
                  int64_t *first, int64_t *end)
{
    int64_t rank = comm_node_rank(c), size = comm_node_size(c);

    if (!window_is_shared(d->window)) {
        rank = 0;
        size = 1;
    }
    *first = n * rank / size;
    *end = n * (rank + 1) / size;
}

/* begin[0] is 0, the last is `all`, none goes back. */
static enum err check_offsets(const struct part *p, enum set k, int64_t first,
                              int64_t end)
{
    const int64_t *begin = (const int64_t *)(void *)data_of(p, k);
    int64_t m = p->entry->molecules;
    int64_t all = k == ATOM_BEGIN ? p->entry->atoms : p->entry->bonds;

    if (begin[0] != 0)
        return wrong(p, k, 0, "the first offset is not 0");
    if (begin[m] != all)
        return wrong(p, k, m, "the last offset is not the count of rows");
    for (int64_t i = first; i < end; i++) {
        if (begin[i] < 0 || begin[i + 1] > all)
            return wrong(p, k, i + 1, "the offset is beyond the end");
        if (begin[i + 1] < begin[i])
            return wrong(p, k, i + 1, "the offset goes back");
        if (k == ATOM_BEGIN && begin[i + 1] == begin[i])
            return wrong(p, k, i + 1, "a molecule without atoms");
    }
    return OK;
}

/* p->d->id of the shard before is there already. */
static enum err check_molecules(const struct part *p, int64_t first,
                                int64_t end)
{
    const int64_t *id = p->d->id + p->molecule;
    const double *label = p->d->label + p->molecule * p->d->targets;

    for (int64_t i = first; i < end; i++)
        if (p->molecule + i > 0 && id[i] <= id[i - 1])
            return wrong(p, ID, i, "the numbers do not ascend");
    for (int64_t i = first * p->d->targets; i < end * p->d->targets; i++)
        if (isinf(label[i]))
            return wrong(p, TARGET, i, "an infinite label");
    return OK;
}

static enum err check_atoms(const struct part *p, int64_t first, int64_t end)
{
    const uint8_t *number = p->d->number + p->atom;
    const double *x = p->d->x + 3 * p->atom;

    for (int64_t i = first; i < end; i++) {
        if (number[i] < 1 || number[i] >= ELEMENTS)
            return wrong(p, NUMBER, i, "this is no element");
        for (int k = 0; k < 3; k++)
            if (!isfinite(x[3 * i + k]))
                return wrong(p, POSITION, i, "a coordinate is not finite");
    }
    return OK;
}

static enum err check_bonds_of(const struct part *p, int64_t molecule)
{
    const int64_t *a = p->d->atom_begin + p->molecule + molecule;
    const int64_t *b = p->d->bond_begin + p->molecule + molecule;
    const int32_t *bond = p->d->bond + 2 * p->bond;
    const uint8_t *order = p->d->order + p->bond;

    for (int64_t k = b[0]; k < b[1]; k++) {
        const int32_t *e = bond + 2 * k;

        if (e[0] < 0 || e[0] >= e[1] || e[1] >= a[1] - a[0])
            return wrong(p, ATOMS, k,
                         "it names an atom that is not there, or "
                         "not the lower one first");
        if (k > b[0] && (e[-2] > e[0] || (e[-2] == e[0] && e[-1] >= e[1])))
            return wrong(p, ATOMS, k, "it is out of order, or there twice");
        if (order[k] < 1 || order[k] > 4)
            return wrong(p, ORDER, k, "the order is not 1 to 4");
    }
    return OK;
}

static enum err check_share(struct comm *c, const struct part *p)
{
    int64_t first, end;

    share(c, p->d, p->entry->molecules, &first, &end);
    TRY(check_offsets(p, ATOM_BEGIN, first, end));
    TRY(check_offsets(p, BOND_BEGIN, first, end));
    TRY(check_molecules(p, first, end));
    for (int64_t i = first; i < end; i++)
        TRY(check_bonds_of(p, i));
    share(c, p->d, p->entry->atoms, &first, &end);
    return check_atoms(p, first, end);
}

/* --- reading ------------------------------------------------------------ */

static enum err read_sets(struct comm *c, const struct part *p)
{
    struct h5 *f = NULL;
    enum err err, closed;

    TRY(comm_agree(c, h5_open_node(c, p->path, &f)));
    err = OK;
    for (int k = 0; k < SETS && !err; k++) {
        struct h5_shape s = shape_of(p, k);
        size_t row = h5_kind_size(s.kind) * (size_t)(s.rank == 2 ? s.n[1] : 1);
        int64_t first, end;

        share(c, p->d, s.n[0], &first, &end);
        err =
            comm_agree(c, h5_read_rows(f, sets[k].path, &s, first, end - first,
                                       data_of(p, k) + (size_t)first * row));
    }
    closed = h5_close(&f);
    return comm_agree(c, err ? err : closed);
}

/* Offsets of the whole; the last one is the next shard's first. */
static void shift_offsets(struct comm *c, const struct part *p)
{
    int64_t *atom = (int64_t *)(void *)data_of(p, ATOM_BEGIN);
    int64_t *bond = (int64_t *)(void *)data_of(p, BOND_BEGIN);
    int64_t first, end;

    share(c, p->d, p->entry->molecules + 1, &first, &end);
    for (int64_t i = first; i < end; i++) {
        atom[i] += p->atom;
        bond[i] += p->bond;
    }
}

static enum err read_part(struct comm *c, const struct part *p)
{
    enum err err = read_sets(c, p);

    if (err)
        return err;
    window_fence(c, p->d->window);
    err = comm_agree(c, check_share(c, p));
    if (err)
        return err;
    shift_offsets(c, p);
    window_fence(c, p->d->window);
    return OK;
}

/* For each shard: the part it is. */
static enum err each_part(struct comm *c, const struct manifest *m,
                          const char *dir, struct dataset *d)
{
    struct part p = {.manifest = m, .d = d};
    enum err err = OK;
    char path[PATH];

    p.path = path;
    for (int i = 0; i < m->shards && !err; i++) {
        p.entry = &m->shard[i];
        snprintf(path, sizeof path, "%s/%s", dir, p.entry->file);
        if (d)
            err = read_part(c, &p);
        else if (i % comm_size(c) == comm_rank(c))
            err = check_part(&p);
        p.molecule += p.entry->molecules;
        p.atom += p.entry->atoms;
        p.bond += p.entry->bonds;
    }
    return comm_agree(c, err);
}

enum err dataset_open(struct comm *c, const char *dir, struct dataset **out)
{
    struct manifest m = {0};
    struct dataset *d = NULL;
    enum err err = comm_agree(c, manifest_read(dir, &m));

    if (!err)
        err = each_part(c, &m, dir, NULL);
    if (!err)
        err = dataset_new(c,
                          &(struct dataset){.molecules = m.molecules,
                                            .atoms = m.atoms,
                                            .bonds = m.bonds,
                                            .targets = m.targets,
                                            .target = m.target,
                                            .digest = m.digest,
                                            .path = (char *)dir},
                          &d);
    if (!err)
        err = each_part(c, &m, dir, d);
    manifest_fini(&m);
    if (err) {
        dataset_close(c, &d);
        return err;
    }
    *out = d;
    return OK;
}
