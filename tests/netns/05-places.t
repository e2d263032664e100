#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Leaves wherever they can be, in one session: on the root's own node, several
# on one node, and behind a router; and leaves that come and go meanwhile.
#
#   root 10.77.1.2 (and two leaves) --- router --- a 10.77.2.2 (three leaves)
#                                             `--- b 10.77.3.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b
session=10.77.1.2:5000
make_records "$lab/records" 1400 1000
make_records "$lab/long" 1400 4000
jobs=(root1 root2 a1 a2 a3 b1)

# Linux takes the stricter of all and the interface's: none, strict, loose.
for filter in 0 1 2; do
	on root sysctl -qw net.ipv4.conf.all.rp_filter=$filter
	for job in "${jobs[@]}"; do start "$job" "${job%[0-9]}" leaf $session; done
	open_root root $session --rate 20mbit --wait 6
	ok "rp_filter $filter: six leaves join" within 30 has_leaves root 6
	feed "$lab/records"
	ok "rp_filter $filter: the records are sent" within 20 has_sent root 1000
	ok "rp_filter $filter: datagrams in times leaves = out and dropped" conserved root
	close_root
	for job in "${jobs[@]}"; do
		finish "$job"
		is "rp_filter $filter: $job has every record" \
			"$status $(check_records 1400 "$lab/$job.out")" "0 $(all_of 1000)"
	done
done

# --- coming and going disturbs nobody
start steady a leaf $session
start own root leaf $session
open_root root $session --rate 8mbit --wait 2
ok "two steady leaves join" within 20 has_leaves root 2
feed "$lab/long" &
feeder=$!
came=0
while kill -0 $feeder 2>/dev/null; do
	for at in root a b; do
		start visit $at leaf $session --count 50
		# Who comes near the end of the stream does not get fifty.
		finish visit 3
		((status == 0)) && came=$((came + 1))
	done
done
wait $feeder
note "$came leaves came and went"
ok "leaves came and went in mid-stream" test $came -ge 6
ok "all is sent" within 20 has_sent root 4000
ok "only the steady ones are left" within 10 has_leaves root 2
close_root
for job in steady own; do
	finish $job
	is "$job lost nothing over it" "$(check_records 1400 "$lab/$job.out")" "$(all_of 4000)"
done

# --- over IPv6 with a leaf on the root's own node
start own root leaf "[fd77:1::2]:5000"
start a a leaf "[fd77:1::2]:5000"
open_root root "[fd77:1::2]:5000" --rate 20mbit --wait 2
ok "IPv6: two leaves join" within 20 has_leaves root 2
feed "$lab/records"
close_root
for job in own a; do
	finish $job
	is "IPv6: $job has every record" "$(check_records 1400 "$lab/$job.out")" "$(all_of 1000)"
done
test_end
