# Compiles for arm64 with this machine's clang and the C library's headers for arm64; libraries are used for their headers alone, so nothing
# is linked. Headers that differ by architecture (openssl/opensslconf.h) come from this machine's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT
	"-isystem /usr/aarch64-linux-gnu/include -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_LIBRARY_ARCHITECTURE ../aarch64-linux-gnu/include) # below /usr/include, where the BPF programs look for asm/types.h
