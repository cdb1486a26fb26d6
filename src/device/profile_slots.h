/* SPDX-License-Identifier: MIT */
/* profile_slots.h - what the files of the profile share: a number for each
 * slot, and what is known of its calls beside their time. */
#ifndef PROFILE_SLOTS_H
#define PROFILE_SLOTS_H

#include "device/kernel_list.h"

#define PROFILE_NUMBER(n, group, slot, ...) AT_##slot,
enum profile_slot { KERNEL_LIST(PROFILE_NUMBER) PROFILE_SLOTS };

/* Of one call: multiply-adds, and bytes that it must read or write. */
void profile_work(enum profile_slot at, double mac, double bytes);

/* A new batch of so many edges begins. */
void profile_batch(int edges);

#endif
