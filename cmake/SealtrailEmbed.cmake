# sealtrail_embed(TARGET sealtrail_vocab NAMESPACE sealtrail::vocab FUNCTION BuiltInAliases FILE rules/aliases.yaml)
#
# Builds a text file into a target: FUNCTION() returns it as std::string_view. The file is read when CMake
# runs, and CMake runs again when it changes.
function(sealtrail_embed)
  cmake_parse_arguments(E "" "TARGET;NAMESPACE;FUNCTION;FILE" "" ${ARGN})
  set(path ${CMAKE_SOURCE_DIR}/${E_FILE})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${E_FUNCTION}.cc)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT [[
// Made by cmake/SealtrailEmbed.cmake from @E_FILE@.
#include <string_view>
namespace @E_NAMESPACE@ {
std::string_view @E_FUNCTION@();
std::string_view @E_FUNCTION@() { return R"__sealtrail__(@text@)__sealtrail__"; }
}  // namespace @E_NAMESPACE@
]])
  target_sources(${E_TARGET} PRIVATE ${out})
endfunction()
