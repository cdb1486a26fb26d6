/* SPDX-License-Identifier: MIT */
/* import_bag.c - columns that grow at their end. */
#include "data/import_bag.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "data/qm9.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    size_t size;
    const char *what;
} column[BAG_COLUMNS] = {
    {sizeof(struct import_head), "molecules"},
    {1, "elements"},
    {3 * sizeof(double), "positions"},
    {2 * sizeof(int32_t), "bonds"},
    {1, "bond orders"},
    {sizeof(int32_t), "targets"},
    {sizeof(double), "targets"},
    {sizeof(struct import_name), "names of targets"},
    {sizeof(struct import_origin), "origins of molecules"},
    {1, "names of sources"},
    {1, "refused records"},
    {sizeof(struct import_odd), "values that are no numbers"},
};

size_t bag_size(enum bag_column c)
{
    return column[c].size;
}

static enum err append(struct import_bag *b, enum bag_column c,
                       const void *data, size_t n)
{
    size_t size = column[c].size;

    TRY(mem_grow(&b->data[c], &b->room[c], b->n[c] + n, size, column[c].what));
    if (n > 0)
        memcpy((char *)b->data[c] + b->n[c] * size, data, n * size);
    b->n[c] += n;
    return OK;
}

static enum err find_name(struct import_bag *b, struct slice name, int64_t seq,
                          int32_t *out)
{
    struct import_name new = {.seq = seq};
    const struct import_name *have = b->data[BAG_NAMES];

    for (size_t i = 0; i < b->n[BAG_NAMES]; i++)
        if (slice_equal(name, have[i].name)) {
            *out = (int32_t)i;
            return OK;
        }
    if (b->n[BAG_NAMES] == BAG_TARGETS)
        return err_set(ERR_DATA,
                       "targets: more than %d different names stand beside the "
                       "molecules; a key of each comment may hold its number, "
                       "give it quotes or take it out",
                       BAG_TARGETS);
    memcpy(new.name, name.s, name.n);
    *out = (int32_t)b->n[BAG_NAMES];
    return append(b, BAG_NAMES, &new, 1);
}

enum err bag_open(struct import_bag *b, int qm9)
{
    int32_t at;

    *b = (struct import_bag){0};
    for (int i = 0; qm9 && i < QM9_TARGETS; i++) {
        enum err err = find_name(b, slice_of(qm9_target[i].name), -1, &at);

        if (err) {
            bag_fini(b);
            return err;
        }
    }
    return OK;
}

void bag_fini(struct import_bag *b)
{
    for (int i = 0; i < BAG_COLUMNS; i++)
        mem_free(b->data[i]);
    *b = (struct import_bag){0};
}

static enum err add_targets(struct import_bag *b, const struct import_head *h,
                            const struct import_result *r)
{
    for (int32_t i = 0; i < r->m.targets; i++)
        TRY(append(b, BAG_NAME, &i, 1));
    TRY(append(b, BAG_VALUE, r->m.target, (size_t)r->m.targets));
    for (int i = 0; i < r->values; i++) {
        int32_t at;

        TRY(find_name(b, r->value[i].name, h->seq, &at));
        TRY(append(b, BAG_NAME, &at, 1));
        TRY(append(b, BAG_VALUE, &r->value[i].x, 1));
    }
    return OK;
}

/* Of the first BAG_TARGETS names. */
static enum err add_odd(struct import_bag *b, const struct import_text *t,
                        const struct import_odd *first)
{
    struct import_odd new = *first, *odd = b->data[BAG_ODD];

    for (size_t i = 0; i < b->n[BAG_ODD]; i++)
        if (slice_equal(t->name, odd[i].name)) {
            odd[i].count++;
            return OK;
        }
    if (b->n[BAG_ODD] == BAG_TARGETS)
        return OK;
    memcpy(new.name, t->name.s, t->name.n);
    slice_show(t->text, new.text);
    new.line += new.line > 0 ? t->line : 0;
    return append(b, BAG_ODD, &new, 1);
}

static enum err add_odds(struct import_bag *b, const struct import_head *h,
                         const struct import_result *r, const char *label,
                         int64_t line)
{
    struct import_odd first = {.count = 1, .seq = h->seq, .line = line};

    snprintf(first.source, sizeof first.source, "%s", label);
    for (int i = 0; i < r->texts; i++)
        TRY(add_odd(b, &r->text[i], &first));
    return OK;
}

static enum err add_origin(struct import_bag *b, const char *label,
                           int64_t line)
{
    struct import_origin o = {line, b->last_label};

    if (b->n[BAG_LABELS] == 0 ||
        strcmp((const char *)b->data[BAG_LABELS] + o.label, label) != 0) {
        o.label = b->last_label = b->n[BAG_LABELS];
        TRY(append(b, BAG_LABELS, label, strlen(label) + 1));
    }
    return append(b, BAG_ORIGIN, &o, 1);
}

enum err bag_add(struct import_bag *b, const struct import_head *head,
                 const struct import_result *r, const char *label, int64_t line)
{
    const struct molecule *m = &r->m;
    struct import_head h = *head;

    h.atoms = m->atoms;
    h.bonds = m->bonds;
    h.values = m->targets + r->values;
    TRY(append(b, BAG_NUMBER, m->number, (size_t)m->atoms));
    TRY(append(b, BAG_X, m->x, (size_t)m->atoms));
    TRY(append(b, BAG_BOND, m->bond, (size_t)m->bonds));
    TRY(append(b, BAG_ORDER, m->order, (size_t)m->bonds));
    TRY(add_targets(b, &h, r));
    TRY(add_odds(b, &h, r, label, line));
    TRY(add_origin(b, label, line));
    return append(b, BAG_HEAD, &h, 1);
}

enum err bag_refuse(struct import_bag *b, const struct import_refusal *what,
                    const char *source, const char *reason)
{
    struct import_refusal r = *what;

    if (b->refusals++ >= BAG_REFUSALS)
        return OK;
    r.source = (int32_t)strlen(source);
    r.reason = (int32_t)strlen(reason);
    TRY(append(b, BAG_REFUSED, &r, sizeof r));
    TRY(append(b, BAG_REFUSED, source, (size_t)r.source));
    return append(b, BAG_REFUSED, reason, (size_t)r.reason);
}

enum err bag_broadcast(struct comm *c, const struct import_bag *mine, int root,
                       struct import_bag *out)
{
    struct import_bag b = {0};
    enum err err = OK;
    int is_root = comm_rank(c) == root;

    if (is_root)
        b = *mine;
    comm_broadcast(c, b.n, sizeof b.n, root);
    for (int i = 0; i < BAG_TRAVELS && !is_root && !err; i++)
        err = mem_alloc(b.n[i], column[i].size, column[i].what, &b.data[i]);
    err = comm_agree(c, err);
    if (err) {
        if (!is_root)
            bag_fini(&b);
        return err;
    }
    for (int i = 0; i < BAG_TRAVELS; i++)
        if (b.n[i] > 0)
            comm_broadcast(c, b.data[i], b.n[i] * column[i].size, root);
    *out = b;
    return OK;
}
