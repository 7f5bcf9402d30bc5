// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "bench_api.h"

#include "base/mem.h"
#include "bench_agent.h"
#include "sys/clock.h"

#include <curl/curl.h>
#include <stdio.h>

#define SERVER  "https://127.0.0.1:6443"
#define AT_ONCE 8

static struct curl_slist *headers[2]; /* of a body, of a patch */
static CURL *one;
static CURLM *many;

static size_t drop(char *data, size_t size, size_t n, void *ctx)
{
	char *answer = ctx;
	const size_t len = size * n < 200 ? size * n : 200;

	memcpy(answer, data, len);
	answer[len] = '\0';
	return size * n;
}

static CURL *handle_new(void)
{
	CURL *h = curl_easy_init();

	if (!h)
		bench_fail("curl");
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L); /* whose it is was said by kube-up */
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, 60L);
	return h;
}

static void prepare(CURL *h, const char *method, const char *path, const char *body, char *answer)
{
	char url[512];

	snprintf(url, sizeof(url), SERVER "%s", path);
	answer[0] = '\0';
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers[strcmp(method, "PATCH") == 0]);
	curl_easy_setopt(h, CURLOPT_COPYPOSTFIELDS, body ? body : "");
	curl_easy_setopt(h, CURLOPT_WRITEDATA, answer);
}

static void check(CURL *h, CURLcode code, const char *answer)
{
	long status = 0;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && status >= 200 && status < 300)
		return;
	fprintf(stderr, "bench: the API server: %s, %ld %s\n", curl_easy_strerror(code), status,
		answer);
	exit(1);
}

void bench_api_begin(void)
{
	const char *token = "Authorization: Bearer admin-token";

	curl_global_init(CURL_GLOBAL_ALL);
	for (size_t i = 0; i < 2; i++)
		headers[i] = curl_slist_append(curl_slist_append(NULL, token),
					       i ? "Content-Type: application/merge-patch+json"
						 : "Content-Type: application/json");
	one = handle_new();
	many = curl_multi_init();
}

void bench_api_end(void)
{
	curl_easy_cleanup(one);
	curl_multi_cleanup(many);
	for (size_t i = 0; i < 2; i++)
		curl_slist_free_all(headers[i]);
}

nsec_t bench_api_send(const char *method, const char *path, const char *body)
{
	char answer[201];
	nsec_t at;
	CURLcode code;

	prepare(one, method, path, body, answer);
	code = curl_easy_perform(one);
	at = clock_now();
	check(one, code, answer);
	return at;
}

nsec_t bench_api_read_all(void)
{
	const nsec_t begun = clock_now();

	(void)bench_api_send("GET", "/apis/discovery.k8s.io/v1/endpointslices", NULL);
	return bench_api_send("GET", "/api/v1/services", NULL) - begun;
}

/* --- many at once ----------------------------------------------------------------------------- */

struct slot {
	CURL *handle;
	char answer[201];
};

static void next(struct slot *s, const struct bench_api_calls *calls, size_t i)
{
	char path[256], *body = NULL;

	calls->make(calls->ctx, i, path, &body);
	prepare(s->handle, calls->method, path, body, s->answer);
	free(body);
	curl_multi_add_handle(many, s->handle);
}

static struct slot *slot_of(struct slot *slots, const CURL *h)
{
	while (slots->handle != h)
		slots++;
	return slots;
}

void bench_api_send_all(const struct bench_api_calls *calls, size_t n)
{
	struct slot slots[AT_ONCE] = {0};
	size_t begun = 0, over = 0;
	const CURLMsg *m;
	int n_running, n_left;

	for (size_t i = 0; i < AT_ONCE; i++) {
		slots[i].handle = handle_new();
		if (begun < n)
			next(&slots[i], calls, begun++);
	}
	while (over < n) {
		curl_multi_perform(many, &n_running);
		while ((m = curl_multi_info_read(many, &n_left))) {
			struct slot *s = slot_of(slots, m->easy_handle);

			check(s->handle, m->data.result, s->answer);
			curl_multi_remove_handle(many, s->handle);
			over++;
			if (begun < n)
				next(s, calls, begun++);
		}
		if (over < n)
			curl_multi_poll(many, NULL, 0, 100, NULL);
	}
	for (size_t i = 0; i < AT_ONCE; i++)
		curl_easy_cleanup(slots[i].handle);
}
