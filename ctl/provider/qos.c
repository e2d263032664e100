/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <string.h>

#include "provider/memory.h"
#include "provider/qos.h"
#include "qossp.h"

/* Far more than any list of objects; bounds the walk. */
#define OBJECTS_MAX 65536u

_Static_assert(sizeof(FLOWSPEC) == sizeof(struct lc_flowspec), "FLOWSPEC");

static struct lc_flowspec from_winsock(const FLOWSPEC *flow)
{
	return (struct lc_flowspec){
		.token_rate = flow->TokenRate,
		.token_bucket = flow->TokenBucketSize,
		.peak = flow->PeakBandwidth,
		.latency_us = flow->Latency,
		.delay_variation_us = flow->DelayVariation,
		.service = flow->ServiceType,
		.max_sdu = flow->MaxSduSize,
		.min_policed = flow->MinimumPolicedSize,
	};
}

static FLOWSPEC to_winsock(const struct lc_flowspec *flow)
{
	return (FLOWSPEC){
		.TokenRate = flow->token_rate,
		.TokenBucketSize = flow->token_bucket,
		.PeakBandwidth = flow->peak,
		.Latency = flow->latency_us,
		.DelayVariation = flow->delay_variation_us,
		.ServiceType = flow->service,
		.MaxSduSize = flow->max_sdu,
		.MinimumPolicedSize = flow->min_policed,
	};
}

static int check_object(const QOS_OBJECT_HDR *header, const char *at)
{
	QOS_SD_MODE mode;

	if (header->ObjectType >= RSVP_OBJECT_STATUS_INFO &&
	    header->ObjectType <= RSVP_OBJECT_FILTERSPEC_LIST)
		return 0;
	if (header->ObjectType != QOS_OBJECT_SD_MODE)
		return WSAEOPNOTSUPP;
	if (header->ObjectLength < sizeof(mode) || lc_memory_read(&mode, at, sizeof(mode)))
		return WSAEFAULT;
	return mode.ShapeDiscardMode == TC_NONCONF_DISCARD ? 0 : WSAEOPNOTSUPP;
}

static int check_objects(const WSABUF *list)
{
	QOS_OBJECT_HDR header;
	ULONG left = list->len;
	int error;

	if (left > OBJECTS_MAX)
		return WSAEFAULT;
	for (const char *at = list->buf; left; at += header.ObjectLength) {
		if (left < sizeof(header) || lc_memory_read(&header, at, sizeof(header)) ||
		    header.ObjectLength < sizeof(header) || header.ObjectLength > left)
			return WSAEFAULT;
		if (header.ObjectType == QOS_OBJECT_END_OF_LIST)
			return 0;
		error = check_object(&header, at);
		if (error)
			return error;
		left -= header.ObjectLength;
	}
	return 0;
}

/* A direction that the socket does not use says nothing (R59). */
static struct lc_flowspec used_or_default(const FLOWSPEC *flow, bool used)
{
	return used ? from_winsock(flow) : lc_flowspec_default;
}

int lc_qos_read(struct lc_flows *flows, const QOS *qos, struct lc_qos_view view)
{
	const enum lc_flows_of whose = view.root ? LC_FLOWS_OF_ROOT : LC_FLOWS_OF_LEAF;
	const struct lc_flows_use use = {.down = view.root ? view.sends : view.receives,
					 .up = view.root ? view.receives : view.sends};
	struct lc_flowspec sending, receiving;
	struct lc_flows read;
	QOS copy;
	int error;

	if (lc_memory_read(&copy, qos, sizeof(copy)))
		return WSAEFAULT;
	error = check_objects(&copy.ProviderSpecific);
	if (error)
		return error;
	sending = used_or_default(&copy.SendingFlowspec, view.sends);
	sending = lc_flowspec_of_sender(&sending);
	receiving = used_or_default(&copy.ReceivingFlowspec, view.receives);
	read.down = view.root ? sending : receiving;
	read.up = view.root ? receiving : sending;
	if (lc_flows_check(&read, whose, use))
		return WSAEOPNOTSUPP;
	*flows = read;
	return 0;
}

QOS lc_qos_from_flows(const struct lc_flows *flows, bool root)
{
	return (QOS){
		.SendingFlowspec = to_winsock(root ? &flows->down : &flows->up),
		.ReceivingFlowspec = to_winsock(root ? &flows->up : &flows->down),
	};
}
