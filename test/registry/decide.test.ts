import t from 'tap';
import {
  decide,
  decideUpload,
  effectiveReleaseStatus,
  type Situation,
  standingAfter,
} from '../../src/registry/decide.js';

const DISCOVERED = { installed: 0, status: 0, version: 'v0.1.0', checksum: 'a', currentState: 'uninstalled' } as const;
const INSTALLED = { ...DISCOVERED, installed: 1, currentState: 'installed' } as const;
const ENABLED = { ...INSTALLED, status: 1, currentState: 'enabled' } as const;
const FAILED = { ...INSTALLED, currentState: 'failed' } as const;
const SAME = { version: 'v0.1.0', checksum: 'a' };
const OTHER_BYTES = { version: 'v0.1.0', checksum: 'b' };
const HIGHER = { version: 'v0.2.0', checksum: 'c' };
const LOWER = { version: 'v0.0.9', checksum: 'd' };

const BROKEN = { isArchiveSound: false };
const UNLOADED = { isLoaded: false };

function situation(plugin: Situation['plugin'], staged: Situation['staged'], more: Partial<Situation> = {}): Situation {
  return { pluginId: 'demo', plugin, staged, isArchiveSound: true, isLoaded: plugin?.status === 1, ...more };
}

// biome-ignore format: a table
const TABLE: readonly (readonly [string, Situation, 'install' | 'enable' | 'disable', string])[] = [
  ['unknown',                         situation(undefined, undefined),            'install', 'PLUGIN_NOT_FOUND'],
  ['unknown',                         situation(undefined, undefined),            'enable',  'PLUGIN_NOT_FOUND'],
  ['unknown',                         situation(undefined, undefined),            'disable', 'PLUGIN_NOT_FOUND'],
  ['discovered',                      situation(DISCOVERED, SAME),                'install', 'install'],
  ['discovered, file gone',           situation(DISCOVERED, undefined),           'install', 'PLUGIN_DYNAMIC_ARTIFACT_MISSING'],
  ['discovered',                      situation(DISCOVERED, SAME),                'enable',  'PLUGIN_NOT_INSTALLED'],
  ['discovered',                      situation(DISCOVERED, SAME),                'disable', 'PLUGIN_NOT_INSTALLED'],
  ['installed (C36)',                 situation(INSTALLED, SAME),                 'install', 'nothing'],
  ['installed, other bytes (C37)',    situation(INSTALLED, OTHER_BYTES),          'install', 'refresh'],
  ['installed, archive damaged (C39)', situation(INSTALLED, SAME, BROKEN),        'install', 'refresh'],
  ['installed, failed',               situation(FAILED, SAME),                    'install', 'refresh'],
  ['enabled, does not load',          situation(ENABLED, SAME, UNLOADED),         'install', 'refresh'],
  ['installed, higher staged',        situation(INSTALLED, HIGHER),               'install', 'nothing'],
  ['installed, lower staged (C38)',   situation(INSTALLED, LOWER),                'install', 'PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED'],
  ['installed, file gone',            situation(INSTALLED, undefined),            'install', 'nothing'],
  ['installed, nothing left',         situation(INSTALLED, undefined, BROKEN),    'install', 'PLUGIN_DYNAMIC_ARTIFACT_MISSING'],
  ['installed',                       situation(INSTALLED, SAME),                 'enable',  'enable'],
  ['installed, file gone',            situation(INSTALLED, undefined),            'enable',  'enable'],
  ['installed, higher staged',        situation(INSTALLED, HIGHER),               'enable',  'enable'],
  ['installed, failed',               situation(FAILED, SAME),                    'enable',  'enable'],
  ['installed, archive damaged',      situation(INSTALLED, SAME, BROKEN),         'enable',  'enable'],
  ['installed, damaged, other bytes', situation(INSTALLED, OTHER_BYTES, BROKEN),  'enable',  'PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED'],
  ['enabled',                         situation(ENABLED, SAME),                   'enable',  'nothing'],
  ['enabled, does not load',          situation(ENABLED, SAME, UNLOADED),         'enable',  'enable'],
  ['installed',                       situation(INSTALLED, SAME),                 'disable', 'nothing'],
  ['enabled',                         situation(ENABLED, SAME),                   'disable', 'disable'],
  ['enabled, higher staged (C114)',   situation(ENABLED, HIGHER),                 'disable', 'disable'],
  ['enabled, nothing left (C114)',    situation(ENABLED, undefined, BROKEN),      'disable', 'disable'],
];

for (const [name, given, action, expected] of TABLE) {
  t.test(`${action} of a plugin that is ${name}: ${expected}`, async (t) => {
    if (expected === expected.toLowerCase()) t.equal(decide(given, action), expected);
    else t.throws(() => decide(given, action), { code: expected });
  });
}

const UPLOAD = { ...SAME, overwrite: false, targetExists: true };
const FREE = { ...UPLOAD, targetExists: false };

// biome-ignore format: a table
const UPLOADS: readonly (readonly [string, Situation, Parameters<typeof decideUpload>[1], string | RegExp])[] = [
  ['a first one (C16)',             situation(undefined, undefined),          FREE,                                'store'],
  ['a second one (C17)',            situation(DISCOVERED, SAME),              { ...UPLOAD, ...OTHER_BYTES },       /already exists; enable overwrite/],
  ['the same again',                situation(DISCOVERED, SAME),              UPLOAD,                              'nothing'],
  ['a second one, overwriting',     situation(DISCOVERED, SAME),              { ...UPLOAD, ...OTHER_BYTES, overwrite: true }, 'store'],
  ['installed, the same',           situation(INSTALLED, SAME),               UPLOAD,                              'nothing'],
  ['installed, the same, file gone', situation(INSTALLED, undefined),         FREE,                                'store'],
  ['installed, the same, another waits', situation(INSTALLED, HIGHER),        UPLOAD,                              'nothing'],
  ['installed, same version (C18)', situation(INSTALLED, SAME),               { ...UPLOAD, ...OTHER_BYTES, overwrite: true }, /installed dynamic plugins can only upload a higher version/],
  ['installed, lower version',      situation(INSTALLED, SAME),               { ...UPLOAD, ...LOWER, overwrite: true }, /can only upload a higher version/],
  ['installed, higher (C19)',       situation(INSTALLED, SAME),               { ...UPLOAD, ...HIGHER },            'store'],
  ['installed, file gone (C24)',    situation(INSTALLED, undefined),          { ...FREE, ...OTHER_BYTES },         /can only upload a higher version/],
  ['nothing left (C25)',            situation(INSTALLED, undefined, BROKEN),  FREE,                                'lose'],
  ['only the archive gone',         situation(INSTALLED, SAME, BROKEN),       { ...UPLOAD, ...OTHER_BYTES },       /can only upload a higher version/],
  ['id in another file',            situation(undefined, undefined),          { ...FREE, duplicateFile: 'x.wasm' }, /contains duplicate plugin ID demo: x.wasm/],
  ['unreadable file in its place',  situation(undefined, undefined),          UPLOAD,                              /already exists/],
];

for (const [name, given, upload, expected] of UPLOADS) {
  t.test(`upload, ${name}: ${expected}`, async (t) => {
    if (typeof expected === 'string') t.equal(decideUpload(given, upload), expected);
    else t.throws(() => decideUpload(given, upload), { code: 'SBX_UPLOAD_REFUSED', message: expected });
  });
}

t.test('every transition takes the generation one further', async (t) => {
  const enabled = { installed: 1, status: 1, desiredState: 'enabled', currentState: 'enabled', generation: 8 };
  const installed = { installed: 1, status: 0, desiredState: 'installed', currentState: 'installed', generation: 8 };
  t.same(standingAfter({ status: 0, generation: 7 }, 'install'), installed);
  t.same(standingAfter({ status: 0, generation: 7 }, 'enable'), enabled);
  t.same(standingAfter({ status: 1, generation: 7 }, 'disable'), installed);
  t.same(standingAfter({ status: 1, generation: 7 }, 'refresh'), enabled, 'a refresh keeps the flags');
  t.same(standingAfter({ status: 0, generation: 7 }, 'refresh'), installed);
  t.match(standingAfter({ status: 1, generation: 7 }, 'lose'), {
    installed: 0,
    status: 0,
    currentState: 'uninstalled',
  });
  t.equal(standingAfter({ status: 0, generation: 0 }, 'install').generation, 1, 'a row without one begins at 1');
});

t.test('the effective release is active, installed or uninstalled as its plugin is', async (t) => {
  t.equal(effectiveReleaseStatus({ installed: 1, status: 1 }), 'active');
  t.equal(effectiveReleaseStatus({ installed: 1, status: 0 }), 'installed');
  t.equal(effectiveReleaseStatus({ installed: 0, status: 0 }), 'uninstalled');
});
