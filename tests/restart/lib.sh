# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash
#
# What the restart tests share, on top of tests/netns/lib.sh: applications that
# take commands (program.h), daemons that go and come, and streams of which
# every datagram is looked for. With LONG set, the tests take their whole time;
# with SLOW (scripts/netns.sh), they do less, and streams are thinner.
#
#   app JOB HOST PROGRAM ARG...  a program of tests/restart, which is ready
#   ask JOB SECONDS COMMAND...   $answer is what it says to that
#   tell JOB COMMAND...          the same without waiting; hear JOB SECONDS gets the answer
#   restart HOST [ARG...]        SIGTERM and a start; crash HOST: kill -9 and a start

# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"

declare -A app_in=() asked=()
answer=
programs=$build/tests/restart

app() {
	local job=$1 at=$2 program=$3 input
	shift 3
	rm -f "$lab/$job.in"
	mkfifo "$lab/$job.in"
	exec {input}<>"$lab/$job.in"
	app_in[$job]=$input
	(
		export LEAFCAST_RUNTIME_DIR=$lab/$at.run
		exec nsenter --net="/run/netns/$lab_name-$at" "$programs/$program" "$@" \
			<"$lab/$job.in" >"$lab/$job.out" 2>"$lab/$job.err"
	) &
	pid[$job]=$!
	asked[$job]=1 # that it be ready
	hear "$job" 20 && [[ $answer == ready ]]
}

tell() {
	local job=$1
	shift
	asked[$job]=$((asked[$job] + 1))
	echo "$*" >&"${app_in[$job]}"
}
answered() {
	local answers
	answers=$(grep -c '^= ' "$lab/$1.out" 2>/dev/null)
	((${answers:-0} >= asked[$1])) || gone "${pid[$1]}"
}
hear() {
	answer=
	within "$2" answered "$1" || { note "$1 does not answer"; return 1; }
	answer=$(grep '^= ' "$lab/$1.out" | sed -n "${asked[$1]}s/^= //p")
	[[ $answer ]] || { note "$1 has ended: $(tail -n 3 "$lab/$1.err" | tr '\n' '|')"; return 1; }
}
ask() {
	local job=$1 seconds=$2
	shift 2
	tell "$job" "$@" && hear "$job" "$seconds"
}

# How often an application has told of something: told JOB REGEX
told() { grep -cE -- "^! $2" "$lab/$1.out" 2>/dev/null; }
has_told() { [[ $(told "$1" "$2") == "$3" ]]; }
has_members() { ask "$1" 20 members && [[ $answer == "members $2" ]]; }

# close_app JOB: it leaves, and ends well.
close_app() {
	local job=$1
	case $job in
	root*) tell "$job" close ;;
	*) ask "$job" 20 close 100000 && kill "${pid[$job]}" ;;
	esac
	finish "$job" 20
	local input=${app_in[$job]}
	exec {input}>&-
}

# Sends to the end: sent RATE COUNT; $first and $last are the numbers, $sent_us the time.
sent() {
	ask root $((10 + $2 / $1 * 4)) send "$1" "$2" && parse_sent
}
parse_sent() {
	local word
	read -r word first last sent_us <<<"$answer"
	[[ $word == sent ]] || { note "the root: $answer"; return 1; }
}
begin_stream() { tell root send "$1" 0; }
# Any command ends it; its own answer is for nobody.
end_stream() {
	echo members >&"${app_in[root]}"
	hear root 20 && parse_sent && asked[root]=$((asked[root] + 1)) && hear root 20
}

# All of $first to $last have come to each of the COUNT leaves of JOB, once, in order, unchanged.
nothing_lost() {
	local job=$1 count=$2
	ask "$job" 60 counts "$first" "$last" $((10 * ${SLOW:-1})) || return
	[[ $answer == "leaves $count missing 0 repeated 0 disordered 0 damaged 0" ]] || {
		note "$job: $answer, of $((last - first + 1))"
		return 1
	}
}

# --- the highest rate

least_rate=$(pace 5000)

# Sends at a rate for so long, and nothing is lost: loses_nothing RATE MS "JOB COUNT"...
loses_nothing() {
	local rate=$1 ms=$2 job
	shift 2
	sent "$rate" $((rate * ms / 1000)) || return
	for job in "$@"; do
		# shellcheck disable=SC2086 # two words
		nothing_lost $job || return
	done
}
# The same, and it was as fast as that.
carries() {
	local rate=$1 ms=$2
	loses_nothing "$@" || return
	((sent_us <= ms * 1100)) || { note "$rate/s: $((last - first + 1)) in $sent_us us"; return 1; }
}

# $rate: four fifths of the highest that is carried, which is looked for by halving.
# find_rate "JOB COUNT"...
find_rate() {
	local low=$least_rate high=$((2 * least_rate)) trial_ms=300
	[[ ! ${LONG-}${SLOW-} ]] || trial_ms=1000
	while ((high < 4000000)) && carries $high $trial_ms "$@" >/dev/null; do low=$high high=$((high * 2)); done
	while ((high - low > low / 8)); do
		rate=$(((low + high) / 2))
		if carries $rate $trial_ms "$@" >/dev/null; then low=$rate; else high=$rate; fi
	done
	rate=$((low * 4 / 5))
	note "$low datagrams/s are the most that get through, $rate/s it is"
}

# --- what the kernel counts, all the time

# watch HOST: its counters, several times a second, until end_watch.
watch() {
	(
		while :; do
			before=$(now_us)
			leaves=$(leaves "$1") && sessions=$(sessions "$1") &&
				tr -d '\n' <<<"[$before, $(now_us), $leaves, $sessions]" && echo
			sleep "$((${SLOW:-1} / 5)).$((${SLOW:-1} % 5 * 2))"
		done >"$lab/watched" 2>/dev/null
	) &
	pid[watch]=$!
}
# What was being written may be half.
end_watch() { end watch && sed -i '/]$/!d' "$lab/watched"; }

# No counter of a session or leaf is ever less than before, and none is gone.
counters_are_monotone() {
	local looked fell
	read -r looked fell < <(jq -n -r '
		def counts: [(.[2].leaves[] | {number: "leaf \(.number)", datagrams, bytes} + .drops),
			(.[3].sessions[] | {number: "session \(.number)", datagrams, bytes} + .drops)]
			| map(.number as $number | del(.number) | to_entries[] | .key |= "\($number) \(.)")
			| from_entries;
		reduce inputs as $line ({last: {}, fell: [], looked: 0};
			($line | counts) as $now
			| .fell += [.last | to_entries[] | select(.value > ($now[.key] // -1)) | .key]
			| .last = $now | .looked += 1)
		| "\(.looked) \(.fell | unique | join(", "))"' "$lab/watched")
	note "the counters were looked at $looked times"
	[[ $looked -gt 3 && -z $fell ]] || { note "they fell: $fell"; return 1; }
}

# Between no two looks did the leaf at ADDR:PORT get more than rT + b: bucket_holds ADDR:PORT RATE DEPTH.
# It got some nine tenths of its rate in all.
bucket_holds() {
	local most all us
	read -r most all us < <(jq -n -r --arg to "$1" --argjson rate "$2" '
		[inputs | .[0] as $before | .[1] as $after | .[2].leaves[] | select(.leaf == $to)
			| {bytes, before: ($before % 1e12), after: ($after % 1e12)}]
		| (reduce .[] as $look ({least: 1e18, most: -1e18};
			.least = ([.least, $look.bytes - $rate * $look.before / 1e6] | min)
			| .most = ([.most, $look.bytes - $rate * $look.after / 1e6 - .least] | max)) | .most) as $most
		| "\($most | floor) \(.[-1].bytes - .[0].bytes) \(.[-1].before - .[0].after)"' "$lab/watched")
	note "$1: at most $most bytes above its rate, $all bytes in all"
	((most <= $3 && all >= $2 * us / 1000000 * 9 / 10))
}

ends_with_0() { end "daemon-$1" && [[ $status == 0 ]]; }
restart() {
	ends_with_0 "$1" || note "leafcastd on $1 ended with $status"
	daemon "$@"
}
crash() { slay "daemon-$1" && daemon "$@"; }

# Nothing of a membership is in the kernel of a host: neither leaves, members nor sessions.

holdings() {
	echo "$(sessions "$1" | jq '.sessions | length')" \
		"$(leaves "$1" | jq -c '[(.leaves | length), (.members | length)]')"
}
holds() { [[ $(holdings "$1") == "$2" ]]; }
