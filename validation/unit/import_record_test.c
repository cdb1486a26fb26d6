/* SPDX-License-Identifier: MIT */
/* import_record_test.c - records from memory: what is taken as it should be,
 * and each flaw refused alone, with its line and a reason.
 */
#include "data/import_format.h"

#include "base/mem.h"
#include "data/import_bag.h"
#include "data/import_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct import_result result;

/* Every record of a text: how many are taken and refused; the last refused
 * one's line and reason, and the last taken one in result. */
static struct {
    int taken, refused;
    int64_t line;
    char reason[200];
    char names[64]; /* of the last taken one's values */
} found;

static void note_names(void)
{
    size_t n = 0;

    found.names[0] = 0;
    for (int i = 0; i < result.values && n < sizeof found.names; i++)
        n += (size_t)snprintf(found.names + n, sizeof found.names - n, "%.*s ",
                              (int)result.value[i].name.n,
                              result.value[i].name.s);
}

static enum err read_bytes(const struct import_reader *reader, const char *text,
                           size_t bytes)
{
    struct import_input in;
    struct import_record record;
    struct source *s;
    int more, from;
    enum err err;

    memset(&found, 0, sizeof found);
    TRY(source_open_memory(text, bytes, "memory", &s));
    TRY(import_input_open(reader, s, NULL, &in));
    for (;;) {
        err = import_input_next(&in, 1, &record, &more);
        if (err || !more)
            break;
        assert_int_equal(import_input_parse(&in, &record, &result, &from), OK);
        if (!result.reason) {
            found.taken++;
            note_names();
            continue;
        }
        found.refused++;
        found.line = record.line + result.line;
        snprintf(found.reason, sizeof found.reason, "%s", result.reason);
    }
    import_input_close(&in);
    return err;
}

static void read_text(const struct import_reader *reader, const char *text)
{
    assert_int_equal(read_bytes(reader, text, strlen(text)), OK);
}

/* `text` with the first `from` replaced. */
static const char *changed(const char *text, const char *from, const char *to)
{
    static char room[1 << 14];
    const char *at = strstr(text, from);

    assert_non_null(at);
    snprintf(room, sizeof room, "%.*s%s%s", (int)(at - text), text, to,
             at + strlen(from));
    return room;
}

static void assert_refused(int taken, int64_t line, const char *reason)
{
    if (found.taken != taken || found.refused != 1 || found.line != line ||
        !strstr(found.reason, reason))
        fail_msg("%d taken, %d refused, line %d: %s; expected line %d: %s",
                 found.taken, found.refused, (int)found.line, found.reason,
                 (int)line, reason);
}

/* One change to a good text, and what must be said about it. */
struct flaw {
    const char *from, *to;
    int64_t line;
    const char *reason;
};

static void refuse_all(const struct import_reader *reader, const char *text,
                       const struct flaw *flaw, size_t flaws, int others)
{
    read_text(reader, text);
    assert_int_equal(found.refused, 0);
    assert_int_equal(found.taken, others + 1);
    for (size_t i = 0; i < flaws; i++) {
        read_text(reader, changed(text, flaw[i].from, flaw[i].to));
        assert_refused(others, flaw[i].line, flaw[i].reason);
    }
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- raw QM9 ------------------------------------------------------------ */

static const char water[] =
    "3\n"
    "gdb 3\t799.58812\t437.90386\t282.94545\t1.8511\t6.31\t-0.2928\t0.0687\t"
    "0.3615\t19.0002\t0.021375\t-76.404702\t-76.401867\t-76.400922\t"
    "-76.422349\t6.002\t\n"
    "O\t-0.0343604951\t 0.9775395708\t 0.0076015923\t-0.589706\n"
    "H\t 0.0647664923\t 0.0205721989\t 0.0015346341\t 0.294853\n"
    "H\t 0.8717903737\t 1.3007924048\t 6.931*^-4\t 0.294853\n"
    "1671.4222\t3803.6305\t3907.698\n"
    "O\tO\t\n"
    "InChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n";

static const struct flaw xyz_flaws[] = {
    {"3\n", "2\n", 5, "frequency"},
    {"3\n", "4\n", 6, "atom 4"},
    {"3\n", "3.0\n", 1, "count of atoms"},
    {"3\n", "0x3\n", 1, "count of atoms"},
    {"3\n", "99999999999\n", 1, "count of atoms"},
    {"gdb 3", "gdb x", 2, "'gdb' and a number"},
    {"gdb 3", "gdb 0", 2, "'gdb' and a number"},
    {"799.58812\t", "", 2, "some are missing"},
    {"6.002\t", "6.002\t1.0", 2, "there are more"},
    {"6.31", "nan", 2, "property 5"},
    {"6.31", "6,31", 2, "property 5"},
    {"6.31", "1e999", 2, "property 5"},
    {"O\t-0", "S\t-0", 3, "not H, C, N, O or F: 'S'"},
    {" 0.9775395708", "inf", 3, "coordinate"},
    {"-0.589706", "q", 3, "charge"},
    {"\t 0.294853\nH", "\nH", 4, "4 numbers"},
    {"1671.4222", "x", 6, "frequency"},
    {"O\tO\t\n", "C\tC\t\n", 1, ""},
    {"InChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n", "", 8, "InChI"},
    {"/h1H2\n", "/h1H2\nmore\n", 9, "more lines"},
    {" 0.0205721989", " 0.9775395708", 1, ""},
};

static void raw_qm9(void **state)
{
    (void)state;
    refuse_all(&import_xyz, water, xyz_flaws, COUNT(xyz_flaws), 0);
    read_text(&import_xyz, water);
    assert_int_equal(result.m.id, 3);
    assert_int_equal(result.m.bonds, 2);
    assert_true(result.m.x[8] == 6.931e-4);
    assert_true(result.m.target[16] == 799.58812);
    assert_true(result.m.target[0] == 1.8511);
}

/* Windows' line ends, a byte order mark, no last line end. */
static void other_line_ends(void **state)
{
    char text[2048] = "\xef\xbb\xbf";
    size_t n = 3;

    (void)state;
    for (const char *s = water; s[1]; s++) {
        if (*s == '\n')
            text[n++] = '\r';
        text[n++] = *s;
    }
    text[n] = 0;
    read_text(&import_xyz, text);
    assert_int_equal(found.taken, 1);
}

/* --- extended XYZ ------------------------------------------------------- */

static const char frames[] =
    "3\n"
    "E = -1 energy=-2.5 word=abc quoted=\"3\" n=nan list=[1 2] big=1D2\n"
    "O 0 0 0.1\nH 0.76 0 -0.48\nH -0.76 0 -0.48\n"
    "3\n"
    "Properties=mass:R:1:species:S:1:pos:R:3 pbc=\"F F F\"\n"
    "16 O 0 0 0.1\n1 h 0.76 0 -0.48\n1 H -0.76 0 -0.48\n"
    "\n \n";

static const struct flaw frame_flaws[] = {
    {"3\nP", "4\nP", 11, "3 atoms"},
    {"3\nP", "2\nP", 10, "more lines"},
    {"F F F", "F T F", 7, "periodic"},
    {"\"F F F\"", "True", 7, "periodic"},
    {"S:1:", "S:2:", 7, "Properties"},
    {"mass:R:1", "mass:R:999999999999", 7, "Properties"},
    {"mass:R:1", "mass:R:2", 8, "5 words, expected 6"},
    {"16 O", "16 Fe", 8, "'Fe' is not"},
    {"16 O", "16 X", 8, "'X' is not"},
    {"0.1\n1 h", "nan\n1 h", 8, "no number: 'nan'"},
    {"1 h 0.76", "1 h 9.76", 6, ""},
    {"3\nP", "99999999999999999999\nP", 6, "no count"},
    {"3\nP", "-3\nP", 6, "no count"},
};

static void extended_xyz(void **state)
{
    (void)state;
    refuse_all(&import_extxyz, frames, frame_flaws, COUNT(frame_flaws), 1);
    read_bytes(&import_extxyz, frames,
               (size_t)(strstr(frames, "3\nP") - frames));
    assert_int_equal(result.values, 2);
    assert_string_equal(found.names, "energy big ");
    assert_true(result.value[0].x == -2.5);
    assert_true(result.value[1].x == 100);
}

/* --- SDF ---------------------------------------------------------------- */

static const char records[] =
    "formaldehyde\n  program           3D\n\n"
    "  4  3  0  0  0  0  0  0  0  0999 V2000\n"
    "    0.0000    0.0000    0.1000 C   0  0\n"
    "    0.0000    0.0000    1.3000 O   0  0\n"
    "    0.9400    0.0000   -0.4800 H   0  0\n"
    "   -0.9400    0.0000   -0.4800 H   0  0\n"
    "  2  1  2  0\n"
    "  1  3  1  0\n"
    "  1  4  1  0\n"
    "M  END\n"
    "> <gap>\n 1.5 \n\n> <two>\n1\n2\n\n> <word>\nx\n\n$$$$\n";

static const struct flaw record_flaws[] = {
    {"  4  3", "  x  3", 4, "counts"},
    {"  4  3", " -1  3", 4, "counts"},
    {"  4  3", "  5  3", 9, "5 atoms and 3 bonds, its lines do not agree"},
    {"    0.9400    0.0000   -0.4800 H   0  0\n", "", 8, "a bond stands"},
    {"  4  3", "  3  3", 8, "an atom stands"},
    {"  4  3", "  4  4", 12, "the end stands"},
    {"  4  3", "  4  2", 11, "a bond stands"},
    {"V2000", "V3000", 4, "V2000"},
    {" C   0", " Xx  0", 5, "'Xx'"},
    {" C   0", " U   0", 5, "'U'"},
    {"    0.1000", "       nan", 5, "coordinate"},
    {"    0.1000", "     1e308", 1, "1e6 A away"},
    {"  2  1  2", "  9  1  2", 9, "joins atoms 9"},
    {"  2  1  2", "  1  1  2", 9, "joins atoms 1"},
    {"  2  1  2", "  2  1  8", 9, "type"},
    {"  1  4  1", "  1  3  1", 1, ""},
    {"M  END\n", "", 0, ""},
    {"    1.3000", "    0.2000", 1, ""},
    {"  2  1  2", "  2  1  1", 1, "hydrogens"},
};

static void structure_files(void **state)
{
    (void)state;
    read_text(&import_sdf, records);
    assert_int_equal(found.taken, 1);
    assert_int_equal(result.m.bonds, 3);
    assert_int_equal(result.m.order[0], 2);
    assert_int_equal(result.values, 1);
    assert_true(result.value[0].x == 1.5);
    for (size_t i = 0; i < COUNT(record_flaws); i++) {
        const struct flaw *f = &record_flaws[i];

        read_text(&import_sdf, changed(records, f->from, f->to));
        if (f->line)
            assert_refused(0, f->line, f->reason);
        else
            assert_int_equal(found.refused, 1);
    }
}

/* Benzene by aromatic bonds gets a Kekule form; drawn flat it is refused only
 * where an atom shows it. */
static void aromatic_and_flat(void **state)
{
    static const char *const atoms[] = {"1.39",  "0.69",  "-0.69",
                                        "-1.39", "-0.69", "0.69"};
    static const char *const y[] = {"0.00", "1.20",  "1.20",
                                    "0.00", "-1.20", "-1.20"};
    char text[4096];
    int n = snprintf(text, sizeof text,
                     "benzene\n  program           2D\n\n 12 12  0  0  0  0  0"
                     "  0  0  0999 V2000\n"),
        orders = 0;

    (void)state;
    for (int i = 0; i < 12; i++)
        n += snprintf(
            text + n, sizeof text - (size_t)n, "%10.4f%10.4f%10.4f %c   0  0\n",
            (i < 6 ? 1 : 1.78) * (atoms[i % 6][0] == '-' ? -1 : 1) *
                (atoms[i % 6][atoms[i % 6][0] == '-'] == '1' ? 1.39 : 0.69),
            (i < 6 ? 1 : 1.78) * (*y[i % 6] == '-'   ? -1.2
                                  : *y[i % 6] == '1' ? 1.2
                                                     : 0),
            0.01 * (i == 0), i < 6 ? 'C' : 'H');
    for (int i = 0; i < 6; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%3d%3d  4  0\n%3d%3d  1  0\n", i + 1, (i + 1) % 6 + 1,
                      i + 1, i + 7);
    snprintf(text + n, sizeof text - (size_t)n, "M  END\n$$$$\n");
    read_text(&import_sdf, text);
    assert_int_equal(found.taken, 1);
    for (int i = 0; i < 12; i++)
        orders += result.m.order[i];
    assert_int_equal(orders, 15);
    read_text(&import_sdf, changed(text, "0.0100", "0.0000"));
    assert_refused(0, 1, "flat");
}

/* A title that is no number is refused where the others have one. */
static void titles_are_numbers(void **state)
{
    static const char *const bad[] = {"gdb_-6", "gdb_0", "gdb_",
                                      "gdb_9223372036854775808"};
    struct import_record record = {.line = 1};
    struct import_input in = {.reader = &import_sdf, .numbered = 1};
    int from;

    (void)state;
    assert_int_equal(import_sdf.open(&in), OK);
    record.text = slice_of(changed(records, "formaldehyde", "gdb_6"));
    assert_int_equal(import_input_parse(&in, &record, &result, &from), OK);
    assert_null(result.reason);
    assert_int_equal(result.m.id, 6);
    for (size_t i = 0; i < COUNT(bad); i++) {
        record.text = slice_of(changed(records, "formaldehyde", bad[i]));
        assert_int_equal(import_input_parse(&in, &record, &result, &from), OK);
        assert_non_null(result.reason);
        assert_int_equal(result.m.id, 0);
    }
    import_sdf.close(&in);
}

/* Each value is compared with all before it: there must be an end. */
static void values_are_bounded(void **state)
{
    char text[16384];
    size_t n = (size_t)snprintf(text, sizeof text, "2\n");

    (void)state;
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "k%d=1 ", i);
    snprintf(text + n, sizeof text - n, "\nH 0 0 0\nH 0 0 0.7\n");
    assert_int_equal(read_bytes(&import_extxyz, text, strlen(text)), OK);
    assert_int_equal(result.values, BAG_TARGETS + 1);
}

/* --- qm9pack ------------------------------------------------------------ */

static const char rows[] =
    "XYZ_file,Index,SMILES,InChi,N_atoms,Stoichiometry,Elements,XYZ_Ang,"
    "Mulliken_pop,Harmonic_Freq_cmi,RotA_GHz,RotB_GHz,RotC_GHz,Dipole_debye,"
    "Polarizability_bohr3,HOMO_au,LUMO_au,HOMO_LUMO_gap_au,R2_bohr2,ZPVE_au,"
    "InternalEnergy_0K_au,InternalEnergy_298K_au,Enthalphy_298K_au,"
    "GibbsFreeEnergy_298K_au,Heatcapacity_Cv_cal_mol_K\n"
    "\"a.xyz\",3,\"O\",\"InChI\",3,\"[2,0,0,1,0]\",\"['O','H','H']\","
    "\"[[-0.0343604951,0.9775395708,0.0076015923],[0.0647664923,0.0205721989,"
    "0.0015346341],[0.8717903737,1.3007924048,6.931E-4]]\",\"[-0.5,0.2,0.3]\","
    "\"[1671.4,3803.6]\",799.58812,437.90386,282.94545,1.8511,6.31,-0.2928,"
    "0.0687,0.3615,19.0002,0.021375,-76.404702,-76.401867,-76.400922,"
    "-76.422349,6.002\n";

static const struct flaw row_flaws[] = {
    {"\"O\",", "\"O,", 2, "quote"},
    {",6.002", "", 2, "fields"},
    {"6.31", "nan", 2, "Polarizability_bohr3"},
    {",3,\"O\"", ",x,\"O\"", 2, "Index"},
    {",3,\"[2", ",2,\"[2", 2, "Elements"},
    {"'O'", "'P'", 2, "Elements"},
    {"[2,0,0,1,0]", "[2,0,0,2,0]", 2, "Stoichiometry"},
    {"6.931E-4", "nan", 2, "XYZ_Ang"},
    {",6.931E-4", "", 2, "XYZ_Ang"},
    {"[-0.5,", "[", 2, "Mulliken_pop"},
    {"1671.4", "a", 2, "Harmonic"},
    {"\"O\"", "\"\"", 2, "SMILES"},
};

static void rows_of_qm9pack(void **state)
{
    const char *text;

    (void)state;
    refuse_all(&import_qm9pack, rows, row_flaws, COUNT(row_flaws), 0);
    text = changed(rows, "HOMO_au,", "HOMO,");
    assert_int_equal(read_bytes(&import_qm9pack, text, strlen(text)), ERR_DATA);
}

/* --- sources ------------------------------------------------------------ */

/* More than a line may have, and than a member may expand to. */
static void lines_are_bounded(void **state)
{
    size_t bytes = (size_t)SOURCE_LINE + 100;
    void *text;

    (void)state;
    assert_int_equal(mem_alloc(bytes, 1, "a test", &text), OK);
    memset(text, 'x', bytes);
    memcpy(text, "1\n", 2);
    assert_int_equal(read_bytes(&import_extxyz, text, bytes), OK);
    assert_refused(0, 1, "longer than 4 MiB");
    mem_free(text);
}

/* Rows that cannot be found by an id take no memory; a damaged one spoils its
 * id. */
static void tables_keep_what_can_be_found(void **state)
{
    static const char text[] =
        "A,B,C,mu,alpha,homo,lumo,gap,r2,zpve,u0,u298,h298,g298,cv,u0_atom,"
        "u298_atom,h298_atom,g298_atom,mol_id\n"
        "a\n1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,gdb_1\n\n"
        "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,nan,gdb_2\n"
        "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,gdb_2\n"
        "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,\n";
    struct import_table *table;
    struct source *s;
    int more;

    (void)state;
    assert_int_equal(source_open_memory(text, strlen(text), "memory", &s), OK);
    assert_int_equal(source_next(s, &more), OK);
    assert_int_equal(import_table_read(s, &table), OK);
    source_close(&s);
    assert_non_null(import_table_find(table, slice_of("gdb_1")));
    assert_null(import_table_find(table, slice_of("gdb_2")));
    assert_null(import_table_find(table, slice_of("a")));
    assert_null(import_table_find(table, slice_of("")));
    import_table_free(&table);
}

static int teardown(void **state)
{
    (void)state;
    import_result_fini(&result);
    return mem_live();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_qm9),
        cmocka_unit_test(other_line_ends),
        cmocka_unit_test(extended_xyz),
        cmocka_unit_test(structure_files),
        cmocka_unit_test(aromatic_and_flat),
        cmocka_unit_test(rows_of_qm9pack),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(titles_are_numbers),
        cmocka_unit_test(values_are_bounded),
        cmocka_unit_test(tables_keep_what_can_be_found),
    };

    for (size_t i = 0; i < COUNT(tests); i++)
        tests[i].teardown_func = teardown;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
