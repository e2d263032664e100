/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policing a packet by plane/bucket.h.
 *
 * A super-packet passes or fails its bucket as one: a leaf whose bucket b is
 * below the burst a sender puts into one super-packet gets none of it. Doing
 * it segment by segment needs the packet cut up first, which is later work.
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
