# A file as C: `cmake -DIN=FILE -DOUT=FILE.c -DNAME=name -DHEADER=x.h -P TidingsEmbed.cmake` writes
# const unsigned char name[] and const size_t name_len.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include \"${HEADER}\"\n
const unsigned char ${NAME}[] = {\n${bytes}0};
const size_t ${NAME}_len = sizeof(${NAME}) - 1;\n")
