/* SPDX-License-Identifier: MIT */
/* predictor.c - measured, built, filled; as trainer.c, without what training
 * needs. */
#include "run/predictor.h"

#include "comm/comm.h"
#include "data/dataset.h"
#include "deck/params.h"
#include "device/device.h"
#include "model/model.h"
#include "run/ckpt.h"
#include "run/state.h"

static enum err build(struct predictor *p, const struct predictor_of *of)
{
    struct model_options options = model_options_of(of->params, MODEL_PREDICT);
    struct model_shape shape = model_shape_of(of->params, of->head->elements.n);

    return model_init(&p->model, p->device, &shape, &options, p->batch,
                      &p->memory);
}

static void set_loader(struct predictor *p, const struct predictor_of *of)
{
    p->loader = (struct loader){.d = of->data,
                                .elements = &of->head->elements,
                                .scale = &of->head->scale};
    for (int t = 0; t < of->head->scale.n; t++)
        p->loader.column[t] = dataset_find(of->data, of->head->scale.name[t]);
    p->evaluation = (struct evaluation){.device = p->device,
                                        .comm = p->comm,
                                        .loader = &p->loader,
                                        .block = of->block};
}

static enum err make(struct predictor *p, const struct predictor_of *of)
{
    struct model_shape shape = model_shape_of(of->params, of->head->elements.n);
    struct batch_limits limits = {.molecules = 0};

    set_loader(p, of);
    if (of->limits)
        limits = *of->limits;
    else
        evaluate_measure(of->data, of->rows, of->n, of->block, &limits);
    p->memory = memory_measure();
    TRY(batch_create(&limits, LOADER_SCALARS, of->head->scale.n, &shape.node,
                     &shape.edge, &p->batch));
    TRY(build(p, of));
    TRY(memory_open(&p->memory, &p->device->memory));
    TRY(build(p, of));
    p->evaluation.model = p->model;
    p->evaluation.batch = p->batch;
    return OK;
}

static enum err load(struct predictor *p, const char *path)
{
    struct ckpt_state s = {.arrays = 0};
    enum err err = state_of_weights(model_weights(p->model), p->device,
                                    p->memory.weights.base, &s);

    if (!err && comm_rank(p->comm) == 0)
        err = ckpt_load(path, &s, 1);
    err = comm_agree(p->comm, err);
    if (!err)
        err = state_spread(p->comm, &s);
    state_fini(&s);
    return err;
}

enum err predictor_create(struct comm *c, struct device *d,
                          const struct predictor_of *of, struct predictor **out)
{
    struct predictor *p = NULL;
    void *data = NULL;
    enum err err = mem_alloc(1, sizeof *p, "the predictor", &data);

    p = data;
    if (!err) {
        p->comm = c;
        p->device = d;
        err = make(p, of);
    }
    TRY_GOTO(comm_agree(c, err), destroy);
    if (of->path)
        err = load(p, of->path);
    else
        err = comm_agree(
            c, weights_init(model_weights(p->model), d, of->params->run.seed));
    TRY_GOTO(err, destroy);
    model_prepare(p->model);
    *out = p;
    return OK;
destroy:
    predictor_destroy(&p);
    return err;
}

void predictor_destroy(struct predictor **out)
{
    struct predictor *p = *out;

    if (!p)
        return;
    model_fini(&p->model);
    memory_close(&p->memory);
    batch_destroy(&p->batch);
    mem_free(p);
    *out = NULL;
}
