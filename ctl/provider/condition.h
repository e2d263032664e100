/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The application's decision about a request: its condition function, or that there is none. */
#ifndef CTL_PROVIDER_CONDITION_H
#define CTL_PROVIDER_CONDITION_H

#include "core/local.h"
#include "provider/provider.h"

struct lc_decision {
	LPCONDITIONPROC condition; /* NULL: accept */
	DWORD_PTR callback_data;
	int verdict;		     /* CF_* */
	int code;		     /* what WSPAccept fails with, of CF_REJECT */
	enum leafcast_reason reason; /* what a rejected peer is told */
	struct lc_connect_data data;
	bool has_flows;
	struct lc_flows flows;
};

/* Nothing locked: the function is the application's. It is called in this thread. */
void lc_condition_ask(struct lc_decision *decision, struct lc_local_message *asked,
		      bool joiner_is_root);

#endif
