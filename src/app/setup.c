/* SPDX-License-Identifier: MIT */
/* setup.c - every rank reads the deck and makes the same of it; only the data
 * are read together. */
#include "app/setup.h"

#include "app/devices.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "device/device.h"

#include <string.h>

/* auto: free atoms for U0 U H G, which are large sums over atoms. One reference
 * serves all targets of a run. */
enum err setup_reference(const struct params *p, struct deck *deck,
                         enum scale_reference *out)
{
    static const enum scale_reference names[] = {
        [REFERENCE_AUTO] = SCALE_ATOMS,
        [REFERENCE_NONE] = SCALE_NONE,
        [REFERENCE_ATOMS] = SCALE_ATOMS,
        [REFERENCE_FIT] = SCALE_FIT,
    };
    enum scale_reference r = names[p->data.reference];

    for (int t = 0; t < p->data.targets && r == SCALE_ATOMS; t++) {
        if (target_has_atoms(p->data.target[t]))
            continue;
        if (p->data.reference == REFERENCE_ATOMS) {
            deck_mistake(deck, params_node(deck, "data.reference"),
                         "data.reference: no free-atom energies for this "
                         "target (expected U0, U, H or G, found %s); set "
                         "data.reference: fit or none",
                         p->data.target[t]);
            return deck_result(deck);
        }
        r = SCALE_NONE;
    }
    *out = r;
    return OK;
}

static enum err read_deck(struct setup *s, const char *path, int sets,
                          const char *const set[])
{
    TRY(deck_open(path, &s->deck));
    for (int i = 0; i < sets; i++)
        TRY(deck_set(s->deck, set[i]));
    TRY(params_read(s->deck, 1, &s->params));
    device_check(&s->params, s->deck);
    return deck_result(s->deck);
}

/* What the data say of the deck. */
static enum err read_job(struct setup *s)
{
    const struct params *p = &s->params;
    enum scale_reference reference;

    TRY(split_targets(p, s->deck, s->data, s->job.column));
    TRY(split_make(p, s->deck, s->data, s->job.column, p->data.targets,
                   &s->split));
    TRY(setup_reference(p, s->deck, &reference));
    elements_of(s->data, s->split.row[PART_TRAIN], s->split.n[PART_TRAIN],
                &s->job.elements);
    TRY(target_scale_make(s->data, &s->split, s->job.column, p->data.targets,
                          reference, &s->job.scale));
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
    TRY_GOTO(dataset_open(c, s->params.data.path, &s->data), close);
    TRY_GOTO(comm_agree(c, read_job(s)), close);
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
