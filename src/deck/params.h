/* SPDX-License-Identifier: MIT */
/* params.h - the parameters of a run: every key of a deck, checked.
 *
 * One table (params_table.c) describes each key: type, default, range, legal
 * words, text. It parses decks, writes the resolved deck, the annotated
 * inputs/all-keys.yaml and the manual's reference. What needs the data (batch
 * against training part, names of targets) is checked by data/ and model/ with
 * deck_mistake, through params_node.
 */
#ifndef PARAMS_H
#define PARAMS_H

#include "deck/deck.h"
#include "math/fiber.h"

#include <stdint.h>
#include <stdio.h>

enum device_name { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA, DEVICE_PARANOID };
enum resume { RESUME_AUTO, RESUME_REQUIRE, RESUME_NEVER };
enum split_rule {
    SPLIT_NVIDIA,
    SPLIT_CORMORANT,
    SPLIT_T110K,
    SPLIT_FILE,
    SPLIT_FRACTIONS
};
enum reference_name {
    REFERENCE_AUTO,
    REFERENCE_NONE,
    REFERENCE_ATOMS,
    REFERENCE_FIT
};
enum model_type { MODEL_SE3_TRANSFORMER, MODEL_TFN };
enum pooling { POOL_MAX, POOL_AVG, POOL_NONE }; /* none: not in decks */
enum sharing {
    SHARING_FULL,
    SHARING_PER_OUTPUT,
    SHARING_PER_INPUT,
    SHARING_NONE,
    SHARING_AUTO
};
enum optimizer_name { OPTIMIZER_ADAMW, OPTIMIZER_LAMB, OPTIMIZER_SGD };
enum schedule_name { SCHEDULE_COSINE, SCHEDULE_CONSTANT };
enum loss_name { LOSS_L1, LOSS_L2, LOSS_HUBER };
enum precision {
    PRECISION_FP32,
    PRECISION_FP64,
    PRECISION_TF32,
    PRECISION_BF16,
    PRECISION_FP16
};
enum radial_mode { RADIAL_EXACT, RADIAL_TABULATED };

/* A time or a number of steps or epochs. */
enum unit { UNIT_NONE, UNIT_SECONDS, UNIT_STEPS, UNIT_EPOCHS };
struct interval {
    enum unit unit; /* UNIT_NONE: never */
    double amount;  /* whole for steps and epochs */
};

enum { PARAMS_TARGETS = 64, PARAMS_NAME = 64 };

struct params {
    struct {
        char *dir; /* default: runs/ and the deck's name without .yaml */
        uint64_t seed;
        enum device_name device;
        int cpu_isa; /* -1 auto, else enum isa of cpu/cpuid.h, in its order */
        enum resume resume;
        double time_limit; /* seconds; -1 auto, INFINITY none */
        struct interval stop_after;
        int any_ranks; /* deterministic */
    } run;
    struct {
        char *path; /* NULL: not said, see params_read */
        enum split_rule split;
        char *split_file;         /* SPLIT_FILE: the path, else NULL */
        double train, validation; /* SPLIT_FRACTIONS */
        int targets;
        char target[PARAMS_TARGETS][PARAMS_NAME];
        enum reference_name reference;
    } data;
    struct {
        enum model_type type;
        int layers, degrees;
        struct fiber hidden; /* degrees and channels */
        int heads, channels_div;
        int norm, layer_norm;
        enum pooling pooling;
        enum sharing sharing;
        char *init_from; /* NULL: none */
    } model;
    struct {
        int epochs, batch, accumulate, parts;
        enum optimizer_name optimizer;
        double lr, beta1, beta2, eps, weight_decay, momentum; /* eps resolved */
        enum schedule_name schedule;
        double min_lr; /* resolved: lr / 10 when auto */
        struct interval warmup;
        double clip_norm; /* 0: none */
        enum loss_name loss;
        double ema; /* 0: none */
        int skip_nonfinite;
    } train;
    struct {
        enum precision precision;
        enum radial_mode radial;
        double tolerance;
        int low_memory;
    } compute;
    struct {
        struct interval every;
        int keep;
    } checkpoint;
    struct {
        struct interval every, evaluate;
    } log;
};

/* Takes every key of the deck, with defaults for what is not there, and checks
 * each key and their combinations; all mistakes are recorded in the deck and
 * returned at once (deck_result). need_path: data.path must be said, and what
 * its paths name must be there; else only what --set names (the deck of a model
 * speaks of another place).
 * ERR_DECK, ERR_ENVIRONMENT (memory). Frees nothing of the deck. */
enum err params_read(struct deck *d, int need_path, struct params *out);

void params_fini(struct params *p);

/* The node behind "section.key" of the deck, for later mistakes; NULL when it
 * stands at its default (deck_mistake takes NULL and says the file alone). */
const struct node *params_node(const struct deck *d, const char *key);

/* Whole decks as YAML, new strings (mem_free): of a run's folder (every key);
 * and as checkpoints and models hold it: without data.path, and run.* but seed
 * and deterministic; split_digest and init_digest (hexadecimal) stand for
 * the files; "": what *p holds, so that a deck read from a model is written
 * the same. */
enum err params_write(const struct params *p, char **out);
enum err params_write_portable(const struct params *p, const char *split_digest,
                               const char *init_digest, char **out);

/* What resuming with another deck means. Compares two portable decks' keys: a
 * split file and init_from as they stand, by their digests where both were read
 * back from params_write_portable. ERR_DECK: keys that may not change, each
 * said with both values. *applied: new text (mem_free) that names the keys that
 * changed and apply from now on, "" when none. */
enum err params_compare(const struct params *was, const struct params *now,
                        char **applied);

/* From the table: the annotated deck of all keys; the manual's reference as
 * Markdown. */
void params_print_all_keys(FILE *out);
void params_print_reference(FILE *out);

/* Words of an enum value, for messages and the journal. */
const char *params_word(const char *key, int value);

#endif
