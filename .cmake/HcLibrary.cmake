# hc_library(NAME [USES target...] [PKGS pkg-config-name...] [LATE_PKGS pkg-config-name...] [EXCLUDE regex...])
#
# One folder is one static library hc_NAME: all of src/**/*.c (and dialects/**/*.c) but *_fuzz.c, *_ext.c and what EXCLUDE matches. Its public
# headers are read as "NAME/header.h" by targets that link it and by nobody else: the folder is symlinked into the
# build tree as inc/NAME/NAME, and inc/NAME is the PUBLIC include directory. Private headers lie in src/ and are included
# by their bare name ("block_priv.h").
#
# PKGS are private to the library's sources (PUBLIC for linking only): a header of ours never needs another's. Of LATE_PKGS only
# the headers are needed: the sources load them while running.
function(hc_include_dir name)
	set(dir ${CMAKE_BINARY_DIR}/inc/${name})
	file(MAKE_DIRECTORY ${dir})
	file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name} ${dir}/${name} SYMBOLIC)
endfunction()

function(hc_pkg target visibility)
	foreach(pkg IN LISTS ARGN)
		string(MAKE_C_IDENTIFIER PKG_${pkg} var)
		pkg_check_modules(${var} REQUIRED IMPORTED_TARGET GLOBAL ${pkg})
		target_link_libraries(${target} ${visibility} PkgConfig::${var})
	endforeach()
endfunction()

function(hc_library name)
	cmake_parse_arguments(ARG "" "" "USES;PKGS;LATE_PKGS;EXCLUDE" ${ARGN})
	file(GLOB_RECURSE sources CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/src/*.c ${CMAKE_CURRENT_SOURCE_DIR}/dialects/*.c)
	foreach(pattern "_fuzz\\.c$" "_ext\\.c$" ${ARG_EXCLUDE})
		list(FILTER sources EXCLUDE REGEX "${pattern}")
	endforeach()
	if(NOT sources)
		set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
		file(WRITE ${sources} "typedef int hc_${name}_is_empty;\n")
	endif()
	hc_include_dir(${name})
	add_library(hc_${name} STATIC ${sources})
	target_include_directories(hc_${name}
		PUBLIC ${CMAKE_BINARY_DIR}/inc/${name}
		PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
	target_link_libraries(hc_${name} PRIVATE hc_flags PUBLIC ${ARG_USES})
	hc_pkg(hc_${name} PRIVATE ${ARG_PKGS})
	foreach(pkg IN LISTS ARG_LATE_PKGS)
		string(MAKE_C_IDENTIFIER PKG_${pkg} var)
		pkg_check_modules(${var} REQUIRED ${pkg})
		target_include_directories(hc_${name} SYSTEM PRIVATE ${${var}_INCLUDE_DIRS})
	endforeach()
	target_link_libraries(hc_${name} PRIVATE ${CMAKE_DL_LIBS})
	set_target_properties(hc_${name} PROPERTIES HC_PKGS "${ARG_PKGS}")
endfunction()
