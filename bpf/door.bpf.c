// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter that is locked onto every member's socket. A locked filter stays as
 * long as its socket, longer than the program's version: so all that it does is
 * go through the door to the admission program of the day, which the daemon
 * replaces there. While there is none, nothing is admitted.
 */
#include "verdict.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("socket")
int lc_door(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &lc_doors, 0);
	return lc_drop_received(0, LC_DROP_NOT_ADMITTED, skb->gso_segs > 1 ? skb->gso_segs : 1);
}
