#!/bin/sh
# Like tag.sh, but drops the tuples whose number (`<source>.<number>/...`) ends with 0.
while IFS= read -r key && IFS= read -r value; do
  case ${value%%/*} in
    *0) echo filter ;;
    *) printf 'forward\n%s\n%s/%s\n' "$key" "$value" "$$" ;;
  esac
done
