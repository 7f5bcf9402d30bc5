# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
# The demo, the lab, and `make test`, which is everything that CI runs.

# What scripts/lab.bash itself runs.
LAB_NET := $(B)/tests/pass.bpf.o $(B)/tests/pod $(B)/tests/client $(B)/tests/vty

demo: ## the main job end to end, in namespaces on this machine (root)
	$(Q)scripts/deps build && scripts/deps lab
	$(Q)$(MAKE) --no-print-directory all $(LAB_NET)
	$(Q)scripts/demo

casts: all $(LAB_NET) ## record docs/casts anew: the demo, and lodectl top (root)
	$(Q)scripts/deps lab
	$(Q)scripts/casts

$(B)/tests/pass.bpf.o: tests/lab/pass.bpf.c
	$(folder)
	$(Q)$(CLANG) -O2 -g -target bpf -c -o $@ $<

$(B)/tests/open.bpf.o: tests/lab/open.bpf.c vmlinux.h
	$(folder)
	$(Q)$(CLANG) -O2 -g -target bpf -I. -c -o $@ $<

$(B)/tests/bfd_many: $(B)/obj/tests/lab/bfd_many.o $(BENCH_LOAD_LIBS)
	$(folder)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< -Wl,--start-group $(BENCH_LOAD_LIBS) -Wl,--end-group $(LIBS_agent)

# Clients and servers of the lab, each of a file or two.
LAB_PEERS := $(patsubst %,$(B)/tests/%,pod client flows conns vty)
$(B)/tests/conns: $(B)/obj/tests/lab/conns_serve.o
$(B)/tests/flows: $(B)/obj/tests/lab/flows_serve.o
$(B)/tests/client: $(B)/obj/tests/lab/client_requests.o
$(LAB_PEERS): $(B)/tests/%: $(B)/obj/tests/lab/%.o
	$(folder)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^

LAB_PROGRAMS := $(LAB_NET) $(B)/tests/open.bpf.o $(B)/tests/bfd_many $(LAB_PEERS)

# An agent that speaks other versions to other nodes, and whose maps are of a later one: the groups tunnel and nodes_versions upgrade to
# it, one node after the other, and go back.
ifeq ($(WIRE),)
LAB_NEXT := $(B)/next/lodestoned
LAB_PROGRAMS += $(LAB_NEXT)

# Objects that do not read the versions are those of the agent itself; and so are the programs that capture, which nobody asks
# this agent for.
$(LAB_NEXT): $(B)/lodestoned
	$(Q)rm -rf $(B)/next && mkdir -p $(addprefix $(B)/next/,obj bpf gen) && cp -a $(B)/obj/userspace $(B)/next/obj
	$(Q)for of in bpf gen; do cp -a $(B)/$$of/*_capture* $(B)/next/$$of; done
	$(Q)grep -rl --include='*.d' -e bpf/wire -e skel.h -e bpf_former $(B)/next/obj | sed 's/d$$/o/' | xargs rm -f
	$(Q)$(MAKE) --no-print-directory B=$(B)/next WIRE="-DLB_WIRE_VERSION=4 -DLB_TUNNEL_VERSION=2 -DLB_ABI_VERSION=4" $@
endif

test-programs: $(LAB_PROGRAMS)
lab: all $(LAB_PROGRAMS) ## the demo's steps and bad input as assertions (root)
	$(Q)scripts/run-lab

NODES_SEEDS ?= 1 2 3 4 5 6 7 8 9 10

lab-nodes: all $(LAB_PROGRAMS) ## eight nodes: 2,000 connections while nodes and pods come and go, ten seeded runs; links, IPv6, a node that dies, other versions (root; 25 minutes)
	$(Q)for seed in $(NODES_SEEDS); do ND_SEED=$$seed scripts/run-lab nodes_run || exit 1; done
	$(Q)scripts/run-lab nodes_more
	$(Q)scripts/run-lab nodes_versions

lab-proxy: all $(LAB_PROGRAMS) ## these runs with kube-proxy and BIRD in the agents' place: how many are cut (root; tests/kube/build kube-apiserver etcd kube-proxy once)
	$(Q)for seed in $(NODES_SEEDS); do ND_PLANE=proxy ND_SEED=$$seed scripts/run-lab nodes_run || exit 1; done

kube: all $(LAB_NET) ## the demo from a real API server, and what may happen to one (root; tests/kube/build once)
	$(Q)tests/kube/run
	$(Q)tests/kube/nodes
	$(Q)tests/kube/status
	$(Q)tests/kube/migrate
	$(Q)tests/kube/metallb
	$(Q)tests/kube/deploy
	$(Q)tests/kube/helm
	$(Q)tests/kube/pods

# What `make test` has of it; skipped, and counted so, where the servers have not been built.
kube-short: all $(LAB_NET)
	$(Q)tests/kube/run short

kube-nodes: all $(LAB_NET) ## three agents, and what changes at their Nodes at a real API server; both families (root; tests/kube/build once)
	$(Q)tests/kube/nodes

kube-migrate: all $(LAB_NET) ## beside FRR in MetalLB's place: what both announce, a node over and back (root; tests/kube/build once)
	$(Q)tests/kube/migrate

kube-metallb: all $(LAB_NET) ## beside MetalLB's own controller and speakers: over, node by node, and back (root; tests/kube/build and build-metallb once)
	$(Q)tests/kube/metallb

kube-status: all $(LAB_NET) ## what kubectl shows of agents, at a real API server (root; tests/kube/build once)
	$(Q)tests/kube/status

kube-deploy: all ## the kinds and manifests of deploy/ at a real API server (root; tests/kube/build once)
	$(Q)tests/kube/deploy

kube-helm: ## the chart beside deploy/kustomize, and a release of it at a real API server (root; tests/kube/build and build-helm once)
	$(Q)tests/kube/helm

# The lab has the machine for itself: its steps tell how long the network took. But it waits a good deal, and so do units;
# checks and simulations, to which no clock matters, get what both leave of the processors. The simulations come last, since
# they hold nothing of the kernel's that a step of the lab would wait for.
TEST_PARTS := unit+tsan+fuzz-replay+bpf-test+install-test+kube-short lab -- check check-rules sim

# What is built for it alone tells debuggers lines and no more, which takes a sixth less of the compiler's time.
test: export OPT := -O2 -g1
test: ## everything that CI runs
	$(Q)scripts/deps build && scripts/deps lab
	-$(Q)$(MAKE) --no-print-directory -k -j"$$(nproc)" test-programs
	$(Q)scripts/run-all $(TEST_PARTS)

SOAK_SEEDS ?= 50000
SOAK_BFD_SEEDS ?= 10000
SOAK_PLANE_SEEDS ?= 5000
SOAK_KUBE_SEEDS ?= 5000
SOAK_ROUNDS ?= 100
SOAK_FUZZ  ?= 600
SOAK_LABS  ?= 10

soak: ## long runs: many seeds, each fuzzer for ten minutes, the lab again and again, that of eight nodes, the guest, hogs (root)
	$(Q)$(MAKE) --no-print-directory sim SEEDS=$(SOAK_SEEDS) BFD_SEEDS=$(SOAK_BFD_SEEDS) PLANE_SEEDS=$(SOAK_PLANE_SEEDS) KUBE_SEEDS=$(SOAK_KUBE_SEEDS)
	$(Q)TEST_ROUNDS=$(SOAK_ROUNDS) TEST_TIMEOUT=7200 $(MAKE) --no-print-directory unit
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(SOAK_FUZZ)
	$(Q)for i in $$(seq $(SOAK_LABS)); do $(MAKE) --no-print-directory lab || exit 1; done
	$(Q)$(MAKE) --no-print-directory vm
	$(Q)$(MAKE) --no-print-directory lab-nodes
	$(Q)PE_LLGR=1 scripts/run-lab peering
	$(Q)BFD_STRICT=1 BFD_ORDER=10 BFD_BUSY=600 BFD_HOGS=16 scripts/run-lab bfd
	$(Q)BFD_STRICT=1 BFD_HOGS=16 BFDX_LOOPS=60 BFDX_TRIALS=20 scripts/run-lab bfd_xdp

kind: all ## a whole cluster of three nodes, with FRR (kind, docker or podman, and their images; never run by `make test`)
	$(Q)tests/kind/run

kube-pods: all $(LAB_NET) ## the pods of deploy/kustomize/default on two nodes, by podman (root; tests/kube/build once)
	$(Q)scripts/deps image
	$(Q)tests/kube/pods

.PHONY: demo casts kube kube-short kube-nodes kube-migrate kube-metallb kube-status kube-deploy kube-helm kube-pods kind lab lab-nodes lab-proxy test soak
