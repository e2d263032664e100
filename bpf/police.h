/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policing a packet by abi/bucket.h.
 *
 * A super-packet passes or fails its bucket as one. What that costs a leaf
 * whose bucket is below the burst in one super-packet, cut.h makes good. The
 * sender's own bucket, a root's or a leaf's, knows nothing smaller: who sends
 * 40 datagrams at once needs a bucket that deep.
 */
#ifndef BPF_POLICE_H
#define BPF_POLICE_H

#include "parse.h"

static __always_inline enum lc_conformance lc_police_datagram(const struct lc_policer *policer,
							      struct lc_meter *meter, __u64 now,
							      const struct lc_datagram *datagram)
{
	return lc_police(policer, meter, now, datagram->bytes, datagram->segments,
			 datagram->datagram_bytes);
}

#endif
