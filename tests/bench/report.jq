# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# From the samples of scripts/bench to one document: medians, and ratios within
# a round. Round 0 has only warmed up.

# Less than this is noise on a shared machine: of one row, and of all rows together.
def row_noise: 0.03;
def overall_noise: 0.015;

def quantile($q): sort | .[((length - 1) * $q) | round];
def spread: {median: quantile(0.5), low: quantile(0.25), high: quantile(0.75)};
# Of two lists, a number a round each.
def ratios($of; $to): [$of, $to] | transpose | map(.[0] / .[1]) | spread;
# In three rounds of four.
def dearer($noise): .high < 1 - $noise;

def per_second($samples): [$samples[] | .arrived / .wall_ns * 1e9];
def copies_of($samples):
	{copies_per_s: (per_second($samples) | quantile(0.5)),
	 ns_per_copy: ([$samples[] | .wall_ns / .arrived] | quantile(0.5)),
	 cpu_ns_per_copy: ([$samples[] | .cpu_ns / .arrived] | quantile(0.5)),
	 lost: ([$samples[] | .made - .arrived] | add)};
def copy_row:
	(map(select(.who == "mirred")) | sort_by(.round)) as $mirred
	| (map(select(.who == "this")) | sort_by(.round)) as $this
	| (map(select(.who == "against")) | sort_by(.round)) as $against
	| .[0].copies
	+ {mirred: copies_of($mirred),
	   this: (copies_of($this) + {to_mirred: ratios(per_second($this); per_second($mirred))})}
	+ if $against == [] then {} else
		{against: (copies_of($against) + {to_mirred: ratios(per_second($against); per_second($mirred))}),
		 this_to_against: ratios(per_second($this); per_second($against))}
	  end;

# The geometric mean of all rows' ratios, round by round.
def overall:
	map(select(.who != "mirred")) | group_by(.round)
	| map([group_by(.copies)[] | sort_by(.who) | per_second(.) | .[1] / .[0] | log] | add / length | exp)
	| spread;

def joins_per_s($samples): [$samples[] | .joins / (.ns | add) * 1e9];
# By the median join: a few that waited for a processor outweigh hundreds in the sum.
def join_pace($samples): [$samples[] | 1 / (.ns | quantile(0.5))];
def joins_of($samples):
	{per_s: (joins_per_s($samples) | quantile(0.5)),
	 first_hundred_ns: ([$samples[].ns[:100] | quantile(0.5)] | quantile(0.5)),
	 last_hundred_ns: ([$samples[].ns[-100:] | quantile(0.5)] | quantile(0.5))};
def join_row:
	(map(select(.who == "this")) | sort_by(.round)) as $this
	| (map(select(.who == "against")) | sort_by(.round)) as $against
	| {joins: .[0].joins, this: joins_of($this)}
	+ if $against == [] then {} else
		{against: joins_of($against), this_to_against: ratios(join_pace($this); join_pace($against))}
	  end;

map(select(.round > 0)) as $samples
| $samples
| {kernel: $kernel, cpus: $cpus, this: $this}
+ (if $against == "" then {} else {against: $against} end)
+ {round_ms: $round_ms,
   rounds: (map(select(.copies) | .round) | max),
   copies: (map(select(.copies)) | group_by(.copies) | map(copy_row)),
   joins: (map(select(.joins)) | join_row)}
| .lost = ([.copies[] | .this.lost, .against.lost // 0] | add)
| (if $against == "" then . else .this_to_against = ($samples | map(select(.copies)) | overall) end)
| .dearer = ([(.copies[], .joins) | .this_to_against // empty | select(dearer(row_noise))]
	+ [.this_to_against // empty | select(dearer(overall_noise))] | length)
| .good = (.lost == 0 and .dearer == 0)
