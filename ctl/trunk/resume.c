/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/resume.h"

#include <errno.h>

#include "protocol/codec.h"
#include "trunk/flow.h"
#include "trunk/members.h"
#include "trunk/proof.h"

/* Messages of a list in one turn: as many memberships as anywhere else. */
#define MESSAGES_AT_ONCE (LC_TRUNK_AT_ONCE / LC_MESSAGE_ENTRIES_MAX)

static struct lc_proof_terms terms_of(const struct lc_trunk_member *member, bool ours)
{
	const struct lc_trunk *trunk = member->trunk;

	return (struct lc_proof_terms){
		.by_opener = ours == trunk->opened_here,
		.prover_nonce = ours ? trunk->own_nonce : trunk->other_nonce,
		.reader_nonce = ours ? trunk->other_nonce : trunk->own_nonce,
		.number = member->name.number,
		.drawn_by_opener = (member->name.numbered_here == 1) == trunk->opened_here,
	};
}

void lc_resume_begin(struct lc_trunk *trunk)
{
	trunk->state = LC_TRUNK_RESUMING;
	trunk->serial++;
	trunk->claims = 0;
	trunk->has_listed = trunk->other_has_listed = false;
	lc_walk_start(&trunk->walk, trunk);
	lc_resume_list(trunk);
}

/* ---- our list ---- */

static void settle_if_both(struct lc_trunk *trunk)
{
	if (!trunk->has_listed || !trunk->other_has_listed)
		return;
	trunk->state = LC_TRUNK_SETTLING;
	lc_walk_start(&trunk->walk, trunk);
	trunk->world->wake(trunk);
}

static int claim(const struct lc_trunk_member *member, struct lc_message_entry *entry)
{
	const struct lc_proof_terms terms = terms_of(member, true);

	entry->number = member->name.number;
	entry->numbered_by_sender = member->name.numbered_here == 1;
	return lc_proof_make(&entry->proof, &member->secret, &terms);
}

static void list_some(struct lc_trunk *trunk)
{
	struct lc_message message = {.kind = LC_MESSAGE_RESUME};
	struct lc_trunk_member *member;

	while (message.entry_count < LC_MESSAGE_ENTRIES_MAX &&
	       (member = lc_walk_next(&trunk->walk)))
		if (trunk->world->is_resumable(member) &&
		    claim(member, &message.entries[message.entry_count]) == 0)
			message.entry_count++;
	if (message.entry_count && lc_flow_say(trunk, &message, LC_WINDOW_QUEUE))
		lc_flow_break(trunk);
}

void lc_resume_list(struct lc_trunk *trunk)
{
	const struct lc_message end = {.kind = LC_MESSAGE_RESUME_END};

	for (int i = 0; i < MESSAGES_AT_ONCE && !lc_walk_is_over(&trunk->walk); i++) {
		if (!lc_window_has_room(&trunk->window, LC_MESSAGE_MAX))
			return; /* goes on when the other side has read */
		list_some(trunk);
	}
	if (!lc_walk_is_over(&trunk->walk)) {
		trunk->world->wake(trunk);
		return;
	}
	if (lc_flow_say(trunk, &end, LC_WINDOW_QUEUE))
		lc_flow_break(trunk);
	trunk->has_listed = true;
	settle_if_both(trunk);
}

/* ---- theirs ---- */

static void take_claim(struct lc_trunk *trunk, const struct lc_message_entry *entry)
{
	struct lc_trunk_member *member = lc_members_find(trunk, entry->number,
							 entry->numbered_by_sender);
	struct lc_proof_terms terms;

	/* It learns from our list what we do not have. */
	if (!member || !trunk->world->is_resumable(member))
		return;
	terms = terms_of(member, false);
	if (lc_proof_is_right(&entry->proof, &member->secret, &terms))
		member->proven_in = trunk->serial;
}

int lc_resume_claims(struct lc_trunk *trunk, const struct lc_message *message)
{
	trunk->claims += message->entry_count;
	if (trunk->claims > LC_TRUNK_CLAIMS_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < message->entry_count; i++)
		take_claim(trunk, &message->entries[i]);
	return 0;
}

void lc_resume_listed(struct lc_trunk *trunk)
{
	trunk->other_has_listed = true;
	settle_if_both(trunk);
}

/* ---- what they mean ---- */

void lc_resume_settle(struct lc_trunk_member *member)
{
	struct lc_trunk *trunk = member->trunk;

	if (member->settled_in == trunk->serial)
		return;
	member->settled_in = trunk->serial;
	if (!trunk->world->is_resumable(member))
		return;
	if (member->proven_in == trunk->serial)
		trunk->world->resumed(member);
	else
		trunk->world->forgotten(member);
}

bool lc_resume_settle_on(struct lc_trunk *trunk)
{
	struct lc_trunk_member *member;

	for (int i = 0; i < LC_TRUNK_AT_ONCE; i++) {
		/* Those that have left say so now, and there may be many. */
		if (trunk->broken || lc_window_waiting(&trunk->window) > LC_WINDOW_REQUESTS)
			return false;
		member = lc_walk_next(&trunk->walk);
		if (!member)
			return true;
		lc_resume_settle(member);
	}
	return lc_walk_is_over(&trunk->walk);
}
