"""The configuration files of the lab's servers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def sshd(address: str, port: int, key: Path, authorized: Path, pid: Path) -> str:
    return f"""
ListenAddress {address}:{port}
HostKey {key}
PidFile {pid}
AuthorizedKeysFile {authorized}
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
MaxSessions 10
MaxStartups 10:30:100
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""


def mariadb(root: Path, data: Path, socket: Path) -> str:
    return f"""
[mariadbd]
datadir={data}
socket={socket}
pid-file={root}/run/mysqld.pid
tmpdir={root}/tmp
log-error={root}/log/mysql.log
skip-networking
innodb_buffer_pool_size=16M
innodb_log_file_size=8M
innodb_flush_log_at_trx_commit=0
innodb_doublewrite=0
performance_schema=OFF
max_connections=40
"""


def php_fpm(root: Path, socket: Path) -> str:
    return f"""
[global]
pid = {root}/run/fpm.pid
error_log = {root}/log/fpm.log
daemonize = no
[shop]
listen = {socket}
listen.mode = 0666
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 2
catch_workers_output = no
php_admin_value[opcache.revalidate_freq] = 0
"""


def _server(root: Path, address: str, port: int, socket: Path, store: str) -> str:
    served = "$document_root" if store == "bolt" else "$realpath_root"
    return f"""
  server {{
    listen {address}:{port} ssl;
    server_name {store}.test;
    ssl_certificate {root}/tls/{store}.test.pem;
    ssl_certificate_key {root}/tls/{store}.test.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    root {root}/stores/{store}/current;
    index index.php;
    error_log {root}/log/{store}.error.log;
    access_log {root}/log/{store}.access.log;
    location / {{ try_files $uri $uri/ /index.php?$args; }}
    location ~ \\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {served}$fastcgi_script_name;
      fastcgi_param DOCUMENT_ROOT {served};
      fastcgi_param HTTP_HOST $http_host;
      fastcgi_pass unix:{socket};
      fastcgi_read_timeout 10s;
    }}
  }}"""


def nginx(root: Path, address: str, port: int, socket: Path, stores: Iterable[str]) -> str:
    servers = "".join(_server(root, address, port, socket, store) for store in stores)
    temps = "\n".join(f"  {kind}_temp_path {root}/tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off;
worker_processes 1;
pid {root}/run/nginx.pid;
error_log {root}/log/nginx.log;
events {{ worker_connections 256; }}
http {{
{temps}
  access_log off;
  default_type text/html;
{servers}
}}
"""


def wp_config(store: str, socket: Path, port: int, debug_log: Path) -> str:
    return f"""<?php
define('DB_NAME', 'wp_{store}');
define('DB_USER', 'wp_{store}');
define('DB_PASSWORD', 'pw_{store}');
define('DB_HOST', 'localhost:{socket}');
define('WP_HOME', 'https://{store}.test:{port}');
define('WP_SITEURL', 'https://{store}.test:{port}');
define('WP_DEBUG', true);
define('WP_DEBUG_DISPLAY', false);
define('WP_DEBUG_LOG', '{debug_log}');
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
