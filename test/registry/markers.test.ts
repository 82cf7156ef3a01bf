import { DISCOVERED_TWO, testKills, UPGRADED, upgraded } from './kill.js';

// biome-ignore format: a table
testKills([
  ['uninstall', upgraded,  'activated',          UPGRADED],
  ['uninstall', upgraded,  'asked',              UPGRADED],
  ['uninstall', upgraded,  'marked',             UPGRADED],
  ['uninstall', upgraded,  'sql-uninstall',      UPGRADED],
  ['uninstall', upgraded,  'objects-deleted',    UPGRADED],
  ['uninstall', upgraded,  'sql-purged',         UPGRADED],
  ['uninstall', upgraded,  'no-menus',           UPGRADED],
  ['uninstall', upgraded,  'written',            UPGRADED],
  ['uninstall', upgraded,  'committed',          DISCOVERED_TWO],
  ['uninstall', upgraded,  'deactivated',        DISCOVERED_TWO],
]);
