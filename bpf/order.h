/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading what the daemon writes meanwhile.
 *
 * The daemon stores what makes a record valid last, with release. The reader's
 * part is to load it first; x86 keeps loads in order, arm64 does not. BPF has
 * no acquiring load before Linux 6.15 (clang 14 knows none either), and its only
 * barrier on 6.1 is an atomic operation that returns the old value: a write to
 * a cache line that all readers share. What every CPU keeps in order without any
 * is a load whose address was computed from an earlier load's value
 * (Documentation/memory-barriers.txt, "address dependencies"; Arm DDI 0487
 * B2.3). Where the value is a number or an index by which the record is found,
 * that is so by itself: lc_extents -> leaf, hop_in_use -> hop, extent -> slot.
 * Where it is a mere flag, LC_AFTER() makes it so.
 */
#ifndef BPF_ORDER_H
#define BPF_ORDER_H

#include "maps.h"

/* A field that user space changes under us: read once, by one load. */
#define LC_READ_ONCE(field) (*(const volatile typeof(field) *)&(field))

/*
 * `pointer`, from which nothing is loaded before `value` has been. To it is
 * added value & 0: the verifier knows that to be 0; the compiler does not, and
 * JITs translate instruction by instruction, so the addition stays.
 */
#define LC_AFTER(value, pointer)                             \
	({                                                   \
		__u64 zero = (value);                        \
		asm volatile("%0 &= 0" : "+r"(zero));        \
		(typeof(pointer))((char *)(pointer) + zero); \
	})

#endif
