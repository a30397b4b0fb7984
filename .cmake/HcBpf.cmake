# The kernel side. Every bpf/*.bpf.c is compiled for the bpf target and turned into a skeleton header, included as
# "bpf/NAME.skel.h" by targets that link hc_bpf. Neither a generated vmlinux.h nor this machine's BTF is used.
#
# Where clang or bpftool is missing, everything else is still built: HC_HAVE_BPF is 0 and `record` says why it cannot.

find_program(HC_BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
find_program(HC_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin /usr/local/sbin)
option(HC_BPF "compile the BPF programs (needs clang with the bpf target, bpftool and libbpf)" ON)

set(HC_HAVE_BPF 0)
if(HC_BPF AND HC_BPF_CLANG AND HC_BPFTOOL)
	pkg_check_modules(HC_LIBBPF QUIET libbpf>=1.0)
	execute_process(COMMAND ${HC_BPF_CLANG} --print-targets OUTPUT_VARIABLE targets ERROR_QUIET)
	if(HC_LIBBPF_FOUND AND targets MATCHES "bpf")
		set(HC_HAVE_BPF 1)
	endif()
endif()
if(NOT HC_HAVE_BPF)
	message(WARNING "clang with the bpf target, bpftool or libbpf >= 1.0 is missing: building without live recording "
	                "(replay, query and import work). .ci/install-deps installs them.")
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
	set(HC_BPF_ARCH arm64)
else()
	set(HC_BPF_ARCH x86)
endif()

# hc_bpf_skeleton(target source...) adds the skeleton headers of the sources to an INTERFACE target.
function(hc_bpf_skeletons target)
	set(skel_dir ${CMAKE_BINARY_DIR}/skel)
	set(obj_dir ${CMAKE_BINARY_DIR}/bpf-obj)
	file(MAKE_DIRECTORY ${skel_dir}/bpf ${obj_dir})
	# A BPF program sees of store/ only the bare table of event types.
	file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/inc/bpf_store/store)
	file(CREATE_LINK ${CMAKE_SOURCE_DIR}/store/event_types.def
	     ${CMAKE_BINARY_DIR}/inc/bpf_store/store/event_types.def SYMBOLIC)
	set(headers)
	foreach(source IN LISTS ARGN)
		get_filename_component(name ${source} NAME)
		string(REGEX REPLACE "\\.bpf\\.c$" "" name ${name})
		set(obj ${obj_dir}/${name}.bpf.o)
		set(skel ${skel_dir}/bpf/${name}.skel.h)
		add_custom_command(
			OUTPUT ${obj}
			COMMAND ${HC_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra
				-Wno-unused-parameter -Wno-missing-field-initializers
				-D__TARGET_ARCH_${HC_BPF_ARCH}
				-I${CMAKE_BINARY_DIR}/inc/bpf -I${CMAKE_BINARY_DIR}/inc/bpf_store
				-I${CMAKE_SOURCE_DIR}/bpf
				-idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
				-MD -MF ${obj}.d -MT ${obj} -c ${source} -o ${obj}
			DEPENDS ${source}
			DEPFILE ${obj}.d
			COMMENT "BPF ${name}.bpf.c"
			VERBATIM)
		add_custom_command(
			OUTPUT ${skel}
			# without the debugger's sections, which are half of it
			COMMAND ${HC_BPFTOOL} gen object ${obj_dir}/${name}.small.o ${obj}
			COMMAND ${HC_BPFTOOL} gen skeleton ${obj_dir}/${name}.small.o name ${name}_bpf > ${skel}.tmp
			COMMAND ${CMAKE_COMMAND} -E rename ${skel}.tmp ${skel}
			DEPENDS ${obj}
			COMMENT "Skeleton ${name}.skel.h"
			VERBATIM)
		list(APPEND headers ${skel})
	endforeach()
	add_custom_target(${target}_gen DEPENDS ${headers})
	add_dependencies(${target} ${target}_gen)
	target_include_directories(${target} SYSTEM INTERFACE ${skel_dir})
endfunction()
