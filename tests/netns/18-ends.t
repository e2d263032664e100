#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The end of a stream that is not its root's own close is no success anywhere,
# and neither is input that cannot be read nor output that cannot be written.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a
session=10.77.1.2:5000
begun() { (($(sessions root | jq '.sessions[0].datagrams') > $1)); }
reset="the session broke: reset \(WSAECONNRESET 10054\)"

# --- interrupted
for signal in INT TERM; do
	start a a leaf $session
	open_root root $session --wait 1 --rate 4mbit
	ok "SIG$signal: a leaf joins" within 20 has_leaves root 1
	head -c 2000000 /dev/zero >&9 &
	feeder=$!
	ok "SIG$signal: the stream has begun" within 10 begun 20
	kill -$signal "${pid[root]}"
	finish root
	is "SIG$signal: the root is interrupted" "$status" 1
	finish a
	is "SIG$signal: its leaf has a part, and knows" "$status" 1
	like "SIG$signal: and says so" "$lab/a.err" "$reset"
	kill $feeder 2>/dev/null
	exec 9>&-
done

# --- input that breaks: a directory cannot be read
start a a leaf $session
tool root root $session --wait 1 </ >"$lab/broken.out" 2>"$lab/broken.err"
is "a root whose input breaks" $? 1
finish a
is "its leaf hears of it" "$status" 1
like "as of any other end that is none" "$lab/a.err" "$reset"
# While it waits for leaves, too.
start a a leaf $session
open_root root $session --wait 2
ok "one of two leaves joins" within 20 has_leaves root 1
kill -INT "${pid[root]}"
finish root
finish a
is "a root that is interrupted before it has begun" "$status" 1
exec 9>&-

# --- a leaf that cannot read what it is to send, or write what it gets
open_root root $session --wait 1
ln -s / "$lab/a.in"
start a a leaf $session --send
ok "a leaf that sends a directory joins" within 20 has_leaves root 1
close_root
finish a
is "and fails" "$status" 1
rm "$lab/a.in"
like "and says why" "$lab/a.err" "standard input: Is a directory"
open_root root $session --wait 1
tool a leaf $session --count 1 >&- 2>"$lab/a.err" 9>&- &
leaf=$!
ok "a leaf without an output joins" within 20 has_leaves root 1
echo data >&9
wait $leaf
is "and fails with the first datagram" $? 1
like "and says why" "$lab/a.err" "standard output: Bad file descriptor"
close_root

# --- a root that cannot write what leaves send goes on sending, and does not say that all is well
rm -f "$lab/root.in"
mkfifo "$lab/root.in"
exec 9<>"$lab/root.in"
tool root root $session --wait 1 <"$lab/root.in" >/dev/full 2>"$lab/root.err" 9>&- &
root=$!
echo up >"$lab/a.in"
start a a leaf $session --send
ok "a leaf that sends joins" within 20 has_leaves root 1
ok "what it sent cannot be written" within 10 grep -q "standard output: No space left" "$lab/root.err"
echo down >&9
ok "what the root sends goes out" within 10 has_sent root 1
exec 9>&-
wait $root
is "the root with a full output" $? 1
finish a
is "its leaf is told of the root's own close" "$status" 0
rm "$lab/a.in"

# --- what is printed
for command in "leafcast --version" "leafcast leaf --help" "leafcast --help" "leafcastd --help" "leafcastd --version"; do
	# shellcheck disable=SC2086 # words
	ok "$command >/dev/full fails" eval "! $build/$command >/dev/full 2>&1"
done

# --- more leaves than wait at once: the rest waits, and joins
open_root root $session
ok "a root is open" within 10 said root "is open"
kill -STOP "${pid[root]}"
for ((i = 1; i <= 134; i++)); do
	start crowd$i a leaf $session --timeout 60
	((i % 10)) || sleep 0.2
done
sleep 1
kill -CONT "${pid[root]}"
ok "134 leaves join, of which 128 may wait at once" within 40 has_leaves root 134
is "none was refused" "$(grep -l backlog-full "$lab"/crowd*.err | wc -l)" 0
close_root
for ((i = 1; i <= 134; i++)); do finish crowd$i; done
test_end
