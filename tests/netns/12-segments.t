#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A root that sends super-packets larger than a leaf's whole bucket: the leaf
# gets 98-100 % of its rate all the same, never above rT + b, and in order.
#
#   root 10.77.1.2 (and a leaf, 1 mbit/s) --- router --- a 10.77.2.2 (2 mbit/s)
#                                                   `--- c 10.77.3.2 (no limit)
#
# Runs alone: it measures.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a c
session=10.77.1.2:5000
a=10.77.2.2:4000
here=10.77.1.2:4000
# 40 records each 20 ms are ten times what a may have; this many take 13 s.
records=26000
bucket=15000
make_records "$lab/records" 1400 $records

bytes() { leaf root "$1" .bytes; }

# open_sender WAY LEAVES PAUSE_US: a root whose input is descriptor 9.
open_sender() {
	rm -f "$lab/sender.in"
	mkfifo "$lab/sender.in"
	exec 9<>"$lab/sender.in"
	(
		export LEAFCAST_RUNTIME_DIR=$lab/root.run
		exec nsenter --net="/run/netns/$lab_name-root" "$build/tests/netns/offload_root" \
			10.77.1.2 5000 "$2" "$1" 1400 "$3" \
			<"$lab/sender.in" >/dev/null 2>"$lab/sender.err" 9>&-
	) &
	pid[sender]=$!
}

# The leaf's file holds what was copied to it, each record once and in order.
check_leaf() {
	local got
	got=$(check_records 1400 "$lab/$1.out")
	is "$1 has what was copied to it" "${got%% *}" "records=$2"
	like "$1 has it once, in order and unchanged" <(echo "$got") "repeated=0 disordered=0 damaged=0$"
}

over_rate_on_node() { tool root show drops -j | jq '.drops["over-rate"]'; }
over_rate_of_leaves() { leaves root | jq '[.leaves[].drops["over-rate"]] | add'; }

open_sender mixed 3 20000
start a a leaf $session --bind $a --qos rate=2mbit,bucket=$bucket,service=controlledload
start here root leaf $session --bind $here --qos rate=1mbit,bucket=$bucket,service=controlledload
start c c leaf $session
ok "three leaves join" within 20 has_leaves root 3
start_us=$(now_us)
feed "$lab/records" &
feeder=$!
sleep 1
rates_hold root $start_us $feeder $records $bucket "$a 250000" "$here 125000"
ok "datagrams in times leaves = out and dropped" conserved root
is "and each drop is counted on the node once" "$(over_rate_on_node)" "$(over_rate_of_leaves)"
got_a=$(leaf root $a .datagrams)
got_here=$(leaf root $here .datagrams)
exec 9>&-
finish sender
is "the root ends well" "$status" 0
for at in a here c; do finish $at; done
is "c, without a limit, has every record" "$(check_records 1400 "$lab/c.out")" "$(all_of $records)"
check_leaf a "$got_a"
check_leaf here "$got_here"

# --- as fast as the root can
open_sender mixed 2 0
start a a leaf $session --bind $a --qos rate=20mbit,bucket=60000,service=controlledload
start here root leaf $session --bind $here --qos rate=2mbit,bucket=$bucket,service=controlledload
ok "two leaves join" within 20 has_leaves root 2
start_us=$(now_us)
feed "$lab/records"
ok "the whole is sent at once" within 20 has_sent root $records
end_us=$(now_us)
note "in $(((end_us - start_us) / 1000)) ms"
while read -r at rate depth; do
	ok "$at never had more than rT + b" \
		test "$(bytes "$at")" -le $((rate * (end_us - start_us) / 1000000 + depth))
	ok "$at had its bucket's depth at least" test "$(bytes "$at")" -gt $((depth - 1428))
done <<-END
	$a 2500000 60000
	$here 250000 $bucket
END
ok "datagrams in times leaves = out and dropped" conserved root
got_a=$(leaf root $a .datagrams)
got_here=$(leaf root $here .datagrams)
exec 9>&-
finish sender
for at in a here; do finish $at; done
check_leaf a "$got_a"
check_leaf here "$got_here"
test_end
