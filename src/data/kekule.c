/* SPDX-License-Identifier: MIT */
/* kekule.c - the lexicographically first perfect matching of the atoms in need,
 * by depth-first search that gives up on a pair as soon as it leaves a
 * neighbour of the pair without a partner.
 */
#include "data/kekule.h"

#include <stddef.h>

enum { STEPS = 200000 }; /* pairs tried in a system: some milliseconds */

int kekule_valence(int z, int charge, int sum)
{
    static const struct {
        int z, sign, valence[3]; /* sign: how a charge shifts the valence */
    } table[] = {
        {1, 0, {1}},    {5, -1, {3}},       {6, 0, {4}},
        {7, 1, {3, 5}}, {8, 1, {2}},        {9, 1, {1}},
        {14, 0, {4}},   {15, 1, {3, 5}},    {16, 1, {2, 4, 6}},
        {17, 1, {1}},   {33, 1, {3, 5}},    {34, 1, {2, 4, 6}},
        {35, 1, {1}},   {52, 1, {2, 4, 6}}, {53, 1, {1}},
    };
    enum { ROWS = sizeof table / sizeof *table };

    for (int i = 0; i < ROWS; i++)
        for (int v = 0; table[i].z == z && v < 3 && table[i].valence[v]; v++) {
            int shift = table[i].sign ? table[i].sign * charge
                        : charge < 0  ? charge
                                      : -charge;

            if (table[i].valence[v] + shift >= sum)
                return table[i].valence[v] + shift;
        }
    return -1;
}

void kekule_adjacency(struct kekule *k)
{
    for (int i = 0; i <= k->atoms; i++)
        k->first[i] = 0;
    for (int b = 0; b < 2 * k->bonds; b++)
        k->first[k->bond[b / 2][b % 2]]++;
    for (int i = 1; i <= k->atoms; i++)
        k->first[i] = (int16_t)(k->first[i] + k->first[i - 1]);
    for (int b = 0; b < 2 * k->bonds; b++)
        k->next[--k->first[k->bond[b / 2][b % 2]]] = k->bond[b / 2][1 - b % 2];
    for (int i = 0; i < k->atoms; i++)
        for (int a = k->first[i] + 1; a < k->first[i + 1]; a++)
            for (int b = a; b > k->first[i] && k->next[b] < k->next[b - 1];
                 b--) {
                int16_t swap = k->next[b];

                k->next[b] = k->next[b - 1];
                k->next[b - 1] = swap;
            }
}

/* The atoms joined to `root` by aromatic bonds, ascending, to list. */
static void collect(struct kekule *k, int root)
{
    int top = 0;

    k->list[top++] = (int16_t)root;
    k->system[root] = (int16_t)root;
    for (int done = 0; done < top; done++)
        for (int e = k->first[k->list[done]]; e < k->first[k->list[done] + 1];
             e++)
            if (k->system[k->next[e]] < 0) {
                k->system[k->next[e]] = (int16_t)root;
                k->list[top++] = k->next[e];
            }
    k->count = 0;
    for (int i = root; k->count < top; i++)
        if (k->system[i] == root)
            k->list[k->count++] = (int16_t)i;
}

static int is_free(const struct kekule *k, int i)
{
    return k->needs[i] && k->mate[i] < 0;
}

static int has_free(const struct kekule *k, int i)
{
    for (int e = k->first[i]; e < k->first[i + 1]; e++)
        if (is_free(k, k->next[e]))
            return 1;
    return 0;
}

/* Whether a free neighbour of i has nobody left. */
static int strands(const struct kekule *k, int i)
{
    for (int e = k->first[i]; e < k->first[i + 1]; e++)
        if (is_free(k, k->next[e]) && !has_free(k, k->next[e]))
            return 1;
    return 0;
}

/* Atoms of the list from `at` on; at most KEKULE_ATOMS / 2 deep. */
static int match(struct kekule *k, int at)
{
    int i;

    while (at < k->count && !is_free(k, k->list[at]))
        at++;
    if (at == k->count)
        return 1;
    i = k->list[at];
    for (int e = k->first[i]; e < k->first[i + 1]; e++) {
        int j = k->next[e];

        if (!is_free(k, j))
            continue;
        if (--k->steps < 0)
            return 0;
        k->mate[i] = (int16_t)j;
        k->mate[j] = (int16_t)i;
        if (!strands(k, i) && !strands(k, j) && match(k, at + 1))
            return 1;
        k->mate[i] = k->mate[j] = -1;
    }
    return 0;
}

/* Changes the need of one loose atom after the other until there is a form. */
static int match_charged(struct kekule *k)
{
    for (int kind = KEKULE_FIRST; kind <= KEKULE_LAST; kind++)
        for (int at = 0; at < k->count && k->steps > 0; at++) {
            int i = k->list[at];

            if (k->loose[i] != kind)
                continue;
            k->needs[i] = !k->needs[i];
            if (match(k, 0))
                return 1;
            k->needs[i] = !k->needs[i];
        }
    return 0;
}

enum kekule_result kekule_solve(struct kekule *k)
{
    kekule_adjacency(k);
    for (int i = 0; i < k->atoms; i++)
        k->mate[i] = k->system[i] = -1;
    for (int i = 0; i < k->atoms; i++) {
        if (k->system[i] >= 0 ||
            (!k->needs[i] && k->first[i] == k->first[i + 1]))
            continue;
        collect(k, i);
        k->steps = STEPS;
        if (!match(k, 0) && !match_charged(k))
            return k->steps < 0 ? KEKULE_TOO_MANY : KEKULE_NONE;
    }
    return KEKULE_FOUND;
}
