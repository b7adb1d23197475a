# Headers that most translation units read, compiled once per preset. Only headers of libraries: our own would make
# every change of theirs a full build. dbm_precompiled(TARGET) lets a target use them.
add_library(dbm_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt.cc)
target_link_libraries(dbm_fmt PUBLIC Threads::Threads)

add_library(dbm_precompiled STATIC ${CMAKE_CURRENT_LIST_DIR}/precompiled.cc)
target_link_libraries(dbm_precompiled PRIVATE dbm_warnings)
target_precompile_headers(dbm_precompiled PRIVATE
  <algorithm> <array> <charconv> <chrono> <compare> <cstdint> <deque> <filesystem> <functional> <map> <memory> <mutex>
  <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <unordered_set> <utility> <variant> <vector>
  <fmt/format.h>)

function(dbm_precompiled target)
  target_precompile_headers(${target} REUSE_FROM dbm_precompiled)
endfunction()
