/* SPDX-License-Identifier: MIT */
/* simt_warp.h - barriers, votes, shuffles and reductions of a warp, and what a
 * warp does together by PTX (warp.cpp, tile.cpp, copies.cpp).
 *
 * Each lane brings `in`; when all lanes of the mask have come, act fills their
 * `out`.
 */
#ifndef SIMT_WARP_H
#define SIMT_WARP_H

#include <functional>
#include <string.h>

void simt_barrier(simt_site at);
int simt_barrier_vote(int vote, simt_site at);

struct simt_warp;
struct simt_meeting {
    int kind; /* all lanes must bring the same */
    uint32_t mask;
    void (*act)(struct simt_warp *w, uint32_t arrived);
    const void *in;
    size_t in_bytes; /* at most 48, out at most 16 */
    void *out;
    size_t out_bytes;
    simt_site at;
};
void simt_meet(const simt_meeting &meeting);
unsigned simt_lane(void);
unsigned char *simt_in(struct simt_warp *w, int lane);
unsigned char *simt_out(struct simt_warp *w, int lane);

enum simt_meeting_kind {
    SIMT_SYNCWARP = 1,
    SIMT_BALLOT,
    SIMT_MATCH,
    SIMT_REDUCE,
    SIMT_MMA,
    SIMT_LDMATRIX, /* + number of matrices, + 8 transposed */
    SIMT_SHUFFLE = 100
};
void simt_act_sync(struct simt_warp *w, uint32_t arrived);
void simt_act_ballot(struct simt_warp *w, uint32_t arrived);
void simt_act_match(struct simt_warp *w, uint32_t arrived);
void simt_act_shuffle(struct simt_warp *w, uint32_t arrived);

/* --- barriers of a block -------------------------------------------------- */

inline void __syncthreads(simt_site at = simt_here())
{
    simt_barrier(at);
}

inline int __syncthreads_count(int vote, simt_site at = simt_here())
{
    return simt_barrier_vote(vote, at);
}

inline int __syncthreads_or(int vote, simt_site at = simt_here())
{
    return simt_barrier_vote(vote, at) > 0;
}

inline int __syncthreads_and(int vote, simt_site at = simt_here())
{
    return simt_barrier_vote(!vote, at) == 0;
}

/* --- a warp --------------------------------------------------------------- */

inline void __syncwarp(unsigned mask = 0xffffffffu, simt_site at = simt_here())
{
    simt_meet({SIMT_SYNCWARP, mask, simt_act_sync, nullptr, 0, nullptr, 0, at});
}

inline unsigned __ballot_sync(unsigned mask, int vote,
                              simt_site at = simt_here())
{
    unsigned out;

    vote = vote != 0;
    simt_meet({SIMT_BALLOT, mask, simt_act_ballot, &vote, sizeof vote, &out,
               sizeof out, at});
    return out;
}

inline int __any_sync(unsigned mask, int vote, simt_site at = simt_here())
{
    return __ballot_sync(mask, vote, at) != 0;
}

inline int __all_sync(unsigned mask, int vote, simt_site at = simt_here())
{
    return __ballot_sync(mask, !vote, at) == 0;
}

template <class T>
unsigned __match_any_sync(unsigned mask, T value, simt_site at = simt_here())
{
    uint64_t in = 0;
    unsigned out;

    static_assert(sizeof(T) <= sizeof in, "4 or 8 bytes");
    memcpy(&in, &value, sizeof value);
    simt_meet({SIMT_MATCH, mask, simt_act_match, &in, sizeof in, &out,
               sizeof out, at});
    return out;
}

/* --- shuffles: width is a power of 2 -------------------------------------- */

struct simt_shuffle {
    unsigned char value[8];
    int from; /* lane */
};

template <class T>
T simt_shuffle_from(unsigned mask, T value, int from, int kind, simt_site at)
{
    simt_shuffle in = {{0}, from};
    T out;

    static_assert(sizeof(T) <= sizeof in.value, "at most 8 bytes");
    memcpy(in.value, &value, sizeof value);
    simt_meet({SIMT_SHUFFLE + kind, mask, simt_act_shuffle, &in, sizeof in,
               &out, sizeof out, at});
    return out;
}

inline int simt_segment(int width)
{
    return (int)simt_lane() & ~(width - 1);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32,
              simt_site at = simt_here())
{
    return simt_shuffle_from(
        mask, value, simt_segment(width) + (from & (width - 1)), width, at);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  simt_site at = simt_here())
{
    int lane = (int)simt_lane(), from = lane ^ bits;

    return simt_shuffle_from(mask, value,
                             from < simt_segment(width) + width ? from : lane,
                             100 + width, at);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32,
                   simt_site at = simt_here())
{
    int lane = (int)simt_lane(), from = lane + (int)by;

    return simt_shuffle_from(mask, value,
                             from < simt_segment(width) + width ? from : lane,
                             200 + width, at);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32,
                 simt_site at = simt_here())
{
    int lane = (int)simt_lane(), from = lane - (int)by;

    return simt_shuffle_from(mask, value,
                             from >= simt_segment(width) ? from : lane,
                             300 + width, at);
}

/* --- reductions of integers (sm_80) --------------------------------------- */

template <class F>
__attribute__((no_sanitize("thread"))) void simt_act_reduce(struct simt_warp *w,
                                                            uint32_t arrived)
{
    unsigned sum = 0, one;
    bool first = true;

    for (int l = 0; l < SIMT_LANES; l++)
        if (arrived >> l & 1) {
            memcpy(&one, simt_in(w, l), sizeof one);
            sum = first ? one : F()(sum, one);
            first = false;
        }
    for (int l = 0; l < SIMT_LANES; l++)
        if (arrived >> l & 1)
            memcpy(simt_out(w, l), &sum, sizeof sum);
}

template <class T> struct simt_greater {
    unsigned operator()(unsigned a, unsigned b) const
    {
        return (T)a > (T)b ? a : b;
    }
};
template <class T> struct simt_smaller {
    unsigned operator()(unsigned a, unsigned b) const
    {
        return (T)a < (T)b ? a : b;
    }
};

#define SIMT_REDUCTION(name, type, F)                                          \
    inline type __reduce_##name##_sync(unsigned mask, type value,              \
                                       simt_site at = simt_here())             \
    {                                                                          \
        type out;                                                              \
                                                                               \
        simt_meet({SIMT_REDUCE, mask, simt_act_reduce<F>, &value,              \
                   sizeof value, &out, sizeof out, at});                       \
        return out;                                                            \
    }
SIMT_REDUCTION(add, int, std::plus<unsigned>)
SIMT_REDUCTION(add, unsigned, std::plus<unsigned>)
SIMT_REDUCTION(or, unsigned, std::bit_or<unsigned>)
SIMT_REDUCTION(and, unsigned, std::bit_and<unsigned>)
SIMT_REDUCTION(max, int, simt_greater<int>)
SIMT_REDUCTION(max, unsigned, simt_greater<unsigned>)
SIMT_REDUCTION(min, int, simt_smaller<int>)
SIMT_REDUCTION(min, unsigned, simt_smaller<unsigned>)
#undef SIMT_REDUCTION

/* --- PTX: dev.cuh says which ---------------------------------------------- */

enum simt_number { SIMT_BF16, SIMT_FP16, SIMT_TF32 };

/* d += a b; 4 registers of a, 2 of b. */
void simt_mma(enum simt_number number, float *d, const uint32_t *a,
              const uint32_t *b, simt_site at);

/* n 8 x 8 matrices of 2-byte numbers; `row` is lane l's row of matrix l / 8 */
void simt_ldmatrix(uint32_t *r, int n, bool transposed, const void *row,
                   simt_site at);

/* bytes: 4, 8, 16; where it is off, zeros are written. */
void simt_copy(void *shared, const void *global, unsigned bytes, bool on);
void simt_copy_commit(void);
void simt_copy_wait(int left); /* groups that may be under way */

#endif
