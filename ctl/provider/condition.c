/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/endpoint.h"
#include "leafcast/leafcast.h"
#include "provider/condition.h"
#include "provider/qos.h"
#include "provider/upcalls.h"

static void refuse(struct lc_decision *decision, int code, enum leafcast_reason reason)
{
	decision->verdict = CF_REJECT;
	decision->code = code;
	decision->reason = reason;
}

/* What the function left in the structures it was given. */
static void read_answer(struct lc_decision *decision, const struct lc_local_message *asked,
			const WSABUF *callee, const QOS *qos, GROUP group, bool joiner_is_root)
{
	const struct lc_qos_view all = {.root = joiner_is_root, .sends = true, .receives = true};

	if (decision->verdict == CF_DEFER)
		return;
	if (decision->verdict == CF_REJECT) {
		refuse(decision, WSAECONNREFUSED, LEAFCAST_REJECTED);
	} else if (decision->verdict != CF_ACCEPT || group || callee->len > asked->data_capacity) {
		refuse(decision, WSAEINVAL, LEAFCAST_REJECTED);
	} else if (asked->has_flows && lc_qos_read(&decision->flows, qos, all)) {
		refuse(decision, WSAEOPNOTSUPP, LEAFCAST_BAD_FLOWSPEC);
	} else {
		decision->has_flows = asked->has_flows;
		decision->data.present = callee->len > 0;
		decision->data.length = (uint16_t)callee->len;
	}
}

void lc_condition_ask(struct lc_decision *decision, struct lc_local_message *asked,
		      bool joiner_is_root)
{
	struct sockaddr_storage caller_address, callee_address;
	WSABUF caller = {lc_endpoint_to_sockaddr(&asked->peer, &caller_address),
			 (CHAR *)&caller_address};
	WSABUF callee = {lc_endpoint_to_sockaddr(&asked->name, &callee_address),
			 (CHAR *)&callee_address};
	WSABUF caller_data = {asked->data.length, (CHAR *)asked->data.bytes};
	WSABUF callee_data = {asked->data_capacity, (CHAR *)decision->data.bytes};
	QOS qos = lc_qos_from_flows(&asked->flows, joiner_is_root);
	GROUP group = 0;

	if (callee_data.len > LEAFCAST_CONNECT_DATA_MAX)
		callee_data.len = asked->data_capacity = LEAFCAST_CONNECT_DATA_MAX;
	lc_callback_depth++;
	decision->verdict = decision->condition(&caller, asked->data.present ? &caller_data : NULL,
						asked->has_flows ? &qos : NULL, NULL, &callee,
						&callee_data, &group, decision->callback_data);
	lc_callback_depth--;
	read_answer(decision, asked, &callee_data, &qos, group, joiner_is_root);
}
