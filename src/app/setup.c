/* SPDX-License-Identifier: MIT */
/* setup.c - every rank reads the deck and makes the same of it; only the data
 * are read together. */
#include "app/setup.h"

#include "app/alkanes.h"
#include "app/devices.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "device/device.h"

#include <stdlib.h>
#include <string.h>

static const enum scale_reference references[] = {
    [REFERENCE_AUTO] = SCALE_AUTO,
    [REFERENCE_NONE] = SCALE_NONE,
    [REFERENCE_ATOMS] = SCALE_ATOMS,
    [REFERENCE_FIT] = SCALE_FIT,
};

static const char own_deck[] =
    "data: {path: ., split: {train: 0.8, validation: "
    "0.1}}\n";
enum { OWN_MOLECULES = 1200 };

static enum err read_deck(struct setup *s, const char *path, int sets,
                          const char *const set[])
{
    if (path)
        TRY(deck_open(path, &s->deck));
    else
        TRY(deck_parse(own_deck, strlen(own_deck), "default deck", &s->deck));
    for (int i = 0; i < sets; i++)
        TRY(deck_set(s->deck, set[i]));
    TRY(params_read(s->deck, 1, &s->params));
    device_check(&s->params, s->deck);
    return deck_result(s->deck);
}

/* Validation and test may hold an element that the training part lacks. */
static enum err check_elements(const struct setup *s)
{
    for (int part = 0; part < PARTS; part++)
        for (int64_t i = 0; i < s->split.n[part]; i++) {
            int64_t row = s->split.row[part][i];
            int z = elements_unknown(&s->job.elements, s->data, row);

            if (z)
                return err_set(ERR_DATA,
                               "%s: molecule %lld of the %s part holds an "
                               "element that the training part lacks (atomic "
                               "number %d); choose another data.split",
                               s->data->path, (long long)s->data->id[row],
                               part_name((enum part)part), z);
        }
    return OK;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Predictions of the test part stand in the order of the data. */
static void sort_test(struct setup *s)
{
    for (int i = 0; i < PARTS; i++)
        split_digest(&s->split, (enum part)i, &s->part[i]);
    qsort(s->split.row[PART_TEST], (size_t)s->split.n[PART_TEST],
          sizeof(int64_t), ascending);
}

/* What the data say of the deck. */
static enum err read_job(struct setup *s)
{
    const struct params *p = &s->params;
    enum err err = split_targets(p, s->deck, s->data, s->job.column);

    if (err && err != ERR_DECK) /* split_make says mistakes with its own */
        return err;
    TRY(split_make(p, s->deck, s->data, s->job.column, p->data.targets,
                   &s->split));
    sort_test(s);
    elements_of(s->data, s->split.row[PART_TRAIN], s->split.n[PART_TRAIN],
                &s->job.elements);
    TRY(check_elements(s));
    TRY(target_scale_make(s->data, &s->split, s->job.column, p->data.targets,
                          references[p->data.reference], &s->job.scale));
    if (p->model.init_from)
        TRY(digest_file(p->model.init_from, -1, &s->init));
    return params_write_portable(p, s->split.digest.hex, s->init.hex,
                                 &s->portable);
}

enum err setup_open(struct comm *c, const char *deck, int sets,
                    const char *const set[], struct setup **out)
{
    struct setup *s = NULL;
    void *data = NULL;
    enum err err = mem_alloc(1, sizeof *s, "the set-up", &data);

    s = data;
    if (!err) {
        s->comm = c;
        err = read_deck(s, deck, sets, set);
    }
    TRY_GOTO(comm_agree(c, err), close);
    if (deck)
        err = dataset_open(c, s->params.data.path, &s->data);
    else
        err = alkanes_make(c, OWN_MOLECULES, &s->data);
    TRY_GOTO(err, close);
    TRY_GOTO(comm_agree(c, read_job(s)), close);
    TRY_GOTO(dataset_keep(c, s->data, s->params.data.targets, s->job.column),
             close);
    s->job.params = &s->params;
    s->job.comm = c;
    s->job.data = s->data;
    s->job.split = &s->split;
    *out = s;
    return OK;
close:
    setup_close(&s);
    return err;
}

enum err setup_device(struct setup *s, const char *kept)
{
    threads_choose(s->comm);
    TRY(device_choose(s->comm, &s->params, kept, &s->job.device));
    return OK;
}

void setup_close(struct setup **out)
{
    struct setup *s = *out;

    if (!s)
        return;
    device_close(&s->job.device);
    target_scale_fini(&s->job.scale);
    split_fini(&s->split);
    dataset_close(s->comm, &s->data);
    mem_free(s->portable);
    params_fini(&s->params);
    deck_close(&s->deck);
    mem_free(s);
    *out = NULL;
}
