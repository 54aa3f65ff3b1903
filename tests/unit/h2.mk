UNIT_TESTS += test_h2 test_h2_meter
test_h2_SRC := $(PORT_H2) core/http/h1.c
test_h2_LIBS := nghttp2
test_h2_meter_SRC := port/h2_meter.c port/h2_queue.c port/h2_fields.c \
	core/http/h1.c
