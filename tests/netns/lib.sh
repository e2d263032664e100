# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash
#
# The namespace tests' harness: TAP on standard output, run under prove, on
# top of the hosts of scripts/netns.sh. A test sources it, describes what it
# sees with ok, is and like, and ends with test_end, which adds what must hold
# after every test: daemons end well, nothing pinned, no process, no namespace
# and no complaint of the kernel is left.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=scripts/netns.sh
. scripts/netns.sh

tests=0
failures=0
marker=

note() { printf '# %s\n' "$*"; }

result() {
	tests=$((tests + 1))
	if [[ $1 == yes ]]; then
		printf 'ok %d - %s\n' $tests "$2"
	else
		printf 'not ok %d - %s\n' $tests "$2"
		failures=$((failures + 1))
	fi
}

# ok WHAT COMMAND...: it succeeds.
ok() {
	local what=$1
	shift
	if "$@"; then result yes "$what"; else
		result no "$what"
		note "failed: $*"
	fi
}

# is WHAT GOT EXPECTED
is() {
	if [[ $2 == "$3" ]]; then result yes "$1"; else
		result no "$1"
		note "     got: $2"
		note "expected: $3"
	fi
}

# like WHAT FILE REGEX: a line of the file matches.
like() {
	if grep -qE -- "$3" "$2" 2>/dev/null; then result yes "$1"; else
		result no "$1"
		note "expected: $3"
		note "     got: $(head -c 600 "$2" 2>/dev/null | tr '\n' '|')"
	fi
}

skip() {
	tests=$((tests + 1))
	printf 'ok %d - %s # SKIP %s\n' $tests "$1" "$2"
}

# Bail out of this test file: the rest makes no sense.
give_up() {
	local file
	note "cannot go on: $*"
	for file in "$lab"/*.err; do
		note "$file: $(tail -n 5 "$file" 2>/dev/null | tr '\n' '|')"
	done
	result no "set up: $*"
	exit 1
}

test_begin() {
	[[ $(id -u) -eq 0 ]] || { echo "1..0 # SKIP needs root"; exit 0; }
	local name
	name=$(basename "$0" .t)
	marker="leafcast test $name $$ begins"
	trap 'lab_end' EXIT
	trap 'exit 130' INT TERM HUP
	{ echo "$marker" >/dev/kmsg; } 2>/dev/null || marker=
	lab_begin "lct-$name-$$" || give_up "no temporary directory or bpffs"
}

# star HOST...: a router, and each host wired to it with a daemon; 10.77.N.2 in the order given.
# The router's side finishes checksums itself: with tx-checksumming on, a wrong one would pass.
star() {
	local at n=1
	router router || give_up "no network namespaces"
	for at in "$@"; do
		{ host "$at" && wire "$at" router $n; } || give_up "no host $at"
		on router ethtool -K "to-$at" tx off >/dev/null || give_up "no ethtool"
		daemon "$at" || give_up "no daemon on $at"
		n=$((n + 1))
	done
}

# A root whose input the test holds open: open_root HOST ARG..., feed FILE, close_root.
open_root() {
	local at=$1
	shift
	rm -f "$lab/root.in"
	mkfifo "$lab/root.in"
	exec 9<>"$lab/root.in"
	start root "$at" root "$@"
}
# In the background, so that an interrupt is heard at once.
feed() {
	timeout $((60 * ${SLOW:-1})) cat "$1" >&9 &
	wait $!
}
close_root() {
	exec 9>&-
	finish root "${1:-30}"
}

sessions() { tool "$1" show sessions -j; }
leaves() { tool "$1" show leaves -j; }
# Of the leaf at ADDR:PORT as HOST's kernel counts it: leaf HOST ADDR:PORT JQ-FILTER
leaf() { leaves "$1" | jq -r --arg to "$2" ".leaves[] | select(.leaf == \$to) | $3"; }
leaf_count() { leaves "$1" | jq '.leaves | length'; }
has_leaves() { [[ $(leaf_count "$1") == "$2" ]]; }

# The root on HOST has sent N datagrams, dropped ones included.
has_sent() {
	local n
	n=$(sessions "$1" | jq '[.sessions[] | .datagrams + (.drops | add)] | add')
	[[ $n == "$2" ]]
}

# What came in came out or was counted: only while the root is idle and the members are those of the start.
conserved() {
	local in out
	in=$(sessions "$1" | jq '[.sessions[] | .datagrams * .leaves] | add')
	out=$(leaves "$1" | jq '[.leaves[] | select(.receives) | .datagrams + ([.drops[
		"over-rate", "oversize", "too-big", "no-route", "no-neighbour", "link-down", "clone-failed",
		"queue-full"]] | add)] | add')
	# No session and no leaf would be conserved too: null and null.
	[[ $in =~ ^[0-9]+$ && $in -gt 0 && $in == "$out" ]] || { note "in times leaves: $in, out and dropped: $out"; return 1; }
}

now_us() { local now=$EPOCHREALTIME; echo "${now/[.,]/}"; }
between() { (($1 >= $2 && $1 <= $3)); }

# While the root on HOST is fed from its begin (began_us) to its end, with RECORDS datagrams, each
# leaf "ADDR:PORT BYTES_PER_S" gets 98 to 100 % of its rate over ten seconds, and never more than
# rT + b. The counter is read at some time between before and after.
# rates_hold HOST BEGAN_US FEEDER RECORDS BUCKET LEAF...
rates_hold() {
	local at=$1 began=$2 feeder=$3 records=$4 bucket=$5 leaf rate low high got ended
	local -A first=() last=() first_before=() first_after=() last_before=() last_after=()
	shift 5
	for leaf in "$@"; do
		leaf=${leaf% *}
		first_before[$leaf]=$(now_us) first[$leaf]=$(leaf "$at" "$leaf" .bytes) first_after[$leaf]=$(now_us)
	done
	sleep 10
	for leaf in "$@"; do
		leaf=${leaf% *}
		last_before[$leaf]=$(now_us) last[$leaf]=$(leaf "$at" "$leaf" .bytes) last_after[$leaf]=$(now_us)
	done
	wait "$feeder"
	ok "the whole is sent" within 20 has_sent "$at" "$records"
	ended=$(now_us)
	for leaf in "$@"; do
		rate=${leaf#* } leaf=${leaf% *}
		low=$((rate * (last_before[$leaf] - first_after[$leaf]) / 1000000 * 98 / 100))
		high=$((rate * (last_after[$leaf] - first_before[$leaf]) / 1000000 + bucket))
		got=$((last[$leaf] - first[$leaf]))
		note "$leaf: $got bytes in ten seconds, expected $low to $high"
		ok "$leaf gets 98 to 100 % of its rate over ten seconds" between $got $low $high
		ok "$leaf never had more than rT + b" \
			test "$(leaf "$at" "$leaf" .bytes)" -le $((rate * (ended - began) / 1000000 + bucket))
		is "$leaf: what it did not get is counted as over its rate" \
			"$(leaf "$at" "$leaf" '.drops["over-rate"] + .datagrams')" "$records"
	done
}

# Numbered records: make_records FILE SIZE COUNT; check_records SIZE FILE prints what is there.
make_records() { tests/netns/records make "$2" "$3" >"$1"; }
check_records() { tests/netns/records check "$1" <"$2"; }
# Everything once and in order: all of COUNT
all_of() { echo "records=$1 first=1 last=$1 missing=0 repeated=0 disordered=0 damaged=0"; }

# What Leafcast changes on a host: its interfaces, and how lo is set.
host_state() {
	on "$1" ip -br link | sed 's/[@ ].*//' | sort
	on "$1" sysctl net.ipv4.conf.lo.accept_local net.ipv4.conf.lo.route_localnet
}

# A daemon that ends leaves all to its successor; only a purge takes it down.
daemon_ended_well() {
	local at=$1 device
	end "daemon-$at"
	is "leafcastd on $at ends with 0" "$status" 0
	for device in lc0 lc1 ls0 ls1; do
		ok "$at still has $device" eval "on $at ip link show $device >/dev/null"
	done
	purged_well "$at"
}

purged_well() {
	local at=$1
	ok "$at is purged" purge "$at"
	ok "nothing is pinned on $at any more" test ! -e "$lab/bpf/$at"
	is "$at is as it was before" "$(host_state "$at" | grep -vE '^(eth|to-)')" "${before-$untouched}"
}
# A namespace that nobody has done anything to; a host that was set otherwise says so in $before.
untouched="lo
net.ipv4.conf.lo.accept_local = 0
net.ipv4.conf.lo.route_localnet = 0"

kernel_is_content() {
	! dmesg | awk -v marker="$marker" 'index($0, marker) { seen = 1 } seen' |
		grep -E 'BUG|WARNING|Oops|lockup|stall|protection fault|refcount|leaked|unregister_netdevice'
}

test_end() {
	local at name id namespaces=$lab_name left=
	for name in "${!pid[@]}"; do [[ $name == daemon-* ]] || end "$name"; done
	for at in "${hosts[@]}"; do
		[[ -z ${pid[daemon-$at]-} ]] || daemon_ended_well "$at"
	done
	for at in "${hosts[@]}"; do
		for id in $(ip netns pids "$lab_name-$at"); do left+=" $id:$(cat "/proc/$id/comm")"; done
	done
	is "no process is left" "$left" ""
	lab_end
	is "no namespace is left" "$(ip netns list | grep -F "$namespaces-")" ""
	if [[ -n $marker ]] && dmesg 2>/dev/null | grep -qF "$marker"; then
		ok "the kernel log has no complaint" kernel_is_content
	else
		skip "the kernel log has no complaint" "the kernel log cannot be read here"
	fi
	printf '1..%d\n' $tests
	((failures == 0))
	exit
}
