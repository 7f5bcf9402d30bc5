// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the parts of the decoder share: complaints about the value where it stands, and the values
 * themselves, by type. Kinds use api/decode.h only.
 */
#pragma once

#include "api/decode.h"
#include "api/scalar.h"

/* An error about the value v, at which the decoder stands. */
void api_wrong(struct api_decoder *d, const struct api_value *v, const char *reason,
	       const char *remedy, const char *fmt, ...) printf_like(5, 6);

/* Nothing is wrong with the value by itself, but it is hardly what is meant: a warning. */
void api_doubt(struct api_decoder *d, const struct api_value *v, const char *reason,
	       const char *remedy, const char *fmt, ...) printf_like(5, 6);

/* It is not of the wanted type ("a map"); says what it is instead. */
void api_wrong_type(struct api_decoder *d, const struct api_value *v, const char *want,
		    const char *remedy);

/* An error if the value could not be taken as it is written (api/yaml.h). */
bool api_is_faulty(struct api_decoder *d, const struct api_value *v);

/* A scalar without quotes that is of this type by its text. */
bool api_is_plain(const struct api_value *v, enum api_scalar type);

/* Decodes one value of the field's type (for a list: one item) into dst, f->size bytes. */
void api_decode_value(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		      void *dst);

/* A LabelSelector (metav1); one of the types. */
void api_decode_selector(struct api_decoder *d, const struct api_field *f,
			 const struct api_value *v, void *dst);
