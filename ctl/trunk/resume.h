/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* After the HELLOs: what both sides still have, and what that means for each membership. */
#ifndef CTL_TRUNK_RESUME_H
#define CTL_TRUNK_RESUME_H

#include "trunk/trunk.h"

/* Both HELLOs are through: starts to list. */
void lc_resume_begin(struct lc_trunk *trunk);
/* Lists on, as far as the window allows. */
void lc_resume_list(struct lc_trunk *trunk);
/* RESUME. -EBADMSG: it is endless. */
int lc_resume_claims(struct lc_trunk *trunk, const struct lc_message *message);
/* RESUME_END. */
void lc_resume_listed(struct lc_trunk *trunk);
/* What the lists mean for this membership is told to it, if it was not yet. It may be gone then. */
void lc_resume_settle(struct lc_trunk_member *member);
/* ...and for all, in parts; true: that was all. */
bool lc_resume_settle_on(struct lc_trunk *trunk);

#endif
