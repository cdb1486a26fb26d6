/* SPDX-License-Identifier: MIT */
/* import_xyz.c - raw QM9: one file a molecule.
 *
 *     n
 *     gdb i  A B C mu alpha homo lumo gap r2 zpve U0 U H G Cv
 *     El x y z q              n times
 *     frequencies
 *     SMILES SMILES           the second is of the relaxed geometry
 *     InChI InChI
 */
#include "data/import_format.h"

#include "data/qm9.h"

enum { HEAD = 2, TAIL = 3, WORDS = 2 + QM9_NUMBERS };

/* "gdb i" and the numbers. */
static int parse_properties(struct import_result *r, struct slice line,
                            double raw[QM9_NUMBERS])
{
    struct slice word[WORDS];
    int n = slice_words(line, word, WORDS);

    if (n < 2 || !slice_equal(word[0], "gdb") ||
        !slice_int(word[1], &r->m.id) || r->m.id < 1) {
        r->m.id = 0;
        import_refuse(r, 1, "no 'gdb' and a number in its second line");
        return 0;
    }
    if (n != WORDS) {
        import_refuse(r, 1, "not %d properties (%s)", QM9_NUMBERS,
                      n < WORDS ? "some are missing" : "there are more");
        return 0;
    }
    for (int i = 0; i < QM9_NUMBERS; i++)
        if (!slice_double(word[2 + i], &raw[i])) {
            char room[SLICE_SHOWN];

            import_refuse(r, 1, "property %d is no number: '%s'", i + 1,
                          slice_show(word[2 + i], room));
            return 0;
        }
    return 1;
}

static int parse_atom(struct import_result *r, int i, struct slice line)
{
    struct slice word[5];
    double charge;
    int z;

    if (slice_words(line, word, 5) != 5) {
        import_refuse(r, HEAD + i, "atom %d is not an element and 4 numbers",
                      i + 1);
        return 0;
    }
    z = import_element(r, word[0], 9);
    if (!import_is_qm9_element(z)) {
        char room[SLICE_SHOWN];

        import_refuse(r, HEAD + i, "atom %d: not H, C, N, O or F: '%s'", i + 1,
                      slice_show(word[0], room));
        return 0;
    }
    r->m.number[i] = (uint8_t)z;
    for (int k = 0; k < 3; k++)
        if (!slice_double(word[1 + k], &r->m.x[3 * i + k])) {
            import_refuse(r, HEAD + i, "atom %d: a coordinate is no number",
                          i + 1);
            return 0;
        }
    if (!slice_double(word[4], &charge)) {
        import_refuse(r, HEAD + i, "atom %d: its charge is no number", i + 1);
        return 0;
    }
    return 1;
}

/* Frequencies, SMILES, InChI; the first SMILES. */
static int parse_tail(struct import_result *r, struct slice text,
                      struct slice *smiles)
{
    struct slice line = {0}, word;
    int first = HEAD + r->m.atoms;
    double x;

    slice_line(&text, &line);
    if (slice_blank(line)) {
        import_refuse(r, first, "no frequencies");
        return 0;
    }
    while (slice_word(&line, &word))
        if (!slice_double(word, &x)) {
            import_refuse(r, first, "a frequency is no number");
            return 0;
        }
    if (!slice_line(&text, &line) || !slice_word(&line, smiles)) {
        import_refuse(r, first + 1, "no SMILES");
        return 0;
    }
    if (!slice_line(&text, &line) || slice_blank(line)) {
        import_refuse(r, first + 2, "no InChI");
        return 0;
    }
    while (slice_line(&text, &line))
        if (!slice_blank(line)) {
            import_refuse(r, first + TAIL, "more lines than its atoms need");
            return 0;
        }
    return 1;
}

static enum err parse(const struct import_input *in,
                      const struct import_record *rec, struct import_result *r)
{
    struct slice text = rec->text, line = {0}, word[1], smiles = {0};
    double raw[QM9_NUMBERS];
    int64_t atoms = 0;

    (void)in;
    if (!slice_line(&text, &line) || slice_words(line, word, 1) != 1 ||
        !slice_int(word[0], &atoms) || atoms < 1 || atoms > IMPORT_ATOMS)
        return import_refuse(r, 0, "no count of atoms in its first line");
    if (!slice_line(&text, &line))
        return import_refuse(r, 1, "it ends after its first line");
    if (!parse_properties(r, line, raw))
        return OK;
    TRY(molecule_atoms(&r->m, (int)atoms));
    r->m.atoms = (int)atoms;
    for (int i = 0; i < atoms; i++) {
        if (!slice_line(&text, &line))
            return import_refuse(r, HEAD + i, "it ends before atom %d", i + 1);
        if (!parse_atom(r, i, line))
            return OK;
    }
    if (!parse_tail(r, text, &smiles))
        return OK;
    TRY(molecule_smiles(&r->m, smiles.s, smiles.n));
    TRY(molecule_targets(&r->m, QM9_TARGETS));
    r->m.targets = QM9_TARGETS;
    qm9_convert(raw, r->m.number, r->m.atoms, r->m.target);
    return OK;
}

const struct import_reader import_xyz = {
    .numbered = 1,
    .qm9 = 1,
    .derive = 1,
    .suffix = {".xyz"},
    .parse = parse,
};
