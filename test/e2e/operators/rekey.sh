#!/bin/sh
# Of a value `key,rest` makes the key and `rest/<this process>`.
while IFS= read -r key && IFS= read -r value; do
  value=${value#value: }
  printf 'forward\nkey: %s\nvalue: %s/%s\n' "${value%%,*}" "${value#*,}" "$$"
done
