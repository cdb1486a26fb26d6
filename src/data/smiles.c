/* SPDX-License-Identifier: MIT */
/* smiles.c - one pass over the text makes a graph with all atoms; then implicit
 * hydrogens, the Kekule form of what was lower case, and hydrogens that were
 * written as atoms are folded into their neighbours.
 *
 * Everything lives in one struct on the stack: the text may be hostile, so each
 * table has an end that is checked.
 */
#include "data/smiles.h"

#include "data/kekule.h"
#include "data/molecule.h"

#include <stdio.h>
#include <string.h>

enum { RAW_ATOMS = KEKULE_ATOMS, RAW_BONDS = KEKULE_BONDS, RINGS = 100 };
enum { AROMATIC = 4 }; /* order of a bond not yet made single or double */

struct raw {
    uint8_t number, hydrogens;
    int8_t charge;
    uint8_t bracket, lower;
};

struct ring {
    int atom; /* -1: the digit is free */
    int order;
};

struct parse {
    const char *s;
    size_t n, at;
    int atoms, bonds;
    struct raw atom[RAW_ATOMS];
    int16_t bond[RAW_BONDS][2];
    uint8_t order[RAW_BONDS];
    int last, waiting; /* atom to bond to or -1; order written, or 0 */
    int depth, branch[RAW_ATOMS];
    struct ring ring[RINGS];
    int needy;          /* atoms that need a double bond */
    int sum[RAW_ATOMS]; /* of orders (aromatic: 1) and bracket hydrogens */
    struct kekule kekule;
    const char *flaw;
};

static int refuse(struct parse *p, const char *flaw)
{
    if (!p->flaw)
        p->flaw = flaw;
    return 0;
}

/* The byte `ahead`, or 0 behind the end. */
static int peek(const struct parse *p, size_t ahead)
{
    return p->at + ahead < p->n ? (unsigned char)p->s[p->at + ahead] : 0;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int is_lower(int c)
{
    return c >= 'a' && c <= 'z';
}

static int join(struct parse *p, int a, int b, int order)
{
    if (p->bonds == RAW_BONDS)
        return refuse(p, "too many bonds");
    if (!order)
        order = p->atom[a].lower && p->atom[b].lower ? AROMATIC : 1;
    if (order == AROMATIC)
        p->atom[a].lower = p->atom[b].lower = 1;
    p->bond[p->bonds][0] = (int16_t)a;
    p->bond[p->bonds][1] = (int16_t)b;
    p->order[p->bonds++] = (uint8_t)order;
    return 1;
}

/* The new atom, bonded to the last one. */
static int add(struct parse *p, struct raw atom)
{
    if (p->atoms == RAW_ATOMS)
        return refuse(p, "too many atoms");
    p->atom[p->atoms++] = atom;
    if (p->last >= 0 && !join(p, p->last, p->atoms - 1, p->waiting))
        return 0;
    p->last = p->atoms - 1;
    p->waiting = 0;
    return 1;
}

/* Element at the text's position, its letters, and whether it is lower case;
 * 0 when there is none. Outside brackets only the organic subset. */
static int element(const struct parse *p, int bracket, size_t *letters,
                   int *lower)
{
    static const char *const low[] = {"se", "as", "te", "b", "c",
                                      "n",  "o",  "p",  "s"};
    static const char *const high[] = {"Cl", "Br", "B", "C", "N",
                                       "O",  "P",  "S", "F", "I"};
    enum { LOW = sizeof low / sizeof *low, HIGH = sizeof high / sizeof *high };
    size_t left = p->n - p->at;
    const char *s = p->s + p->at;
    int isotope, z;

    for (int i = bracket ? 0 : 3; i < LOW; i++) {
        *letters = strlen(low[i]);
        *lower = 1;
        if (left >= *letters && !memcmp(s, low[i], *letters))
            return element_number(s, *letters, &isotope);
    }
    *lower = 0;
    for (int i = 0; i < HIGH && !bracket; i++) {
        *letters = strlen(high[i]);
        if (left >= *letters && !memcmp(s, high[i], *letters))
            return element_number(s, *letters, &isotope);
    }
    if (!bracket || left < 1 || s[0] < 'A' || s[0] > 'Z')
        return 0;
    *letters = 2;
    z = is_lower(peek(p, 1)) ? element_number(s, 2, &isotope) : 0;
    if (z)
        return z;
    *letters = 1;
    return element_number(s, 1, &isotope);
}

/* "@", "@@", "@TH1" and the like. */
static void pass_stereo(struct parse *p)
{
    static const char *const classes[] = {"TH", "AL", "SP", "TB", "OH"};
    enum { CLASSES = sizeof classes / sizeof *classes };

    if (peek(p, 0) != '@')
        return;
    while (peek(p, 0) == '@')
        p->at++;
    for (int i = 0; i < CLASSES; i++)
        if (peek(p, 0) == classes[i][0] && peek(p, 1) == classes[i][1] &&
            is_digit(peek(p, 2))) {
            p->at += 3;
            p->at += is_digit(peek(p, 0)) ? 1 : 0;
            return;
        }
}

/* Up to two digits; `none` without one. */
static int small_number(struct parse *p, int none)
{
    int value = 0, digits = 0;

    for (; digits < 2 && is_digit(peek(p, 0)); digits++, p->at++)
        value = 10 * value + peek(p, 0) - '0';
    return digits ? value : none;
}

/* "+", "--", "+2": -15 to 15. */
static int read_charge(struct parse *p, int8_t *charge)
{
    int sign = peek(p, 0), count = 0;

    if (sign != '+' && sign != '-')
        return 1;
    for (; peek(p, 0) == sign && count < 16; p->at++)
        count++;
    if (count == 1)
        count = small_number(p, 1);
    if (count > 15)
        return refuse(p, "a charge beyond 15");
    *charge = (int8_t)(sign == '+' ? count : -count);
    return 1;
}

/* [isotope element stereo hydrogens charge :class] */
static int bracket_atom(struct parse *p)
{
    struct raw atom = {.bracket = 1};
    size_t letters;
    int lower;

    p->at++;
    while (is_digit(peek(p, 0)))
        p->at++;
    atom.number = (uint8_t)element(p, 1, &letters, &lower);
    if (!atom.number)
        return refuse(p, "an unknown element");
    atom.lower = (uint8_t)lower;
    p->at += letters;
    pass_stereo(p);
    if (peek(p, 0) == 'H') {
        p->at++;
        atom.hydrogens = (uint8_t)small_number(p, 1);
    }
    if (!read_charge(p, &atom.charge))
        return 0;
    if (peek(p, 0) == ':' && is_digit(peek(p, 1)))
        for (p->at++; is_digit(peek(p, 0));)
            p->at++;
    if (peek(p, 0) != ']')
        return refuse(p, "a bracket that is not understood");
    p->at++;
    return add(p, atom);
}

static int organic_atom(struct parse *p)
{
    struct raw atom = {0};
    size_t letters;
    int lower;

    atom.number = (uint8_t)element(p, 0, &letters, &lower);
    if (!atom.number)
        return refuse(p, "a character that is not understood");
    atom.lower = (uint8_t)lower;
    p->at += letters;
    return add(p, atom);
}

static int are_joined(const struct parse *p, int a, int b)
{
    for (int i = 0; i < p->bonds; i++)
        if ((p->bond[i][0] == a && p->bond[i][1] == b) ||
            (p->bond[i][0] == b && p->bond[i][1] == a))
            return 1;
    return 0;
}

/* "1", "%12": opens the ring or closes it. */
static int ring_bond(struct parse *p)
{
    struct ring *ring;
    int written = p->waiting, order;

    if (p->last < 0)
        return refuse(p, "a ring digit without an atom");
    if (peek(p, 0) == '%') {
        if (!is_digit(peek(p, 1)) || !is_digit(peek(p, 2)))
            return refuse(p, "% without two digits");
        p->at++;
        ring = &p->ring[small_number(p, 0)];
    } else {
        ring = &p->ring[peek(p, 0) - '0'];
        p->at++;
    }
    p->waiting = 0;
    if (ring->atom < 0) {
        *ring = (struct ring){p->last, written};
        return 1;
    }
    if (ring->order && written && ring->order != written)
        return refuse(p, "a ring bond with two orders");
    if (ring->atom == p->last || are_joined(p, ring->atom, p->last))
        return refuse(p, "a ring bond where there is a bond already");
    order = written ? written : ring->order;
    written = ring->atom;
    ring->atom = -1;
    return join(p, written, p->last, order);
}

static int open_branch(struct parse *p)
{
    if (p->last < 0 || p->waiting || peek(p, 1) == '(')
        return refuse(p, "a branch without an atom");
    if (p->depth == RAW_ATOMS)
        return refuse(p, "too many branches");
    p->branch[p->depth++] = p->last;
    p->at++;
    return 1;
}

static int close_branch(struct parse *p)
{
    if (!p->depth || p->waiting || p->s[p->at - 1] == '(')
        return refuse(p, "a parenthesis without its other half");
    p->last = p->branch[--p->depth];
    p->at++;
    return 1;
}

static int bond_symbol(struct parse *p, int order)
{
    if (p->waiting || (p->last < 0))
        return refuse(p, "a bond without an atom");
    p->waiting = order;
    p->at++;
    return 1;
}

static int dot(struct parse *p)
{
    if (p->last < 0 || p->waiting || p->depth)
        return refuse(p, "a dot without an atom");
    p->last = -1;
    p->at++;
    return 1;
}

static int step(struct parse *p)
{
    static const char symbols[] = "-/\\=#:", orders[] = {1, 1, 1, 2, 3, 4};
    int c = peek(p, 0);
    const char *symbol = c ? strchr(symbols, c) : NULL;

    if (symbol)
        return bond_symbol(p, orders[symbol - symbols]);
    if (is_digit(c) || c == '%')
        return ring_bond(p);
    switch (c) {
    case '[':
        return bracket_atom(p);
    case '(':
        return open_branch(p);
    case ')':
        return close_branch(p);
    case '.':
        return dot(p);
    default:
        return organic_atom(p);
    }
}

static int read_graph(struct parse *p)
{
    for (int i = 0; i < RINGS; i++)
        p->ring[i].atom = -1;
    while (p->at < p->n)
        if (!step(p))
            return 0;
    if (p->depth)
        return refuse(p, "a parenthesis without its other half");
    if (p->waiting || p->last < 0)
        return refuse(p, "nothing behind a bond or dot");
    for (int i = 0; i < RINGS; i++)
        if (p->ring[i].atom >= 0)
            return refuse(p, "a ring that is not closed");
    return 1;
}

/* Whether the ends of bond b are joined without it. */
static int in_ring(struct parse *p, int b)
{
    const struct kekule *k = &p->kekule;
    int16_t *seen = p->kekule.system, *list = p->kekule.list;
    int from = p->bond[b][0], to = p->bond[b][1], top = 0;

    for (int i = 0; i < p->atoms; i++)
        seen[i] = 0;
    seen[from] = 1;
    list[top++] = (int16_t)from;
    for (int done = 0; done < top; done++)
        for (int e = k->first[list[done]]; e < k->first[list[done] + 1]; e++) {
            int j = k->next[e];

            if (seen[j] || (list[done] == from && j == to))
                continue;
            if (j == to)
                return 1;
            seen[j] = 1;
            list[top++] = (int16_t)j;
        }
    return 0;
}

/* A bond between two aromatic rings is single, though nothing says so. */
static void single_between_rings(struct parse *p)
{
    struct kekule *k = &p->kekule;

    if (!memchr(p->order, AROMATIC, (size_t)p->bonds))
        return;
    k->atoms = p->atoms;
    k->bonds = p->bonds;
    memcpy(k->bond, p->bond, (size_t)p->bonds * sizeof *p->bond);
    kekule_adjacency(k);
    for (int b = 0; b < p->bonds; b++)
        if (p->order[b] == AROMATIC && !in_ring(p, b))
            p->order[b] = 1;
}

/* Implicit hydrogens; which lower-case atoms need a double bond. */
static int fill_valences(struct parse *p)
{
    for (int i = 0; i < p->atoms; i++)
        p->sum[i] = p->atom[i].hydrogens;
    for (int b = 0; b < p->bonds; b++) {
        int order = p->order[b] == AROMATIC ? 1 : p->order[b];

        p->sum[p->bond[b][0]] += order;
        p->sum[p->bond[b][1]] += order;
    }
    for (int i = 0; i < p->atoms; i++) {
        struct raw *a = &p->atom[i];
        int valence = kekule_valence(a->number, a->charge, p->sum[i]);
        int missing = valence - p->sum[i];

        p->kekule.needs[i] = a->lower && missing > 0;
        p->needy += p->kekule.needs[i];
        p->kekule.loose[i] = KEKULE_FIXED;
        if (a->bracket)
            continue;
        if (valence < 0)
            return refuse(p, "an atom with too many bonds");
        if (!a->lower)
            a->hydrogens = (uint8_t)missing;
        else if (a->number == 6 && missing)
            a->hydrogens = (uint8_t)(missing - 1);
    }
    return 1;
}

static int make_kekule(struct parse *p)
{
    struct kekule *k = &p->kekule;
    enum kekule_result result;

    k->atoms = p->atoms;
    k->bonds = 0;
    for (int b = 0; b < p->bonds; b++)
        if (p->order[b] == AROMATIC) {
            k->bond[k->bonds][0] = p->bond[b][0];
            k->bond[k->bonds++][1] = p->bond[b][1];
        }
    if (!k->bonds && !p->needy)
        return 1;
    result = kekule_solve(k);
    if (result == KEKULE_TOO_MANY)
        return refuse(p, "too many ways to place its double bonds");
    if (result == KEKULE_NONE)
        return refuse(p, "lower-case atoms that have no Kekule form");
    for (int b = 0; b < p->bonds; b++)
        if (p->order[b] == AROMATIC)
            p->order[b] = k->mate[p->bond[b][0]] == p->bond[b][1] ? 2 : 1;
    return 1;
}

/* [H] atoms become hydrogens of their neighbour: to[i] is -1 for them, else
 * the number of the heavy atom. */
static int heavy_atoms(struct parse *p, struct smiles *out, int16_t to[])
{
    out->atoms = 0;
    for (int i = 0; i < p->atoms; i++) {
        const struct raw *a = &p->atom[i];

        to[i] = -1;
        if (a->number == 1) {
            if (a->hydrogens || a->charge || p->sum[i] != 1)
                return refuse(p, "a hydrogen that is not on a heavy atom");
            continue;
        }
        if (out->atoms == SMILES_ATOMS)
            return refuse(p, "too many heavy atoms");
        to[i] = (int16_t)out->atoms;
        out->number[out->atoms] = a->number;
        out->charge[out->atoms] = a->charge;
        out->hydrogens[out->atoms++] = a->hydrogens;
    }
    return 1;
}

static void insert(struct smiles *out, int i, int j, uint8_t order)
{
    int b = out->bonds++;

    for (; b && (out->bond[b - 1][0] > i ||
                 (out->bond[b - 1][0] == i && out->bond[b - 1][1] > j));
         b--) {
        memcpy(out->bond[b], out->bond[b - 1], sizeof *out->bond);
        out->order[b] = out->order[b - 1];
    }
    out->bond[b][0] = (int16_t)i;
    out->bond[b][1] = (int16_t)j;
    out->order[b] = order;
}

static int heavy_bonds(struct parse *p, struct smiles *out, const int16_t to[])
{
    out->bonds = 0;
    for (int b = 0; b < p->bonds; b++) {
        int i = to[p->bond[b][0]], j = to[p->bond[b][1]];

        if (i < 0 && j < 0)
            return refuse(p, "a hydrogen that is not on a heavy atom");
        if (i < 0 || j < 0) {
            if (out->hydrogens[i < 0 ? j : i]++ == UINT8_MAX)
                return refuse(p, "too many hydrogens on an atom");
            continue;
        }
        if (out->bonds == SMILES_BONDS)
            return refuse(p, "too many bonds");
        insert(out, i < j ? i : j, i < j ? j : i, p->order[b]);
    }
    return 1;
}

int smiles_parse(const char *s, size_t n, struct smiles *out, char *room,
                 size_t bytes)
{
    struct parse p;
    int16_t to[RAW_ATOMS];

    p.s = s;
    p.n = n;
    p.at = 0;
    p.atoms = p.bonds = p.depth = p.waiting = p.needy = 0;
    p.last = -1;
    p.flaw = NULL;
    if (read_graph(&p)) {
        p.at = 0;
        single_between_rings(&p);
        if (fill_valences(&p) && make_kekule(&p) && heavy_atoms(&p, out, to) &&
            heavy_bonds(&p, out, to))
            return 1;
    }
    if (p.at)
        snprintf(room, bytes, "its SMILES has %s (character %zu)", p.flaw,
                 p.at + 1);
    else
        snprintf(room, bytes, "its SMILES has %s", p.flaw);
    return 0;
}
