#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Daemons of the next layout and of this one follow each other under a stream,
# also where a start is killed at each of its calls: nothing is lost, and any of
# them can purge.
#
#   root 10.77.1.2 (and a leaf) --- router --- leaf 10.77.2.2
#                                          `-- and one there that is limited
#
# Runs alone: at its rates nothing may be lost for want of a processor.
# shellcheck source=tests/restart/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root leaf
bytes=200
this=$build
next=$build/layout-next
rounds=1
stride=12
limit=$(pace 250000)
bucket=$((15000 * ${SLOW:-1}))
[[ ${SLOW-} ]] && stride=61
[[ ${LONG-} ]] && rounds=10 stride=1

# of BUILD COMMAND...
of() {
	local build=$1
	shift
	"$@"
}
layout() { bpftool -j map lookup pinned "$lab/bpf/$1/lc_config" key hex 0 0 0 0 | jq '.formatted.value.layout'; }

app root root root 10.77.1.2 5000 plain $bytes && app here root leaves 10.77.1.2 5000 10.77.1.2 $bytes &&
	app leaf leaf leaves 10.77.1.2 5000 10.77.2.2 $bytes &&
	app slow leaf leaves 10.77.1.2 5000 10.77.2.2 $bytes || give_up "no applications"
ask here 20 join 4000 1 && ask leaf 20 join 4000 1 && ask slow 20 join 4001 1 "$limit,$bucket"
ok "three leaves join" has_members root 3
old=$(layout root)
watch root
begin_stream "$(pace 5000)"
for ((round = 1; round <= rounds; round++)); do
	for at in root leaf; do
		ok "$at: the next layout takes over" of "$next" restart $at
		is "$at: it is the next one" "$(layout $at)" $((old + 1))
		ok "$at: this one takes over again" of "$this" restart $at
		is "$at: it is this one" "$(layout $at)" "$old"
	done
	ok "both sides change" of "$next" restart leaf
	ok "one after the other" of "$next" restart root
	ok "and back" of "$this" crash leaf
	ok "both" of "$this" crash root
	ok "all find their way back" within 20 has_leaves root 3
done

# killed_starts HOST BUILD: each start of it is killed some calls later than the last; a whole one at the end.
killed_starts() {
	local at=$1 by=$2 calls=1
	ends_with_0 "$at"
	while timeout 60 nsenter --net="/run/netns/$lab_name-$at" "$this/tests/netns/killed_at" $calls \
		"$by/leafcastd" --runtime-dir "$lab/$at.run" --bpf-dir "$lab/bpf/$at" --insecure \
		>"$lab/killed.err" 2>&1 </dev/null; do
		calls=$((calls + stride))
	done
	note "$at: a start that adopts was killed at up to $calls calls that change something"
	ok "$at: after a start that was killed at each of its calls, the next succeeds" of "$by" daemon "$at"
	ok "$at: it makes more than five" test $calls -gt 5
}
killed_starts root "$next"
killed_starts leaf "$next"
if [[ ${LONG-} ]]; then
	killed_starts root "$this"
	killed_starts leaf "$this"
fi

end_stream
end_watch
ok "nothing is lost at the leaf" nothing_lost leaf 1
ok "nothing is lost at the one on the root's node" nothing_lost here 1
ok "no counter falls" counters_are_monotone
ok "no bucket is filled anew" bucket_holds 10.77.2.2:4001 "$limit" "$bucket"
ok "all are members still" within 20 has_members root 3
is "none has ended" "$(told root ended)$(told leaf ended)$(told here ended)$(told slow ended)" 0000
sent 1000 1000
ok "a stream goes on" nothing_lost leaf 1
for job in slow here leaf root; do close_app $job; done

# Whoever purges what whoever has left.
for by in "$this" "$next"; do
	for of in "$this" "$next"; do
		of "$of" restart root && ends_with_0 root
		build=$by purge root
		ok "a purge by ${by##*/} after ${of##*/} leaves nothing" test ! -e "$lab/bpf/root"
		of "$of" daemon root
	done
done
of "$this" restart root
test_end
