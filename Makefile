# remotemedia-webrtc: `make` builds, `make help` lists the targets.
# What is built from what stands in <room>/sources.mk and tests/<kind>/*.mk:
# explicit lists, one line a piece.

MODE ?= release
B    := build/$(MODE)
O    := $(B)/obj
V    ?= 0
Q    := $(if $(filter 1,$(V)),,@)
say   = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

ifeq ($(filter $(MODE),release debug asan tsan fuzz),)
$(error MODE=$(MODE): release, debug, asan or tsan)
endif

CC ?= gcc
ifeq ($(MODE),fuzz)
CC := clang
endif
CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wvla -Wundef \
	-Wformat=2 -Wno-format-zero-length -Wimplicit-fallthrough -Wswitch-enum
# gcc 12 takes the bounded loop of buf_put_be() for an overflow.
WARN += $(if $(findstring clang,$(CC)),,-Wno-stringop-overflow)
ifneq ($(WERROR),0)
WARN += -Werror
endif
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS_debug := -Og -g3
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
CFLAGS_tsan := -O1 -g -fsanitize=thread
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -DFUZZING
# clang 14 knows it only with a second flag; fuzzing wants to see such reads.
ZERO_INIT := $(if $(filter fuzz,$(MODE)),,-ftrivial-auto-var-init=zero)
# Hidden: a name of ours must not stand in for a name inside a library.
CFLAGS += -std=gnu11 -fPIE -fvisibility=hidden -fstack-protector-strong \
	$(ZERO_INIT) $(WARN) $(CFLAGS_$(MODE)) \
	-MMD -MP $(EXTRA_CFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now $(LDFLAGS_$(MODE))
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread

# Foreign libraries by short name: pc_NAME is the pkg-config package.
pc_glib := glib-2.0 gobject-2.0 gio-2.0
pc_nice := nice glib-2.0 gobject-2.0 gio-2.0
pc_ssl := openssl
pc_srtp2 := libsrtp2
pc_opus := opus
pc_vpx := vpx
pc_jansson := jansson
pc_yaml := yaml-0.1
pc_seccomp := libseccomp
pc_nghttp2 := libnghttp2
pc_protobufc := libprotobuf-c
pc_grpc := grpc
pc_check := check
cflags_of = $(shell pkg-config --cflags $(pc_$(1)) 2>/dev/null)
define lib_vars
cflags_$(1) := $$(call cflags_of,$(1))
libs_$(1) := $$(shell pkg-config --libs $$(pc_$(1)) 2>/dev/null)
endef
$(foreach l,glib nice ssl srtp2 opus vpx jansson yaml seccomp \
	nghttp2 protobufc grpc check,\
	$(eval $(call lib_vars,$(l))))
libs_nng := -lnng
# Static, and without its thread (port/sctp_usrsctp.c).
libs_usrsctp := -Wl,--wrap=sctp_userspace_thread_create \
	-Wl,-Bstatic -lusrsctp -Wl,-Bdynamic
libs_thread := -pthread
libs_math := -lm

ROOMS := common proto core shm port signaling ice-worker media-worker \
	session-broker
include $(wildcard $(ROOMS:%=%/sources.mk))
include $(wildcard tests/*/sources.mk tests/*/*.mk bench/sources.mk)

# Objects of one program: $(call objs,sources)
objs = $(patsubst %.c,$(O)/%.o,$(1))

# A file that needs a library's headers says so: CFLAGS_path/file.c := ...
$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$<) -c -o $@ $<

# program(name, path, main source)
define program
$(2): $$(call objs,$(3) $$($(1)_SRC))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ \
		$$(foreach l,$$($(1)_LIBS),$$(libs_$$(l)))
ALL_OBJS += $$(call objs,$(3) $$($(1)_SRC))
endef

BIN_PATHS := $(foreach b,$(BINS),$(B)/bin/$(b))
UNIT_PATHS := $(UNIT_TESTS:%=$(B)/tests/unit/%)
SIM_PATHS := $(SIM_TESTS:%=$(B)/tests/sim/%)
PROC_PATHS := $(PROC_PROGS:%=$(B)/tests/proc/%)
BENCH_PATHS := $(BENCHES:%=$(B)/bench/%)

$(foreach b,$(BINS),$(eval $(call program,$(b),$(B)/bin/$(b),\
	$($(b)_MAIN))))
$(foreach t,$(UNIT_TESTS),$(eval $(t)_LIBS += check thread) \
	$(eval CFLAGS_tests/unit/$(t).c += $(cflags_check)) \
	$(eval $(call program,$(t),$(B)/tests/unit/$(t),tests/unit/$(t).c)))
$(foreach t,$(SIM_TESTS),$(eval $(t)_LIBS += check thread) \
	$(eval CFLAGS_tests/sim/$(t).c += $(cflags_check)) \
	$(eval $(call program,$(t),$(B)/tests/sim/$(t),tests/sim/$(t).c)))
$(foreach t,$(PROC_PROGS),$(eval $(call program,$(t),\
	$(B)/tests/proc/$(t),tests/proc/$(t).c)))
$(foreach t,$(BENCHES),$(eval $(call program,$(t),\
	$(B)/bench/$(t),bench/$(t).c)))

# Fuzz targets: always clang, in build/fuzz.
ifeq ($(MODE),fuzz)
define fuzzer
$(B)/$(1): $$(call objs,tests/fuzz/$(1).c $$($(1)_SRC))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) -fsanitize=fuzzer,address,undefined -o $$@ $$^ \
		$$(foreach l,$$($(1)_LIBS),$$(libs_$$(l)))
ALL_OBJS += $$(call objs,tests/fuzz/$(1).c $$($(1)_SRC))
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzzer,$(f))))
fuzz-programs: $(FUZZERS:%=$(B)/%)
endif

.PHONY: all bins tests unit-programs proc-programs bench-programs help run \
	test bench fuzz fuzz-programs lint docs install clean
all: bins ## Build every program (MODE=release|debug|asan|tsan, V=1)
bins: $(BIN_PATHS)
unit-programs: $(UNIT_PATHS) $(SIM_PATHS)
proc-programs: $(PROC_PATHS)
bench-programs: $(BENCH_PATHS)
tests: bins unit-programs proc-programs

run: all ## Start the system with the loopback pipeline
	@scripts/webrtc_server

test: ## Build and run the tests: make test, make MODE=asan test
	@MODE=$(MODE) scripts/test --no-install $(T)

bench: ## Print every published figure beside its bare loop
	@scripts/packages build bench
	@$(MAKE) --no-print-directory bench-programs bins
	@scripts/bench $(T)

fuzz: ## Build the fuzz targets and run each for FUZZ_SECONDS (20)
	@$(MAKE) --no-print-directory MODE=fuzz fuzz-programs
	@scripts/fuzz $(T)

lint: ## clang-format, clang-tidy, cppcheck, layers, headers alone
	@scripts/lint

docs: $(B)/bin/gen-protocol ## Write docs/PROTOCOL.md from the message table
	$(Q)$(B)/bin/gen-protocol > docs/PROTOCOL.md

PREFIX ?= /usr/local
install: all ## Install below DESTDIR and PREFIX
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BIN='$(B)/bin' scripts/install

clean: ## Remove what was built
	rm -rf build

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /  \1	/p' Makefile

# Each header as a unit of its own (scripts/lint runs it).
HEADERS := $(shell git ls-files '*.h' 2>/dev/null)
headers-alone: $(HEADERS:%=$(O)/alone/%.ok)
$(O)/alone/%.h.ok: %.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -Wall -Wextra -Werror \
		$(CFLAGS_$<) -fsyntax-only -x c $< && touch $@

-include $(sort $(ALL_OBJS:.o=.d))
