# Compiler flags for our own code. Nothing here reaches consumers of an installed file: nothing but the binary is installed.

set(CMAKE_C_FLAGS_DEV "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong")

add_library(hc_flags INTERFACE)
target_compile_definitions(hc_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(hc_flags INTERFACE
	-Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wcast-qual -Wwrite-strings -Wpointer-arith
	-Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough)
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
	# gnu17 is the language here: a header followed by its array in a struct is one of its extensions.
	target_compile_options(hc_flags INTERFACE -Wno-gnu-variable-sized-type-not-at-end)
endif()
if(HC_WERROR)
	target_compile_options(hc_flags INTERFACE -Werror)
endif()
target_link_options(hc_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
target_link_libraries(hc_flags INTERFACE Threads::Threads)

if(HC_SANITIZE)
	add_compile_options(-fsanitize=${HC_SANITIZE} -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${HC_SANITIZE} -fno-sanitize-recover=all)
endif()
if(HC_FUZZ)
	# Coverage for everything; the driver with main() only where a target is linked.
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_compile_definitions(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION) # checksums all fit: what lies behind them is reached
	add_link_options(-fsanitize=fuzzer-no-link)
endif()
