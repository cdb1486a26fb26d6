/* SPDX-License-Identifier: MIT */
/* params_table.c - every key of a deck. */
#include "deck/params_table.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct params, member)

static const struct word automatic[] = {{"auto", 0}, {NULL, 0}};
static const struct word automatic_below[] = {{"auto", -1}, {NULL, 0}};
static const struct word none[] = {{"none", 0}, {NULL, 0}};
static const struct word time_limits[] = {
    {"auto", -1}, {"none", INFINITY}, {NULL, 0}};
static const struct word booleans[] = {{"true", 1}, {"false", 0}, {NULL, 0}};
static const struct word devices[] = {{"auto", DEVICE_AUTO},
                                      {"cpu", DEVICE_CPU},
                                      {"cuda", DEVICE_CUDA},
                                      {"paranoid", DEVICE_PARANOID},
                                      {NULL, 0}};
static const struct word isas[] = {
    {"auto", -1},       {"ref", 0}, {"avx2", 1}, {"avx512", 2},
    {"avx512_bf16", 3}, {"amx", 4}, {NULL, 0}};
static const struct word resumes[] = {{"auto", RESUME_AUTO},
                                      {"require", RESUME_REQUIRE},
                                      {"never", RESUME_NEVER},
                                      {NULL, 0}};
static const struct word deterministics[] = {
    {"same_ranks", 0}, {"any_ranks", 1}, {NULL, 0}};
static const struct word splits[] = {{"nvidia", SPLIT_NVIDIA},
                                     {"cormorant", SPLIT_CORMORANT},
                                     {"t110k", SPLIT_T110K},
                                     {NULL, 0}};
static const struct word references[] = {{"auto", REFERENCE_AUTO},
                                         {"none", REFERENCE_NONE},
                                         {"atoms", REFERENCE_ATOMS},
                                         {"fit", REFERENCE_FIT},
                                         {NULL, 0}};
static const struct word models[] = {
    {"se3_transformer", MODEL_SE3_TRANSFORMER}, {"tfn", MODEL_TFN}, {NULL, 0}};
static const struct word poolings[] = {
    {"max", POOL_MAX}, {"avg", POOL_AVG}, {NULL, 0}};
static const struct word sharings[] = {
    {"full", SHARING_FULL},           {"per_output", SHARING_PER_OUTPUT},
    {"per_input", SHARING_PER_INPUT}, {"none", SHARING_NONE},
    {"auto", SHARING_AUTO},           {NULL, 0}};
static const struct word optimizers[] = {{"adamw", OPTIMIZER_ADAMW},
                                         {"lamb", OPTIMIZER_LAMB},
                                         {"sgd", OPTIMIZER_SGD},
                                         {NULL, 0}};
static const struct word schedules[] = {
    {"cosine", SCHEDULE_COSINE}, {"constant", SCHEDULE_CONSTANT}, {NULL, 0}};
static const struct word losses[] = {
    {"l1", LOSS_L1}, {"l2", LOSS_L2}, {"huber", LOSS_HUBER}, {NULL, 0}};
static const struct word nonfinites[] = {{"stop", 0}, {"skip", 1}, {NULL, 0}};
static const struct word precisions[] = {
    {"fp64", PRECISION_FP64}, {"fp32", PRECISION_FP32},
    {"tf32", PRECISION_TF32}, {"bf16", PRECISION_BF16},
    {"fp16", PRECISION_FP16}, {NULL, 0}};
static const struct word radials[] = {
    {"exact", RADIAL_EXACT}, {"tabulated", RADIAL_TABULATED}, {NULL, 0}};
static const struct word memories[] = {{"normal", 0}, {"low", 1}, {NULL, 0}};

/* Short names for the columns that few rows have. */
#define WORDS(list) .words = list
#define FROM(low) .min = low, .max = INFINITY
#define ABOVE(low) .min = low, .max = INFINITY, .open = ABOVE_MIN
#define WITHIN(low, high, ends) .min = low, .max = high, .open = ends
#define APPLIED .change = CHANGE_APPLIED
#define REFUSED .change = CHANGE_REFUSED
#define MUST_BE .must_be = 1
#define SAYS(line) .text = line

const struct key params_keys[PARAMS_KEYS] = {
    {"run.dir", KEY_PATH, "auto", AT(run.dir), WORDS(automatic),
     SAYS("Folder of everything the run writes; auto: runs/ and the deck's "
          "name without .yaml.")},
    {"run.seed", KEY_SEED, "0", AT(run.seed), FROM(0), REFUSED,
     SAYS("Of the initial weights and the order of the molecules.")},
    {"run.device", KEY_WORD, "auto", AT(run.device), WORDS(devices),
     SAYS("What computes; paranoid: the CPU, with checks of every transfer.")},
    {"run.cpu_isa", KEY_WORD, "auto", AT(run.cpu_isa), WORDS(isas),
     SAYS("Instruction set of the CPU's kernels; auto: the fastest.")},
    {"run.resume", KEY_WORD, "auto", AT(run.resume), WORDS(resumes),
     SAYS("From the checkpoints in run.dir; auto: when there are some.")},
    {"run.time_limit", KEY_TIME, "auto", AT(run.time_limit), WORDS(time_limits),
     SAYS("Stops with a checkpoint before this time is over; auto: the "
          "scheduler's end.")},
    {"run.stop_after", KEY_INTERVAL, "none", AT(run.stop_after), WORDS(none),
     .units = TIMES | STEPS | EPOCHS,
     SAYS("Ends this call early, with a checkpoint and exit code 10.")},
    {"run.deterministic", KEY_WORD, "same_ranks", AT(run.any_ranks),
     WORDS(deterministics), REFUSED,
     SAYS("The same bits again on as many ranks, or on any number up to "
          "train.parts.")},

    {"data.path", KEY_PATH, "data/qm9", AT(data.path), MUST_BE,
     SAYS("The data set, as se3t import made it. The one key that must be "
          "given.")},
    {"data.split", KEY_SPLIT, "nvidia", AT(data.split), WORDS(splits), REFUSED,
     MUST_BE,
     SAYS("Which molecules train, validate and test: a published split of "
          "QM9, a file of id,part, or fractions, the rest being the test.")},
    {"data.target", KEY_TARGETS, "homo", 0, REFUSED,
     SAYS("What is learnt: names of the data set's targets.")},
    {"data.reference", KEY_WORD, "auto", AT(data.reference), WORDS(references),
     REFUSED,
     SAYS("Energies per element that are taken off before training; auto: "
          "atoms for U0, U, H and G, else none.")},

    {"model.type", KEY_WORD, "se3_transformer", AT(model.type), WORDS(models),
     REFUSED, SAYS("tfn: without attention.")},
    {"model.layers", KEY_INT, "7", AT(model.layers), WITHIN(1, 1000, 0),
     REFUSED, SAYS("Attention blocks, or convolutions of tfn.")},
    {"model.degrees", KEY_INT, "4", AT(model.degrees),
     WITHIN(1, FIBER_DEGREES, 0), REFUSED,
     SAYS("Degrees of the hidden features: 0 and up.")},
    {"model.channels", KEY_CHANNELS, "32", 0, WITHIN(1, 4096, 0), REFUSED,
     SAYS("Channels of each degree, or of one after the other.")},
    {"model.heads", KEY_INT, "8", AT(model.heads), WITHIN(1, 4096, 0), REFUSED,
     SAYS("Of the attention; divides channels / channels_div.")},
    {"model.channels_div", KEY_INT, "2", AT(model.channels_div),
     WITHIN(1, 4096, 0), REFUSED,
     SAYS("Values and keys have channels / channels_div; divides channels.")},
    {"model.norm", KEY_BOOL, "true", AT(model.norm), WORDS(booleans), REFUSED,
     SAYS("The equivariant normalisation behind each layer.")},
    {"model.layer_norm", KEY_BOOL, "true", AT(model.layer_norm),
     WORDS(booleans), REFUSED,
     SAYS("Layer normalisation in the radial networks.")},
    {"model.pooling", KEY_WORD, "max", AT(model.pooling), WORDS(poolings),
     REFUSED, SAYS("Over the atoms of a molecule.")},
    {"model.sharing", KEY_WORD, "auto", AT(model.sharing), WORDS(sharings),
     REFUSED,
     SAYS("How far a convolution's paths share a radial network, at most.")},
    {"model.init_from", KEY_PATH, "none", AT(model.init_from), WORDS(none),
     REFUSED, MUST_BE, SAYS("A model file to take the first weights from.")},

    {"train.epochs", KEY_INT, "100", AT(train.epochs), WITHIN(1, INT_MAX, 0),
     SAYS("Passes over the training part.")},
    {"train.batch", KEY_INT, "240", AT(train.batch), WITHIN(1, INT_MAX, 0),
     REFUSED,
     SAYS("Molecules per optimiser step, over all ranks, which need not "
          "divide it.")},
    {"train.accumulate", KEY_INT, "1", AT(train.accumulate), WITHIN(1, 4096, 0),
     SAYS("Parts in which a rank works through its share of a batch: less "
          "memory, same result.")},
    {"train.parts", KEY_INT, "12", AT(train.parts), WITHIN(1, 4096, 0), REFUSED,
     SAYS("With run.deterministic any_ranks: parts of a batch, at least as "
          "many as ranks.")},
    {"train.optimizer.name", KEY_WORD, "adamw", AT(train.optimizer),
     WORDS(optimizers), REFUSED, SAYS("The optimiser.")},
    {"train.optimizer.lr", KEY_REAL, "0.002", AT(train.lr), ABOVE(0), APPLIED,
     SAYS("Learning rate.")},
    {"train.optimizer.betas", KEY_BETAS, "[0.9, 0.999]", 0,
     WITHIN(0, 1, BELOW_MAX), APPLIED,
     SAYS("Decay of the moments of adamw and lamb.")},
    {"train.optimizer.eps", KEY_REAL, "auto", AT(train.eps), WORDS(automatic),
     ABOVE(0), APPLIED,
     SAYS("Added to the root of the second moment; auto: 1e-8, lamb 1e-6.")},
    {"train.optimizer.weight_decay", KEY_REAL, "0.1", AT(train.weight_decay),
     FROM(0), APPLIED, SAYS("Weights shrink by lr times this in a step.")},
    {"train.optimizer.momentum", KEY_REAL, "0.9", AT(train.momentum),
     WITHIN(0, 1, BELOW_MAX), REFUSED, SAYS("Of sgd.")},
    {"train.schedule.name", KEY_WORD, "cosine", AT(train.schedule),
     WORDS(schedules), APPLIED, SAYS("How the learning rate goes.")},
    {"train.schedule.min_lr", KEY_REAL, "auto", AT(train.min_lr),
     WORDS(automatic_below), FROM(0), APPLIED,
     SAYS("Where cosine ends; auto: a tenth of lr.")},
    {"train.schedule.warmup", KEY_INTERVAL, "none", AT(train.warmup),
     WORDS(none), .units = STEPS | EPOCHS, APPLIED,
     SAYS("The rate rises linearly before.")},
    {"train.clip_norm", KEY_REAL, "none", AT(train.clip_norm), WORDS(none),
     ABOVE(0), APPLIED, SAYS("Largest norm of the whole gradient.")},
    {"train.loss", KEY_WORD, "l1", AT(train.loss), WORDS(losses), REFUSED,
     SAYS("Of the standardised targets.")},
    {"train.ema", KEY_REAL, "none", AT(train.ema), WORDS(none),
     WITHIN(0, 1, ABOVE_MIN | BELOW_MAX), REFUSED,
     SAYS("Decay of an average of the weights, which evaluation and model.h5 "
          "then use.")},
    {"train.on_nonfinite", KEY_WORD, "stop", AT(train.skip_nonfinite),
     WORDS(nonfinites), APPLIED,
     SAYS("A loss or gradient that is no number; skip: leaves the step out, "
          "20 in a row stop.")},

    {"compute.precision", KEY_WORD, "fp32", AT(compute.precision),
     WORDS(precisions),
     SAYS("bf16 and fp16: mixed, with 32-bit master weights.")},
    {"compute.radial", KEY_WORD, "exact", AT(compute.radial), WORDS(radials),
     SAYS("tabulated: radial networks by polynomials of the distance, to "
          "compute.tolerance; exact: to the rounding of compute.precision.")},
    {"compute.tolerance", KEY_REAL, "0.0001", AT(compute.tolerance),
     WITHIN(0, 1, ABOVE_MIN),
     SAYS("Of tabulated: of the hidden vector of any bond, relative.")},
    {"compute.memory", KEY_WORD, "normal", AT(compute.low_memory),
     WORDS(memories), SAYS("low: recomputes instead of keeping.")},

    {"checkpoint.every", KEY_INTERVAL, "10 min", AT(checkpoint.every),
     .units = TIMES | STEPS | EPOCHS,
     SAYS("Besides those on stopping and after a better epoch.")},
    {"checkpoint.keep", KEY_INT, "3", AT(checkpoint.keep),
     WITHIN(1, INT_MAX, 0), SAYS("The newest that stay, besides the best.")},

    {"log.every", KEY_INTERVAL, "50 steps", AT(log.every),
     .units = TIMES | STEPS | EPOCHS,
     SAYS("A step in the journal and in log.txt.")},
    {"log.evaluate", KEY_INTERVAL, "1 epoch", AT(log.evaluate),
     .units = TIMES | STEPS | EPOCHS,
     SAYS("The error of the validation part.")},
};

const struct key *params_key(const char *name)
{
    for (int i = 0; i < PARAMS_KEYS; i++)
        if (strcmp(params_keys[i].name, name) == 0)
            return &params_keys[i];
    return NULL;
}

const char *params_word_of(const struct key *key, double value)
{
    for (const struct word *w = key->words; w && w->name; w++)
        if (w->value <= value && w->value >= value)
            return w->name;
    return NULL;
}

const char *params_word(const char *key, int value)
{
    const struct key *k = params_key(key);
    const char *word = k ? params_word_of(k, value) : NULL;

    return word ? word : "unknown";
}

/* "a, b or c"; `before` words stand in front already. */
static void add_words(struct text *t, const struct word *words, int before)
{
    for (int i = 0; words && words[i].name; i++) {
        int last = !words[i + 1].name;

        text_add(t, "%s%s",
                 i + before == 0 ? ""
                 : last          ? " or "
                                 : ", ",
                 words[i].name);
    }
}

/* " from 1 to 9", " above 0 and below 1", " of at least 0". */
static void add_range(struct text *t, const struct key *key)
{
    int whole = key->max < 1e9 && !key->open;

    if (whole)
        text_add(t, " from %g to %g", key->min, key->max);
    else
        text_add(t, " %s %g", key->open & ABOVE_MIN ? "above" : "of at least",
                 key->min);
    if (!whole && key->max < 1e9)
        text_add(t, " and %s %g", key->open & BELOW_MAX ? "below" : "at most",
                 key->max);
}

static void add_units(struct text *t, const struct key *key)
{
    text_add(t, "%s%s",
             key->units & TIMES ? "a time such as 10 min or 1.5 h, or " : "",
             "a number of steps or epochs such as 200 steps");
}

void params_expected(struct text *t, const struct key *key)
{
    static const char *const forms[KEY_TYPES] = {
        [KEY_INT] = "a whole number",
        [KEY_SEED] = "a whole number",
        [KEY_REAL] = "a number",
        [KEY_TIME] = "a time such as 1.5 h, 11h30m or 11:30:00",
        [KEY_PATH] = "a path",
        [KEY_SPLIT] = "a file, {train: 0.8, validation: 0.1}",
        [KEY_TARGETS] = "a name or a list of names",
        [KEY_CHANNELS] = "a whole number, or a list with one for each degree,",
        [KEY_BETAS] = "a list of two numbers",
    };
    const char *form = forms[key->type];

    text_add(t, "%s", form ? form : "");
    if (key->max > key->min)
        add_range(t, key);
    if (key->units)
        add_units(t, key);
    add_words(t, key->words, form || key->units);
}
