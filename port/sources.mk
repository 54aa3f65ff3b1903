# SRTP by OpenSSL serves (libs: ssl); libsrtp2 is its judge (libs: srtp2).
PORT_SRTP := port/srtp_evp.c
PORT_SRTP_LIB := port/srtp_lib.c
CFLAGS_port/srtp_evp.c := $(cflags_ssl)
CFLAGS_port/srtp_lib.c := $(cflags_srtp2)
# ICE (libnice), SCTP (usrsctp), the system-call filter (libseccomp)
PORT_ICE := port/ice_nice.c
CFLAGS_port/ice_nice.c := $(cflags_nice)
PORT_SCTP := port/sctp_usrsctp.c
PORT_SECCOMP := port/seccomp.c
CFLAGS_port/seccomp.c := $(cflags_seccomp)
# JSON (jansson)
PORT_JSON := port/json.c
CFLAGS_port/json.c := $(cflags_jansson)
# DTLS by OpenSSL (libs: ssl)
PORT_DTLS := port/dtls_openssl.c port/dtls_identity.c port/dtls_gate.c \
	port/dtls_queue.c
CFLAGS_port/dtls_openssl.c := $(cflags_ssl)
CFLAGS_port/dtls_identity.c := $(cflags_ssl)
# Opus and VP8/VP9
PORT_OPUS := port/opus.c
CFLAGS_port/opus.c := $(cflags_opus)
PORT_VPX := port/vpx.c
CFLAGS_port/vpx.c := $(cflags_vpx)
# YAML (libyaml, libs: yaml)
PORT_YAML := port/yaml.c
CFLAGS_port/yaml.c := $(cflags_yaml)
# HTTP/2 (libnghttp2, libs: nghttp2)
PORT_H2 := port/h2.c port/h2_meter.c port/h2_fields.c port/h2_queue.c
CFLAGS_port/h2.c := $(cflags_nghttp2)
# Tokens' signatures by OpenSSL (libs: ssl)
PORT_JWT := port/jwt_evp.c
CFLAGS_port/jwt_evp.c := $(cflags_ssl)
# TLS for signaling's listeners (libs: ssl)
PORT_TLS := port/tls.c
CFLAGS_port/tls.c := $(cflags_ssl)
