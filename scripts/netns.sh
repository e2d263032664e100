# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # $status is for who sources this
#
# Hosts out of network namespaces, for the demo and the tests: sourced by bash.
# Everything that is started or made here is remembered, and lab_end ends and
# removes just that.
#
#   lab_begin NAME          the lab; its namespaces are called NAME-<host>
#   host HOST               a namespace with its loopback up
#   wire HOST ROUTER N      HOST's eth0 to ROUTER: 10.77.N.2/24 and fd77:N::2/64 against .1 and ::1
#   router HOST             the same, forwarding
#   on HOST COMMAND...      runs a command there (not `ip netns exec`, which hides bpffs)
#   daemon HOST [ARG...]    starts a leafcastd there and waits until it serves; with
#                           --insecure unless $insecure is set and empty
#   purge HOST              takes down what daemons have left there, which may not run any more
#   tool HOST ARG...        runs leafcast there
#   start JOB HOST ARG...   the same in the background: $lab/JOB.in, .out and .err are its streams
#   finish JOB [SECONDS]    waits for it; $status is its exit status, 124 when it had to be killed

build=${BUILD:-.build}

lab=          # the lab's temporary directory
lab_name=     # and its name
lab_mounted=  # whether its bpffs is mounted
declare -A pid=()
hosts=()

# Where all takes $SLOW times as long, as in a guest without acceleration, tests wait
# so many times as long, and what they send a second is so many times less.
pace() { echo $(($1 / ${SLOW:-1})); }

# Until the command succeeds, at most so many seconds (times $SLOW).
within() {
	local deadline=$((SECONDS + $1 * ${SLOW:-1}))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

lab_begin() {
	lab_name=$1
	lab=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX") || return
	mkdir "$lab/bpf"
	mount -t bpf bpf "$lab/bpf" || return
	lab_mounted=yes
}

alive() {
	local state
	read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" && [[ $state != Z ]]
} 2>/dev/null
gone() { ! alive "$1"; }

# Ends a process of ours: politely, then not.
end() {
	[[ -n ${pid[$1]-} ]] || return 0
	local id=${pid[$1]}
	unset "pid[$1]"
	kill -TERM "$id" 2>/dev/null
	kill -CONT "$id" 2>/dev/null
	within 10 gone "$id" || kill -KILL "$id" 2>/dev/null
	wait "$id" 2>/dev/null
	status=$?
	return 0
}

# Ends a process of ours without warning; $status is 137.
slay() {
	local id=${pid[$1]}
	unset "pid[$1]"
	# In one group, so that bash does not tell of the death either.
	{
		kill -KILL "$id"
		wait "$id"
	} 2>/dev/null
	status=$?
	return 0
}

lab_end() {
	local name
	[[ -n $lab ]] || return 0
	# Members before daemons, so that they can say goodbye.
	for name in "${!pid[@]}"; do
		[[ $name == daemon-* ]] || end "$name"
	done
	for name in "${!pid[@]}"; do end "$name"; done
	for name in "${hosts[@]}"; do [[ ! -d $lab/bpf/$name ]] || purge "$name"; done
	for name in "${hosts[@]}"; do ip netns del "$lab_name-$name" 2>/dev/null; done
	[[ -z $lab_mounted ]] || umount "$lab/bpf"
	rm -rf "$lab"
	lab=
	hosts=()
}

host() {
	ip netns add "$lab_name-$1" && hosts+=("$1") && on "$1" ip link set lo up
}

on() {
	local where=$1
	shift
	nsenter --net="/run/netns/$lab_name-$where" "$@"
}

router() {
	host "$1" && on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

wire() {
	local at=$1 router=$2 n=$3
	ip link add eth0 netns "$lab_name-$at" type veth peer name "to-$at" netns "$lab_name-$router" &&
		on "$router" ip address add "10.77.$n.1/24" dev "to-$at" &&
		on "$router" ip address add "fd77:$n::1/64" dev "to-$at" nodad &&
		on "$router" ip link set "to-$at" up &&
		on "$at" ip address add "10.77.$n.2/24" dev eth0 &&
		on "$at" ip address add "fd77:$n::2/64" dev eth0 nodad &&
		on "$at" ip link set eth0 up &&
		on "$at" ip route add default via "10.77.$n.1" &&
		on "$at" ip -6 route add default via "fd77:$n::1"
}

serves() { grep -q "^leafcastd: ready" "$lab/daemon-$1.err" || gone "${pid[daemon-$1]}"; }

daemon() {
	local at=$1 trust=(--insecure)
	shift
	[[ ${insecure-yes} ]] || trust=()
	# What an earlier one has said is not said by this one.
	: >"$lab/daemon-$at.err"
	(exec nsenter --net="/run/netns/$lab_name-$at" "$build/leafcastd" --runtime-dir "$lab/$at.run" \
		--bpf-dir "$lab/bpf/$at" "${trust[@]}" "$@" </dev/null >"$lab/daemon-$at.err" 2>&1 9>&-) &
	pid[daemon-$at]=$!
	within 20 serves "$at"
	alive "${pid[daemon-$at]}" && return
	echo "leafcastd on $at did not start:" >&2
	cat "$lab/daemon-$at.err" >&2
	return 1
}

# lab_end purges every host on which a daemon was started.
purge() {
	on "$1" "$build/leafcastd" --purge --runtime-dir "$lab/$1.run" --bpf-dir "$lab/bpf/$1" \
		>>"$lab/purge-$1.err" 2>&1 </dev/null
}

tool() {
	local at=$1
	shift
	LEAFCAST_RUNTIME_DIR=$lab/$at.run LEAFCAST_BPF_DIR=$lab/bpf/$at on "$at" "$build/leafcast" "$@"
}

start() {
	local job=$1 at=$2 input=/dev/null
	shift 2
	[[ -e $lab/$job.in ]] && input=$lab/$job.in
	# What is on descriptor 9 is the caller's (the demo keeps a pipe open there).
	(
		export LEAFCAST_RUNTIME_DIR=$lab/$at.run LEAFCAST_BPF_DIR=$lab/bpf/$at
		exec nsenter --net="/run/netns/$lab_name-$at" "$build/leafcast" "$@" \
			<"$input" >"$lab/$job.out" 2>"$lab/$job.err" 9>&-
	) &
	pid[$job]=$!
}

finish() {
	local id=${pid[$1]}
	if within "${2:-60}" gone "$id"; then
		unset "pid[$1]"
		wait "$id" 2>/dev/null
		status=$?
	else
		end "$1"
		status=124
	fi
	return 0
}

# Whether a job has said something that matches, so far.
said() { grep -q -- "$2" "$lab/$1.err" 2>/dev/null; }
