import { ROLLED_BACK, testKills, UPGRADED, waiting } from './kill.js';

// biome-ignore format: a table
testKills([
  ['upgrade', waiting,     'temporary-written',  ROLLED_BACK],
  ['upgrade', waiting,     'renamed',            ROLLED_BACK],
  ['upgrade', waiting,     'directories-synced', ROLLED_BACK],
  ['upgrade', waiting,     'activated',          ROLLED_BACK],
  ['upgrade', waiting,     'asked',              ROLLED_BACK],
  ['upgrade', waiting,     'marking',            ROLLED_BACK],
  ['upgrade', waiting,     'marked',             ROLLED_BACK],
  ['upgrade', waiting,     'sql-upgrade',        ROLLED_BACK],
  ['upgrade', waiting,     'menus',              ROLLED_BACK],
  ['upgrade', waiting,     'written',            ROLLED_BACK],
  ['upgrade', waiting,     'committed',          UPGRADED],
  ['upgrade', waiting,     'published',          UPGRADED],
]);
