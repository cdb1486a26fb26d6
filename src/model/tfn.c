/* SPDX-License-Identifier: MIT */
/* tfn.c - convolution, sum, self-interaction. The sum does not need its
 * operands in backward, but for the torque. */
#include "model/tfn.h"

#include "device/device.h"

enum err tfn_init(struct tfn *o, struct build *b, const struct fiber *in,
                  const struct fiber *out, const struct conv_options *options)
{
    struct conv_options with = *options;

    with.wants_y = b->inputs;
    o->degrees = out->degrees;
    o->rows = options->each ? options->each : &b->graph->in;
    o->self = (struct linear){0};
    TRY(conv_init(&o->conv, b, in, out, &with));
    return options->each ? OK : linear_init(&o->self, b, "self.", in, out);
}

static struct gather gather_all(const struct tfn *o)
{
    return (struct gather){
        .degrees = o->degrees, .rows = o->rows, .value = o->conv.y};
}

void tfn_forward(struct tfn *o, const struct tensor x[], struct tensor y[])
{
    const struct conv *c = &o->conv.conv;
    struct gather all = gather_all(o);

    conv_forward(&o->conv, x);
    o->conv.k->aggregate_fwd(c->graph, c->geo, &all, y);
    linear_self_forward(&o->self, x, &c->graph->in, y);
}

void tfn_backward(struct tfn *o, const struct tensor x[],
                  const struct tensor dy[], struct tensor dx[])
{
    const struct conv *c = &o->conv.conv;
    struct gather all = gather_all(o);
    struct tensor none = {0};

    conv_again(&o->conv, x);
    linear_self_backward(&o->self, x, &c->graph->in, dy, dx);
    o->conv.k->aggregate_bwd(c->graph, c->geo, &all, dy, o->conv.dy, &none);
    conv_backward(&o->conv, x, dx);
}
