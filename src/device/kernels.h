/* SPDX-License-Identifier: MIT */
/* kernels.h - what every device can compute: the table, and the rules for all
 * of its slots. The contracts stand in kernels_conv.h (geometry, radial
 * network, convolution, attention on edges), kernels_node.h (what works node by
 * node, pooling, loss) and kernels_step.h (gradients and optimiser).
 *
 * A device fills this table once; it is constant afterwards. Slots never fail,
 * allocate or print: the layers check shapes when the model is built. A process
 * has one device; work runs in the order of the calls, on its one compute
 * stream, and is visible to the host after device->sync.
 *
 * For every slot:
 * - Structs are host structs around device pointers: a launcher passes them on
 *   by value. Structs and arrays of views that they point to are the host's as
 *   well; numbers (data, used, begin, edge, ..) are the device's, and launchers
 *   do not read them.
 * - What lies beyond the part of a view in use is neither read nor written.
 * - A degree without channels (c = 0) is not there.
 * - const is read only. Whole padded rows may be read; the padding of an output
 *   is zero on return if it was zero at the call.
 * - "overwrites" needs no defined content before; "adds to" means +=.
 * - Views do not overlap unless the contract says that one "may be" another.
 * - NaN and Inf go through.
 * - Sums run in the order given or in another that depends on shapes alone: the
 *   same call gives the same bits, for any number of threads. One owner per
 *   output row; a sum over blocks goes through one partial a block.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "device/kernels_conv.h"
#include "device/kernels_node.h"
#include "device/kernels_step.h"

struct kernels {
    size_t real; /* bytes of a number in every view: 4 or 8 */
    struct conv_kernels conv;
    struct node_kernels node;
    struct step_kernels step;
};

#endif
