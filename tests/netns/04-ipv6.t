#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The same over IPv6: joins, an invitation, data both ways, every length.
#
#   root fd77:1::2 --- router --- a fd77:2::2
#                            `--- b fd77:3::2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b
session="[fd77:1::2]:5000"
make_records "$lab/records" 1400 1000
make_records "$lab/b.in" 1400 100

start a a leaf "$session"
start b b leaf "$session" --bind "[fd77:3::2]:4000" --listen --send --caller-data "b over six"
open_root root "$session" --rate 20mbit --wait 2 --invite "[fd77:3::2]:4000" --callee-data "welcome"
ok "one joins, one is invited" within 20 has_leaves root 2
feed "$lab/records"
ok "the records are sent" within 20 has_sent root 1000
# An accepted socket has a port of its own, so: by address.
of_b() { leaves root | jq ".leaves[] | select(.leaf | startswith(\"[fd77:3::2]:\")) | $1"; }
is "in whole IP datagrams" "$(of_b .bytes)" $((1000 * 1448))
ok "datagrams in times leaves = out and dropped" conserved root
arrived() { [[ $(of_b .up_datagrams) == 100 ]]; }
ok "what b sent is counted at the root" within 10 arrived
close_root
is "the root ends well" "$status" 0
for at in a b; do
	finish $at
	is "$at ends well" "$status" 0
	is "$at has every record" "$(check_records 1400 "$lab/$at.out")" "$(all_of 1000)"
done
is "the root has b's" "$(check_records 1400 "$lab/root.out")" "$(all_of 100)"
like "a joined with its IPv6 address" "$lab/a.err" "^joined \[fd77:1::2\]:5000 as \[fd77:2::2\]:[0-9]+$"
like "callee data" "$lab/a.err" "^callee-data: welcome$"

for size in 1 2 7 63 1371 1452; do
	tests/netns/records make 1472 12 | head -c $((size * 12)) >"$lab/some"
	start a a leaf "$session"
	open_root root "$session" --size $size --rate 2mbit --wait 1
	feed "$lab/some"
	within 10 has_sent root 12
	close_root
	finish a
	ok "payloads of $size bytes arrive unchanged" cmp "$lab/some" "$lab/a.out"
done

tool a leaf "[fd77:1::2]:5999" --timeout 1 </dev/null 2>"$lab/refused.err"
is "nobody listens: exit status" $? 1
like "nobody listens: reason" "$lab/refused.err" "^join refused: nobody-listening \(WSAECONNREFUSED 10061\)$"
start refusing root root "$session" --refuse fd77:2::/64 --wait 1
tool a leaf "$session" </dev/null 2>"$lab/refused.err"
is "rejected: exit status" $? 1
like "rejected: reason" "$lab/refused.err" "^join refused: rejected-by-application \(WSAECONNREFUSED 10061\)$"
end refusing
is "a root that is told to end has not sent all" "$status" 1
test_end
