# Compiler and linker flags that every target of ours takes, as the interface target tidings_flags.
add_library(tidings_flags INTERFACE)

target_compile_options(tidings_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wvla -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wcast-qual
  -fstack-protector-strong -fno-omit-frame-pointer -UNDEBUG)
target_compile_definitions(tidings_flags INTERFACE _GNU_SOURCE)
target_link_options(tidings_flags INTERFACE -Wl,-z,relro,-z,now -pie)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tidings_flags INTERFACE -fstack-clash-protection -fcf-protection)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(tidings_flags INTERFACE -O2)
  target_compile_definitions(tidings_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(TIDINGS_WERROR)
  target_compile_options(tidings_flags INTERFACE -Werror)
endif()
if(TIDINGS_SANITIZE)
  target_compile_options(tidings_flags INTERFACE
    -fsanitize=${TIDINGS_SANITIZE} -fno-sanitize-recover=all -O1 -g)
  target_link_options(tidings_flags INTERFACE -fsanitize=${TIDINGS_SANITIZE})
  if(TIDINGS_SANITIZE MATCHES "address" AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_compile_options(tidings_flags INTERFACE -fsanitize=fuzzer-no-link)
    set(TIDINGS_FUZZ ON)
  endif()
endif()
