/* SPDX-License-Identifier: MIT */
/* split.c - a rule gives an order and three sizes; what the data cannot give is
 * recorded where the deck asks for it.
 */
#include "data/split.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/split_file.h"
#include "deck/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct published {
    const char *name;
    void (*permute)(int64_t n, int64_t out[]);
    int64_t n[PARTS];
} published[] = {
    [SPLIT_NVIDIA] = {"nvidia", split_nvidia, {100000, 17748, 13083}},
    [SPLIT_CORMORANT] = {"cormorant", split_cormorant, {100000, 17748, 13083}},
    [SPLIT_T110K] = {"t110k", split_t110k, {110000, 10000, 10831}},
};

const char *part_name(enum part p)
{
    static const char *const names[PARTS] = {"train", "validation", "test"};

    return names[p];
}

static enum err by_publication(const struct published *rule, struct deck *deck,
                               const struct dataset *d, struct split *out)
{
    int64_t all = rule->n[0] + rule->n[1] + rule->n[2];

    if (d->molecules != all) {
        deck_mistake(deck, params_node(deck, "data.split"),
                     "data.split: %s is a split of another data set (expected "
                     "the %lld molecules of QM9, found %lld in '%.200s'); set "
                     "fractions such as {train: 0.8, validation: 0.1}, or a "
                     "file",
                     rule->name, (long long)all, (long long)d->molecules,
                     d->path);
        return OK;
    }
    TRY(split_room(rule->n, out));
    rule->permute(all, out->row[0]);
    return OK;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum err by_fractions(const struct params *p, const struct dataset *d,
                             struct split *out)
{
    int64_t all = d->molecules, n[PARTS];

    n[PART_TRAIN] = smaller(llround(p->data.train * (double)all), all);
    n[PART_VALIDATION] =
        smaller(llround(p->data.validation * (double)all), all - n[PART_TRAIN]);
    n[PART_TEST] = all - n[PART_TRAIN] - n[PART_VALIDATION];
    TRY(split_room(n, out));
    rng_permutation(rng_stream(0, RNG_SPLIT, 0), all, out->row[0]);
    return OK;
}

static enum err by_rule(const struct params *p, struct deck *deck,
                        const struct dataset *d, struct split *out)
{
    if (p->data.split == SPLIT_FILE)
        return split_read(p, deck, d, out);
    if (p->data.split == SPLIT_FRACTIONS)
        return by_fractions(p, d, out);
    return by_publication(&published[p->data.split], deck, d, out);
}

static void check_sizes(const struct params *p, struct deck *deck,
                        const struct split *s)
{
    for (int i = PART_TRAIN; i <= PART_VALIDATION; i++)
        if (s->n[i] == 0)
            deck_mistake(deck, params_node(deck, "data.split"),
                         "data.split: the %s part is empty (expected 1 "
                         "molecule or more, found 0); give it some",
                         part_name((enum part)i));
    if (s->n[PART_TRAIN] > 0 && p->train.batch > s->n[PART_TRAIN])
        deck_mistake(deck, params_node(deck, "train.batch"),
                     "train.batch: larger than the training part (expected 1 "
                     "to %lld, found %d); lower it",
                     (long long)s->n[PART_TRAIN], p->train.batch);
}

static int labels(const struct dataset *d, int64_t row, const int target[],
                  int targets)
{
    int known = 0;

    for (int t = 0; t < targets; t++)
        known +=
            target[t] >= 0 && !isnan(d->label[row * d->targets + target[t]]);
    return known;
}

static enum err check_labels(const struct dataset *d, const struct split *s,
                             const int target[], int targets)
{
    char ids[10 * 21] = "";
    int64_t without = 0;
    size_t at = 0;

    for (int p = 0; p < PARTS && targets > 0; p++)
        for (int64_t i = 0; i < s->n[p]; i++) {
            int64_t row = s->row[p][i];

            if (labels(d, row, target, targets) > 0)
                continue;
            if (without++ < 10)
                at += (size_t)snprintf(ids + at, sizeof ids - at, " %lld",
                                       (long long)d->id[row]);
        }
    if (without == 0)
        return OK;
    return err_set(ERR_DATA,
                   "%.100s: %lld molecules have no label of data.target "
                   "(expected one or more in each molecule of the parts, found "
                   "only NaN in id%s%s%s); leave them out by a file as "
                   "data.split: a line id,part and then, for each molecule "
                   "that stays, its id and train, validation or test",
                   d->path, (long long)without, without > 1 ? "s" : "", ids,
                   without > 10 ? " .." : "");
}

/* A target without a label in the validation part has no error to go by. */
static enum err check_targets(const struct dataset *d, const struct split *s,
                              const int target[], int targets)
{
    for (int t = 0; t < targets; t++) {
        int64_t i = 0, n = s->n[PART_VALIDATION];

        while (i < n && !labels(d, s->row[PART_VALIDATION][i], &target[t], 1))
            i++;
        if (i == n && target[t] >= 0)
            return err_set(ERR_DATA,
                           "%.400s: target %s has no label in the validation "
                           "part (expected one or more, found only NaN); "
                           "choose another data.split, or leave it out",
                           d->path, d->target[target[t]].name);
    }
    return OK;
}

enum err split_make(const struct params *p, struct deck *deck,
                    const struct dataset *d, const int target[], int targets,
                    struct split *out)
{
    struct split s = {0};
    enum err err;

    TRY(by_rule(p, deck, d, &s));
    if (s.row[0] && targets > 0)
        check_sizes(p, deck, &s);
    TRY_GOTO(deck_result(deck), free_rows);
    TRY_GOTO(check_labels(d, &s, target, targets), free_rows);
    TRY_GOTO(check_targets(d, &s, target, targets), free_rows);
    *out = s;
    return OK;

free_rows:
    split_fini(&s);
    return err;
}

void split_fini(struct split *s)
{
    mem_free(s->row[0]); /* the others lie behind it */
    *s = (struct split){0};
}

void split_digest(const struct split *s, enum part p, struct digest *out)
{
    struct digest_stream stream;

    digest_begin(&stream);
    for (int64_t i = 0; i < s->n[p]; i++) {
        unsigned char bytes[8];

        for (int b = 0; b < 8; b++)
            bytes[b] = (unsigned char)(s->row[p][i] >> 8 * b & 0xff);
        digest_add(&stream, bytes, sizeof bytes);
    }
    digest_end(&stream, out);
}

/* "mu, alpha, homo", cut where `room` ends. */
static void list_targets(const struct dataset *d, char *room, size_t bytes)
{
    size_t at = 0;

    snprintf(room, bytes, "%s", d->targets ? "" : "none is there");
    for (int t = 0; t < d->targets && at < bytes; t++)
        at += (size_t)snprintf(room + at, bytes - at, "%s%s", t ? ", " : "",
                               d->target[t].name);
}

static const struct node *node_of_target(const struct deck *deck, int t)
{
    const struct node *n = params_node(deck, "data.target");

    if (!n || n->kind != NODE_LIST)
        return n;
    n = n->child;
    while (n && t-- > 0)
        n = n->next;
    return n;
}

static void unknown_target(struct deck *deck, const struct dataset *d,
                           const struct node *node, const char *name,
                           const char *nearest)
{
    char list[400];

    list_targets(d, list, sizeof list);
    deck_mistake(deck, node,
                 "data.target: no such target in '%.200s' (expected one of: "
                 "%s; found %.64s); %s%.64s%s",
                 d->path, list, name, nearest ? "did you mean " : "choose one",
                 nearest ? nearest : "", nearest ? "?" : "");
}

static void check_atoms(struct deck *deck, const struct dataset *d, int column)
{
    const char *why = target_no_atoms(d, column);

    if (why)
        deck_mistake(deck, params_node(deck, "data.reference"),
                     "data.reference: no atoms for target %s: %s (expected "
                     "auto, none or fit, found atoms); set fit or none",
                     d->target[column].name, why);
}

enum err split_targets(const struct params *p, struct deck *deck,
                       const struct dataset *d, int column[])
{
    void *block;
    const char **words;

    TRY(mem_alloc((size_t)d->targets, sizeof *words, "names", &block));
    words = block;
    for (int t = 0; t < d->targets; t++)
        words[t] = d->target[t].name;
    for (int t = 0; t < p->data.targets; t++) {
        const char *name = p->data.target[t];

        column[t] = dataset_find(d, name);
        if (column[t] < 0)
            unknown_target(deck, d, node_of_target(deck, t), name,
                           deck_nearest(name, d->targets, words));
        else if (p->data.reference == REFERENCE_ATOMS)
            check_atoms(deck, d, column[t]);
    }
    mem_free(block);
    return deck_result(deck);
}
