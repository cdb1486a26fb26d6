/* SPDX-License-Identifier: MIT */
/* import_sdf.c - MDL structure files, V2000, read by columns: their bonds are
 * taken as they stand. Beside NAME.sdf may stand NAME.sdf.csv (gdb9.sdf has
 * one), in an archive as another member; without it, data items that are one
 * number are targets.
 */
#include "data/import_format.h"

#include "base/mem.h"
#include "data/bonds.h"
#include "data/import_table.h"
#include "data/qm9.h"

#include <string.h>

enum {
    HEAD = 4,     /* title, program, comment, counts */
    LARGEST = 86, /* atomic number */
    MOST = 999    /* atoms, bonds: three columns */
};

struct sdf {
    struct import_table *table; /* or NULL */
};

/* gdb_N */
static int number_of_title(struct slice title, int64_t *id)
{
    title = slice_trim(title);
    if (title.n <= 4 || memcmp(title.s, "gdb_", 4) != 0)
        return 0;
    title.s += 4;
    title.n -= 4;
    if (slice_int(title, id) && *id > 0)
        return 1;
    *id = 0;
    return 0;
}

/* --- the source as a whole ---------------------------------------------- */

static enum err read_table_at(const char *path, struct import_table **out)
{
    enum err err;
    struct source *s;
    int more;

    TRY(source_open(path, &s));
    TRY_GOTO(source_next(s, &more), close);
    err = import_table_read(s, out);
close:
    source_close(&s);
    return err;
}

/* The first title, and the table when it is a member. */
static enum err probe(struct import_input *in, struct source *s)
{
    struct sdf *sdf = in->state;
    struct source_line line;
    int more, titled = 0;
    int64_t id;

    TRY(source_next(s, &more));
    while (more) {
        struct slice name = source_member(s);

        if (source_is_many(s) && slice_ends(name, ".sdf.csv") && !sdf->table) {
            TRY(import_table_read(s, &sdf->table));
        } else if (!titled && (!source_is_many(s) || slice_ends(name, ".sdf") ||
                               slice_ends(name, ".mol"))) {
            TRY(source_line(s, &line, &more));
            in->numbered = more && number_of_title(line.text, &id);
            titled = 1;
            if (!source_is_many(s))
                return OK;
        }
        TRY(source_next(s, &more));
    }
    return OK;
}

static enum err open_sdf(struct import_input *in)
{
    enum err err = OK;
    struct source *s = NULL;
    struct sdf *sdf;
    char path[4096];
    void *data;

    TRY(mem_alloc(1, sizeof *sdf, "a reader", &data));
    in->state = sdf = data;
    if (!in->path)
        return OK;
    if (import_table_path(in->path, path, sizeof path))
        TRY(read_table_at(path, &sdf->table));
    TRY(source_open(in->path, &s));
    err = probe(in, s);
    source_close(&s);
    in->qm9 = sdf->table != NULL;
    return err;
}

static void close_sdf(struct import_input *in)
{
    struct sdf *sdf = in->state;

    if (sdf)
        import_table_free(&sdf->table);
    mem_free(sdf);
    in->state = NULL;
}

static enum import_cut cut(int64_t index, struct slice line)
{
    (void)index;
    return line.n >= 4 && memcmp(line.s, "$$$$", 4) == 0 ? CUT_AFTER : CUT_NONE;
}

/* --- a record ----------------------------------------------------------- */

/* A record under way; charges are only used to judge hydrogens. */
struct mol {
    struct import_result *r;
    struct slice text; /* what is left of it */
    int64_t line;      /* number of the next */
    int bonds;         /* as its counts say */
    int two_d;         /* its header says so */
    signed char charge[MOST];
    signed char sum[MOST]; /* of orders, at each atom */
};

static int take_line(struct mol *w, struct slice *line)
{
    w->line++;
    return slice_line(&w->text, line);
}

static int column_int(struct slice line, size_t first, size_t n, int *out)
{
    int64_t x;

    if (!slice_int(slice_columns(line, first, n), &x) || x < -999 || x > 9999)
        return 0;
    *out = (int)x;
    return 1;
}

/* A line that reads as one of another kind: one is too many, or lacks. */
static int is_atom_line(struct slice line)
{
    double x;

    return slice_columns(line, 31, 3).n > 0 &&
           slice_double(slice_columns(line, 0, 10), &x) &&
           slice_double(slice_columns(line, 10, 10), &x);
}

static int is_bond_line(struct slice line)
{
    int x;

    return slice_columns(line, 31, 3).n == 0 && column_int(line, 0, 3, &x) &&
           column_int(line, 3, 3, &x) && column_int(line, 6, 3, &x);
}

static int is_property(struct slice line)
{
    return slice_equal(slice_columns(line, 0, 2), "M");
}

static int refuse_counts(struct mol *w, const char *is, const char *expected)
{
    import_refuse(w->r, w->line - 1,
                  "its counts line says %d atoms and %d bonds, its lines do "
                  "not agree: %s stands where %s is expected",
                  w->r->m.atoms, w->bonds, is, expected);
    return 0;
}

static int parse_atom(struct mol *w, int i, struct slice line)
{
    static const signed char charges[8] = {0, 3, 2, 1, 0, -1, -2, -3};
    struct import_result *r = w->r;
    struct slice symbol = slice_columns(line, 31, 3);
    int z = import_element(r, symbol, LARGEST), code = 0;

    if (is_bond_line(line))
        return refuse_counts(w, "a bond", "an atom");
    if (is_property(line))
        return refuse_counts(w, "the end", "an atom");
    if (z == 0) {
        char room[SLICE_SHOWN];

        import_refuse(r, w->line - 1, "atom %d: no element up to Rn: '%s'",
                      i + 1, slice_show(symbol, room));
        return 0;
    }
    r->m.number[i] = (uint8_t)z;
    for (size_t k = 0; k < 3; k++)
        if (!slice_double(slice_columns(line, 10 * k, 10),
                          &r->m.x[3 * (size_t)i + k])) {
            import_refuse(r, w->line - 1,
                          "atom %d: a coordinate is no number in its columns",
                          i + 1);
            return 0;
        }
    if (column_int(line, 36, 3, &code) && (code < 0 || code > 7))
        code = 0;
    w->charge[i] = charges[code];
    return 1;
}

static int parse_bond(struct mol *w, int k, struct slice line)
{
    struct molecule *m = &w->r->m;
    int a, b, order;

    if (is_atom_line(line))
        return refuse_counts(w, "an atom", "a bond");
    if (is_property(line))
        return refuse_counts(w, "the end", "a bond");
    if (!column_int(line, 0, 3, &a) || !column_int(line, 3, 3, &b) ||
        !column_int(line, 6, 3, &order)) {
        import_refuse(w->r, w->line - 1, "bond %d: no numbers in its columns",
                      k + 1);
        return 0;
    }
    if (a < 1 || a > m->atoms || b < 1 || b > m->atoms || a == b) {
        import_refuse(w->r, w->line - 1, "bond %d joins atoms %d and %d of %d",
                      k + 1, a, b, m->atoms);
        return 0;
    }
    if (order < 1 || order > 4) {
        import_refuse(w->r, w->line - 1,
                      "bond %d: its type is not 1, 2, 3 or 4 but %d", k + 1,
                      order);
        return 0;
    }
    m->bond[2 * k] = (a < b ? a : b) - 1;
    m->bond[2 * k + 1] = (a < b ? b : a) - 1;
    m->order[k] = (uint8_t)order;
    return 1;
}

/* Title to counts. */
static int parse_head(struct mol *w, int *atoms, int *bonds)
{
    struct slice line = {"", 0}, version;

    for (int i = 0; i < HEAD; i++) {
        if (!take_line(w, &line)) {
            import_refuse(w->r, w->line - 1, "it ends within its header");
            return 0;
        }
        if (i == 0)
            number_of_title(line, &w->r->m.id);
        if (i == 1)
            w->two_d = slice_equal(slice_columns(line, 20, 2), "2D");
    }
    version = slice_columns(line, 33, 6);
    if (version.n > 0 && !slice_equal(version, "V2000")) {
        import_refuse(w->r, HEAD - 1, "its version is not V2000");
        return 0;
    }
    if (!column_int(line, 0, 3, atoms) || !column_int(line, 3, 3, bonds) ||
        *atoms < 1 || *atoms > MOST || *bonds < 0 || *bonds > MOST) {
        import_refuse(w->r, HEAD - 1,
                      "no counts of atoms and bonds in their "
                      "columns");
        return 0;
    }
    return 1;
}

/* M  CHG: the first one clears what the atom lines said. */
static int parse_charges(struct mol *w, struct slice line, int *first)
{
    int n = 0, atom, charge;

    if (*first)
        memset(w->charge, 0, sizeof w->charge);
    *first = 0;
    if (!column_int(line, 6, 3, &n))
        return 0;
    for (int k = 0; k < n; k++) {
        size_t at = 9 + 8 * (size_t)k;

        if (!column_int(line, at, 4, &atom) || atom < 1 ||
            atom > w->r->m.atoms || !column_int(line, at + 4, 4, &charge) ||
            charge < -15 || charge > 15)
            return 0;
        w->charge[atom - 1] = (signed char)charge;
    }
    return 1;
}

/* Up to M  END. */
static int parse_properties(struct mol *w)
{
    struct slice line;
    int first = 1;

    while (take_line(w, &line)) {
        if (slice_equal(slice_columns(line, 0, 6), "M  END"))
            return 1;
        if (is_bond_line(line))
            return refuse_counts(w, "a bond", "the end");
        if (slice_equal(slice_columns(line, 0, 6), "M  CHG") &&
            !parse_charges(w, line, &first)) {
            import_refuse(w->r, w->line - 1, "charges that cannot be read");
            return 0;
        }
    }
    import_refuse(w->r, w->line - 1, "it ends before 'M  END'");
    return 0;
}

/* > <NAME>, lines, a blank line: a number when there is one line that is. */
static enum err parse_items(struct mol *w)
{
    struct slice line, value;

    while (take_line(w, &line)) {
        struct slice name = {"", 0};
        const char *open, *end;
        int64_t at = w->line;
        int lines = 0;

        if (line.n == 0 || *line.s != '>')
            continue;
        open = memchr(line.s, '<', line.n);
        end = open ? memchr(open, '>', (size_t)(line.s + line.n - open)) : NULL;
        if (end)
            name =
                slice_trim((struct slice){open + 1, (size_t)(end - open - 1)});
        while (take_line(w, &line) && !slice_blank(line) &&
               cut(0, line) == CUT_NONE) {
            value = slice_trim(line);
            lines++;
        }
        if (lines == 1)
            TRY(import_label(w->r, name, value, at));
    }
    return OK;
}

static enum err parse_targets(const struct import_input *in, struct mol *w,
                              struct slice title)
{
    const struct sdf *sdf = in->state;
    const struct import_row *row;
    struct molecule *m = &w->r->m;

    if (!sdf->table)
        return parse_items(w);
    row = import_table_find(sdf->table, slice_trim(title));
    if (!row)
        return import_refuse(w->r, 0,
                             "the table beside it has no row for it, several, "
                             "or a damaged one");
    TRY(molecule_targets(m, QM9_TARGETS));
    m->targets = QM9_TARGETS;
    qm9_convert(row->raw, m->number, m->atoms, m->target);
    for (int i = 0; i < 4; i++)
        m->target[QM9_ATOMIC + i] =
            row->atomisation[i] * (QM9_HARTREE / QM9_KCAL);
    return OK;
}

/* --- plausibility ------------------------------------------------------- */

/* What the atom could still bind, by usual valence; negative: too much. */
static int lack(const struct mol *w, int i)
{
    int q = w->charge[i], valence;

    switch (w->r->m.number[i]) {
    case 6:
        valence = 4 - (q < 0 ? -q : q);
        break;
    case 7:
        valence = 3 + q;
        break;
    case 8:
        valence = 2 + q;
        break;
    default: /* other elements have several */
        return 0;
    }
    return valence - w->sum[i];
}

static void sum_orders(struct mol *w)
{
    const struct molecule *m = &w->r->m;

    for (int k = 0; k < m->bonds; k++)
        for (int e = 0; e < 2; e++) {
            signed char *s = &w->sum[m->bond[2 * k + e]];

            *s = (signed char)(*s < 100 ? *s + m->order[k] : *s);
        }
}

/* gdb9.sdf writes many C=N as single bonds, which lack no hydrogen: such pairs
 * are raised before what is lacking is counted. */
static int missing_hydrogens(struct mol *w)
{
    const struct molecule *m = &w->r->m;
    int lacking = 0, hydrogens = 0;

    sum_orders(w);
    for (int k = 0; k < m->bonds; k++) {
        int a = m->bond[2 * k], b = m->bond[2 * k + 1];

        if (m->number[a] + m->number[b] == 13 && lack(w, a) > 0 &&
            lack(w, b) > 0) {
            w->sum[a]++;
            w->sum[b]++;
        }
    }
    for (int i = 0; i < m->atoms; i++) {
        hydrogens += m->number[i] == 1;
        lacking += lack(w, i);
    }
    return lacking >= (hydrogens ? 2 : 1);
}

/* All in a plane although an atom has four neighbours. */
static int drawn_flat(const struct mol *w)
{
    const struct molecule *m = &w->r->m;
    int neighbours[MOST] = {0}, four = 0;

    for (int i = 0; i < m->atoms; i++)
        if (m->x[3 * i + 2] < 0 || m->x[3 * i + 2] > 0)
            return 0;
    for (int k = 0; k < 2 * m->bonds; k++)
        four |= ++neighbours[m->bond[k]] >= 4;
    return w->two_d || four;
}

static enum err parse_bonds(struct mol *w, int bonds)
{
    struct molecule *m = &w->r->m;
    struct import_result *r = w->r;
    struct slice line;
    const char *reason = NULL;
    int aromatic = 0;

    TRY(molecule_bonds(m, bonds));
    m->bonds = bonds;
    for (int k = 0; k < bonds; k++) {
        if (!take_line(w, &line))
            return import_refuse(r, w->line - 1, "it ends before bond %d",
                                 k + 1);
        if (!parse_bond(w, k, line))
            return OK;
        aromatic |= m->order[k] == 4;
    }
    molecule_sort_bonds(m);
    if (!aromatic)
        return OK;
    reason = molecule_flaw(m, r->room, sizeof r->room);
    if (!reason)
        TRY(bonds_kekulize(m, r->room, sizeof r->room, &reason));
    r->reason = reason;
    r->line = HEAD;
    return OK;
}

static enum err parse(const struct import_input *in,
                      const struct import_record *rec, struct import_result *r)
{
    struct mol w = {.r = r, .text = rec->text};
    struct slice title = {"", 0}, rest = rec->text, line;
    int atoms, bonds;

    slice_line(&rest, &title);
    if (!parse_head(&w, &atoms, &bonds))
        return OK;
    if (in->numbered && r->m.id == 0)
        return import_refuse(r, 0, "its title is not gdb_ and a number");
    TRY(molecule_atoms(&r->m, atoms));
    r->m.atoms = atoms;
    w.bonds = bonds;
    for (int i = 0; i < atoms; i++) {
        if (!take_line(&w, &line))
            return import_refuse(r, w.line - 1, "it ends before atom %d",
                                 i + 1);
        if (!parse_atom(&w, i, line))
            return OK;
    }
    TRY(parse_bonds(&w, bonds));
    if (r->reason || !parse_properties(&w))
        return OK;
    if (missing_hydrogens(&w))
        return import_refuse(r, 0, "hydrogens are missing; add them, in 3D");
    if (drawn_flat(&w))
        return import_refuse(r, 0, "it is drawn flat (2D); make it 3D");
    return parse_targets(in, &w, title);
}

const struct import_reader import_sdf = {
    .suffix = {".sdf", ".mol", ".sd"},
    .cut = cut,
    .open = open_sdf,
    .close = close_sdf,
    .parse = parse,
};
