#!/bin/sh
# Forwards every tuple, with the number of this process behind the value.
while IFS= read -r key && IFS= read -r value; do
  printf 'forward\n%s\n%s/%s\n' "$key" "$value" "$$"
done
