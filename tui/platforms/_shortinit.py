"""A PHP script that lists plugins without loading any: for a shop whose plugins, theme or must-use plugins are fatal.

SHORTINIT makes WordPress stop after the database is connected. A database that is down prints an HTML page and exits 0, so the answer
counts only when it is JSON.
"""

from __future__ import annotations

LIST_PLUGINS = r"""
define('SHORTINIT', true);
ini_set('display_errors', '0');
$root = rtrim($argv[1], '/');
$_SERVER += array('HTTP_HOST' => 'localhost', 'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '/', 'SERVER_PROTOCOL' => 'HTTP/1.1');
ob_start();
require $root . '/wp-load.php';
$rows = $wpdb->get_col("SELECT option_value FROM $wpdb->options WHERE option_name = 'active_plugins'");
$active = isset($rows[0]) ? @unserialize($rows[0], array('allowed_classes' => false)) : array();
if ($wpdb->last_error !== '' || !is_array($active)) {
    fwrite(STDERR, 'active_plugins cannot be read: ' . $wpdb->last_error);
    exit(1);
}
$network = array();
if (is_multisite()) {
    $rows = $wpdb->get_col("SELECT meta_value FROM {$wpdb->base_prefix}sitemeta WHERE meta_key = 'active_sitewide_plugins'");
    $network = isset($rows[0]) ? (array) @unserialize($rows[0], array('allowed_classes' => false)) : array();
}
$head = function ($file) {
    $text = (string) @file_get_contents($file, false, null, 0, 8192);
    $found = array();
    foreach (array('title' => 'Plugin Name', 'version' => 'Version') as $key => $word) {
        $found[$key] = preg_match('/^[ \t\/*#@]*' . $word . ':(.*)$/mi', $text, $m) ? trim(preg_replace('/\*\/.*/', '', $m[1])) : '';
    }
    return $found;
};
$list = array();
$add = function ($name, $status, $found) use (&$list) {
    $list[] = array('name' => $name, 'status' => $status, 'version' => $found['version'], 'title' => $found['title']);
};
$folder = defined('WP_PLUGIN_DIR') ? WP_PLUGIN_DIR : WP_CONTENT_DIR . '/plugins';
foreach (array_merge((array) glob("$folder/*.php"), (array) glob("$folder/*/*.php")) as $file) {
    $found = $head($file);
    if ($found['title'] === '') {
        continue;
    }
    $key = substr($file, strlen($folder) + 1);
    $name = strpos($key, '/') === false ? basename($key, '.php') : dirname($key);
    $add($name, isset($network[$key]) ? 'active-network' : (in_array($key, $active, true) ? 'active' : 'inactive'), $found);
}
foreach ((array) glob(WP_CONTENT_DIR . '/mu-plugins/*.php') as $file) {
    $add(basename($file, '.php'), 'must-use', $head($file));
}
$dropins = array('advanced-cache', 'db', 'db-error', 'fatal-error-handler', 'install', 'maintenance', 'object-cache', 'php-error');
foreach ($dropins as $name) {
    if (is_file(WP_CONTENT_DIR . "/$name.php")) {
        $add("$name.php", 'dropin', $head(WP_CONTENT_DIR . "/$name.php"));
    }
}
ob_end_clean();
echo json_encode($list, defined('JSON_INVALID_UTF8_SUBSTITUTE') ? JSON_INVALID_UTF8_SUBSTITUTE : 0);
"""
