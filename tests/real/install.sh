#!/bin/sh
# Installs the real servers for tests/real: as root on Debian from its packages; WP-CLI and WordPress from the npm package wp-studio.
# Elsewhere it says what is missing; the tests that need it are then skipped and say so (with CI=true a missing server fails).
set -eu
cd "$(dirname "$0")/../.."
WP_STUDIO=1.22.0
CACHE=.cache/wp

missing=""
for tool in sshd nginx php-fpm8.2 php mariadbd openssl git busybox zstd xz bzip2; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing the real servers the tests need:$missing"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -o DPkg::Lock::Timeout=300 -qq update &&
      apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends openssh-server openssh-client nginx-light \
        php8.2-fpm php8.2-cli php8.2-mysql php8.2-xml php8.2-mbstring php8.2-curl mariadb-server openssl git busybox zstd xz-utils bzip2; } >"$log" 2>&1 ||
      { tail -n 20 "$log"; rm -f "$log"; echo "could not install the real servers; see above" >&2; [ "${CI:-}" != true ]; }
    rm -f "$log"
  else
    echo "not root on Debian: tests that need$missing are skipped" >&2
    [ "${CI:-}" != true ]
  fi
fi

if [ ! -f "$CACHE/wp-cli.phar" ]; then
  if command -v npm >/dev/null 2>&1; then
    echo "fetching WP-CLI and WordPress (npm package wp-studio $WP_STUDIO)"
    mkdir -p "$CACHE"
    work=$(mktemp -d)
    if (cd "$work" && npm pack --silent "wp-studio@$WP_STUDIO" >/dev/null); then
      files=package/dist/cli/wp-files
      tar -xzf "$work"/wp-studio-*.tgz -C "$work" "$files/wp-cli/wp-cli.phar" "$files/latest/wordpress"
      rm -rf "$CACHE/wordpress"
      mv "$work/$files/latest/wordpress" "$CACHE/wordpress"
      mv "$work/$files/wp-cli/wp-cli.phar" "$CACHE/wp-cli.phar"
      rm -rf "$work"
    else
      rm -rf "$work"
      echo "could not fetch wp-studio: tests with a real WP-CLI are skipped" >&2
      [ "${CI:-}" != true ]
    fi
  else
    echo "npm is missing: tests with a real WP-CLI are skipped" >&2
    [ "${CI:-}" != true ]
  fi
fi
