/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/proof.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* As it is hashed: nothing but bytes, so there is no padding. */
struct text {
	char what[15];
	uint8_t role;
	struct lc_identity prover_nonce, reader_nonce;
	uint8_t number[8];
	uint8_t drawn_by;
};
_Static_assert(sizeof(struct text) == 15 + 1 + 32 + 8 + 1, "no padding");

static uint8_t role(bool opener)
{
	return opener ? 1 : 2;
}

static struct text text_of(const struct lc_proof_terms *terms)
{
	struct text text = {
		.role = role(terms->by_opener),
		.prover_nonce = terms->prover_nonce,
		.reader_nonce = terms->reader_nonce,
		.drawn_by = role(terms->drawn_by_opener),
	};
	uint64_t number = htobe64(terms->number);

	memcpy(text.what, "leafcast resume", sizeof(text.what));
	memcpy(text.number, &number, sizeof(text.number));
	return text;
}

int lc_proof_make(struct lc_identity *proof, const struct lc_identity *secret,
		  const struct lc_proof_terms *terms)
{
	struct text text = text_of(terms);
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (!HMAC(EVP_sha256(), secret->bytes, sizeof(secret->bytes), (const uint8_t *)&text,
		  sizeof(text), digest, NULL))
		return -EIO;
	memcpy(proof->bytes, digest, sizeof(proof->bytes));
	return 0;
}

bool lc_proof_is_right(const struct lc_identity *proof, const struct lc_identity *secret,
		       const struct lc_proof_terms *terms)
{
	struct lc_identity right;

	return lc_proof_make(&right, secret, terms) == 0 &&
	       CRYPTO_memcmp(right.bytes, proof->bytes, sizeof(right.bytes)) == 0;
}
