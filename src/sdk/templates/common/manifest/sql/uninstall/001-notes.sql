-- Runs when the plugin is uninstalled and its data is to go, too.
DROP TABLE IF EXISTS plugin_sandpool_notes;
