/**
 * Which artifacts have ever been served under a version. Its URL promises the same bytes for a year; where a version was refreshed
 * with other bytes the promise is broken, and browsers must ask each time from then on (`spec/governance.md` §5.2).
 */
import { type Migration, migrate } from '../store/migrations.js';
import { type Database, storeFailure } from '../store/sqlite.js';

export interface ReleaseOfVersion {
  readonly pluginId: string;
  readonly version: string;
  readonly checksum: string;
}

export interface AssetHistory {
  /** To be told of a release that begins to be served. @throws SBX_STORE_FAILED */
  see(release: ReleaseOfVersion): void;
  /** Whether no other artifact was ever served under this version; false for a release that was not seen. */
  isFirst(release: ReleaseOfVersion): boolean;
}

/** @throws SBX_STORE_FAILED */
export function openAssetHistory(database: Database): AssetHistory {
  migrate(database, 'assets', MIGRATIONS);
  const note = database.prepare('INSERT OR IGNORE INTO asset_release (plugin_id, version, checksum) VALUES (?, ?, ?)');
  const count = database.prepare('SELECT count(*) FROM asset_release WHERE plugin_id = ? AND version = ?').pluck();
  /** Plugin → its releases that are the first of their version, as `version/checksum`. */
  const firsts = new Map<string, Set<string>>();

  return {
    see(release) {
      const { pluginId, version, checksum } = release;
      const known = firsts.get(pluginId) ?? new Set();
      firsts.set(pluginId, known);
      if (known.has(keyOf(release))) return;
      try {
        note.run(pluginId, version, checksum);
        const isFirst = count.get(pluginId, version) === 1;
        if (isFirst) known.add(keyOf(release));
        else for (const key of known) if (key.startsWith(`${version}/`)) known.delete(key);
      } catch (thrown) {
        throw storeFailure(thrown);
      }
    },
    isFirst: (release) => firsts.get(release.pluginId)?.has(keyOf(release)) ?? false,
  };
}

function keyOf({ version, checksum }: ReleaseOfVersion): string {
  return `${version}/${checksum}`;
}

const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'artifacts served under a version',
    sql: `
CREATE TABLE asset_release (
  plugin_id VARCHAR(64)  NOT NULL,
  version   VARCHAR(64)  NOT NULL,
  checksum  VARCHAR(128) NOT NULL,
  PRIMARY KEY (plugin_id, version, checksum)
) WITHOUT ROWID;`,
  },
];
