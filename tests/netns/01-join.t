#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Leaves join by themselves over IPv4; what they get is what was sent.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
#                            `--- b 10.77.3.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b

session=10.77.1.2:5000
make_records "$lab/records" 1400 1500

start a a leaf $session --caller-data "from a"
start b b leaf $session --bind 10.77.3.2:4000
open_root root $session --rate 20mbit --wait 2 --callee-data "welcome"
ok "both leaves join" within 20 has_leaves root 2
ok "the records are taken" feed "$lab/records"
ok "and sent" within 20 has_sent root 1500
is "the session has two leaves" "$(sessions root | jq '.sessions[0].leaves')" 2
is "a copy each was sent to b" "$(leaf root 10.77.3.2:4000 .datagrams)" 1500
is "in whole IP datagrams" "$(leaf root 10.77.3.2:4000 .bytes)" $((1500 * 1428))
is "through the device that leads there" "$(leaf root 10.77.3.2:4000 .interface)" eth0
ok "datagrams in times leaves = out and dropped" conserved root
is "all of b's were admitted at its socket" "$(leaves b | jq '.members[0].datagrams')" 1500
is "drops on the root's node are none" "$(tool root show drops -j | jq '.drops | add')" 0
ok "show works as a table" eval "tool root show leaves | grep -q 10.77.3.2:4000"
close_root
is "the root ends well" "$status" 0
for at in a b; do
	finish $at
	is "$at ends well when the root closes" "$status" 0
	is "$at has every record, once, in order, unchanged" \
		"$(check_records 1400 "$lab/$at.out")" "$(all_of 1500)"
	like "$at says what it joined" "$lab/$at.err" "^joined 10.77.1.2:5000 as 10.77.[23].2:[0-9]+$"
	like "$at got the callee data" "$lab/$at.err" "^callee-data: welcome$"
done
like "b has the port it asked for" "$lab/b.err" "as 10.77.3.2:4000$"
like "the root got a's caller data" "$lab/root.err" "^caller-data: from a$"
is "nothing of the session is left in the kernel" "$(sessions root | jq -c .)" '{"sessions":[]}'
is "nor are leaves" "$(leaf_count root)" 0

# Every length of payload has its own checksum: the shortest, odd ones, and all that fits into the MTU.
for size in 1 2 7 63 1371 1472; do
	tests/netns/records make 1472 12 | head -c $((size * 12)) >"$lab/some"
	start a a leaf $session --bind 10.77.2.2:4001
	open_root root $session --size $size --rate 2mbit --wait 1
	feed "$lab/some"
	within 10 has_sent root 12
	close_root
	finish a
	ok "payloads of $size bytes arrive unchanged" cmp "$lab/some" "$lab/a.out"
done

cp "$lab/records" "$lab/root.plain.in"
start a a leaf $session --count 10
start root.plain root root $session --rate 20mbit --wait 1
finish a
is "--count ends a leaf, well" "$status" 0
is "after as many datagrams" "$(check_records 1400 "$lab/a.out")" "$(all_of 10)"
finish root.plain
is "which the root survives" "$status" 0
test_end
