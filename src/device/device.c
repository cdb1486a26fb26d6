/* SPDX-License-Identifier: MIT */
/* device.c - what is the same for every device. */
#include "device/device.h"

void device_close(struct device **d)
{
    if (*d)
        (*d)->close(*d);
    *d = NULL;
}
