# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The document of scripts/bench as a table for a terminal.

def left($width): . + " " * ([$width - length, 0] | max);
def right($width): " " * ([$width - length, 0] | max) + .;
def decimals($n): . * pow(10; $n) | round | tostring
	| if $n == 0 then . else (if length <= $n then "0" * ($n + 1 - length) + . else . end)
		| .[:-$n] + "." + .[-$n:] end;
def millions: . / 1e6 | if . >= 10 then decimals(1) else decimals(2) end;
def ratio: if . == null then "-" else "\(.median | decimals(2)) (\(.low | decimals(2))-\(.high | decimals(2)))" end;

def heading($against):
	"\("leaves" | left(8))\("family" | left(8))\("payload" | left(12))\("mirred" | right(10))\("this" | right(10))\("this/mirred" | right(20))"
	+ if $against then "\("against" | right(10))\("against/mirred" | right(20))\("this/against" | right(20))" else "" end;
def row($against):
	("\(.leaves)\(if .limited then " (b)" else "" end)" | left(8))
	+ (.family | left(8))
	+ (if .segments > 1 then "\(.segments) x \(.payload_bytes)" else "\(.payload_bytes)" end | left(12))
	+ (.mirred.copies_per_s | millions | right(10))
	+ (.this.copies_per_s | millions | right(10))
	+ (.this.to_mirred | ratio | right(20))
	+ if $against then
		(.against.copies_per_s | millions | right(10))
		+ (.against.to_mirred | ratio | right(20))
		+ (.this_to_against | ratio | right(20))
	  else "" end;
def joins($who):
	"\($who | left(10))\(.per_s | decimals(0) | right(8))/s, one of the first hundred \(.first_hundred_ns / 1000 | decimals(0)) us, of the last \(.last_hundred_ns / 1000 | decimals(0)) us";

(.against != null) as $against
| "Leafcast \(.this)\(if $against then " against \(.against)" else "" end), kernel \(.kernel), \(.cpus) CPUs, \(.rounds) rounds of \(.round_ms) ms",
"",
"Copies, millions a second; ratios are medians (and quartiles) within a round; (b): each leaf has a bucket",
heading($against),
(.copies | sort_by(.limited, .family, .leaves, .segments, -.payload_bytes) | .[] | row($against)),
if $against then "all rows together, this/against \(.this_to_against | ratio)" else empty end,
"",
"\(.joins.joins) joins one after another",
(.joins.this | joins("this")),
if $against then (.joins.against | joins("against")), "this/against \(.joins.this_to_against | ratio)" else empty end,
"",
(if .lost > 0 then "\(.lost) copies were lost" else empty end),
(if $against then (if .dearer > 0 then "dearer than before: \(.dearer) of these" else "no dearer than before" end) else empty end)
