#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Payloads arrive unchanged and with right checksums however the root's socket
# makes its datagrams, and wherever the leaf is. The router's veths have no
# tx-checksumming, so a wrong checksum is finished there and dropped at the leaf.
#
#   root 10.77.1.2 (and a leaf) --- router --- a 10.77.2.2
#                                         `--- b 10.77.3.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b
count=400
make_records "$lab/records" 1400 $count

mkfifo "$lab/sender.in"
run_root() {
	exec 9<>"$lab/sender.in"
	(
		export LEAFCAST_RUNTIME_DIR=$lab/root.run
		exec nsenter --net="/run/netns/$lab_name-root" "$build/tests/netns/offload_root" "$@" \
			<"$lab/sender.in" >/dev/null 2>"$lab/sender.err" 9>&-
	) &
	pid[sender]=$!
}

udp() { on "$1" awk -v name="$2" '$1 == "Udp:" { if (n++) print $column; else
	for (i = 2; i <= NF; i++) if ($i == name) column = i }' /proc/net/snmp; }

for address in 10.77.1.2 fd77:1::2; do
	name=$address:5000
	[[ $address == *:* ]] && name="[$address]:5000"
	for way in plain more segment unsummed; do
		# A datagram without a checksum is not legal IPv6.
		[[ $way == unsummed && $address == *:* ]] && continue
		errors=$(udp a InCsumErrors)
		run_root $address 5000 3 $way 1400
		for at in root a b; do start $at $at leaf "$name"; done
		ok "$way to $name: three leaves join" within 20 has_leaves root 3
		feed "$lab/records"
		ok "$way to $name: the whole is sent" within 20 has_sent root $count
		ok "$way to $name: datagrams in times leaves = out and dropped" conserved root
		exec 9>&-
		finish sender
		[[ $status == 0 ]] || note "$(cat "$lab/sender.err")"
		is "$way to $name: the root ends well" "$status" 0
		for at in root a b; do
			finish $at
			is "$way to $name: the leaf on $at has every record" \
				"$(check_records 1400 "$lab/$at.out")" "$(all_of $count)"
		done
		is "$way to $name: no checksum was wrong" "$(udp a InCsumErrors)" "$errors"
	done
done
test_end
