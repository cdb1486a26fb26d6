/* SPDX-License-Identifier: MIT */
/* fiber.c - counting channels. */
#include "math/fiber.h"

struct fiber fiber_uniform(int degrees, int c)
{
    struct fiber f = {.degrees = degrees};

    for (int l = 0; l < degrees; l++)
        f.channels[l] = c;
    return f;
}

int fiber_channels(const struct fiber *f)
{
    int sum = 0;

    for (int l = 0; l < f->degrees; l++)
        sum += f->channels[l];
    return sum;
}

int fiber_width(const struct fiber *f)
{
    int sum = 0;

    for (int l = 0; l < f->degrees; l++)
        sum += f->channels[l] * (2 * l + 1);
    return sum;
}

int fiber_at(const struct fiber *f, int l)
{
    return l < f->degrees ? f->channels[l] : 0;
}

int fiber_is_uniform(const struct fiber *f, int degrees)
{
    if (f->degrees != degrees)
        return 0;
    for (int l = 0; l < degrees; l++)
        if (f->channels[l] != f->channels[0] || f->channels[l] == 0)
            return 0;
    return 1;
}

struct fiber fiber_add(const struct fiber *a, const struct fiber *b)
{
    struct fiber f = {.degrees =
                          a->degrees > b->degrees ? a->degrees : b->degrees};

    for (int l = 0; l < f.degrees; l++)
        f.channels[l] = fiber_at(a, l) + fiber_at(b, l);
    return f;
}

struct fiber fiber_restrict(const struct fiber *a, const struct fiber *b)
{
    struct fiber f = {.degrees = 0};

    for (int l = 0; l < a->degrees; l++)
        if (fiber_at(b, l) > 0 && a->channels[l] > 0) {
            f.channels[l] = a->channels[l];
            f.degrees = l + 1;
        }
    return f;
}
