/* SPDX-License-Identifier: MIT */
/* fiber.h - how many channels a feature has in each degree. */
#ifndef FIBER_H
#define FIBER_H

enum { FIBER_DEGREES = 9 }; /* degrees 0..8 at most */

/* A degree below `degrees` may have no channels: then it is not there. */
struct fiber {
    int degrees; /* largest degree + 1; 0: an empty fiber */
    int channels[FIBER_DEGREES];
};

/* `degrees` degrees of c channels each. */
struct fiber fiber_uniform(int degrees, int c);

/* Sum of channels, and of channels times 2l+1. */
int fiber_channels(const struct fiber *f);
int fiber_width(const struct fiber *f);

/* Channels of degree l; 0 beyond the last. */
int fiber_at(const struct fiber *f, int l);

/* Whether all degrees 0..degrees-1 are there with equal channels. */
int fiber_is_uniform(const struct fiber *f, int degrees);

/* Degree by degree: the sum; and a restricted to the degrees that b has. */
struct fiber fiber_add(const struct fiber *a, const struct fiber *b);
struct fiber fiber_restrict(const struct fiber *a, const struct fiber *b);

#endif
