/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policing a packet by abi/bucket.h: the one place where a reason to drop is
 * made of what does not conform.
 *
 * A super-packet passes or fails its bucket as one. What that costs a leaf
 * whose bucket is below the burst in one super-packet, cut.h makes good. The
 * sender's own bucket, a root's or a leaf's, knows nothing smaller: who sends
 * 40 datagrams at once needs a bucket that deep.
 */
#ifndef BPF_POLICE_H
#define BPF_POLICE_H

#include "packet.h"

/* In place of an enum lc_drop: there is no reason. */
#define LC_KEEP LC_DROP_COUNT

/* `over_rate`: the reason for what is above the rate, which depends on whose it is. */
static __always_inline __u32 lc_police_packet(const struct lc_policer *policer,
					      struct lc_meter *meter, __u64 now,
					      const struct lc_size *size, enum lc_drop over_rate)
{
	switch (lc_police(policer, meter, now, size->bytes, size->segments, size->datagram_bytes)) {
	case LC_CONFORMS:
		return LC_KEEP;
	case LC_OVERSIZE:
		return LC_DROP_OVERSIZE;
	case LC_OVER_RATE:
		break;
	}
	return over_rate;
}

#endif
