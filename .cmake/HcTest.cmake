# hc_test_program(TARGET AREA SOURCE...): a program that sees the library of its area, its private headers too, and all
# libraries that the area itself sees.
function(hc_test_program target area)
	add_executable(${target} ${ARGN})
	target_compile_definitions(${target} PRIVATE
		HC_SOURCE_DIR="${CMAKE_SOURCE_DIR}" HC_BUILD_DIR="${CMAKE_BINARY_DIR}")
	target_link_libraries(${target} PRIVATE hc_flags)
	if(TARGET hc_testlib)
		target_link_libraries(${target} PRIVATE hc_testlib)
	endif()
	if(area STREQUAL "cli")
		target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cli)
		target_link_libraries(${target} PRIVATE hc_cli hc_query hc_replay hc_capture hc_store)
		return()
	endif()
	if(NOT TARGET hc_${area})
		message(FATAL_ERROR "${target}: there is no library named '${area}'")
	endif()
	target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/${area}/src)
	target_link_libraries(${target} PRIVATE hc_${area})
	get_target_property(pkgs hc_${area} HC_PKGS)
	if(pkgs)
		hc_pkg(${target} PRIVATE ${pkgs})
	endif()
	if(area STREQUAL "capture")
		target_link_libraries(${target} PRIVATE hc_bpf)
	endif()
endfunction()

# What a test reads that is not a unit test: the binary, the sources, the build.
set(HC_TEST_ENV
	HINDCAST=${CMAKE_BINARY_DIR}/hindcast
	HC_SOURCE_DIR=${CMAKE_SOURCE_DIR}
	HC_BUILD_DIR=${CMAKE_BINARY_DIR}
	HC_SANITIZE=${HC_SANITIZE})
