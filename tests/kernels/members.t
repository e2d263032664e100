#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# What a kernel must be able to do at all, with nothing that depends on its
# speed: a root and two leaves, one of them with a bucket, over both families.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2 (no limit)
#        fd77:1::2           `--- b 10.77.3.2 (1 mbit/s)
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/../netns/lib.sh"
test_begin
star root a b
records=400
bucket=15000
rate=125000 # bytes/s
make_records "$lab/records" 1400 $records

# session NAME LEAF-B: streams the records to both.
session() {
	local name=$1 b=$2 began ended got over
	start a a leaf "$name"
	start b b leaf "$name" --bind "$b" --qos rate=1mbit,bucket=$bucket,service=controlledload
	open_root root "$name" --rate 8mbit --wait 2
	ok "$name: two leaves join" within 30 has_leaves root 2
	began=$(now_us)
	feed "$lab/records"
	ok "$name: the records are sent" within 60 has_sent root $records
	ended=$(now_us)
	ok "$name: datagrams in times leaves = out and dropped" conserved root
	got=$(leaf root "$b" .datagrams)
	over=$(leaf root "$b" '.drops["over-rate"]')
	note "b got $got and was over its rate with $over, in $(((ended - began) / 1000)) ms"
	is "$name: what b did not get was above its rate" $((got + over)) $records
	ok "$name: b had its bucket's depth at least" test "$(leaf root "$b" .bytes)" -gt $((bucket - 1500))
	ok "$name: and never more than rT + b" \
		test "$(leaf root "$b" .bytes)" -le $((rate * (ended - began) / 1000000 + bucket))
	close_root
	is "$name: the root ends well" "$status" 0
	for at in a b; do
		finish $at
		is "$name: $at ends well" "$status" 0
	done
	is "$name: a has every record" "$(check_records 1400 "$lab/a.out")" "$(all_of $records)"
	like "$name: b has what was copied to it, once, in order and unchanged" \
		<(check_records 1400 "$lab/b.out") "^records=$got .* repeated=0 disordered=0 damaged=0$"
}

session 10.77.1.2:5000 10.77.3.2:4000
session "[fd77:1::2]:5000" "[fd77:3::2]:4000"
test_end
