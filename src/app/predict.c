/* SPDX-License-Identifier: MIT */
/* predict.c - `se3t predict MODEL DATA... --out FILE.csv`.
 *
 * The model file is all that is needed beside the molecules. Several models:
 * one after the other on the same memory, then mean and standard deviation. */
#include "app/commands.h"
#include "app/devices.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "data/import.h"
#include "data/split.h"
#include "deck/params.h"
#include "device/device.h"
#include "run/ckpt.h"
#include "run/predictions.h"
#include "run/predictor.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct source_model {
    const char *path;
    struct ckpt_head head;
    struct deck *deck;
    struct params params;
};

struct predict {
    struct comm *comm;
    const struct options *options;
    int models, sources;
    struct source_model *model; /* [models] */
    const char **source;
    struct dataset *data;
    int64_t n;
    int64_t *row; /* [n] molecules to predict, in the order of DATA */
    double *mean, *deviation; /* [n, targets]; deviation: several models */
};

/* --- models -------------------------------------------------------------- */

/* What --set may change of a model's deck. */
static enum err check_set(const char *set)
{
    static const char *const allowed[] = {
        "compute.", "run.device=", "run.cpu_isa=", "data.split="};

    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strncmp(set, allowed[i], strlen(allowed[i])) == 0)
            return OK;
    return err_set(ERR_DECK,
                   "--set %s: not for predict (expected compute.*, run.device, "
                   "run.cpu_isa or data.split); leave it out",
                   set);
}

static enum err apply_sets(const struct options *o, struct deck *d)
{
    int n = options_count(o, "set");
    const char **set;
    void *data;
    enum err err = OK;

    TRY(mem_alloc((size_t)n, sizeof *set, "--set", &data));
    set = data;
    options_values(o, "set", set);
    for (int i = 0; !err && i < n; i++) {
        err = check_set(set[i]);
        if (!err)
            err = deck_set(d, set[i]);
    }
    mem_free(data);
    return err;
}

/* A model is data here: there is no other one to fall back to. */
static enum err as_data(enum err err)
{
    char why[1024];

    if (err != ERR_CHECKPOINT)
        return err;
    snprintf(why, sizeof why, "%s", err_message());
    return err_set(ERR_DATA, "%s", why);
}

static int is_folder(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static int is_model(const char *path)
{
    struct ckpt_head head = {.format = 0};
    int is = !is_folder(path) && ckpt_read_head(path, &head) == OK;

    ckpt_head_fini(&head);
    return is;
}

/* What is no model file, where one is expected. err: as reading it said. */
static enum err no_model(const struct predict *p, const char *path,
                         enum err err)
{
    char inside[4096], why[1024];

    snprintf(why, sizeof why, "%s", err_message());
    snprintf(inside, sizeof inside, "%s/model.h5", path);
    if (access(inside, F_OK) == 0)
        return err_set(ERR_DECK,
                       "%s: the folder of a run (expected a model); name %s",
                       path, inside);
    if (options_count(p->options, "model") == 0 && is_model(p->source[0]))
        return err_set(ERR_DECK,
                       "predict: MODEL comes first (expected a model, found "
                       "%s); put %s before it",
                       path, p->source[0]);
    if (is_folder(path))
        return err_set(ERR_DECK,
                       "%s: no model (expected a file, found a folder); name "
                       "model.h5 of a run",
                       path);
    return err_set(err, "%s", why);
}

static enum err open_model(const struct predict *p, struct source_model *m)
{
    const struct options *o = p->options;
    enum err err;

    if (access(m->path, F_OK) != 0)
        return err_set(ERR_DECK,
                       "%s: no such file (expected a model); name model.h5 of "
                       "a run",
                       m->path);
    err = is_folder(m->path) ? ERR_DATA
                             : as_data(ckpt_read_head(m->path, &m->head));
    if (err == ERR_DATA)
        return no_model(p, m->path, err);
    TRY(err);
    TRY(deck_parse(m->head.deck, strlen(m->head.deck), m->path, &m->deck));
    TRY(apply_sets(o, m->deck));
    TRY(params_read(m->deck, 0, &m->params));
    device_check(&m->params, m->deck);
    return deck_result(m->deck);
}

static enum err same_targets(const struct source_model *a,
                             const struct source_model *b)
{
    const struct target_scale *x = &a->head.scale, *y = &b->head.scale;
    int same = x->n == y->n;

    for (int t = 0; same && t < x->n; t++)
        same = strcmp(x->name[t], y->name[t]) == 0 &&
               strcmp(x->unit[t], y->unit[t]) == 0;
    if (same)
        return OK;
    return err_set(ERR_DECK,
                   "%s: other targets or units than %s (expected %s.., found "
                   "%s..); predict with one after the other",
                   b->path, a->path, x->name[0], y->name[0]);
}

static enum err open_models(struct predict *p)
{
    int named = options_count(p->options, "model");
    const char **path;
    void *data;

    p->models = named ? named : 1;
    TRY(mem_alloc((size_t)p->models, sizeof *p->model, "models", &data));
    p->model = data;
    TRY(mem_alloc((size_t)p->models, sizeof *path, "names of models", &data));
    path = data;
    options_values(p->options, "model", path);
    for (int i = 0; i < p->models; i++)
        p->model[i].path = named ? path[i] : p->options->word[0];
    mem_free(data);
    p->sources = p->options->words - !named;
    p->source = p->options->word + !named;
    if (p->sources < 1)
        return err_set(ERR_DECK, "predict: no DATA (expected a data set or "
                                 "files of molecules); name some");
    for (int i = 0; i < p->models; i++) {
        TRY(open_model(p, &p->model[i]));
        TRY(same_targets(&p->model[0], &p->model[i]));
    }
    return OK;
}

/* --- molecules ----------------------------------------------------------- */

static void warn_of_rejects(const struct import_summary *s)
{
    enum { SAID = 20 };

    for (int i = 0; i < s->rejects && i < SAID; i++)
        log_warn("%s:%lld: %s; left out", s->reject[i].source,
                 (long long)s->reject[i].line, s->reject[i].reason);
    if (s->rejects > SAID)
        log_warn("%s: %d more records cannot be used; left out",
                 s->reject[SAID].source, s->rejects - SAID);
}

static enum err read_raw(struct predict *p)
{
    struct import_options o = {.limit = -1, .keep_order = 1};
    const char *format = options_value(p->options, "format");
    struct import_summary summary = {.records = 0};
    enum err err;

    if (format) {
        int f = import_format_of(format);

        if (f < 0)
            return err_set(ERR_DECK,
                           "--format: unknown (expected auto, qm9-xyz, "
                           "qm9pack, sdf, npz or extxyz, found %s)",
                           format);
        o.format = (enum import_format)f;
    }
    err = import_read(p->comm, p->sources, p->source, &o, &p->data, &summary);
    warn_of_rejects(&summary);
    import_summary_fini(&summary);
    return err;
}

static enum err read_data(struct predict *p)
{
    if (!is_folder(p->source[0]))
        return read_raw(p);
    if (p->sources > 1)
        return err_set(ERR_DECK,
                       "predict: one data set at a time (expected a folder, "
                       "found %s behind it)",
                       p->source[1]);
    return dataset_open(p->comm, p->source[0], &p->data);
}

static int compare_rows(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* A part of the data set, in its order. */
static enum err rows_of_part(struct predict *p, const char *word)
{
    const struct source_model *m = &p->model[0];
    struct split split;
    int part = 0;

    while (part < PARTS && strcmp(part_name((enum part)part), word) != 0)
        part++;
    if (part == PARTS)
        return err_set(ERR_DECK,
                       "--split: no such part (expected train, validation or "
                       "test, found %s)",
                       word);
    if (m->params.data.split == SPLIT_FILE &&
        access(m->params.data.split_file, R_OK) != 0)
        return err_set(
            ERR_DECK, "--split: the model was trained with a split file, which "
                      "it does not hold; give it by --set data.split=FILE");
    for (int i = 0; i < p->models; i++)
        if (!digest_equal(&p->model[i].head.data, &p->data->digest))
            log_warn("--split: %s was trained on other data than %s; the %s "
                     "part may hold molecules that it has seen",
                     p->model[i].path, p->data->path, word);
    TRY(split_make(&m->params, m->deck, p->data, NULL, 0, &split));
    p->n = split.n[part];
    memcpy(p->row, split.row[part], (size_t)p->n * sizeof *p->row);
    qsort(p->row, (size_t)p->n, sizeof *p->row, compare_rows);
    split_fini(&split);
    return OK;
}

/* The first element of a molecule that a model does not know, or 0. */
static int unknown_element(const struct predict *p, int64_t row)
{
    int z = 0;

    for (int i = 0; i < p->models && !z; i++)
        z = elements_unknown(&p->model[i].head.elements, p->data, row);
    return z;
}

/* The first that a model's training part never had, or 0. */
static int unseen_element(const struct predict *p, int64_t row)
{
    const struct dataset *d = p->data;

    for (int i = 0; i < p->models; i++) {
        const struct elements *e = &p->model[i].head.elements;

        for (int64_t a = d->atom_begin[row]; a < d->atom_begin[row + 1]; a++)
            if (!memchr(e->seen_number, d->number[a], (size_t)e->seen))
                return d->number[a];
    }
    return 0;
}

static enum err leave_out_unknown(struct predict *p)
{
    int64_t kept = 0, unseen = 0;

    for (int64_t i = 0; i < p->n; i++) {
        int64_t row = p->row[i], id = p->data->id[row];
        int z = unknown_element(p, row);

        if (z) {
            log_warn("%s: molecule %lld holds an element that the model does "
                     "not know (atomic number %d); left out",
                     p->data->path, (long long)id, z);
            continue;
        }
        p->row[kept++] = row;
        z = unseen_element(p, row);
        if (z && !unseen++)
            log_warn("%s: molecule %lld holds an element that the training "
                     "part never had (atomic number %d); do not trust such "
                     "predictions",
                     p->data->path, (long long)id, z);
    }
    p->n = kept;
    if (kept == 0)
        return err_set(ERR_DATA,
                       "%s: no molecule is left to predict (expected one that "
                       "the model knows)",
                       p->data->path);
    return OK;
}

static enum err choose_rows(struct predict *p)
{
    const char *part = options_value(p->options, "split");
    void *data;

    p->n = p->data->molecules;
    TRY(mem_alloc((size_t)p->n, sizeof *p->row, "the molecules", &data));
    p->row = data;
    for (int64_t i = 0; i < p->n; i++)
        p->row[i] = i;
    if (part)
        TRY(rows_of_part(p, part));
    return leave_out_unknown(p);
}

/* --- predictions --------------------------------------------------------- */

static enum err run_model(struct predict *p, struct device *d, int i,
                          double out[])
{
    struct source_model *m = &p->model[i];
    int batch = m->params.train.batch, most = batch < 240 ? batch : 240;
    int64_t share = (p->n + comm_size(p->comm) - 1) / comm_size(p->comm);
    struct predictor_of of = {.head = &m->head,
                              .params = &m->params,
                              .data = p->data,
                              .rows = p->row,
                              .n = p->n,
                              .block = share < most ? (int)share : most,
                              .path = m->path};
    struct predictor *predictor;
    enum err err;

    TRY(as_data(predictor_create(p->comm, d, &of, &predictor)));
    err = evaluate_predict(&predictor->evaluation, p->row, p->n, out);
    predictor_destroy(&predictor);
    return err;
}

/* Running mean and sum of squares (Welford). */
static void add_model(struct predict *p, int i, const double one[])
{
    int64_t n = p->n * p->model[0].head.scale.n;

    for (int64_t k = 0; k < n; k++) {
        double was = one[k] - p->mean[k];

        p->mean[k] += was / (i + 1);
        if (p->deviation)
            p->deviation[k] += was * (one[k] - p->mean[k]);
    }
}

static enum err room_for(struct predict *p, double **one)
{
    size_t n = (size_t)(p->n * p->model[0].head.scale.n);
    void *data = NULL;

    TRY(mem_alloc(n, sizeof(double), "predictions", &data));
    p->mean = data;
    if (p->models > 1) {
        TRY(mem_alloc(n, sizeof(double), "deviations", &data));
        p->deviation = data;
    }
    TRY(mem_alloc(n, sizeof(double), "predictions", &data));
    *one = data;
    return OK;
}

static enum err predict_all(struct predict *p, struct device *d)
{
    int64_t n = p->n * p->model[0].head.scale.n;
    double *one = NULL;
    enum err err = comm_agree(p->comm, room_for(p, &one));

    for (int i = 0; !err && i < p->models; i++) {
        err = run_model(p, d, i, one);
        if (!err)
            add_model(p, i, one);
    }
    for (int64_t k = 0; !err && p->deviation && k < n; k++)
        p->deviation[k] = sqrt(p->deviation[k] / (p->models - 1));
    mem_free(one);
    return err;
}

static void print_figures(const struct predict *p, const struct loader *l)
{
    static struct json j;
    int as_json = options_count(p->options, "json") > 0;

    for (int t = 0; t < l->scale->n; t++) {
        struct evaluate_figures f;

        evaluate_figures(l, p->row, p->n, p->mean, t, &f);
        if (f.molecules == 0)
            continue;
        if (!as_json) {
            printf("%s: %lld molecules with references, MAE %.6g, RMSE %.6g, "
                   "max error %.6g %s, R2 %.6f\n",
                   l->scale->name[t], (long long)f.molecules, f.mae, f.rmse,
                   f.max, l->scale->unit[t], f.r2);
            continue;
        }
        json_begin(&j);
        json_string(&j, "target", l->scale->name[t]);
        json_string(&j, "unit", l->scale->unit[t]);
        json_int(&j, "molecules", f.molecules);
        json_real(&j, "mae", f.mae);
        json_real(&j, "rmse", f.rmse);
        json_real(&j, "max", f.max);
        json_real(&j, "r2", f.r2);
        json_print(&j, stdout);
    }
}

static enum err write_out(const struct predict *p)
{
    const char *out = options_value(p->options, "out");
    struct loader l = {.d = p->data, .scale = &p->model[0].head.scale};

    for (int t = 0; t < l.scale->n; t++)
        l.column[t] = dataset_find(p->data, l.scale->name[t]);
    TRY(predictions_write(out, &l, p->row, p->n, p->mean, p->deviation));
    print_figures(p, &l);
    log_note("%lld molecules predicted: %s", (long long)p->n, out);
    return OK;
}

static const double sources_bytes = 4e9, row_bytes = 100;

/* Rank 0: whether --out can be written, before the work is done. */
static enum err try_out(const struct predict *p)
{
    const char *out = options_value(p->options, "out");
    char fresh[4096];
    FILE *f;

    if (comm_rank(p->comm) != 0)
        return OK;
    snprintf(fresh, sizeof fresh, "%s.tmp", out);
    f = fopen(fresh, "w");
    if (!f)
        return err_set(ERR_DECK,
                       "--out: %s cannot be written (%s); name a file in a "
                       "folder that is there",
                       out, strerror(errno));
    fclose(f);
    unlink(fresh);
    return OK;
}

static enum err work(struct predict *p)
{
    struct device *d = NULL;
    enum err err;

    if (!options_value(p->options, "out"))
        return err_set(ERR_DECK, "predict: --out is missing (expected --out "
                                 "FILE.csv)");
    TRY(comm_agree(p->comm, open_models(p)));
    TRY(comm_agree(p->comm, try_out(p)));
    comm_expect(p->comm, sources_bytes);
    TRY(read_data(p));
    TRY(comm_agree(p->comm, choose_rows(p)));
    threads_choose(p->comm);
    TRY(device_choose(p->comm, &p->model[0].params, "", &d));
    device_log(d, 0);
    err = predict_all(p, d);
    device_close(&d);
    TRY(err);
    comm_expect(p->comm, row_bytes * (double)(p->n * p->model[0].head.scale.n));
    if (comm_rank(p->comm) == 0)
        err = write_out(p);
    return comm_agree(p->comm, err);
}

static void fini(struct predict *p)
{
    for (int i = 0; p->model && i < p->models; i++) {
        params_fini(&p->model[i].params);
        deck_close(&p->model[i].deck);
        ckpt_head_fini(&p->model[i].head);
    }
    mem_free(p->model);
    mem_free(p->row);
    mem_free(p->mean);
    mem_free(p->deviation);
    dataset_close(p->comm, &p->data);
}

static enum err run(struct comm *c, const struct options *o)
{
    struct predict p = {.comm = c, .options = o};
    enum err err = work(&p);

    fini(&p);
    return err;
}

static const struct option options[] = {
    {"model", "FILE", 1},
    {"out", "FILE.csv", 0},
    {"split", "PART", 0},
    {"format", "NAME", 0},
    {"set", "SECTION.KEY=VALUE", 1},
};

const struct command command_predict = {
    .name = "predict",
    .summary = "predict molecules by a trained model",
    .help =
        "se3t predict MODEL DATA... --out FILE.csv [--split PART]\n"
        "se3t predict --model A --model B DATA... --out FILE.csv\n"
        "\n"
        "MODEL is model.h5 of a run (or one of its checkpoints); DATA a data\n"
        "set made by se3t import, or raw files of molecules (.xyz, .sdf, ..).\n"
        "\n"
        "  --out FILE.csv   one row a molecule: prediction, reference, error\n"
        "  --split PART     only train, validation or test of a data set\n"
        "  --model FILE     several models: mean and standard deviation\n"
        "  --format NAME    of raw files: auto, qm9-xyz, qm9pack, sdf, npz,\n"
        "                   extxyz\n"
        "  --set KEY=VALUE  compute.*, run.device, run.cpu_isa, data.split\n"
        "  --json           figures as JSON lines\n",
    .option = options,
    .options = sizeof options / sizeof *options,
    .needs = "MODEL and DATA",
    .least = 1,
    .most = -1,
    .run = run,
};
