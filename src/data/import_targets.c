/* SPDX-License-Identifier: MIT */
/* import_targets.c - names and refusals of all ranks, in the order of records.
 */
#include "data/import_targets.h"

#include "base/mem.h"
#include "comm/comm.h"
#include "data/import.h"
#include "data/import_merge.h"
#include "data/import_odd.h"
#include "data/qm9.h"
#include "deck/deck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err import_share(struct comm *c, const void *mine, size_t bytes,
                      void **out, size_t sizes[])
{
    size_t all = 0;
    void *data = NULL;
    enum err err = comm_gather(c, mine, bytes, &data, sizes);

    if (err)
        return err;
    comm_broadcast(c, sizes, (size_t)comm_size(c) * sizeof *sizes, 0);
    for (int r = 0; r < comm_size(c); r++)
        all += sizes[r];
    if (comm_rank(c) != 0)
        err = mem_alloc(all, 1, "what the ranks share", &data);
    err = comm_agree(c, err);
    if (err) {
        mem_free(data);
        return err;
    }
    if (all > 0)
        comm_broadcast(c, data, all, 0);
    *out = data;
    return OK;
}

/* --- names -------------------------------------------------------------- */

/* All ranks' names, and each one's place in its rank's list. */
struct listed {
    const struct import_name *name;
    size_t at;    /* among all */
    size_t place; /* in its rank's list */
};

static int by_first(const void *a, const void *b)
{
    const struct listed *p = a, *q = b;

    if (p->name->seq != q->name->seq)
        return p->name->seq < q->name->seq ? -1 : 1;
    return (p->place > q->place) - (p->place < q->place);
}

static int find_target(const struct import_targets *t, const char *name)
{
    for (int i = 0; i < t->targets; i++)
        if (strcmp(t->target[i].name, name) == 0)
            return i;
    return -1;
}

/* "gap, homo", each once, cut where the room ends. */
static void list_of(const struct listed *all, size_t n, char *room,
                    size_t bytes)
{
    size_t at = (size_t)snprintf(room, bytes, "%s", n ? "" : "none");

    for (size_t i = 0; i < n && at < bytes; i++) {
        size_t k = 0;

        while (strcmp(all[k].name->name, all[i].name->name) != 0)
            k++;
        if (k == i)
            at += (size_t)snprintf(room + at, bytes - at, "%s%s", i ? ", " : "",
                                   all[i].name->name);
    }
}

static enum err no_target(const char *name, const struct listed *all, size_t n)
{
    const char *word[BAG_TARGETS] = {NULL}, *near;
    char list[300];
    int words = 0;

    for (size_t i = 0; i < n && words < BAG_TARGETS; i++)
        word[words++] = all[i].name->name;
    near = deck_nearest(name, words, word);
    list_of(all, n, list, sizeof list);
    return err_set(ERR_DECK,
                   "--target: no record has a number called '%s' (expected one "
                   "of: %s); %s%s%s",
                   name, list, near ? "did you mean '" : "choose one",
                   near ? near : "", near ? "'?" : "");
}

static int names(const char *text, const char *name)
{
    const char *unit = strrchr(text, '=');
    size_t n = unit ? (size_t)(unit - text) : strlen(text);

    return strlen(name) == n && memcmp(text, name, n) == 0;
}

/* NAME[=UNIT] */
static enum err choose(const char *text, const struct import_plan *plan,
                       const struct listed *all, size_t n,
                       struct import_targets *t)
{
    const char *unit = strrchr(text, '=');
    struct slice name = slice_of(text);
    struct dataset_target *new = &t->target[t->targets];
    size_t k = 0;
    int known;

    if (unit)
        name.n = (size_t)(unit - text);
    unit = unit ? unit + 1 : "";
    if (name.n == 0 || name.n >= DATASET_NAME || strlen(unit) >= DATASET_NAME)
        return err_set(ERR_DECK,
                       "--target: '%s' is not NAME or NAME=UNIT of less than "
                       "%d characters each",
                       text, DATASET_NAME);
    memset(new, 0, sizeof *new);
    memcpy(new->name, name.s, name.n);
    snprintf(new->unit, sizeof new->unit, "%s", unit);
    while (k < n && strcmp(all[k].name->name, new->name) != 0)
        k++;
    if (k == n)
        return no_target(new->name, all, n);
    if (find_target(t, new->name) >= 0)
        return err_set(ERR_DECK, "--target: '%s' is there twice", new->name);
    known = plan->qm9 ? qm9_find(new->name) : -1;
    if (known >= 0 && *unit && strcmp(unit, qm9_target[known].unit) != 0)
        return err_set(ERR_DECK,
                       "--target: '%s' of QM9 is imported in %s (found %s); "
                       "leave the unit out",
                       new->name, qm9_target[known].unit, unit);
    if (known >= 0)
        snprintf(new->unit, sizeof new->unit, "%s", qm9_target[known].unit);
    t->targets++;
    return OK;
}

static void take_all(const struct import_plan *plan, const struct listed *all,
                     size_t n, struct import_targets *t)
{
    for (size_t i = 0; i < n; i++)
        if (find_target(t, all[i].name->name) < 0) {
            struct dataset_target *new = &t->target[t->targets++];
            int known = plan->qm9 ? qm9_find(all[i].name->name) : -1;

            memcpy(new->name, all[i].name->name, sizeof new->name);
            snprintf(new->unit, sizeof new->unit, "%s",
                     known >= 0 ? qm9_target[known].unit : "");
        }
}

static enum err set_targets(const struct import_plan *plan, struct listed *all,
                            size_t n, struct import_targets *t)
{
    const struct import_options *o = plan->options;
    void *data;

    if (n > 0)
        qsort(all, n, sizeof *all, by_first);
    TRY(mem_alloc(n + (size_t)o->targets + 1, sizeof *t->target, "targets",
                  &data));
    t->target = data;
    for (int i = 0; i < o->targets; i++)
        TRY(choose(o->target[i], plan, all, n, t));
    if (o->targets == 0)
        take_all(plan, all, n, t);
    if (t->targets > BAG_TARGETS)
        return err_set(ERR_DATA,
                       "targets: more than %d different names stand beside the "
                       "molecules; choose with --target",
                       BAG_TARGETS);
    TRY(mem_alloc(n, sizeof *t->column, "targets", &data));
    t->column = data;
    for (size_t i = 0; i < n; i++)
        t->column[all[i].at] = find_target(t, all[i].name->name);
    return OK;
}

static enum err list_names(struct comm *c, const struct import_name *name,
                           const size_t sizes[], struct listed **out,
                           size_t begin[])
{
    struct listed *all;
    void *data;
    size_t n = 0, k = 0;

    for (int r = 0; r < comm_size(c); r++)
        n += sizes[r] / sizeof *name;
    TRY(mem_alloc(n, sizeof *all, "targets", &data));
    all = data;
    for (int r = 0; r < comm_size(c); r++) {
        begin[r] = k;
        for (size_t i = 0; i < sizes[r] / sizeof *name; i++, k++)
            all[k] = (struct listed){&name[k], k, i};
    }
    *out = all;
    return OK;
}

/* Of targets alone; all in an import that finds none (predict wants none). */
static void warn_of_odd(const struct import_plan *plan,
                        const struct import_targets *t,
                        const struct import_odd *odd, size_t n)
{
    const struct import_options *o = plan->options;
    int all = t->targets == 0 && o->targets == 0 && !o->keep_order;

    for (size_t i = 0; i < n; i++) {
        int wanted = all || find_target(t, odd[i].name) >= 0;

        for (int k = 0; k < o->targets; k++)
            wanted |= names(o->target[k], odd[i].name);
        if (wanted)
            import_odd_warn(&odd[i]);
    }
}

enum err import_targets_open(struct comm *c, const struct import_bag *mine,
                             const struct import_plan *plan,
                             struct import_targets *out)
{
    struct import_targets t = {0};
    struct listed *all = NULL;
    struct import_odd *odd = NULL;
    void *list = NULL, *begin = NULL, *sizes = NULL;
    size_t ranks = (size_t)comm_size(c), n, odds;
    enum err err = mem_alloc(ranks, sizeof(size_t), "sizes of ranks", &sizes);

    if (!err)
        err = mem_alloc(ranks, sizeof(size_t), "sizes of ranks", &begin);
    t.begin = begin;
    TRY_GOTO(comm_agree(c, err), done);
    TRY_GOTO(import_share(c, mine->data[BAG_NAMES],
                          mine->n[BAG_NAMES] * sizeof(struct import_name),
                          &list, sizes),
             done);
    TRY_GOTO(
        import_odd_share(c, mine->data[BAG_ODD], mine->n[BAG_ODD], &odd, &odds),
        done);
    err = list_names(c, list, sizes, &all, t.begin);
    n = t.begin[ranks - 1] +
        ((size_t *)sizes)[ranks - 1] / sizeof(struct import_name);
    if (!err)
        err = set_targets(plan, all, n, &t);
    warn_of_odd(plan, &t, odd, odds);
    err = comm_agree(c, err);
done:
    mem_free(all);
    mem_free(list);
    mem_free(odd);
    mem_free(sizes);
    if (err)
        import_targets_fini(&t);
    else
        *out = t;
    return err;
}

void import_targets_fini(struct import_targets *t)
{
    mem_free(t->target);
    mem_free(t->column);
    mem_free(t->begin);
    *t = (struct import_targets){0};
}

/* --- refusals ----------------------------------------------------------- */

struct sorted {
    int64_t seq;
    const char *at;
};

static int by_seq(const void *a, const void *b)
{
    const struct sorted *p = a, *q = b;

    return (p->seq > q->seq) - (p->seq < q->seq);
}

static enum err copy_text(const char *s, int32_t n, char **out)
{
    void *text;

    TRY(mem_alloc((size_t)n + 1, 1, "refused records", &text));
    memcpy(text, s, (size_t)n);
    *out = text;
    return OK;
}

/* The first BAG_REFUSALS by seq. */
static enum err set_list(const struct sorted *sorted, size_t n,
                         struct import_summary *s)
{
    void *data;

    if (n > BAG_REFUSALS)
        n = BAG_REFUSALS;
    TRY(mem_alloc(n, sizeof *s->reject, "refused records", &data));
    s->reject = data;
    for (size_t i = 0; i < n; i++) {
        struct import_reject *j = &s->reject[i];
        struct import_refusal r;

        memcpy(&r, sorted[i].at, sizeof r);
        s->rejects = (int)i + 1;
        j->line = r.line;
        j->id = r.id;
        TRY(copy_text(sorted[i].at + sizeof r, r.source, &j->source));
        TRY(copy_text(sorted[i].at + sizeof r + r.source, r.reason,
                      &j->reason));
    }
    return OK;
}

static enum err read_list(const char *all, size_t bytes,
                          struct import_summary *s)
{
    struct sorted *sorted = NULL;
    size_t n = 0, room = 0, at = 0;
    enum err err = OK;

    while (at < bytes && !err) {
        struct import_refusal r;
        void *data = sorted;

        memcpy(&r, all + at, sizeof r);
        err = mem_grow(&data, &room, n + 1, sizeof *sorted, "refused records");
        sorted = data;
        if (!err)
            sorted[n++] = (struct sorted){r.seq, all + at};
        at += sizeof r + (size_t)r.source + (size_t)r.reason;
    }
    if (n > 0 && !err)
        qsort(sorted, n, sizeof *sorted, by_seq);
    if (!err)
        err = set_list(sorted, n, s);
    mem_free(sorted);
    return err;
}

enum err import_gather_refusals(struct comm *c, const struct import_bag *mine,
                                struct import_summary *s)
{
    void *all = NULL, *sizes = NULL;
    size_t bytes = 0;
    int ranks = comm_size(c);
    int64_t refused = mine->refusals;
    enum err err = comm_agree(
        c, mem_alloc((size_t)ranks, sizeof(size_t), "sizes of ranks", &sizes));

    if (!err)
        err = comm_gather(c, mine->data[BAG_REFUSED], mine->n[BAG_REFUSED],
                          &all, sizes);
    if (!err) {
        comm_add(c, &refused, 1, COMM_INT64);
        s->refused = refused;
        for (int r = 0; r < ranks && comm_rank(c) == 0; r++)
            bytes += ((size_t *)sizes)[r];
        err = comm_agree(c, comm_rank(c) == 0 ? read_list(all, bytes, s) : OK);
    }
    mem_free(all);
    mem_free(sizes);
    return err;
}
