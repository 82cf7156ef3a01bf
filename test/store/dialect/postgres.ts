/** A PostgreSQL server of its own for a test; undefined where none is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Postgres {
  /** What `psql` prints of a script, fields joined by `|`; throws with its message. */
  readonly ask: (script: string) => readonly string[];
  readonly stop: () => void;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

export function startPostgres(path: string): Postgres | undefined {
  const [initdb, postgres, psql] = ['initdb', 'pg_ctl', 'psql'].map((name) => find(name, path));
  const account = accountOf();
  if (!initdb || !postgres || !psql || !account) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'sandpool-pg-'));
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid!);
  const quiet = { ...account, stdio: 'ignore', cwd: directory } as const;
  const data = join(directory, 'data');
  const stop = () => {
    spawnSync(postgres, ['-D', data, '-m', 'immediate', 'stop'], quiet);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    execFileSync(initdb, ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'], quiet);
    const options = `-c listen_addresses= -c unix_socket_directories=${directory} -c timezone=UTC -c fsync=off`;
    execFileSync(postgres, ['-D', data, '-w', '-t', '600', '-o', options, 'start'], quiet);
  } catch {
    stop();
    return undefined;
  }
  const connection = ['-h', directory, '-U', 'test', '-d', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1'];
  return {
    ask: (script) => {
      const { status, stdout, stderr } = spawnSync(psql, connection, {
        ...account,
        input: script,
        encoding: 'utf8',
        cwd: directory,
      });
      if (status !== 0) throw new Error(stderr);
      return stdout.split('\n').filter((line) => line !== '');
    },
    stop,
  };
}

/** The server refuses to run as root. */
function accountOf(): Account | undefined {
  if (process.getuid?.() !== 0) return {};
  const { status, stdout } = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' });
  const group = spawnSync('id', ['-g', 'postgres'], { encoding: 'utf8' });
  return status === 0 ? { uid: Number(stdout), gid: Number(group.stdout) } : undefined;
}

function find(name: string, path: string): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  return [...path.split(delimiter), ...versions].map((folder) => join(folder, name)).find(existsSync);
}
