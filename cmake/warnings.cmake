# Warnings are errors for our own code only; third-party headers come in as system headers.
add_library(dbm_warnings INTERFACE)
target_compile_options(dbm_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror)

# GCC 12 reports overlaps in std::string (GCC bug 105651) and uninitialised members in std::variant (GCC bug 105562)
# that do not exist; the same holds for its bounds of inlined strings.
target_compile_options(dbm_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow> $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

option(DBM_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(DBM_TSAN "Build with ThreadSanitizer" OFF)
set(DBM_SANITIZERS $<IF:$<BOOL:${DBM_TSAN}>,thread,address$<COMMA>undefined>)
if(DBM_SANITIZE OR DBM_TSAN)
  add_compile_options(-fsanitize=${DBM_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DBM_SANITIZERS})
  # Instrumented code makes GCC 12 report more that is not there; the other presets report what is.
  target_compile_options(dbm_warnings INTERFACE -Wno-error)
endif()
