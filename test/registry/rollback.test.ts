import { ROLLED_BACK, testKills, UPGRADED, upgraded } from './kill.js';

// biome-ignore format: a table
testKills([
  ['rollback', upgraded,   'activated',          UPGRADED],
  ['rollback', upgraded,   'marking',            UPGRADED],
  ['rollback', upgraded,   'marked',             UPGRADED],
  ['rollback', upgraded,   'temporary-written',  UPGRADED],
  ['rollback', upgraded,   'renamed',            UPGRADED],
  ['rollback', upgraded,   'directories-synced', UPGRADED],
  ['rollback', upgraded,   'menus',              UPGRADED],
  ['rollback', upgraded,   'written',            UPGRADED],
  ['rollback', upgraded,   'committed',          ROLLED_BACK],
  ['rollback', upgraded,   'published',          ROLLED_BACK],
]);
