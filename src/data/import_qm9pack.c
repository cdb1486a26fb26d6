/* SPDX-License-Identifier: MIT */
/* import_qm9pack.c - the CSV files of the package qm9pack, a molecule a row;
 * alone, or in its wheel. Lists are written as Python does.
 */
#include "data/import_format.h"

#include "base/mem.h"
#include "data/csv.h"
#include "data/qm9.h"

enum { FIELDS = 64 }; /* of a row at most */

enum column {
    INDEX = QM9_NUMBERS, /* the properties come first, in published order */
    SMILES,
    COUNT,
    FORMULA,
    ELEMENT_LIST,
    POSITIONS,
    CHARGES,
    FREQUENCIES,
    FILE_NAME,
    INCHI,
    COLUMNS
};

static const char *const name[COLUMNS] = {
    "RotA_GHz",
    "RotB_GHz",
    "RotC_GHz",
    "Dipole_debye",
    "Polarizability_bohr3",
    "HOMO_au",
    "LUMO_au",
    "HOMO_LUMO_gap_au",
    "R2_bohr2",
    "ZPVE_au",
    "InternalEnergy_0K_au",
    "InternalEnergy_298K_au",
    "Enthalphy_298K_au",
    "GibbsFreeEnergy_298K_au",
    "Heatcapacity_Cv_cal_mol_K",
    "Index",
    "SMILES",
    "N_atoms",
    "Stoichiometry",
    "Elements",
    "XYZ_Ang",
    "Mulliken_pop",
    "Harmonic_Freq_cmi",
    "XYZ_file",
    "InChi",
};

struct header {
    int fields;
    int place[COLUMNS];
};

static enum err read_header(struct import_input *in, struct slice line)
{
    struct slice field[FIELDS];
    struct header *h;
    const char *missing;
    void *data = in->state;

    if (!data)
        TRY(mem_alloc(1, sizeof(struct header), "a header", &data));
    in->state = h = data;
    h->fields = csv_fields(line, field, FIELDS);
    if (h->fields < 0 || h->fields > FIELDS)
        return err_set(ERR_DATA,
                       "%s: its first line is no header (expected the columns "
                       "of qm9pack); get the file again",
                       source_label(in->source));
    missing = csv_columns(field, h->fields, name, COLUMNS, h->place);
    if (missing)
        return err_set(ERR_DATA,
                       "%s: the column '%s' is missing, or there twice "
                       "(expected the columns of qm9pack); get the file again",
                       source_label(in->source), missing);
    return OK;
}

static void close_pack(struct import_input *in)
{
    mem_free(in->state);
    in->state = NULL;
}

/* --- lists -------------------------------------------------------------- */

/* Takes a sign off s, blanks before it too; 0: something else stands there. */
static int sign(struct slice *s, char c)
{
    *s = slice_trim(*s);
    if (s->n == 0 || *s->s != c)
        return 0;
    s->s++;
    s->n--;
    return 1;
}

/* Takes what stands before the next comma or bracket. */
static struct slice item(struct slice *s)
{
    struct slice word = {s->s, 0};

    while (word.n < s->n && s->s[word.n] != ',' && s->s[word.n] != ']' &&
           s->s[word.n] != '[')
        word.n++;
    s->s += word.n;
    s->n -= word.n;
    return slice_trim(word);
}

/* [1.0,2.0]: takes the list off s; up to most numbers, -1 when it is none. */
static int numbers(struct slice *s, double *out, int most)
{
    int n = 0;

    if (!sign(s, '['))
        return -1;
    do {
        double x;

        if (!slice_double(item(s), &x))
            return -1;
        if (n < most && out)
            out[n] = x;
        n++;
    } while (sign(s, ','));
    return sign(s, ']') ? n : -1;
}

static int all_numbers(struct slice s, double *out, int most)
{
    int n = numbers(&s, out, most);

    return slice_blank(s) ? n : -1;
}

static int positions(struct slice s, double *x, int atoms)
{
    if (!sign(&s, '['))
        return 0;
    for (int i = 0; i < atoms; i++)
        if ((i > 0 && !sign(&s, ',')) || numbers(&s, x + 3 * i, 3) != 3)
            return 0;
    return sign(&s, ']') && slice_blank(s);
}

/* ['C','H']: exactly as many as there are atoms. */
static int elements(struct import_result *r, struct slice s)
{
    if (!sign(&s, '['))
        return 0;
    for (int i = 0; i < r->m.atoms; i++) {
        struct slice word;
        int z;

        if (i > 0 && !sign(&s, ','))
            return 0;
        word = item(&s);
        if (word.n < 3 || word.s[0] != word.s[word.n - 1] ||
            (word.s[0] != '\'' && word.s[0] != '"'))
            return 0;
        z = import_element(r, (struct slice){word.s + 1, word.n - 2}, 9);
        if (!import_is_qm9_element(z))
            return 0;
        r->m.number[i] = (uint8_t)z;
    }
    return sign(&s, ']') && slice_blank(s);
}

/* Counts of H C N O F. */
static int formula(const struct molecule *m, struct slice s)
{
    static const int order[5] = {1, 6, 7, 8, 9};
    double n[5];

    if (all_numbers(s, n, 5) != 5)
        return 0;
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < m->atoms; i++)
            n[k] -= m->number[i] == order[k];
    return n[0] == 0 && n[1] == 0 && n[2] == 0 && n[3] == 0 && n[4] == 0;
}

/* --- a row -------------------------------------------------------------- */

static enum err parse_molecule(const struct slice *column[COLUMNS],
                               struct import_result *r)
{
    int64_t atoms;
    struct molecule *m = &r->m;

    if (!slice_int(slice_trim(*column[COUNT]), &atoms) || atoms < 1 ||
        atoms > IMPORT_ATOMS)
        return import_refuse(r, 0, "N_atoms is no count of atoms");
    TRY(molecule_atoms(m, (int)atoms));
    m->atoms = (int)atoms;
    if (!elements(r, *column[ELEMENT_LIST]))
        return import_refuse(r, 0, "Elements is not a list of %d of H C N O F",
                             m->atoms);
    if (!positions(*column[POSITIONS], m->x, m->atoms))
        return import_refuse(r, 0, "XYZ_Ang is not a list of %d positions",
                             m->atoms);
    if (all_numbers(*column[CHARGES], NULL, 0) != m->atoms)
        return import_refuse(r, 0, "Mulliken_pop is not a list of %d numbers",
                             m->atoms);
    if (all_numbers(*column[FREQUENCIES], NULL, 0) < 1)
        return import_refuse(r, 0, "Harmonic_Freq_cmi is no list of numbers");
    if (!formula(m, *column[FORMULA]))
        return import_refuse(r, 0, "Stoichiometry is not that of its atoms");
    if (slice_blank(*column[SMILES]))
        return import_refuse(r, 0, "no SMILES");
    return molecule_smiles(m, column[SMILES]->s, column[SMILES]->n);
}

static enum err parse(const struct import_input *in,
                      const struct import_record *rec, struct import_result *r)
{
    const struct header *h = in->state;
    struct slice text = rec->text, line = {"", 0}, field[FIELDS];
    const struct slice *column[COLUMNS];
    double raw[QM9_NUMBERS];
    int fields;

    slice_line(&text, &line);
    fields = csv_fields(line, field, FIELDS);
    if (fields < 0)
        return import_refuse(r, 0, "a quote without its partner");
    if (fields != h->fields)
        return import_refuse(r, 0, "not %d fields as in the header", h->fields);
    for (int i = 0; i < COLUMNS; i++)
        column[i] = &field[h->place[i]];
    if (!slice_int(slice_trim(*column[INDEX]), &r->m.id) || r->m.id < 1) {
        r->m.id = 0;
        return import_refuse(r, 0, "Index is no number of a molecule");
    }
    for (int i = 0; i < QM9_NUMBERS; i++)
        if (!slice_double(slice_trim(*column[i]), &raw[i]))
            return import_refuse(r, 0, "%s is no number", name[i]);
    TRY(parse_molecule(column, r));
    if (r->reason)
        return OK;
    TRY(molecule_targets(&r->m, QM9_TARGETS));
    r->m.targets = QM9_TARGETS;
    qm9_convert(raw, r->m.number, r->m.atoms, r->m.target);
    return OK;
}

/* Every line is a row. */
static enum import_cut cut(int64_t index, struct slice line)
{
    (void)index;
    (void)line;
    return CUT_AFTER;
}

const struct import_reader import_qm9pack = {
    .numbered = 1,
    .qm9 = 1,
    .derive = 1,
    .suffix = {"_part1.csv", "_part2.csv", "_part3.csv"},
    .skip_blank = 1,
    .cut = cut,
    .header = read_header,
    .close = close_pack,
    .parse = parse,
};
