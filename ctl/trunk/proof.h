/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What proves that a node has a membership, without showing its secret. The only
 * user of libcrypto. The formula is node.proto's (Claim): fresh nonces of both
 * sides, so no proof is of use on another connection; the role, so that none can
 * be given back to who made it.
 */
#ifndef CTL_TRUNK_PROOF_H
#define CTL_TRUNK_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/records.h"

struct lc_proof_terms {
	bool by_opener; /* who proves has opened the connection */
	struct lc_identity prover_nonce, reader_nonce;
	uint64_t number;
	bool drawn_by_opener;
};

/* 0, or -EIO: libcrypto cannot. */
int lc_proof_make(struct lc_identity *proof, const struct lc_identity *secret,
		  const struct lc_proof_terms *terms);
/* In a time that does not tell how much of it is right. */
bool lc_proof_is_right(const struct lc_identity *proof, const struct lc_identity *secret,
		       const struct lc_proof_terms *terms);

#endif
