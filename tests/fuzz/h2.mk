FUZZERS += fuzz_h2
fuzz_h2_SRC := $(PORT_H2) core/http/h1.c
fuzz_h2_LIBS := nghttp2
