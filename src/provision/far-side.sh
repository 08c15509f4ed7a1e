# What `rainstorm up` and `rainstorm down` run on a host, by any POSIX shell:
#
#   sh -c "$(cat far-side.sh)" sh <function> <directory> [argument ...]
#
# Every argument is a word, never text of a program. Answers are lines `rainstorm:key=value` on stdout,
# so whatever a login shell prints besides does no harm. Nothing but <directory> is touched.
set -u
umask 077

say() { printf 'rainstorm:%s=%s\n' "$1" "$2"; }

# The reason in one line, and the end.
fail() {
  say failed "$(printf '%s' "$*" | tr '\n' ' ')"
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# SHA-256 of a file; nothing when it cannot be read.
hash_of() {
  if has sha256sum; then sum=$(sha256sum <"$1" 2>/dev/null)
  elif has shasum; then sum=$(shasum -a 256 <"$1" 2>/dev/null)
  else sum=$(openssl dgst -sha256 -r <"$1" 2>/dev/null)
  fi
  printf '%s' "${sum%% *}"
}

# The node that node.pid names, if that very process (start time included) still runs.
find_node() {
  node=none pid= hash=
  [ -r "$dir/node.pid" ] || return 0
  read -r pid start hash <"$dir/node.pid" || return 0
  node=dead
  [ -r "/proc/$pid/stat" ] || return 0
  read -r stat <"/proc/$pid/stat" || return 0
  # After the name in parentheses: state (3rd field of proc(5)), ..., start time (22nd field).
  set -- ${stat##*) }
  [ "$1" != Z ] && [ "${20}" = "$start" ] && node=running
  return 0
}

say_node() {
  find_node
  say node "$node"
  say pid "$pid"
  say hash "$hash"
}

is_ours() { [ -d "$dir" ] && [ ! -L "$dir" ] && [ -f "$dir/.rainstorm-node" ]; }

# state: whether a node runs. Makes nothing.
state() {
  if is_ours; then say ours yes; else say ours no; fi
  say dir "$dir"
  say_node
}

# probe <hash>: what the host can do and what is there. Makes the directory.
probe() {
  say system "$(uname -s) $(uname -m)"
  say dir "$dir"
  set -- "$1" ${SSH_CONNECTION:-}
  say address "${4:-}"
  has sha256sum || has shasum || has openssl ||
    fail "none of sha256sum, shasum and openssl is there; install one"
  for tool in zstd gzip; do has $tool && say "has_$tool" yes; done
  if ! is_ours; then
    if [ -L "$dir" ] || { [ -e "$dir" ] && [ ! -d "$dir" ]; }; then
      fail "$dir there is not a directory; give another one with dir"
    fi
    if [ -d "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
      fail "the directory $dir there holds other files; give another one with dir"
    fi
    mkdir -p "$dir" && : >"$dir/.rainstorm-node" || fail "the directory $dir cannot be made there"
  fi
  chmod 700 "$dir" && mkdir -p "$dir/incoming" "$dir/versions" || fail "$dir cannot be written there"
  say key "$([ -f "$dir/cluster.key" ] && hash_of "$dir/cluster.key")"
  if [ -d "$dir/data/control" ]; then say data yes; else say data no; fi
  program="$dir/versions/$1/rainstorm"
  if [ -f "$program" ] && [ "$(hash_of "$program")" = "$1" ]; then say installed yes
  else say installed no
  fi
  say_node
}

# install <part> <zstd|gzip|plain> <hash>: unpacks incoming/<part>, and keeps it when its hash is right.
install() {
  part="$dir/incoming/$1"
  fresh="$dir/incoming/$3.$$"
  case $2 in
    zstd) problem=$(zstd -dcq <"$part" 2>&1 >"$fresh") ;;
    gzip) problem=$(gzip -dc <"$part" 2>&1 >"$fresh") ;;
    *) problem=$(cp -- "$part" "$fresh" 2>&1) ;;
  esac || { rm -f -- "$fresh" "$part"; fail "unpacking failed: $problem"; }
  got=$(hash_of "$fresh")
  if [ "$got" != "$3" ]; then
    rm -f -- "$fresh" "$part"
    say differs "$got"
    exit 1
  fi
  chmod 700 "$fresh" && mkdir -p "$dir/versions/$3" && mv -f -- "$fresh" "$dir/versions/$3/rainstorm" ||
    fail "the program cannot be put into $dir/versions"
  rm -f -- "$part"
}

# adopt <hash>: proves that the version runs here, and makes it the current one.
adopt() {
  version=$("$dir/versions/$1/rainstorm" version 2>&1 </dev/null) ||
    fail "the program does not run there: $version"
  say version "$version"
  ln -sfn "versions/$1" "$dir/current.$$" || fail "the link $dir/current cannot be made"
  mv -fT "$dir/current.$$" "$dir/current" 2>/dev/null ||
    { rm -f -- "$dir/current" && mv -f "$dir/current.$$" "$dir/current"; } ||
    fail "the link $dir/current cannot be replaced"
  forget_old "$1"
}

# All but the three newest versions go, and never <hash> or the one that a node runs.
forget_old() {
  find_node
  kept=0
  ls -1t "$dir/versions" | while read -r each; do
    kept=$((kept + 1))
    [ "$kept" -le 3 ] || [ "$each" = "$1" ] || [ "$each" = "$hash" ] || rm -rf -- "${dir:?}/versions/$each"
  done
}

# place_key <file>: incoming/<file> becomes the cluster key.
place_key() {
  chmod 600 "$dir/incoming/$1" && mv -f -- "$dir/incoming/$1" "$dir/cluster.key" ||
    fail "the cluster key cannot be put into $dir"
}

# start <hash> <argument ...>: a node that outlives this connection. Ends once its id is written down.
start() {
  # Two that start at once would write over each other's node.pid; the node itself must not keep it.
  exec 9>"$dir/start.lock"
  has flock && flock 9
  find_node
  if [ "$node" = running ]; then say_node; return; fi
  version=$1
  shift
  cd "$dir" || fail "$dir cannot be entered"
  [ -f node.log ] && mv -f node.log node.log.1
  detach=nohup
  has setsid && detach=setsid
  # stdout is this shell's until the program takes over: the substitution ends when it has.
  # shellcheck disable=SC2016
  problem=$($detach sh -c '
    read -r stat </proc/$$/stat || exit 1
    program=$1 version=$2
    shift 2
    record() { printf "%s %s %s\n" "$$" "${20}" "$version"; }
    remember() { set -- ${stat##*) }; record "$@" >node.pid.new && mv -f node.pid.new node.pid; }
    remember || { echo "node.pid cannot be written"; exit 1; }
    exec "$program" "$@" >>node.log 2>&1
  ' sh "$dir/versions/$version/rainstorm" "$version" "$@" </dev/null 2>node.log 9>&- &)
  [ -z "$problem" ] || fail "$problem"
  say_node
}

# members: what its node says of the others and of who leads, each as JSON in one line.
members() {
  find_node
  say node "$node"
  if [ "$node" = running ]; then
    for question in members voters; do
      answer=$("$dir/versions/$hash/rainstorm" "$question" --json --data "$dir/data" 2>&1 </dev/null) ||
        { say silent "$(printf '%s' "$answer" | tail -n 1)"; return; }
      say "$question" "$(printf '%s' "$answer" | tr '\n' ' ')"
    done
  else say words "$(tail -n 3 "$dir/node.log" 2>/dev/null | tr '\n' ' ')"
  fi
}

# stop <signal>: asks the node to end; whether it has is seen by `state`.
stop() {
  find_node
  [ "$node" != running ] || kill -s "$1" "$pid" || fail "process $pid cannot be ended"
  say_node
}

# clean: removes what `up` made, and the directory if nothing else is in it.
clean() {
  is_ours || fail "$dir is not a directory that \`rainstorm up\` made"
  find_node
  [ "$node" != running ] || fail "its node, process $pid, still runs"
  cd "$dir" || fail "$dir cannot be entered"
  rm -rf -- versions incoming data current cluster.key node.pid node.pid.new node.log node.log.1 start.lock ||
    fail "not everything in $dir can be removed"
  left=$(ls -A | grep -vx '\.rainstorm-node' | head -n 3 | tr '\n' ' ')
  say left "$left"
  [ -n "$left" ] && return
  cd / && rm -f -- "$dir/.rainstorm-node" && rmdir -- "$dir" || fail "$dir cannot be removed"
}

task=$1
case $2 in
  /*) dir=$2 ;;
  '~/'*) dir=$HOME/${2#'~/'} ;;
  *) dir=$HOME/$2 ;;
esac
shift 2
case $task in
  state | probe | install | adopt | place_key | start | members | stop | clean) "$task" "$@" ;;
  *) fail "there is no task $task" ;;
esac
